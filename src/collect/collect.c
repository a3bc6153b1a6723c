#include "collect/collect.h"

#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/array.h"
#include "collect/state.h"

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

/* --- Samples --- */

/* Not of a process that we can see: only its kernel part means something. */
static void add_unowned(struct collect *c, struct kind *k, struct stack *s, enum pseudo root,
			const int64_t values[2])
{
	s->root = root;
	window_add(c, k, NULL, s, profile_label_set(window_profile(c, k), NULL, 0), values);
}

/* Of no table: it has neither a life nor maps. */
static void add_idle(struct collect *c, struct kind *k, struct stack *s, const int64_t values[2])
{
	static const struct label_source idle = {
		.comm = "swapper", .thread_comm = "swapper", .unit = "", .container = "",
	};

	if (!s->nr_kernel)
		s->root = PSEUDO_IDLE;
	if (!k->idle_labels)
		k->idle_labels = labels_build(c, k, &idle) + 1;
	window_add(c, k, NULL, s, k->idle_labels - 1, values);
}

/* False: S waits for the end of its walk. */
static bool add_walk(struct collect *c, uint32_t kind, struct process *p, struct thread *t,
		     struct stack *s, const int64_t values[2], const struct walk_input *walk)
{
	struct walk_missing missing;

	if (!walk_try(c, p, walk, &missing)) {
		wait_add(c, kind, p, t, s, values, walk, &missing);
		return false;
	}
	walk_end(c, p, s);
	return true;
}

/* Whether W was walked by what P's addresses mean now. */
static bool is_stale(const struct process *p, const struct walked *w)
{
	return w->serial && w->serial != p->space->serial && w->serial != p->space->from_serial;
}

/* Something was not known of the address at which W ended: it is asked for. */
static void ask_walked(struct collect *c, struct process *p, struct stack *s, struct walked *w)
{
	uint32_t last = w->chain ? 0 : s->nr_user - 1;

	w->tell = true;
	if (p->space->state != SPACE_KNOWN || !s->nr_user ||
	    walk_want(c, p, s->addresses[s->nr_kernel + last]))
		return;
	resolve_ask_maps(c, p);
	if (last) {
		s->nr_user = last;
		s->cut = CUT_NO_MAPPING;
	}
}

/* The walker in the kernel may not have known of the latest mappings yet: then only where it began is right. */
static void check_walked(struct collect *c, struct process *p, struct stack *s, struct walked *w)
{
	if (is_stale(p, w)) {
		w->tell = true;
		s->nr_user = s->nr_user ? 1 : 0;
		s->cut = CUT_STALE;
		return;
	}
	if (w->ask)
		ask_walked(c, p, s, w);
	if (!w->chain) {
		c->counters.stacks_walked_kernel++;
		walk_note(c, p, w->walk);
	}
}

/* WALK: of its copied stack, or NULL. WALKED: what S has got already, or NULL. */
static void add_owned(struct collect *c, uint32_t kind, const struct record *rec, struct stack *s,
		      const int64_t values[2], const struct walk_input *walk, struct walked *walked)
{
	struct kind *k = &c->kinds[kind];
	struct process *p = process_get(c->processes, rec->pid);
	struct thread *t = p ? process_thread(c->processes, p, rec->tid) : NULL;

	if (!t) {
		c->counters.samples_unlabelled++;
		add_unowned(c, k, s, PSEUDO_NONE, values);
		return;
	}
	labels_cgroup(c, p, rec->sample.cgroup);
	if (walked && walked->in_kernel)
		check_walked(c, p, s, walked);
	if (s->root != PSEUDO_NONE)
		walk = NULL;
	if ((s->nr_user || walk) && s->root == PSEUDO_NONE && c->asks.maps &&
	    p->space->state != SPACE_KNOWN) {
		resolve_ask_maps(c, p);
		wait_add(c, kind, p, t, s, values, walk, NULL);
		return;
	}
	if (walk && !add_walk(c, kind, p, t, s, values, walk))
		return;
	window_add(c, k, p, s, labels_of(c, k, p, t), values);
}

