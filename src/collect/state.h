/* state: all that collecting keeps, for the files of collect/. Each part belongs to the file that its comment names; the
 * others go by that one's functions. */
#ifndef COLLECT_STATE_H
#define COLLECT_STATE_H

#include "collect/collect.h"
#include "collect/labels.h"
#include "collect/resolve.h"
#include "collect/stack.h"
#include "collect/window.h"

struct collect {
	struct process_table *processes;
	struct collect_options o;
	struct collect_asks asks;
	struct counters counters;
	uint64_t now; /* time of the newest record */
	bool kernel_changed;

	/* window.c */
	struct kind *kinds;
	uint32_t nr_kinds, kinds_cap;
	unsigned all_labels; /* of the options and of all kinds */
	uint32_t window;     /* the process table's mark */
	struct window_map *maps;
	uint32_t nr_maps, maps_cap;

	/* resolve.c: of the window's maps */
	struct hash asked; /* by pid and start */
	uint32_t *unasked; /* the file could not be asked for */
	uint32_t nr_unasked, unasked_cap;

	/* kernel.c */
	struct kernel_map *kernel; /* by start; modules may lie inside the kernel's own */
	uint32_t nr_kernel, kernel_cap;
	struct kernel_map kernel_rest; /* what is in none of them */

	/* labels.c */
	uint32_t nr_labels; /* the window's numbers of label sets that are given away */
	struct cgroup *cgroups;
	uint32_t nr_cgroups, cgroups_cap;
	struct hash cgroup_hash;

	struct unwind_walk compact; /* sample.c: of the record at hand */
	struct walker *walker;      /* walk.c; NULL: copied stacks are not walked */

	/* wait.c: processes whose samples wait */
	struct wait_group *waiting;
	uint32_t nr_waiting, waiting_cap;
	struct hash waiting_hash;
	size_t waiting_size;

	/* The sample at hand. */
	uint64_t addresses[CHAIN_MAX + 1]; /* chain.c; and the sample's own */
	uint32_t frames[CHAIN_MAX + 3]; /* window.c; and [unmapped], [truncated] */
};

#endif
