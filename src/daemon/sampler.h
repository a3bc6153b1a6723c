/* sampler: the rings, and the host's events. One ring per CPU, owned by a dummy event that alone carries the sideband and the
 * watermark; the samplers of that CPU are redirected into it. Only the owners are in epoll: perf_poll consumes one flag
 * per ring, so a redirected descriptor in epoll would silence the owner. */
#ifndef DAEMON_SAMPLER_H
#define DAEMON_SAMPLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "daemon/sources.h"
#include "perf/event.h"
#include "perf/record.h"

#define SAMPLER_TICK_NS 250000000ull
#define SAMPLER_HORIZON_NS 20000000ull /* a record may come this much later than its time says */

struct sampler;
struct walker;

struct sampler_options {
	unsigned events; /* 1 << enum event_kind; 0: the rings and the sideband only */
	unsigned frequency;
	enum event_callchain callchain;
	size_t stack_size; /* that a sample carries: perf/event.h */
	size_t ring_size;
	bool exclude_idle;
	struct walker *walker; /* walks user stacks; NULL: none. Outlives the sampler */
	/* Events of others carry this much of their stacks, up to so many Hz. */
	size_t copies_size;
	unsigned copies_frequency;
};

/* A decoded record in order of time; ERR: it did not decode. */
typedef void (*sampler_record_fn)(void *ctx, const struct record *rec, const struct sampler_source *source,
				  const struct record_layout *layout, int err);
/* After each drain: all records up to HORIZON_NS (CLOCK_MONOTONIC) have been given. */
typedef void (*sampler_drained_fn)(void *ctx, uint64_t horizon_ns);

struct sampler_kind_status {
	bool wanted, available;
	char why[256];      /* of an unavailable one */
	unsigned frequency; /* as opened; the kernel may have allowed less than asked */
	uint64_t nr_lost;
	uint64_t count;     /* the events' own counts: ns or cycles */
	uint64_t time_enabled, time_running;
};

struct sampler_status {
	struct event_features features; /* in use */
	bool build_id_leaks; /* the kernel has them, but they would spoil others' recordings: perf/leak.h */
	unsigned nr_cpus, nr_fds;
	size_t ring_size; /* as mapped */
	struct sampler_kind_status kinds[EVENT_NR_KINDS];
	uint64_t nr_ring_malformed;
	uint64_t first_sample_ns; /* CLOCK_MONOTONIC, 0: none yet */
};

/* Opens rings and sidebands on every CPU that is online, running at once; samplers are opened but stopped. A kind that
 * this machine does not have is said in the status, and nothing else changes. 0; negative errno when no ring or no wanted
 * kind can be had: WHY then says in words what is missing. */
int sampler_new(struct sampler **out, struct loop *l, const struct sampler_options *o, sampler_record_fn record,
		sampler_drained_fn drained, void *ctx, char *why, size_t why_size);
/* Closes everything; what is still in the rings is lost (sampler_drain first). */
void sampler_free(struct sampler *s);

int sampler_start(struct sampler *s); /* enables the samplers */
/* Gives what the rings hold, up to the horizon, or with ALL to their ends. */
void sampler_drain(struct sampler *s, bool all);
void sampler_stop(struct sampler *s); /* disables the samplers */
/* CPUs that came or went since the last call get or lose their events; what a gone CPU's ring held is given first. True
 * when something changed. */
bool sampler_hotplug(struct sampler *s);

/* Of KIND since the last call, over all CPUs: records lost (PERF_FORMAT_LOST; 0 without it) and the times that its
 * counters were enabled and really ran: less where hardware counters are multiplexed. */
struct sampler_interval {
	uint64_t lost, time_enabled, time_running;
};
void sampler_interval(struct sampler *s, unsigned kind, struct sampler_interval *i);

void sampler_status(struct sampler *s, struct sampler_status *status);

/* Events of others whose samples come by these rings. Such an event is to be closed by sampler_event_close, before the
 * sampler is freed or sampler_hotplug says that CPUs came or went (it is dead then; SAMPLER_GENERATION differs). */
const struct event_features *sampler_features(const struct sampler *s);
unsigned sampler_nr_cpus(const struct sampler *s);
/* Another number after each change of the CPUs. */
uint64_t sampler_generation(const struct sampler *s);
/* Opens ATTR (event_sampler_attr; with another's sample_freq when the kernel allows less) for PID (or what FLAGS say it
 * is) on the CPU of index SOURCE->cpu. A descriptor or negative errno. */
int sampler_event_open(struct sampler *s, struct perf_event_attr *attr, int pid, unsigned long flags,
		       const struct sampler_source *source);
/* How such an event should find user stacks, by O's frequency: fills in O's stack_size and walked. */
void sampler_fill_stack(const struct sampler *s, struct event_options *o);
/* Its records that are still in the rings are nobody's from now on. */
void sampler_event_close(struct sampler *s, int fd);
/* How often the rings are drained when nobody is in a hurry; SAMPLER_TICK_NS at first. */
void sampler_set_tick(struct sampler *s, uint64_t tick_ns);
void sampler_hurry(struct sampler *s); /* drains them very soon */

#endif