static bool is_guest(const struct record *rec)
{
	unsigned cpumode = rec->misc & PERF_RECORD_MISC_CPUMODE_MASK;

	return cpumode == PERF_RECORD_MISC_GUEST_KERNEL || cpumode == PERF_RECORD_MISC_GUEST_USER;
}

static void sample_values(const struct kind *k, const struct record *rec,
			  const struct record_layout *layout, int64_t values[2])
{
	uint64_t period = (uint64_t)k->period;

	if (layout->sample_type & PERF_SAMPLE_PERIOD)
		period = rec->sample.period;
	values[0] = 1;
	values[1] = period < INT64_MAX ? (int64_t)period : INT64_MAX;
}

/* W takes the place of the user part. */
static void take_walk(struct collect *c, struct stack *s, const struct walked *w)
{
	if (w->user_only)
		s->nr_kernel = 0;
	chain_walked(c, w->walk, s);
}

static void add_sample(struct collect *c, const struct record *rec, uint32_t kind,
		       const struct record_layout *layout, struct walked *w)
{
	struct kind *k = &c->kinds[kind];
	bool has_tid = layout->sample_type & PERF_SAMPLE_TID;
	struct walk_input in;
	struct stack s;
	int64_t values[2];

	c->counters.samples++;
	if (has_tid && !rec->pid && !c->o.outside && c->o.exclude_idle) {
		c->counters.samples_idle++;
		return;
	}
	sample_values(k, rec, layout, values);
	chain_read(c, rec, layout, &s);
	if (w)
		take_walk(c, &s, w);
	if (w && w->in_kernel)
		values[1] = w->period < INT64_MAX ? (int64_t)w->period : INT64_MAX;
	if (is_guest(rec)) {
		/* Its addresses are of another machine. */
		c->counters.samples_guest++;
		s.nr_kernel = s.nr_user = 0;
		s.root = PSEUDO_GUEST;
	}
	if (!has_tid) {
		c->counters.samples_unlabelled++;
		add_unowned(c, k, &s, s.root, values);
	} else if (rec->pid == UINT32_MAX || rec->tid == UINT32_MAX) {
		c->counters.samples_exiting++;
		add_unowned(c, k, &s, PSEUDO_EXITING, values);
	} else if (!rec->pid && c->o.outside) {
		c->counters.samples_outside++;
		add_unowned(c, k, &s, PSEUDO_OUTSIDE, values);
	} else if (!rec->pid) {
		add_idle(c, k, &s, values);
	} else {
		add_owned(c, kind, rec, &s, values,
			  !w && walk_read(c, rec, layout, &in) ? &in : NULL, w);
	}
}

/* --- What else the kernel tells --- */

static void note_mmap(struct collect *c, const struct record *rec)
{
	const struct record_mmap *m = &rec->mmap;
	unsigned cpumode = rec->misc & PERF_RECORD_MISC_CPUMODE_MASK;

	if (cpumode == PERF_RECORD_MISC_KERNEL) {
		kernel_mmap(c, m);
	} else if (!is_guest(rec) && (m->prot & PROT_EXEC)) {
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
			add_sample(c, rec, kind, layout, NULL);
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

void collect_walked(struct collect *c, const struct record *rec, unsigned kind,
		    const struct record_layout *layout, const struct unwind_walk *walk)
{
	struct walked w = { .walk = walk };

	if (rec->time > c->now)
		c->now = rec->time;
	if (rec->type == PERF_RECORD_SAMPLE && kind < c->nr_kinds)
		add_sample(c, rec, kind, layout, &w);
}

int collect_compact(struct collect *c, const struct record *rec, unsigned kind, const struct record_layout *layout,
		    bool user_only)
{
	struct walked w = { .walk = &c->compact, .in_kernel = true, .user_only = user_only };
	struct unwind_compact_info info;
	int err = unwind_compact_read(rec->sample.raw, rec->sample.raw_size, &c->compact, &info);

	if (err)
		return err;
	w.serial = info.serial;
	w.period = info.period;
	w.chain = info.chain;
	w.ask = info.ask;
	if (rec->time > c->now)
		c->now = rec->time;
	if (kind < c->nr_kinds)
		add_sample(c, rec, kind, layout, &w);
	return w.tell;
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
