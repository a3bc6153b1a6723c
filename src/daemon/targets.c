#include "daemon/targets.h"

#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "daemon/clock.h"
#include "daemon/target.h"

#define SWEEP_NS 1000000000ull /* threads that have exited */
#define SCAN_NS 5000000000ull  /* what no record tells: users, control groups, who did not fit */
/* A process that matches is attached after a drain at most so late. */
#define TICK_NS 50000000ull

int targets_add(struct targets *all, const struct config_target *o, bool keep, char *why, size_t why_size)
{
	struct target *t = target_new(all, o, keep);
	int err = target_begin(t, why, why_size);

	if (err && !keep) {
		targets_remove(all, t->number);
		return err;
	}
	if (err)
		target_refuse(t, why);
	return (int)t->number;
}

void targets_remove(struct targets *all, unsigned number)
{
	struct target *t = all->targets[number];

	if (!t)
		return;
	target_free(t);
	all->targets[number] = NULL;
}

struct targets *targets_new(struct process_table *processes, struct collect *c, int proc_root, unsigned max_fds)
{
	struct targets *t = xcalloc(1, sizeof(*t));

	t->processes = processes;
	t->collect = c;
	t->proc_root = proc_root;
	t->max_fds = max_fds;
	targets_find_groups(t);
	return t;
}

void targets_free(struct targets *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; i < t->nr; i++)
		targets_remove(t, i);
	free(t->targets);
	free(t);
}

#define for_each_target(all, t)                                                                    \
	for (uint32_t _i = 0; _i < (all)->nr; _i++)                                                \
		for (struct target *t = (all)->targets[_i]; t; t = NULL)

static void begin_again(struct target *t)
{
	char why[TARGET_WHY_SIZE];

	if (target_begin(t, why, sizeof(why)) < 0)
		target_refuse(t, why);
}

static void take_sampler(struct targets *all, struct sampler *s)
{
	all->sampler = s;
	all->generation = s ? sampler_generation(s) : 0;
	all->nr_cpus = s ? sampler_nr_cpus(s) : 0;
}

void targets_set_sampler(struct targets *all, struct sampler *s)
{
	for_each_target(all, t)
		target_end(t);
	take_sampler(all, s);
}

void targets_scan(struct targets *all)
{
	char why[TARGET_WHY_SIZE];

	if (!all->sampler)
		return;
	for_each_target(all, t) {
		if (!t->begun) {
			begin_again(t);
		} else if (t->method != METHOD_CGROUP) {
			target_forget_gone(t);
			if (target_scan(t, why, sizeof(why)) < 0)
				target_refuse(t, why);
		}
	}
}

/* Records. */

void targets_maps(struct targets *all, struct process *p)
{
	for_each_target(all, t)
		if (t->begun && t->o.exe[0] && t->method != METHOD_CGROUP)
			target_try(t, p);
}

static void record_comm(struct target *t, const struct record_comm *r, uint64_t time)
{
	struct process *p;

	if (r->exec)
		target_exec(t, r->pid, time);
	p = process_find(t->targets->processes, r->pid);
	if (p && r->pid == r->tid)
		target_try(t, p);
}

/* The first mapping of an image names its program. */
static void record_mmap(struct target *t, const struct record_mmap *r)
{
	struct process *p;

	if (!t->o.exe[0] || !(r->prot & PROT_EXEC) || members_process(&t->members, r->pid))
		return;
	p = process_find(t->targets->processes, r->pid);
	if (p && p->space->nr_maps == 1)
		target_try(t, p);
}

static void target_record(struct target *t, const struct record *rec)
{
	switch (rec->type) {
	case PERF_RECORD_FORK:
		target_fork(t, &rec->task);
		break;
	case PERF_RECORD_EXIT:
		target_exit(t, &rec->task);
		break;
	case PERF_RECORD_COMM:
		record_comm(t, &rec->comm, rec->time);
		break;
	case PERF_RECORD_MMAP2:
		record_mmap(t, &rec->mmap);
		break;
	}
}

void targets_record(struct targets *all, const struct record *rec)
{
	if (rec->type == PERF_RECORD_LOST)
		all->lost = true;
	for_each_target(all, t) {
		if (t->method == METHOD_CGROUP)
			t->scan_groups |= rec->type == PERF_RECORD_CGROUP && match_new_cgroup(&t->match, rec->cgroup.path);
		else if (t->begun)
			target_record(t, rec);
	}
}

/* Whether SAMPLE is of T, and not of a thread that another event of T tells of too. */
static bool is_ours(struct target *t, const struct sampler_source *source, const struct record *rec)
{
	unsigned slot = source->kind * t->targets->nr_cpus + source->cpu;

	if (t->method == METHOD_CPU)
		return members_process(&t->members, rec->pid);
	return t->method != METHOD_THREAD || target_thread_sample(t, rec->tid, source->tag, slot);
}

