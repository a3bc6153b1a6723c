/* sampler_cpu: the events and the ring of each CPU; what sampler.c and sampler_cpu.c share, and nobody else. */
#ifndef DAEMON_SAMPLER_CPU_H
#define DAEMON_SAMPLER_CPU_H

#include "daemon/sampler.h"
#include "perf/merge.h"
#include "perf/ring.h"

struct sampler_cpu {
	int cpu;
	int owner_fd, output_fd; /* output_fd: of the walker's records; −1: none */
	struct ring ring;
	struct loop_watch watch;
	int fds[EVENT_NR_KINDS]; /* −1: not opened */
	struct event_count seen[EVENT_NR_KINDS]; /* at the last sampler_interval */
	/* Copies of stacks that the walker had asked for at copies_ns; and when this drain began. */
	uint64_t nr_copies, copies_ns, nr_copies_now;
	struct sampler *sampler;
};

struct sampler {
	struct loop *loop;
	struct sampler_options options;
	struct event_features features;
	bool build_id_leaks;
	struct sampler_kind_status kinds[EVENT_NR_KINDS];
	struct sources sources;
	struct record_layout owner_layout;

	struct sampler_cpu **cpus; /* own allocations: watches point into them */
	uint32_t nr_cpus, cpus_cap;
	struct ring **rings; /* of cpus, for merge_drain */
	uint32_t rings_cap;
	size_t ring_size;

	struct merge *merge;
	struct loop_timer tick;
	uint64_t tick_ns;
	bool walk_refused; /* said once */
	bool started, draining, copied; /* copied: copies of stacks have come in this drain */
	uint64_t first_sample_ns, nr_ring_malformed, generation;

	sampler_record_fn record;
	sampler_drained_fn drained;
	void *ctx;
};

/* Opens CPU's ring, sideband and samplers, and enables them once the sampler has been started. 0 or negative errno;
 * -ENODEV: the CPU has gone. */
int sampler_cpu_open(struct sampler *s, int cpu);
/* What its ring still holds is lost. NULL: nothing. */
void sampler_cpu_close(struct sampler *s, struct sampler_cpu *c);

/* sampler.c: a loop_watch_fn for a ring's owner. */
void sampler_ring_ready(struct loop_watch *w, uint32_t events);

#endif
