/* Method=thread: events of threads. Each is opened on every CPU and inherited by what the thread forks; so a thread that
 * is born while its process is attached may both inherit and be opened. The samples tell: two ids on one thread. Its own
 * event is closed then, on that CPU and of that kind, as inheriting may have begun between two CPUs. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/mem.h"
#include "daemon/clock.h"
#include "daemon/target.h"
#include "proc/procfs.h"

#define PASSES_MAX 16

static void entry_del(struct target *t, struct target_entry *e)
{
	struct member *m = members_find(&t->members, e->tid);

	if (m && m->entry == e)
		m->entry = NULL;
	target_close_all(t, e->fds);
	t->nr_exited -= e->exited;
	t->nr_gone -= e->gone_ns != 0;
	t->entries[e->index] = t->entries[--t->nr_entries];
	t->entries[e->index]->index = e->index;
	free(e);
}

/* For the events of a thread born before BORN_NS. One tag does for threads that are all older than the first event that has
 * it, since none of them has inherited it; the walker has a program for each. */
static uint32_t tag_for(struct target *t, uint64_t born_ns)
{
	if (born_ns >= t->tag_ns) {
		t->tag_ns = clock_ns(CLOCK_MONOTONIC);
		t->last_tag++;
	}
	return t->last_tag;
}

static int entry_add(struct target *t, uint32_t pid, uint32_t tid, uint64_t born_ns)
{
	struct target_entry *e = xcalloc(1, sizeof(*e) + target_slots(t) * sizeof(e->fds[0]));
	struct member *m;
	int err;

	e->tag = tag_for(t, born_ns);
	err = target_open_all(t, (int)tid, 0, e->tag, e->fds);
	if (err < 0) {
		free(e);
		return err;
	}
	e->tid = tid;
	e->pid = pid;
	e->index = t->nr_entries;
	*array_push(t->entries, t->nr_entries, t->entries_cap) = e;
	m = members_add(&t->members, pid, tid, 0);
	m->entry = e;
	return 0;
}

/* What it forks from now on inherits. */
static void entry_stands(struct target *t, uint32_t tid)
{
	struct member *m = members_find(&t->members, tid);

	m->since_ns = m->attached_ns = clock_ns(CLOCK_MONOTONIC);
}

/* Attaching. */

struct listing {
	const struct target *target;
	uint32_t *tids, nr, cap;
};

static void list_thread(void *ctx, uint32_t tid)
{
	struct listing *l = ctx;
	const struct member *m = members_find(&l->target->members, tid);

	if (l->target->o.tid && l->target->o.tid != tid)
		return;
	if (!m || (m->entry && m->entry->exited))
		*array_push(l->tids, l->nr, l->cap) = tid;
}

/* Until a list holds none that is new: threads that were born meanwhile have inherited, or are opened now. */
static int attach_all(struct target *t, uint32_t pid, struct listing *l, char *why, size_t why_size)
{
	struct targets *all = t->targets;
	uint64_t listed_ns;
	int nr = 0, err = 0;

	for (int pass = 0; pass < PASSES_MAX; pass++) {
		l->nr = 0;
		err = procfs_each_tid(all->proc_root, pid, list_thread, l);
		if (err < 0 || !l->nr)
			break;
		listed_ns = clock_ns(CLOCK_MONOTONIC);
		err = targets_budget(l->nr, all->nr_cpus, t->nr_kinds, all->nr_fds, all->max_fds, why, why_size);
		for (uint32_t i = 0; i < l->nr && !err; i++) {
			err = entry_add(t, pid, l->tids[i], listed_ns);
			if (!err)
				entry_stands(t, l->tids[i]);
			nr += !err;
			if (err == -ESRCH) /* exited since */
				err = 0;
		}
		if (err)
			break;
	}
	return err < 0 && err != -ENOENT && err != -ESRCH ? err : nr;
}

static void detach(struct target *t, uint32_t pid)
{
	for (uint32_t i = t->nr_entries; i-- > 0;) {
		struct target_entry *e = t->entries[i];

		if (e->pid == pid) {
			members_del(&t->members, e->tid);
			entry_del(t, e);
		}
	}
}

