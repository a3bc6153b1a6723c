#include "daemon/targets.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/array.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/clock.h"
#include "daemon/target.h"

#define SWEEP_NS 1000000000ull /* threads that have exited */
#define SCAN_NS 5000000000ull  /* what no record tells: users, control groups, who did not fit */
/* A process that matches is attached after a drain at most so late. */
#define TICK_NS 50000000ull

/* Events. */

unsigned target_slots(const struct target *t)
{
	return EVENT_NR_KINDS * t->targets->nr_cpus;
}

static void fill_attr(const struct target *t, enum event_kind kind, struct perf_event_attr *attr)
{
	struct event_options o = { .kind = kind, .frequency = t->o.sample_frequency,
				   .callchain = (enum event_callchain)t->o.callchain,
				   .exclude_idle = true };

	if (t->method == METHOD_THREAD)
		o.inherit = t->o.tid ? INHERIT_NOTHING : t->o.follow == FOLLOW_THREADS ? INHERIT_THREADS : INHERIT_CHILDREN;
	event_sampler_attr(attr, sampler_features(t->targets->sampler), &o);
	attr->disabled = 0;
}

int target_open(struct target *t, enum event_kind kind, unsigned cpu, int pid, unsigned long flags, uint32_t tag)
{
	struct sampler_source source = { .owner = t->number + 1, .tag = tag, .kind = kind, .cpu = cpu };
	struct perf_event_attr attr;
	int fd;

	fill_attr(t, kind, &attr);
	fd = sampler_event_open(t->targets->sampler, &attr, pid, flags, &source);
	if (fd < 0)
		return fd;
	t->kinds[kind].frequency = (unsigned)attr.sample_freq;
	t->nr_fds++;
	t->targets->nr_fds++;
	return fd;
}

static void count_add(struct event_count *sum, const struct event_count *c)
{
	sum->value += c->value;
	sum->time_enabled += c->time_enabled;
	sum->time_running += c->time_running;
	sum->lost += c->lost;
}

/* Reading an event that runs interrupts its CPU: only where the figures are needed. */
static bool counts_wanted(const struct target *t, enum event_kind kind)
{
	return kind != EVENT_CPU || t->targets->lost;
}

void target_close(struct target *t, unsigned slot, int *fd)
{
	enum event_kind kind = slot / t->targets->nr_cpus;
	struct event_count c;

	if (*fd < 0)
		return;
	if (counts_wanted(t, kind) && !event_read(*fd, sampler_features(t->targets->sampler), &c))
		count_add(&t->kinds[kind].closed, &c);
	sampler_event_close(t->targets->sampler, *fd);
	*fd = -1;
	t->nr_fds--;
	t->targets->nr_fds--;
}

void target_close_all(struct target *t, int *fds)
{
	for (unsigned i = 0; i < target_slots(t); i++)
		target_close(t, i, &fds[i]);
}

int target_open_all(struct target *t, int pid, unsigned long flags, uint32_t tag, int *fds)
{
	unsigned nr_cpus = t->targets->nr_cpus;

	for (unsigned i = 0; i < target_slots(t); i++)
		fds[i] = -1;
	for (unsigned i = 0; i < target_slots(t); i++) {
		enum event_kind kind = i / nr_cpus;

		if (!t->kinds[kind].sampled)
			continue;
		fds[i] = target_open(t, kind, i % nr_cpus, pid, flags, tag);
		if (fds[i] < 0) {
			int err = fds[i];

			target_close_all(t, fds);
			return err;
		}
	}
	return 0;
}

/* What this machine has not, or this kernel refuses, is found on ourselves. */
static int probe_kinds(struct target *t, char *why, size_t why_size)
{
	int err = -ENODEV;

	t->nr_kinds = 0;
	for (unsigned k = 0; k < EVENT_NR_KINDS; k++) {
		int fd;

		if (!(t->o.events >> k & 1))
			continue;
		fd = target_open(t, k, 0, 0, 0, 0);
		t->kinds[k].sampled = fd >= 0;
		if (fd >= 0) {
			t->nr_kinds++;
			target_close(t, k * t->targets->nr_cpus, &fd);
		} else {
			err = fd;
			event_explain(fd, k, t->kinds[k].why, sizeof(t->kinds[k].why));
			snprintf(why, why_size, "%s events: %s", event_kind_names[k], t->kinds[k].why);
		}
	}
	return t->nr_kinds ? 0 : err;
}

/* Life of a target. */

