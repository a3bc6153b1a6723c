/* Who belongs to a target: those who match, and whom they fork. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/array.h"
#include "base/mem.h"
#include "daemon/clock.h"
#include "daemon/target.h"
#include "proc/procfs.h"

#define SWITCHES_THREADS_MAX 1024
#define LATE_NS 50000000ull /* /proc tells start times in ticks of 10 ms */
/* The kernel copies a parent's events early in fork(2) and tells of the fork late: copying the pages of a large process lies
 * between. */
#define BIRTH_NS 100000000ull

struct pids {
	struct target *target;
	uint32_t *pids, nr, cap;
	uint64_t nr_threads;
};

/* The process that /proc has under P's pid is P still. */
static bool is_alive(const struct target *t, const struct process *p)
{
	struct procfs_stat st;
	uint64_t offset, born;

	if (p->exited || procfs_stat(t->targets->proc_root, p->pid, 0, &st) < 0)
		return false;
	if (p->from_proc)
		return st.start_time == p->start_time;
	if (!p->fork_ns)
		return true;
	offset = clock_ns(CLOCK_BOOTTIME) - clock_ns(CLOCK_MONOTONIC);
	born = st.start_time * (1000000000 / (uint64_t)sysconf(_SC_CLK_TCK));
	return born <= p->fork_ns + offset + LATE_NS;
}

static void add_members(struct target *t, const struct process *p)
{
	for (const struct thread *th = p->threads; th; th = th->next)
		members_add(&t->members, p->pid, th->tid, clock_ns(CLOCK_MONOTONIC));
}

void target_take(struct target *t, struct process *p)
{
	char why[TARGET_WHY_SIZE];

	if (t->method == METHOD_CPU) {
		add_members(t, p);
		return;
	}
	if (!is_alive(t, p) || target_attach(t, p->pid, why, sizeof(why)) >= 0)
		return;
	t->nr_refused++;
	target_refuse(t, why);
}

static bool matches(struct target *t, struct process *p)
{
	enum match_answer a = match_process(&t->match, t->targets->proc_root, t->targets->processes, p);

	if (a == MATCH_MAPS_UNKNOWN)
		collect_want_maps(t->targets->collect, p);
	return a == MATCH_YES;
}

/* Looking through the table. */

static bool is_listed(const struct pids *l, uint32_t pid)
{
	for (uint32_t i = 0; i < l->nr; i++)
		if (l->pids[i] == pid)
			return true;
	return false;
}

static void count_thread(void *ctx, uint32_t tid)
{
	struct pids *l = ctx;

	l->nr_threads += !members_find(&l->target->members, tid);
}

static void list(struct pids *l, struct process *p)
{
	*array_push(l->pids, l->nr, l->cap) = p->pid;
	if (l->target->method == METHOD_THREAD)
		procfs_each_tid(l->target->targets->proc_root, p->pid, count_thread, l);
}

static void list_match(void *ctx, struct process *p)
{
	struct pids *l = ctx;

	if (!members_process(&l->target->members, p->pid) && matches(l->target, p))
		list(l, p);
}

static void list_child(void *ctx, struct process *p)
{
	struct pids *l = ctx;
	const struct members *m = &l->target->members;

	if (!p->kthread && !members_process(m, p->pid) && !is_listed(l, p->pid) &&
	    (is_listed(l, p->ppid) || members_process(m, p->ppid)))
		list(l, p);
}

static void list_children(struct pids *l)
{
	uint32_t before;

	if (l->target->o.follow != FOLLOW_CHILDREN)
		return;
	do {
		before = l->nr;
		process_each(l->target->targets->processes, list_child, l);
	} while (l->nr != before);
}

int target_scan(struct target *t, char *why, size_t why_size)
{
	struct targets *all = t->targets;
	struct pids l = { .target = t };
	int err = 0;

	process_each(all->processes, list_match, &l);
	if (l.nr)
		list_children(&l);
	if (t->method == METHOD_THREAD)
		err = targets_budget(l.nr_threads, all->nr_cpus, t->nr_kinds, all->nr_fds, all->max_fds, why, why_size);
	for (uint32_t i = 0; i < l.nr && !err; i++) {
		struct process *p = process_find(all->processes, l.pids[i]);

		if (p)
			target_take(t, p);
	}
	free(l.pids);
	return err;
}

