/* jitgen: makes a jitdump (object/jitdump.h), record by record. */
#ifndef TESTS_JITGEN_H
#define TESTS_JITGEN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "object/jitdump.h"

struct jitgen {
	struct buf out;
	bool swap;     /* of the other byte order */
	uint64_t time; /* of the next record */
};

struct jitgen_row {
	uint64_t address;
	uint32_t line;
	const char *file; /* "\xff": as before */
};

static inline void jitgen_u32(struct buf *b, bool swap, uint32_t v)
{
	v = swap ? __builtin_bswap32(v) : v;
	buf_add(b, &v, sizeof(v));
}

static inline void jitgen_u64(struct buf *b, bool swap, uint64_t v)
{
	v = swap ? __builtin_bswap64(v) : v;
	buf_add(b, &v, sizeof(v));
}

static inline void jitgen_init(struct jitgen *g, bool swap)
{
	static const uint32_t header[] = { 0x4a695444, 1, 40, 62 };

	*g = (struct jitgen){ .swap = swap };
	for (int i = 0; i < 4; i++)
		jitgen_u32(&g->out, swap, header[i]);
	jitgen_u64(&g->out, swap, 0);
	jitgen_u64(&g->out, swap, 0);
	jitgen_u64(&g->out, swap, 0);
}

static inline void jitgen_record(struct jitgen *g, uint32_t type, const struct buf *body)
{
	jitgen_u32(&g->out, g->swap, type);
	jitgen_u32(&g->out, g->swap, (uint32_t)(16 + body->size));
	jitgen_u64(&g->out, g->swap, g->time);
	buf_add(&g->out, body->data, body->size);
}

/* SIZE bytes of code are noted, but only a few are there. */
static inline void jitgen_load(struct jitgen *g, uint64_t start, uint64_t size, uint64_t index, const char *name)
{
	struct buf b = { 0 };

	jitgen_u64(&b, g->swap, 0);
	jitgen_u64(&b, g->swap, start);
	jitgen_u64(&b, g->swap, start);
	jitgen_u64(&b, g->swap, size);
	jitgen_u64(&b, g->swap, index);
	buf_add(&b, name, strlen(name) + 1);
	buf_add(&b, "\xb9\xff\xff", 3);
	jitgen_record(g, 0, &b);
	buf_fini(&b);
}

static inline void jitgen_move(struct jitgen *g, uint64_t from, uint64_t to, uint64_t size, uint64_t index)
{
	const uint64_t fields[] = { 0, to, from, to, size, index };
	struct buf b = { 0 };

	for (int i = 0; i < 6; i++)
		jitgen_u64(&b, g->swap, fields[i]);
	jitgen_record(g, 1, &b);
	buf_fini(&b);
}

static inline void jitgen_info(struct jitgen *g, uint64_t start, const struct jitgen_row *rows, unsigned nr)
{
	struct buf b = { 0 };

	jitgen_u64(&b, g->swap, start);
	jitgen_u64(&b, g->swap, nr);
	for (unsigned i = 0; i < nr; i++) {
		jitgen_u64(&b, g->swap, rows[i].address);
		jitgen_u32(&b, g->swap, rows[i].line);
		jitgen_u32(&b, g->swap, 0);
		buf_add(&b, rows[i].file, strlen(rows[i].file) + 1);
	}
	jitgen_record(g, 2, &b);
	buf_fini(&b);
}

#endif