void target_refuse(struct target *t, const char *why)
{
	if (strcmp(t->refused, why))
		log_warnx("target %s: %s", t->o.name, why);
	snprintf(t->refused, sizeof(t->refused), "%s", why);
}

static void target_end(struct target *t)
{
	if (t->targets->sampler) {
		target_thread_close(t);
		target_groups_close(t);
		if (t->cpu_fds)
			target_close_all(t, t->cpu_fds);
	}
	free(t->cpu_fds);
	t->cpu_fds = NULL;
	members_fini(&t->members);
	t->begun = false;
}

static int begin_cpu(struct target *t)
{
	unsigned nr_cpus = t->targets->nr_cpus;

	t->cpu_fds = xcalloc(target_slots(t), sizeof(*t->cpu_fds));
	for (unsigned i = 0; i < target_slots(t); i++)
		t->cpu_fds[i] = -1;
	for (unsigned i = 0; i < target_slots(t); i++) {
		if (!t->kinds[i / nr_cpus].sampled)
			continue;
		t->cpu_fds[i] = target_open(t, i / nr_cpus, i % nr_cpus, -1, 0, 0);
		if (t->cpu_fds[i] < 0)
			return t->cpu_fds[i];
	}
	return 0;
}

static enum config_method method_wanted(const struct config_target *o)
{
	bool others = o->pids.nr || o->comm[0] || o->exe[0] || o->user[0];

	if (o->method != METHOD_AUTO)
		return o->method;
	return !others && !o->unit[0] != !o->cgroup[0] ? METHOD_CGROUP : METHOD_THREAD;
}

static int begin_method(struct target *t, char *why, size_t why_size)
{
	int err = probe_kinds(t, why, why_size);

	if (err)
		return err;
	if (t->method == METHOD_CGROUP)
		return target_groups_scan(t, why, why_size);
	if (t->method == METHOD_CPU) {
		err = targets_budget(1, t->targets->nr_cpus, t->nr_kinds, t->targets->nr_fds, t->targets->max_fds, why,
				     why_size);
		if (!err)
			err = begin_cpu(t);
		if (err)
			return err;
	}
	return target_scan(t, why, why_size);
}

static int target_begin(struct target *t, char *why, size_t why_size)
{
	struct targets *all = t->targets;
	int err;

	snprintf(why, why_size, "there is no sampler (Scope=none)");
	if (!all->sampler)
		return -ENODEV;
	t->method = method_wanted(&t->o);
	t->why_method[0] = t->refused[0] = 0;
	if (t->o.follow == FOLLOW_THREADS && !sampler_features(all->sampler)->inherit_thread &&
	    t->method == METHOD_THREAD) {
		snprintf(why, why_size, "Follow=threads needs Linux 5.13 (or Method=cpu)");
		return -EOPNOTSUPP;
	}
	why[0] = 0;
	err = begin_method(t, why, why_size);
	if (err && t->method == METHOD_CGROUP && t->o.method == METHOD_AUTO && err != -EMFILE) {
		snprintf(t->why_method, sizeof(t->why_method), "%s", *why ? why : strerror(-err));
		target_end(t);
		t->method = METHOD_THREAD;
		err = begin_method(t, why, why_size);
	}
	t->begun = !err;
	if (err) {
		if (!*why)
			event_explain(err, EVENT_CPU, why, why_size);
		target_end(t);
	}
	return err;
}

static void target_free(struct target *t)
{
	struct targets *all = t->targets;

	target_end(t);
	for (unsigned k = 0; k < EVENT_NR_KINDS; k++)
		if (t->kinds[k].collect != TARGETS_DROP)
			collect_del_kind(all->collect, t->kinds[k].collect);
	match_fini(&t->match);
	free(t->entries);
	free(t->groups);
	free(t);
}

static struct target *target_new(struct targets *all, const struct config_target *o, bool keep)
{
	struct target *t = xcalloc(1, sizeof(*t));
	uint32_t i = 0;

	while (i < all->nr && all->targets[i])
		i++;
	if (i == all->nr)
		array_push(all->targets, all->nr, all->cap);
	all->targets[i] = t;
	t->targets = all;
	t->number = i;
	t->keep = keep;
	t->o = *o;
	t->switches_per_second = -1;
	match_init(&t->match, &t->o);
	for (unsigned k = 0; k < EVENT_NR_KINDS; k++) {
		struct collect_kind kind = { .name = event_kind_names[k], .unit = k == EVENT_CPU ? "nanoseconds" : "count",
					     .period = k == EVENT_CPU ? 1000000000 / (int64_t)o->sample_frequency : 1,
					     .labels = o->labels };

		t->kinds[k].collect = o->events >> k & 1 ? collect_add_kind(all->collect, &kind) : TARGETS_DROP;
	}
	return t;
}

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
			t->scan_groups |= rec->type == PERF_RECORD_CGROUP;
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
	}
	return t->kinds[source->kind].collect;
}

