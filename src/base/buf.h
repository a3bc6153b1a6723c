/* buf: a growable byte string for output. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

/* A zeroed struct buf is empty. */
struct buf {
	uint8_t *data;
	size_t size, cap;
};

void buf_fini(struct buf *b);
/* Room for SIZE more bytes; their address (not yet part of b->size). Aborts when memory is out. */
uint8_t *buf_reserve(struct buf *b, size_t size);
void buf_add(struct buf *b, const void *p, size_t size);
void buf_str(struct buf *b, const char *s); /* without the NUL */
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* LEB128 as protobuf writes it; P has room for 10 bytes. Returns the byte after. */
static inline uint8_t *varint_put(uint8_t *p, uint64_t v)
{
	while (v >= 0x80) {
		*p++ = (uint8_t)v | 0x80;
		v >>= 7;
	}
	*p++ = (uint8_t)v;
	return p;
}

static inline size_t varint_size(uint64_t v)
{
	return v ? (size_t)(70 - __builtin_clzll(v)) / 7 : 1;
}

static inline void buf_varint(struct buf *b, uint64_t v)
{
	b->size = (size_t)(varint_put(buf_reserve(b, 10), v) - b->data);
}

#endif
