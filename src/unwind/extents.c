#include "unwind/extents.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

void extents_init(struct extents *e, uint32_t nr)
{
	*e = (struct extents){ .nr = nr };
	e->taken = xcalloc((nr + 63) / 64, sizeof(*e->taken));
}

void extents_fini(struct extents *e)
{
	free(e->taken);
	free(e->freed);
	*e = (struct extents){ 0 };
}

static void mark(struct extents *e, uint32_t first, uint32_t nr, bool taken)
{
	for (uint32_t i = first; i < first + nr; i++) {
		if (taken)
			e->taken[i / 64] |= UINT64_C(1) << i % 64;
		else
			e->taken[i / 64] &= ~(UINT64_C(1) << i % 64);
	}
}

static bool is_taken(const struct extents *e, uint32_t i)
{
	return e->taken[i / 64] >> i % 64 & 1;
}

uint32_t extents_get(struct extents *e, uint32_t nr, uint32_t each)
{
	uint32_t run = 0;

	if (!nr || nr > each)
		return EXTENTS_NONE;
	for (uint32_t i = 0; i < e->nr; i++) {
		if (i % 64 == 0 && !~e->taken[i / 64]) {
			run = 0;
			i += 63;
			continue;
		}
		if (i % each == 0)
			run = 0;
		run = is_taken(e, i) ? 0 : run + 1;
		if (run == nr) {
			mark(e, i + 1 - nr, nr, true);
			e->nr_taken += nr;
			return i + 1 - nr;
		}
	}
	return EXTENTS_NONE;
}

void extents_put(struct extents *e, uint32_t first, uint32_t nr, uint64_t now_ns)
{
	*array_push(e->freed, e->nr_freed, e->freed_cap) =
		(struct extents_freed){ .first = first, .nr = nr, .since_ns = now_ns };
	e->nr_taken -= nr;
}

void extents_settle(struct extents *e, uint64_t before_ns)
{
	uint32_t done = 0;

	while (done < e->nr_freed && e->freed[done].since_ns < before_ns) {
		mark(e, e->freed[done].first, e->freed[done].nr, false);
		done++;
	}
	e->nr_freed -= done;
	if (done)
		memmove(e->freed, e->freed + done, e->nr_freed * sizeof(*e->freed));
}