/* Time passes. */

static void rescan(struct target *t, uint64_t now_ns)
{
	char why[TARGET_WHY_SIZE] = "";
	bool groups = t->method == METHOD_CGROUP;

	if (!t->begun) {
		begin_again(t);
		return;
	}
	if (groups && target_groups_scan(t, why, sizeof(why)) < 0)
		target_refuse(t, why);
	if (groups)
		target_groups_members(t);
	else if ((match_changes_silently(&t->match) || t->nr_refused || t->o.exe[0]) &&
		 target_scan(t, why, sizeof(why)) < 0)
		target_refuse(t, why);
	target_thread_sweep(t, true, now_ns);
	target_count_switches(t, now_ns);
}

static void groups_came(struct target *t)
{
	char why[TARGET_WHY_SIZE] = "";

	t->scan_groups = false;
	if (t->begun && target_groups_scan(t, why, sizeof(why)) < 0)
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

static void count_fd(const struct target *t, int fd, struct event_count *sum)
{
	struct event_count c;

	if (fd >= 0 && !event_read(fd, sampler_features(t->targets->sampler), &c))
		count_add(sum, &c);
}

void targets_interval(struct targets *all, unsigned number, enum event_kind kind, struct sampler_interval *i)
{
	struct target *t = all->targets[number];
	struct event_count sum = t->kinds[kind].closed, *told = &t->kinds[kind].told;

	memset(i, 0, sizeof(*i));
	if (!t->kinds[kind].sampled || !all->sampler || !counts_wanted(t, kind))
		return;
	for (unsigned cpu = 0; cpu < all->nr_cpus; cpu++) {
		unsigned slot = kind * all->nr_cpus + cpu;

		for (uint32_t n = 0; n < t->nr_entries; n++)
			count_fd(t, t->entries[n]->fds[slot], &sum);
		for (uint32_t n = 0; n < t->nr_groups; n++)
			count_fd(t, t->groups[n]->fds[slot], &sum);
		if (t->cpu_fds)
			count_fd(t, t->cpu_fds[slot], &sum);
	}
	/* What was closed unread makes the sum smaller than it was. */
	i->lost = sum.lost > told->lost ? sum.lost - told->lost : 0;
	i->time_enabled = sum.time_enabled > told->time_enabled ? sum.time_enabled - told->time_enabled : 0;
	i->time_running = sum.time_running > told->time_running ? sum.time_running - told->time_running : 0;
	*told = sum;
	t->nr_lost += i->lost;
}

void targets_status(const struct targets *all, unsigned number, struct target_status *s)
{
	const struct target *t = all->targets[number];

	*s = (struct target_status){ .method = t->method, .why_method = t->why_method, .refused = t->refused,
				     .nr_processes = t->members.nr_processes, .nr_threads = t->members.nr_threads,
				     .nr_fds = t->nr_fds, .nr_groups = t->nr_groups, .nr_samples = t->nr_samples,
				     .nr_lost = t->nr_lost, .nr_throttled = t->nr_throttled,
				     .nr_refused = t->nr_refused, .switches_per_second = t->switches_per_second };
	for (unsigned k = 0; k < EVENT_NR_KINDS; k++) {
		bool wanted = t->o.events >> k & 1;

		s->frequency[k] = t->kinds[k].sampled ? t->kinds[k].frequency : 0;
		s->kind_why[k] = wanted && !t->kinds[k].sampled ? t->kinds[k].why : NULL;
	}
}

int targets_budget(uint64_t threads, unsigned cpus, unsigned kinds, unsigned in_use, unsigned limit, char *why,
		   size_t why_size)
{
	uint64_t need = threads * cpus * kinds, left = in_use < limit ? limit - in_use : 0;

	if (need <= left)
		return 0;
	snprintf(why, why_size,
		 "%llu thread%s x %u CPU%s x %u kind%s of events need %llu descriptors; of %u for targets (by RLIMIT_NOFILE) "
		 "%llu are left", (unsigned long long)threads, threads == 1 ? "" : "s", cpus, cpus == 1 ? "" : "s", kinds,
		 kinds == 1 ? "" : "s", (unsigned long long)need, limit, (unsigned long long)left);
	return -EMFILE;
}
