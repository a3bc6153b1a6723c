#include "collect/collect.h"

#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/array.h"
#include "collect/sample.h"
#include "collect/state.h"
#include "collect/wait.h"
#include "collect/walk.h"

struct collect *collect_new(struct process_table *t, const struct collect_options *o,
			    const struct collect_asks *asks)
{
	struct collect *c = xcalloc(1, sizeof(*c));

	c->processes = t;
	c->o = *o;
	c->all_labels = o->labels;
	c->o.host = xstrdup(o->host ? o->host : "");
	c->o.kernel_build_id = xstrdup(o->kernel_build_id ? o->kernel_build_id : "");
	if (!c->o.max_stack)
		c->o.max_stack = COLLECT_MAX_STACK;
	if (asks)
		c->asks = *asks;
	c->window = process_table_window(t);
	kernel_init(c);
	return c;
}

void collect_free(struct collect *c)
{
	if (!c)
		return;
	wait_fini(c);
	walk_fini(c);
	for (uint32_t i = 0; i < c->nr_kinds; i++)
		window_kind_fini(&c->kinds[i]);
	free(c->kinds);
	free(c->maps);
	free(c->unasked);
	hash_fini(&c->asked);
	kernel_fini(c);
	labels_fini(c);
	free((char *)c->o.host);
	free((char *)c->o.kernel_build_id);
	free(c);
}

static void sum_labels(struct collect *c)
{
	c->all_labels = c->o.labels;
	for (uint32_t i = 0; i < c->nr_kinds; i++)
		c->all_labels |= c->kinds[i].labels;
}

unsigned collect_add_kind(struct collect *c, const struct collect_kind *k)
{
	uint32_t i = 0;

	while (i < c->nr_kinds && !c->kinds[i].free)
		i++;
	if (i == c->nr_kinds)
		array_push(c->kinds, c->nr_kinds, c->kinds_cap);
	c->kinds[i] = (struct kind){
		.name = xstrdup(k->name),
		.unit = xstrdup(k->unit),
		.period = k->period,
		.labels = k->labels,
	};
	sum_labels(c);
	return i;
}

void collect_del_kind(struct collect *c, unsigned kind)
{
	wait_end(c); /* some may be of it */
	window_kind_fini(&c->kinds[kind]);
	c->kinds[kind] = (struct kind){ .free = true };
	sum_labels(c);
}

static void forget_labels(void *ctx, struct process *p)
{
	labels_forget(p);
}

void collect_set_options(struct collect *c, const struct collect_options *o)
{
	c->o.exclude_idle = o->exclude_idle;
	c->o.lost_by_count = o->lost_by_count;
	if (c->o.labels == o->labels)
		return;
	c->o.labels = o->labels;
	sum_labels(c);
	process_each(c->processes, forget_labels, NULL);
}

void collect_want_maps(struct collect *c, struct process *p)
{
	if (p->space->state == SPACE_UNKNOWN)
		resolve_ask_maps(c, p);
}

void collect_set_period(struct collect *c, unsigned kind, int64_t period)
{
	c->kinds[kind].period = period;
}

/* --- Records --- */

static void note_mmap(struct collect *c, const struct record *rec)
{
	const struct record_mmap *m = &rec->mmap;
	unsigned cpumode = rec->misc & PERF_RECORD_MISC_CPUMODE_MASK;

	if (cpumode == PERF_RECORD_MISC_KERNEL) {
		kernel_mmap(c, m);
	} else if (!sample_is_guest(rec) && (m->prot & PROT_EXEC)) {
		struct process_mmap map = {
			.start = m->start,
			.size = m->size,
			.pgoff = m->pgoff,
			.path = m->filename,
			.build_id = m->build_id_size ? m->build_id : NULL,
			.build_id_size = m->build_id_size,
			.dev_major = m->maj,
			.dev_minor = m->min,
			.inode = m->ino,
			.inode_generation = m->ino_generation,
		};

		wait_mmap(c, m->pid, m->start, m->start + m->size);
		process_mmap(c->processes, m->pid, &map, rec->time);
	}
}

static void note_fork(struct collect *c, const struct record *rec)
{
	const struct record_task *t = &rec->task;

	/* perf(1) makes such records up for tasks that were there already. */
	if (rec->misc & PERF_RECORD_MISC_FORK_EXEC)
		process_was_there(c->processes, t->pid, t->ppid, t->tid);
	else
		process_fork(c->processes, t->pid, t->ppid, t->tid, t->ptid, t->time);
}

static void note_comm(struct collect *c, const struct record *rec)
{
	const struct record_comm *r = &rec->comm;
	struct process *p = process_find(c->processes, r->pid);

	if (p && r->exec)
		wait_exec(c, p);
	process_comm(c->processes, r->pid, r->tid, r->comm, r->exec, rec->time);
	p = process_find(c->processes, r->pid);
	if (p)
		labels_forget(p); /* a leader's name is in the labels of all its threads */
}

static void note_lost(struct collect *c, unsigned kind, uint64_t lost)
{
	if (__builtin_add_overflow(c->counters.lost, lost, &c->counters.lost))
		c->counters.lost = UINT64_MAX;
	if (!c->o.lost_by_count)
		collect_lost(c, kind, lost);
}

void collect_record(struct collect *c, const struct record *rec, unsigned kind,
		    const struct record_layout *layout)
{
	if (rec->time > c->now)
		c->now = rec->time;
	switch (rec->type) {
	case PERF_RECORD_SAMPLE:
		if (kind < c->nr_kinds)
			sample_add(c, rec, kind, layout);
		break;
	case PERF_RECORD_MMAP:
	case PERF_RECORD_MMAP2:
		note_mmap(c, rec);
		break;
	case PERF_RECORD_COMM:
		note_comm(c, rec);
		break;
	case PERF_RECORD_FORK:
		note_fork(c, rec);
		break;
	case PERF_RECORD_EXIT:
		process_exit(c->processes, rec->task.pid, rec->task.tid, rec->task.time);
		break;
	case PERF_RECORD_LOST:
	case PERF_RECORD_LOST_SAMPLES:
		note_lost(c, kind, rec->lost.lost);
		break;
	case PERF_RECORD_THROTTLE:
		c->counters.throttled++;
		break;
	case PERF_RECORD_KSYMBOL:
		c->kernel_changed = true;
		break;
	case PERF_RECORD_CGROUP:
		labels_cgroup_record(c, &rec->cgroup);
		break;
	}
}

void collect_flush(struct collect *c)
{
	wait_end(c);
}

void collect_malformed(struct collect *c)
{
	c->counters.records_malformed++;
}

void collect_pages(struct collect *c)
{
	wait_resolve(c, c->now);
}

void collect_tick(struct collect *c, uint64_t horizon_ns)
{
	uint64_t oldest;

	if (horizon_ns > c->now)
		c->now = horizon_ns;
	wait_resolve(c, c->now);
	resolve_retry_objects(c);
	/* Who has exited since is still needed by the samples that wait. */
	oldest = wait_oldest_ns(c);
	process_reap(c->processes, oldest < horizon_ns ? oldest : horizon_ns);
}

bool collect_kernel_changed(struct collect *c)
{
	bool changed = c->kernel_changed;

	c->kernel_changed = false;
	return changed;
}

const struct counters *collect_counters(const struct collect *c)
{
	return &c->counters;
}

struct counters *collect_counters_mutable(struct collect *c)
{
	return &c->counters;
}
