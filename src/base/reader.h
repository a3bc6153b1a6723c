/* reader: a bounds-checked cursor over bytes that nobody vouches for. An error sticks: after the first read past the
 * end every read returns 0, and failed stays true, so that parsing code reads straight on and checks once.
 * It never allocates and never copies; pointers it returns live as long as the bytes. */
#ifndef BASE_READER_H
#define BASE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct reader {
	const uint8_t *pos, *end;
	bool failed;
	bool swap; /* the bytes are of the other endianness */
};

static inline struct reader reader_of(const void *data, size_t size)
{
	return (struct reader){ .pos = data, .end = size ? (const uint8_t *)data + size : data };
}

static inline size_t reader_left(const struct reader *r)
{
	return (size_t)(r->end - r->pos);
}

/* Fails the reader; all that follows reads as 0. */
static inline void reader_fail(struct reader *r)
{
	r->failed = true;
	r->pos = r->end;
}

/* SIZE bytes in place, or NULL. */
static inline const void *reader_bytes(struct reader *r, uint64_t size)
{
	const uint8_t *p = r->pos;

	if (size > reader_left(r)) {
		reader_fail(r);
		return NULL;
	}
	if (size) /* nothing of nothing: NULL + 0 is undefined */
		r->pos += size;
	return p;
}

static inline void reader_skip(struct reader *r, uint64_t size)
{
	reader_bytes(r, size);
}

/* A reader of the next SIZE bytes, which R skips; it is failed and empty when there are not so many. */
static inline struct reader reader_sub(struct reader *r, uint64_t size)
{
	const void *p = reader_bytes(r, size);

	return (struct reader){ .pos = p, .end = p ? (const uint8_t *)p + size : NULL, .failed = !p, .swap = r->swap };
}

static inline uint8_t reader_u8(struct reader *r)
{
	const uint8_t *p = reader_bytes(r, 1);

	return p ? *p : 0;
}

#define READER_UINT(bits)                                                                          \
	static inline uint##bits##_t reader_u##bits(struct reader *r)                              \
	{                                                                                          \
		const void *p = reader_bytes(r, bits / 8);                                         \
		uint##bits##_t v = 0;                                                              \
		if (p)                                                                             \
			memcpy(&v, p, sizeof(v));                                                  \
		return r->swap ? __builtin_bswap##bits(v) : v;                                     \
	}
READER_UINT(16)
READER_UINT(32)
READER_UINT(64)
#undef READER_UINT

/* LEB128 (DWARF 5 section 7.6), also protobuf's varint; bits past 64 fail the reader. */
static inline uint64_t reader_uleb(struct reader *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 70; shift += 7) {
		uint64_t byte = reader_u8(r);

		if (shift == 63 && byte > 1)
			break;
		v |= (byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return r->failed ? 0 : v;
	}
	reader_fail(r);
	return 0;
}

static inline int64_t reader_sleb(struct reader *r)
{
	uint64_t v = 0, byte;
	unsigned shift = 0;

	do {
		byte = reader_u8(r);
		if (shift < 64)
			v |= (byte & 0x7f) << shift;
		shift += 7;
	} while ((byte & 0x80) && shift < 70);
	if (byte & 0x80)
		reader_fail(r);
	if (shift < 64 && (byte & 0x40))
		v |= -(UINT64_C(1) << shift);
	return r->failed ? 0 : (int64_t)v;
}

/* A NUL-terminated string in place, or NULL (no NUL before the end). */
static inline const char *reader_str(struct reader *r)
{
	const uint8_t *p = r->pos, *nul = reader_left(r) ? memchr(p, 0, reader_left(r)) : NULL;

	if (!nul) {
		reader_fail(r);
		return NULL;
	}
	r->pos = nul + 1;
	return (const char *)p;
}

#endif
