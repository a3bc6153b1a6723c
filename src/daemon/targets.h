/* targets: chosen threads, processes and units, sampled at their own rate into profiles of their own, beside or instead of
 * the host's sampler. A [Target] of the configuration is one, and so is whatever is added while running: an on-demand
 * recording is a target that is made, finished and removed.
 *
 * Three methods. thread: an event per thread, CPU and kind, inherited by what the thread forks; descriptors are counted
 * before any is opened, and what does not fit is refused whole. cgroup: an event per control group, CPU and kind. cpu: an
 * event per CPU and kind, and samples of others are dropped before anything is kept.
 *
 * Who belongs to a target is told by records in order of their times: at an exec or a rename that matches, by fork of a
 * member, and by looking through the table when the target begins. Descriptors of threads are never in epoll. When a
 * thread exits, poll(2) tells (POLLHUP) whether anything has inherited from it and lives; if not, they are closed once the
 * rings have been read beyond that moment. */
#ifndef DAEMON_TARGETS_H
#define DAEMON_TARGETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/collect.h"
#include "config/config.h"
#include "daemon/sampler.h"

#define TARGETS_DROP UINT32_MAX

struct targets;

/* MAX_FDS: descriptors that all targets together may open. PROC_ROOT: a descriptor of /proc, the caller's. */
struct targets *targets_new(struct process_table *processes, struct collect *c, int proc_root, unsigned max_fds);
void targets_free(struct targets *t);
/* Where events go; NULL: there is no sampler, all events are closed. Before the old one is freed, and before records of
 * the new one come; after it, targets_scan. */
void targets_set_sampler(struct targets *t, struct sampler *s);

/* Begins target O at once. Its number (≥ 0, another's again after targets_remove), or negative errno: WHY says in words
 * what is refused, with the numbers where descriptors do not suffice (-EMFILE); then nothing is left open. With KEEP a
 * refused target stays, says so in its status and tries again now and then. */
int targets_add(struct targets *t, const struct config_target *o, bool keep, char *why, size_t why_size);
/* Its profiles of the running window are dropped: finish them first. */
void targets_remove(struct targets *t, unsigned number);
/* One past the largest number; whether NUMBER is a target; what it was made from. */
unsigned targets_nr(const struct targets *t);
const struct config_target *targets_options(const struct targets *t, unsigned number); /* NULL: no target */

/* The table has been filled anew from /proc: who matches now? */
void targets_scan(struct targets *t);
/* A record of the sideband, after the process table has seen it. */
void targets_record(struct targets *t, const struct record *rec);
/* A record of SOURCE, an event of a target (owner ≠ 0). The collecting kind that it is for, or TARGETS_DROP. */
unsigned targets_sample(struct targets *t, const struct sampler_source *source, const struct record *rec);
/* The maps of P have come. */
void targets_maps(struct targets *t, struct process *p);
/* After each drain: HORIZON_NS as the sampler tells it, NOW of CLOCK_MONOTONIC. */
void targets_tick(struct targets *t, uint64_t horizon_ns, uint64_t now_ns);
/* A window has ended: looks for threads whose ends were not told. */
void targets_window(struct targets *t);
/* At least so often must the rings be drained. */
uint64_t targets_tick_ns(const struct targets *t);

/* P belongs to a target with JavaPerfMap=yes. */
bool targets_want_code(const struct targets *t, const struct process *p);

/* KIND of target NUMBER: its number for collecting, or TARGETS_DROP when it is not sampled. */
unsigned targets_kind(const struct targets *t, unsigned number, enum event_kind kind);
/* As sampler_interval, over the target's events. */
void targets_interval(struct targets *t, unsigned number, enum event_kind kind, struct sampler_interval *i);

struct target_status {
	enum config_method method; /* in use */
	const char *why_method;    /* not the one asked for: why; "" */
	const char *refused;       /* "" or why it samples nothing, or not all */
	const char *kind_why[EVENT_NR_KINDS]; /* NULL: sampled, or not wanted */
	unsigned frequency[EVENT_NR_KINDS];   /* 0: not sampled */
	uint32_t nr_processes, nr_threads, nr_fds, nr_groups;
	uint64_t nr_samples, nr_lost, nr_throttled;
	uint64_t nr_refused;         /* processes that came later and did not fit */
	double switches_per_second;  /* of all its threads; < 0: not known */
	/* Method=thread: the part of its CPU time, by the events' own clocks, that no sample stands for, since they begin with
	 * a whole period for each thread: in the window that ended last. < 0: not known. */
	double unseen;
};
void targets_status(const struct targets *t, unsigned number, struct target_status *s);

/* THREADS × CPUS × KINDS descriptors beside IN_USE within LIMIT? 0, or -EMFILE with the numbers in WHY. */
int targets_budget(uint64_t threads, unsigned cpus, unsigned kinds, unsigned in_use, unsigned limit, char *why,
		   size_t why_size);

#endif
