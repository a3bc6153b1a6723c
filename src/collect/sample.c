#include "collect/sample.h"

#include <linux/perf_event.h>

#include "collect/state.h"
#include "collect/wait.h"
#include "collect/walk.h"
#include "unwind/compact.h"

/* A walk that was done before its sample came to us. */
struct walked {
	const struct unwind_walk *walk;
	bool in_kernel;  /* and the rest: */
	bool user_only;
	uint32_t serial; /* of the space that the walk went by; 0: it needed none */
	bool chain;      /* of frame pointers instead */
	bool ask;        /* it met what the kernel does not know */
	uint64_t period;
	bool tell;       /* set by us: the kernel should learn what we know of the process */
};

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

bool sample_is_guest(const struct record *rec)
{
	unsigned cpumode = rec->misc & PERF_RECORD_MISC_CPUMODE_MASK;

	return cpumode == PERF_RECORD_MISC_GUEST_KERNEL || cpumode == PERF_RECORD_MISC_GUEST_USER;
}

/* The walker's records are of an event of its own, with a period that means nothing. */
static void sample_values(const struct kind *k, const struct record *rec, const struct record_layout *layout,
			  const struct walked *w, int64_t values[2])
{
	uint64_t period = (uint64_t)k->period;

	if (w && w->in_kernel)
		period = w->period;
	else if (layout->sample_type & PERF_SAMPLE_PERIOD)
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
	sample_values(k, rec, layout, w, values);
	chain_read(c, rec, layout, &s);
	if (w)
		take_walk(c, &s, w);
	if (sample_is_guest(rec)) {
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

void sample_add(struct collect *c, const struct record *rec, uint32_t kind, const struct record_layout *layout)
{
	add_sample(c, rec, kind, layout, NULL);
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