int target_attach(struct target *t, uint32_t pid, char *why, size_t why_size)
{
	struct listing l = { .target = t };
	int nr;

	why[0] = 0;
	nr = attach_all(t, pid, &l, why, why_size);
	free(l.tids);
	if (nr < 0) { /* all or nothing */
		if (!*why)
			event_explain(nr, EVENT_CPU, why, why_size);
		detach(t, pid);
	}
	return nr;
}

void target_attach_born(struct target *t, uint32_t pid, uint32_t tid, uint64_t born_ns)
{
	struct targets *all = t->targets;
	char why[TARGET_WHY_SIZE];
	struct procfs_stat st;

	members_add(&t->members, pid, tid, born_ns);
	if (!procfs_stat(all->proc_root, pid, tid, &st) &&
	    !targets_budget(1, all->nr_cpus, t->nr_kinds, all->nr_fds, all->max_fds, why, sizeof(why)))
		entry_add(t, pid, tid, born_ns);
}

void target_thread_exit(struct target *t, struct member *m)
{
	if (!m->entry || m->entry->exited)
		return;
	m->entry->exited = true;
	t->nr_exited++;
}

bool target_thread_sample(struct target *t, uint32_t tid, uint32_t tag, unsigned slot)
{
	const struct member *m = members_find(&t->members, tid);
	struct target_entry *e = m ? m->entry : NULL;
	uint64_t bit = UINT64_C(1) << slot % 64;
	bool counted;

	if (!e || e->exited)
		return true;
	if (e->tag == tag) {
		e->delivered |= bit;
		return e->fds[slot] >= 0; /* else it was closed while this was in the ring */
	}
	if (e->fds[slot] < 0)
		return true;
	/* Inherited, and opened: the one that the thread inherited has its children too. */
	counted = e->delivered & bit;
	target_close(t, slot, &e->fds[slot]);
	return !counted;
}

/* The end of entries. */

static int *first_fd(const struct target *t, struct target_entry *e)
{
	for (unsigned i = 0; i < target_slots(t); i++)
		if (e->fds[i] >= 0)
			return &e->fds[i];
	return NULL;
}

/* POLLHUP comes when the thread and all that inherited from it have exited. Without an event, all have been closed in
 * favour of inherited ones. */
static bool is_gone(const struct target *t, struct target_entry *e)
{
	const int *fd = first_fd(t, e);
	struct pollfd p = { .fd = fd ? *fd : -1 };

	return !fd || (poll(&p, 1, 0) > 0 && p.revents & POLLHUP);
}

void target_thread_sweep(struct target *t, bool all, uint64_t now_ns)
{
	for (uint32_t i = t->nr_entries; i-- > 0;) {
		struct target_entry *e = t->entries[i];

		if (e->gone_ns || (!all && !e->exited) || !is_gone(t, e))
			continue;
		e->gone_ns = now_ns;
		t->nr_gone++;
	}
	/* perf_poll takes the ring's wakeup that its owner waits for. */
	if (t->nr_entries)
		sampler_hurry(t->targets->sampler);
}

void target_thread_reap(struct target *t, uint64_t horizon_ns)
{
	for (uint32_t i = t->nr_entries; i-- > 0;) {
		struct target_entry *e = t->entries[i];
		const struct member *m = members_find(&t->members, e->tid);
		struct process *p = NULL;

		if (!e->gone_ns || e->gone_ns >= horizon_ns)
			continue;
		/* Its EXIT was lost, or the kernel took the events away at the exec of a set-user-ID program. */
		if (m && m->entry == e && first_fd(t, e)) {
			members_del(&t->members, e->tid);
			p = process_find(t->targets->processes, e->pid);
		}
		entry_del(t, e);
		if (p && !p->exited)
			target_take(t, p);
	}
}

void target_thread_close(struct target *t)
{
	while (t->nr_entries)
		entry_del(t, t->entries[t->nr_entries - 1]);
}