unsigned targets_sample(struct targets *all, const struct sampler_source *source, const struct record *rec)
{
	struct target *t = source->owner - 1 < all->nr ? all->targets[source->owner - 1] : NULL;

	if (!t)
		return TARGETS_DROP;
	if (rec->type == PERF_RECORD_THROTTLE)
		t->nr_throttled++;
	if (rec->type == PERF_RECORD_LOST || rec->type == PERF_RECORD_LOST_SAMPLES)
		all->lost = true;
	if (rec->type == PERF_RECORD_SAMPLE) {
		if (!is_ours(t, source, rec))
			return TARGETS_DROP;
		t->nr_samples++;
		t->kinds[source->kind].nr_samples++;
	}
	return t->kinds[source->kind].collect;
}

/* Time passes. */

static void rescan(struct target *t, uint64_t now_ns)
{
	char why[TARGET_WHY_SIZE] = "";
	uint64_t nr_refused = t->nr_refused;
	int err = 0;

	if (!t->begun) {
		begin_again(t);
		return;
	}
	if (t->method == METHOD_CGROUP) {
		err = target_groups_scan(t, why, sizeof(why));
		target_groups_members(t);
	} else if (match_changes_silently(&t->match) || t->refused[0] || t->o.exe[0]) {
		err = target_scan(t, why, sizeof(why));
	}
	if (err)
		target_refuse(t, why);
	else if (t->nr_refused == nr_refused)
		t->refused[0] = 0; /* what was refused fits now, or has gone */
	target_thread_sweep(t, true, now_ns);
	target_count_switches(t, now_ns);
}

static void groups_came(struct target *t)
{
	char why[TARGET_WHY_SIZE] = "";

	t->scan_groups = false;
	if (t->begun && target_groups_scan(t, why, sizeof(why)))
		target_refuse(t, why);
}

void targets_tick(struct targets *all, uint64_t horizon_ns, uint64_t now_ns)
{
	bool sweep = now_ns - all->swept_ns >= SWEEP_NS, scan = now_ns - all->scanned_ns >= SCAN_NS;

	if (!all->sampler)
		return;
	if (all->generation != sampler_generation(all->sampler)) {
		targets_set_sampler(all, all->sampler);
		targets_scan(all);
	}
	for_each_target(all, t) {
		if (t->scan_groups)
			groups_came(t);
		if (t->nr_gone)
			target_thread_reap(t, horizon_ns);
		if (t->nr_groups_gone)
			target_groups_reap(t, horizon_ns);
		if (sweep && t->nr_exited)
			target_thread_sweep(t, false, now_ns);
		if (scan)
			rescan(t, now_ns);
	}
	if (sweep)
		all->swept_ns = now_ns;
	if (scan)
		all->scanned_ns = now_ns;
}

void targets_window(struct targets *all)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	all->lost = false;
	if (!all->sampler)
		return;
	for_each_target(all, t)
		target_thread_sweep(t, true, now);
}

uint64_t targets_tick_ns(const struct targets *all)
{
	for_each_target(all, t)
		if (t->method == METHOD_THREAD)
			return TICK_NS;
	return SAMPLER_TICK_NS;
}

/* What is said of them. */

bool targets_want_code(const struct targets *all, const struct process *p)
{
	for (uint32_t i = 0; i < all->nr; i++) {
		const struct target *t = all->targets[i];

		if (!t || !t->begun || !t->o.java_perf_map)
			continue;
		if (t->method == METHOD_CGROUP
			    ? match_process(&t->match, all->proc_root, all->processes, p) == MATCH_YES
			    : members_process(&t->members, p->pid) > 0)
			return true;
	}
	return false;
}

unsigned targets_nr(const struct targets *t)
{
	return t->nr;
}

const struct config_target *targets_options(const struct targets *all, unsigned number)
{
	return number < all->nr && all->targets[number] ? &all->targets[number]->o : NULL;
}

unsigned targets_kind(const struct targets *all, unsigned number, enum event_kind kind)
{
	return all->targets[number]->kinds[kind].collect;
}

void targets_status(const struct targets *all, unsigned number, struct target_status *s)
{
	const struct target *t = all->targets[number];

	*s = (struct target_status){ .method = t->method, .why_method = t->why_method, .refused = t->refused,
				     .nr_processes = t->members.nr_processes, .nr_threads = t->members.nr_threads,
				     .nr_fds = t->nr_fds, .nr_groups = t->nr_groups - t->nr_groups_gone, .nr_samples = t->nr_samples,
				     .nr_lost = t->nr_lost, .nr_throttled = t->nr_throttled,
				     .nr_refused = t->nr_refused, .switches_per_second = t->switches_per_second,
				     .unseen = t->unseen };
	for (unsigned k = 0; k < EVENT_NR_KINDS; k++) {
		bool wanted = t->o.events >> k & 1;

		s->frequency[k] = t->kinds[k].sampled ? t->kinds[k].frequency : 0;
		s->kind_why[k] = wanted && !t->kinds[k].sampled ? t->kinds[k].why : NULL;
	}
}
