/* labels: whose sample it was, as a label set of the profile; and control groups, which two of the labels come from. */
#ifndef COLLECT_LABELS_H
#define COLLECT_LABELS_H

#include <stdint.h>

#include "perf/record.h"
#include "proc/process.h"

struct collect;
struct kind;

/* What labels are made of. The strings are the process's. */
struct label_source {
	uint32_t pid, tid;
	char comm[16], thread_comm[16];
	const char *unit, *container;
};

void labels_source(struct label_source *src, const struct process *p, const struct thread *t);
uint32_t labels_build(struct collect *c, struct kind *k, const struct label_source *src);
/* The label set of a thread, cached there. */
uint32_t labels_of(struct collect *c, struct kind *k, struct process *p, struct thread *t);
void labels_forget(struct process *p);
/* A sample of P came from control group CGROUP (its id; 0: the kernel does not say). */
void labels_cgroup(struct collect *c, struct process *p, uint64_t cgroup);
void labels_cgroup_record(struct collect *c, const struct record_cgroup *r);
void labels_fini(struct collect *c);

#endif
