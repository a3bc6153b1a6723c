/* collect: the pipeline's glue. Records in order of time go in; a profile of the running window,
 * unsymbolized, comes out. (pid, ip) becomes (mapping, address) at once, by the process table;
 * unique stacks and label sets are counted. Pure: what it wants of /proc and of files it asks
 * through struct collect_asks, and goes on without waiting.
 *
 * Samples of a process whose maps are on their way wait as raw addresses (COLLECT_WAIT_SIZE,
 * COLLECT_WAIT_NS), then they enter with [unmapped] in place of their user part. Samples with a
 * copied stack wait as well for the files and unwind tables that their walk needs, then they enter
 * as far as it came, or with the chain that the kernel recorded when that is longer.
 *
 * A stack is kernel frames, user frames, then what says why it ends early; leaf first. Addresses:
 * the leaf's as it is, a caller's is its return address − 1. The user address under kernel frames
 * is where the thread entered the kernel: an interrupted instruction or the one after a system
 * call, as it is. */
#ifndef COLLECT_COLLECT_H
#define COLLECT_COLLECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/asks.h"
#include "collect/counters.h"
#include "perf/record.h"
#include "profile/profile.h"
#include "unwind/stack.h"

#define COLLECT_WAIT_SIZE (8u << 20)
#define COLLECT_WAIT_NS 2000000000ull
#define COLLECT_MAX_STACK 127 /* the kernel's default of perf_event_max_stack */

struct collect;

enum collect_label {
	LABEL_PID = 1 << 0,
	LABEL_TID = 1 << 1,
	LABEL_COMM = 1 << 2,
	LABEL_THREAD_COMM = 1 << 3,
	LABEL_UNIT = 1 << 4,
	LABEL_CONTAINER_ID = 1 << 5,
	LABEL_ALL = (1 << 6) - 1
};
extern const char *const collect_label_names[]; /* by bit number; NULL-terminated */

struct collect_options {
	unsigned labels;      /* LABEL_* */
	bool exclude_idle;
	bool outside;         /* we are in a PID namespace: pid 0 is [outside], not idle */
	bool kernel_relative; /* kptr_restrict: kernel addresses leave hidden (base/kernel_hide.h) */
	bool lost_by_count;   /* LOST records only count; [lost] comes by collect_lost alone */
	uint64_t kernel_text; /* address of _text; 0: not known */
	uint64_t kernel_blind; /* for what is not in the image; 0: it leaves as address 0 */
	uint32_t max_stack;   /* perf_event_max_stack: a chain so long was cut; 0: its default */
	const char *kernel_build_id; /* hex, "" */
	const char *host;     /* for Mapping[0], "[host NAME]" */
};

/* One kind of sampler: becomes one profile a window. */
struct collect_kind {
	const char *name; /* "cpu": value types samples/count and NAME/UNIT */
	const char *unit; /* "nanoseconds" or "count" */
	int64_t period;   /* nominal: of the file, of [lost], of samples that do not say */
	unsigned labels;  /* LABEL_*, in addition to the options' */
};

/* T and what ASKS points to outlive it; strings of O are copied. */
struct collect *collect_new(struct process_table *t, const struct collect_options *o,
			    const struct collect_asks *asks);
void collect_free(struct collect *c);
/* Returns the kind's number; kinds are few. */
unsigned collect_add_kind(struct collect *c, const struct collect_kind *k);
/* Its profile of the running window is dropped (collect_finish first); the number will be
 * another's. */
void collect_del_kind(struct collect *c, unsigned kind);
/* O's labels, exclude_idle and lost_by_count hold from now on; what is cached of the labels is forgotten. */
void collect_set_options(struct collect *c, const struct collect_options *o);
/* KIND's nominal period from the next window on. */
void collect_set_period(struct collect *c, unsigned kind, int64_t period);

/* A record of the event of KIND (of sideband records it does not matter; of LOST, whose it was).
 * REC's pointers are used during the call only. */
void collect_record(struct collect *c, const struct record *rec, unsigned kind,
		    const struct record_layout *layout);
/* The same for a sample whose user stack WALK is: kernel frames are the record's, user frames the
 * walk's. */
void collect_walked(struct collect *c, const struct record *rec, unsigned kind,
		    const struct record_layout *layout, const struct unwind_walk *walk);
/* The same for a record of the walker in the kernel (raw: unwind/compact.h), of which USER_ONLY leaves the kernel's part
 * out. Where the mappings are not those any more that the walk went by, callers are not believed. -EBADMSG: damaged. 1:
 * taken, but the kernel should be told anew of the process: it knew nothing of it, or not all. */
int collect_compact(struct collect *c, const struct record *rec, unsigned kind, const struct record_layout *layout,
		    bool user_only);
void collect_malformed(struct collect *c);

/* Where walks ended, by mapped file. */
struct collect_walks {
	uint32_t key, object; /* OBJECT_*, COLLECT_VDSO */
	uint64_t nr_ended[UNWIND_NR_STOPS];
	char path[128];
};
const struct collect_walks *collect_walks(const struct collect *c, uint32_t *nr);

/* What the kernel says it dropped (PERF_FORMAT_LOST) since the last call: enters KIND's profile as
 * [lost], NR × its period. For lost_by_count; without it LOST records do the same. */
void collect_lost(struct collect *c, unsigned kind, uint64_t nr);

/* Time passes: what has waited too long is entered, exited processes are freed. HORIZON_NS: records
 * up to here have been given. */
void collect_tick(struct collect *c, uint64_t horizon_ns);

/* The kernel's text changed since the last call (a BPF program or a module came or went): names of
 * the kernel should be read anew. */
bool collect_kernel_changed(struct collect *c);

/* Enters all samples that still wait: before the last window's end. */
void collect_flush(struct collect *c);

/* Ends the window of one kind: its profile, mappings merged by object, to be freed by the caller;
 * NULL when it has no sample. Call it for each kind, then collect_next_window: waiting samples move
 * into the next window. START_NS: CLOCK_REALTIME. */
struct profile *collect_finish(struct collect *c, unsigned kind, int64_t start_ns,
			       int64_t duration_ns);
void collect_next_window(struct collect *c);
/* The same of the running window, which goes on. */
struct profile *collect_snapshot(struct collect *c, unsigned kind, int64_t start_ns,
				 int64_t duration_ns);

uint64_t collect_nr_samples(const struct collect *c); /* different ones, of the running window */
size_t collect_size(const struct collect *c); /* bytes of the running window, for MaxMemory */
const struct counters *collect_counters(const struct collect *c);
struct counters *collect_counters_mutable(struct collect *c);

#endif
