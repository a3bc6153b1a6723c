/* fill: puts into the table what /proc says of processes that were there before us, or that no record told of. Maps are
 * not read here: they come as bytes, from whoever may read them. ROOT is a descriptor of /proc. */
#ifndef PROC_FILL_H
#define PROC_FILL_H

#include <stdint.h>

#include "proc/process.h"

/* PID with its names, its start time and its threads. One that is in the table is left as its records made it; one that is
 * gone does not come in. */
void fill_process(struct process_table *t, int root, uint32_t pid, uint64_t now_ns);
/* P's unit and container; CGROUP: the id of its control group, 0: not known. Nothing where /proc does not say. */
void fill_cgroup(struct process_table *t, int root, struct process *p, uint64_t cgroup);

#endif
