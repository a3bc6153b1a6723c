/* calls: the samples' stacks as one tree, from the roots down. */
#ifndef VIEW_CALLS_H
#define VIEW_CALLS_H

#include "view/frames.h"

struct call {
	uint32_t parent; /* of calls[0], which stands above all roots: itself */
	uint32_t name;   /* frames' number */
	uint32_t depth;  /* of calls[0]: 0 */
	int64_t self, total;
};

struct calls {
	struct call *calls;
	uint32_t nr, cap;
	struct hash hash;
	/* Children of call I: order[first[I]] … order[first[I + 1] - 1]. */
	uint32_t *order, *first;
};

/* The tree of P's samples, values of TYPE. ROOT (may be NULL) is a label whose values stand above
 * the stacks' roots. F may get more names. */
void calls_init(struct calls *c, struct frames *f, unsigned type, const char *root);
void calls_fini(struct calls *c);

/* Orders children: the largest first, or by name. */
void calls_sort(struct calls *c, const struct frames *f, bool by_name);

#endif
