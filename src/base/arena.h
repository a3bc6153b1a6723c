/* arena: memory of one lifetime, given out piece by piece and freed whole. Pieces never move. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks; /* newest first */
	char *next, *end;           /* free part of the newest chunk */
	size_t size;                /* bytes obtained from the system, for budgets */
};

/* A zeroed struct arena is ready for use. */
void arena_fini(struct arena *a); /* frees everything; the arena may be used again */

/* SIZE bytes, uninitialized, aligned to 8. Aborts when memory is out: callers keep budgets by a->size. */
void *arena_alloc(struct arena *a, size_t size) __attribute__((returns_nonnull));
void *arena_memdup(struct arena *a, const void *p, size_t size) __attribute__((returns_nonnull));

#endif
