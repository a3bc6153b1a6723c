/* extents: runs of numbers out of 0 … nr − 1, given out and taken back. What is taken back is given out again only when
 * extents_settle says that nobody can be reading there any more. */
#ifndef UNWIND_EXTENTS_H
#define UNWIND_EXTENTS_H

#include <stdint.h>

#define EXTENTS_NONE UINT32_MAX

struct extents {
	uint64_t *taken; /* a bit a number */
	uint32_t nr, nr_taken;
	struct extents_freed {
		uint32_t first, nr;
		uint64_t since_ns;
	} *freed; /* oldest first */
	uint32_t nr_freed, freed_cap;
};

void extents_init(struct extents *e, uint32_t nr);
void extents_fini(struct extents *e);
/* The first of NR numbers in a row, the lowest there are, none of which are in two of the runs of EACH that 0 … begins
 * with; EXTENTS_NONE: no room. EACH divides the number of numbers; it is that number itself where it does not matter. */
uint32_t extents_get(struct extents *e, uint32_t nr, uint32_t each);
void extents_put(struct extents *e, uint32_t first, uint32_t nr, uint64_t now_ns);
/* What was put before BEFORE_NS is free again. */
void extents_settle(struct extents *e, uint64_t before_ns);

#endif
