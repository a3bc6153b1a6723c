#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define ARENA_CHUNK_MIN (16 << 10)
#define ARENA_CHUNK_MAX (256 << 10)

struct arena_chunk {
	struct arena_chunk *older;
	char data[];
};

void arena_fini(struct arena *a)
{
	struct arena_chunk *c, *older;

	for (c = a->chunks; c; c = older) {
		older = c->older;
		free(c);
	}
	memset(a, 0, sizeof(*a));
}

static void *arena_grow(struct arena *a, size_t size)
{
	/* Chunks grow with the arena, so that small ones stay small. */
	size_t room = a->size < ARENA_CHUNK_MIN ? ARENA_CHUNK_MIN : a->size;
	struct arena_chunk *c;

	if (room > ARENA_CHUNK_MAX)
		room = ARENA_CHUNK_MAX;
	if (size > room / 4) { /* a piece of its own, the current chunk goes on */
		c = xmalloc(sizeof(*c) + size);
		a->size += sizeof(*c) + size;
		if (!a->chunks) {
			c->older = NULL;
			a->chunks = c;
		} else {
			c->older = a->chunks->older;
			a->chunks->older = c;
		}
		return c->data;
	}
	c = xmalloc(room);
	c->older = a->chunks;
	a->chunks = c;
	a->size += room;
	a->next = c->data + size;
	a->end = (char *)c + room;
	return c->data;
}

void *arena_alloc(struct arena *a, size_t size)
{
	char *p = a->next;

	size = (size + 7) & ~(size_t)7;
	if (size > (size_t)(a->end - p))
		return arena_grow(a, size);
	a->next = p + size;
	return p;
}

void *arena_memdup(struct arena *a, const void *p, size_t size)
{
	void *copy = arena_alloc(a, size);

	if (size)
		memcpy(copy, p, size);
	return copy;
}