void target_try(struct target *t, struct process *p)
{
	struct pids l = { .target = t };

	if (p->exited || members_process(&t->members, p->pid) || !matches(t, p))
		return;
	*array_push(l.pids, l.nr, l.cap) = p->pid;
	target_take(t, p);
	if (p->from_proc || !p->exec_count) /* one that has just been forked and executed has none yet */
		list_children(&l);
	for (uint32_t i = 1; i < l.nr; i++) {
		p = process_find(t->targets->processes, l.pids[i]);
		if (p)
			target_take(t, p);
	}
	free(l.pids);
}

/* Records. A member's since_ns is the clock's when its events stood; records come later than they happen. */

static void forget(struct target *t, uint32_t tid)
{
	struct member *m = members_find(&t->members, tid);

	if (m)
		target_thread_exit(t, m);
	members_del(&t->members, tid);
}

static void forget_process(struct target *t, uint32_t pid, uint32_t but)
{
	for (uint32_t i = t->members.nr_threads; i-- > 0;)
		if (t->members.threads[i].pid == pid && t->members.threads[i].tid != but)
			forget(t, t->members.threads[i].tid);
}

void target_fork(struct target *t, const struct record_task *r)
{
	const struct member *parent = members_find(&t->members, r->ptid);
	const struct member *old = members_find(&t->members, r->tid);
	bool is_process = r->pid != r->ppid;
	struct process *p;

	if (old && old->since_ns >= r->time) /* was found alive after this */
		return;
	if (old) /* its exit was lost */
		forget(t, r->tid);
	if (is_process && members_process(&t->members, r->pid))
		forget_process(t, r->pid, 0);
	parent = members_find(&t->members, r->ptid);
	if (!parent || t->o.tid || (is_process && t->o.follow != FOLLOW_CHILDREN))
		return;
	if (t->method == METHOD_THREAD && r->time >= parent->since_ns && r->time < parent->attached_ns + BIRTH_NS) {
		target_attach_born(t, r->pid, r->tid, r->time);
	} else if (t->method == METHOD_CPU || r->time >= parent->since_ns) {
		members_add(&t->members, r->pid, r->tid, r->time);
	} else if (is_process) { /* born before its parent's events: it did not inherit */
		p = process_find(t->targets->processes, r->pid);
		if (p)
			target_take(t, p);
	}
}

void target_exit(struct target *t, const struct record_task *r)
{
	const struct member *m = members_find(&t->members, r->tid);

	if (m && m->since_ns <= r->time)
		forget(t, r->tid);
}

/* All threads but one have ended, which is the leader now whatever it was. */
void target_exec(struct target *t, uint32_t pid, uint64_t time_ns)
{
	uint32_t survivor = 0;

	if (!members_process(&t->members, pid))
		return;
	if (members_find(&t->members, pid))
		survivor = pid;
	for (uint32_t i = 0; i < t->members.nr_threads && !survivor; i++)
		if (t->members.threads[i].pid == pid)
			survivor = t->members.threads[i].tid;
	if (members_find(&t->members, survivor)->since_ns > time_ns) /* attached after this exec */
		return;
	forget_process(t, pid, survivor);
	if (survivor != pid) {
		struct member *m;

		members_rename(&t->members, survivor, pid);
		m = members_find(&t->members, pid);
		if (m->entry)
			m->entry->tid = pid;
	}
}

void target_forget_gone(struct target *t)
{
	for (uint32_t i = t->members.nr_processes; i-- > 0;) {
		uint32_t pid = t->members.processes[i].pid;
		const struct process *p = process_find(t->targets->processes, pid);

		if (!p || p->exited)
			forget_process(t, pid, 0);
	}
}

/* Context switches of its threads, or of the first of very many. */
void target_count_switches(struct target *t, uint64_t now_ns)
{
	struct members *m = &t->members;
	uint32_t nr = m->nr_threads < SWITCHES_THREADS_MAX ? m->nr_threads : SWITCHES_THREADS_MAX;
	uint64_t sum = 0, switches;
	uint32_t nr_known = 0;

	for (uint32_t i = 0; i < nr; i++) {
		struct member *th = &m->threads[i];

		if (procfs_switches(t->targets->proc_root, th->pid, th->tid, &switches) < 0)
			continue;
		if (th->switches) {
			sum += (uint32_t)switches - th->switches;
			nr_known++;
		}
		th->switches = (uint32_t)switches;
	}
	if (nr_known)
		t->switches_per_second = (double)sum * m->nr_threads / nr / ((double)(now_ns - t->switched_ns) / 1e9);
	t->switched_ns = now_ns;
}
