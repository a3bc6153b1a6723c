/* window: the running window: each kind of sampler has a profile that its stacks are counted into. Mappings and label sets
 * get a number of the window, which the process table keeps for us; each kind makes its profile's own out of that number at
 * its first use. */
#ifndef COLLECT_WINDOW_H
#define COLLECT_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "collect/cache.h"
#include "collect/resolve.h"
#include "collect/stack.h"
#include "profile/profile.h"

struct kind {
	char *name, *unit;
	int64_t period;
	unsigned labels;
	bool free; /* its number is */
	struct profile *profile; /* of the running window; NULL before its first sample */
	struct cache cache;
	/* By the window's number: the profile's number + 1, 0: not made yet. */
	uint32_t *mappings, *label_sets;
	uint32_t mappings_cap, label_sets_cap;
	uint32_t pseudo[PSEUDO_NR]; /* location + 1 */
	uint32_t idle_labels;       /* label set + 1 */
};

struct window_map {
	uint32_t object; /* OBJECT_* */
	uint64_t start, end;   /* of the process's mapping at its first hit */
	struct identity asked; /* for whom its file was asked */
	uint64_t file_key;     /* what file that was */
};

struct profile *window_profile(struct collect *c, struct kind *k);
/* The location of a pseudo frame. */
uint32_t window_pseudo(struct collect *c, struct kind *k, enum pseudo pseudo);
/* Resolves S and counts it. P is NULL where the user part cannot be resolved: [unmapped]. */
void window_add(struct collect *c, struct kind *k, struct process *p, const struct stack *s,
		uint32_t label_set, const int64_t values[2]);
/* A mapping's number in the running window. */
uint32_t window_map_add(struct collect *c, uint64_t start, uint64_t end, uint32_t object);
/* The element of a table by window number, made when the table is shorter. */
uint32_t *window_slot(uint32_t **table, uint32_t *cap, uint32_t number);
void window_kind_fini(struct kind *k);

#endif
