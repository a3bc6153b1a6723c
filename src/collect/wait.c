#include "collect/wait.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "collect/state.h"

/* The names of the moment are kept with a sample that waits, since a rename may come first. */
struct waiting_sample {
	struct waiting_sample *next;
	uint64_t time_ns;
	uint32_t kind, nr_kernel, nr_user;
	enum cut cut;
	int64_t values[2];
	struct label_source labels; /* its strings lie behind the addresses */
	uint32_t strings_size;
	/* A stack to be walked lies behind the strings. */
	bool walk, lacks; /* something, as far as is known */
	struct walk_missing missing;
	struct unwind_regs regs;
	uint32_t stack_size;
	uint64_t addresses[];
};

struct wait_group { /* never empty */
	struct identity who;
	struct waiting_sample *first, *last;
};

static size_t sample_size(const struct waiting_sample *s)
{
	return sizeof(*s) + ((size_t)s->nr_kernel + s->nr_user) * sizeof(s->addresses[0]) +
	       s->strings_size + s->stack_size;
}

static struct wait_group *find_group(struct collect *c, uint32_t pid)
{
	uint32_t pos, i, hash = hash_u64(pid);

	for (i = hash_first(&c->waiting_hash, hash, &pos); i != HASH_NONE;
	     i = hash_next(&c->waiting_hash, hash, &pos))
		if (c->waiting[i].who.pid == pid)
			return &c->waiting[i];
	return NULL;
}

static void remove_group(struct collect *c, struct wait_group *g)
{
	uint32_t i = (uint32_t)(g - c->waiting), last = --c->nr_waiting;

	hash_del(&c->waiting_hash, hash_u64(g->who.pid), i);
	if (i != last) {
		hash_move(&c->waiting_hash, hash_u64(c->waiting[last].who.pid), last, i);
		*g = c->waiting[last];
	}
}

/* Of whom the samples' addresses are, if that can be told. */
static struct process *owner(struct collect *c, const struct wait_group *g)
{
	struct process *p = identity_find(c, &g->who);

	return p && p->space->state == SPACE_KNOWN ? p : NULL;
}

/* The walk of S for P, put into STACK; with LAST as far as it comes. False: it still lacks
 * something. */
static bool walk_sample(struct collect *c, struct waiting_sample *s, struct process *p, bool last,
			struct stack *stack)
{
	struct walk_input in = {
		.regs = s->regs,
		.stack = (char *)&s->addresses[s->nr_kernel + s->nr_user] + s->strings_size,
		.size = s->stack_size,
	};

	if (!last && s->lacks && !walk_may_go_on(c, &s->missing))
		return false;
	s->lacks = !walk_try(c, p, &in, &s->missing);
	if (s->lacks && !last)
		return false;
	/* The walk's addresses come behind the kernel's. */
	memcpy(c->addresses, s->addresses, (s->nr_kernel + s->nr_user) * sizeof(*c->addresses));
	stack->addresses = c->addresses;
	walk_end(c, p, stack);
	return true;
}

/* Counts S; P is NULL when its maps were waited for in vain. False: it goes on waiting, which it does
 * not with LAST. */
static bool enter(struct collect *c, struct waiting_sample *s, struct process *p, bool last)
{
	struct kind *k = &c->kinds[s->kind];
	struct stack stack = {
		.nr_kernel = s->nr_kernel,
		.nr_user = s->nr_user,
		.cut = s->cut,
		.root = PSEUDO_NONE,
		.addresses = s->addresses,
	};

	if (s->walk && p && c->walker && !walk_sample(c, s, p, last, &stack))
		return false;
	window_add(c, k, p, &stack, labels_build(c, k, &s->labels), s->values);
	return true;
}

static void forget(struct collect *c, struct waiting_sample *s)
{
	c->waiting_size -= sample_size(s);
	free(s);
}

static void enter_first(struct collect *c, struct wait_group *g, struct process *p)
{
	struct waiting_sample *s = g->first;

	enter(c, s, p, true);
	g->first = s->next;
	forget(c, s);
	if (!g->first)
		remove_group(c, g);
}

static void enter_group(struct collect *c, struct wait_group *g, struct process *p)
{
	for (bool more = true; more;) {
		more = g->first->next;
		enter_first(c, g, p);
	}
}

/* Those whose walk ends now, or has had its time. */
static void enter_walks(struct collect *c, struct wait_group *g, struct process *p, uint64_t now)
{
	struct waiting_sample *s, **at = &g->first;

	g->last = NULL;
	while ((s = *at)) {
		if (!enter(c, s, p, now >= s->time_ns + COLLECT_WAIT_NS)) {
			g->last = s;
			at = &s->next;
			continue;
		}
		*at = s->next;
		forget(c, s);
	}
	if (!g->first)
		remove_group(c, g);
}

static void make_room(struct collect *c, size_t size)
{
	while (c->nr_waiting && c->waiting_size + size > COLLECT_WAIT_SIZE) {
		struct wait_group *oldest = c->waiting;

		for (uint32_t i = 1; i < c->nr_waiting; i++)
			if (c->waiting[i].first->time_ns < oldest->first->time_ns)
				oldest = &c->waiting[i];
		enter_first(c, oldest, owner(c, oldest));
	}
}

static struct waiting_sample *keep(const struct collect *c, uint32_t kind,
				   const struct label_source *labels, const struct stack *s,
				   const int64_t values[2], const struct walk_input *walk)
{
	size_t nr = (size_t)s->nr_kernel + s->nr_user;
	size_t unit_size = strlen(labels->unit) + 1, container_size = strlen(labels->container) + 1;
	size_t stack_size = walk ? walk->size : 0;
	struct waiting_sample *w = xmalloc(sizeof(*w) + nr * sizeof(w->addresses[0]) + unit_size +
					   container_size + stack_size);

	*w = (struct waiting_sample){
		.time_ns = c->now,
		.kind = kind,
		.nr_kernel = s->nr_kernel,
		.nr_user = s->nr_user,
		.cut = s->cut,
		.values = { values[0], values[1] },
		.labels = *labels,
		.strings_size = (uint32_t)(unit_size + container_size),
		.walk = walk,
		.stack_size = (uint32_t)stack_size,
	};
	memcpy(w->addresses, s->addresses, nr * sizeof(w->addresses[0]));
	/* The process may be gone, and its strings with it, before the sample is entered. */
	w->labels.unit = memcpy(&w->addresses[nr], labels->unit, unit_size);
	w->labels.container = memcpy((char *)&w->addresses[nr] + unit_size, labels->container,
				     container_size);
	if (walk) {
		w->regs = walk->regs;
		memcpy((char *)&w->addresses[nr] + w->strings_size, walk->stack, stack_size);
	}
	return w;
}

void wait_add(struct collect *c, uint32_t kind, struct process *p, struct thread *t,
	      const struct stack *s, const int64_t values[2], const struct walk_input *walk,
	      const struct walk_missing *missing)
{
	struct identity who = identity_of(p);
	struct label_source labels;
	struct waiting_sample *w;
	struct wait_group *g;

	labels_source(&labels, p, t);
	w = keep(c, kind, &labels, s, values, walk);
	if (missing) {
		w->lacks = true;
		w->missing = *missing;
	}
	c->counters.samples_waited++;
	make_room(c, sample_size(w));
	g = find_group(c, who.pid);
	if (g && !identity_equal(&g->who, &who)) { /* of an image that is gone: in vain */
		enter_group(c, g, NULL);
		g = NULL;
	}
	if (g) {
		g->last->next = w;
	} else {
		hash_add(&c->waiting_hash, hash_u64(who.pid), c->nr_waiting);
		g = array_push(c->waiting, c->nr_waiting, c->waiting_cap);
		*g = (struct wait_group){ .who = who, .first = w };
	}
	g->last = w;
	c->waiting_size += sample_size(w);
}

void wait_resolve(struct collect *c, uint64_t now)
{
	/* Backwards: the last takes the place of one that is removed. */
	for (uint32_t i = c->nr_waiting; i-- > 0;) {
		struct wait_group *g = &c->waiting[i];
		struct process *p = identity_find(c, &g->who);

		if (!p) {
			enter_group(c, g, NULL);
		} else if (p->space->state == SPACE_KNOWN) {
			enter_walks(c, g, p, now);
		} else if (now >= g->first->time_ns + COLLECT_WAIT_NS) {
			/* From now on the records alone say what is mapped; asking goes on,
			 * rarely. */
			p->space->state = SPACE_KNOWN;
			enter_group(c, g, NULL);
		} else {
			resolve_ask_maps(c, p);
		}
	}
}

void wait_exec(struct collect *c, struct process *p)
{
	struct wait_group *g = find_group(c, p->pid);

	if (g)
		enter_group(c, g, owner(c, g));
}

void wait_mmap(struct collect *c, uint32_t pid, uint64_t start, uint64_t end)
{
	struct wait_group *g = find_group(c, pid);
	struct process *p = g ? owner(c, g) : NULL;

	for (uint32_t i = 0; p && i < p->space->nr_maps; i++)
		if (space_map(p->space, i)->start < end && space_map(p->space, i)->end > start) {
			enter_group(c, g, p);
			return;
		}
}

uint64_t wait_oldest_ns(const struct collect *c)
{
	uint64_t oldest = UINT64_MAX;

	for (uint32_t i = 0; i < c->nr_waiting; i++)
		if (c->waiting[i].first->time_ns < oldest)
			oldest = c->waiting[i].first->time_ns;
	return oldest;
}

void wait_end(struct collect *c)
{
	while (c->nr_waiting)
		enter_first(c, c->waiting, owner(c, c->waiting));
}

void wait_fini(struct collect *c)
{
	for (uint32_t i = 0; i < c->nr_waiting; i++) {
		struct waiting_sample *next;

		for (struct waiting_sample *s = c->waiting[i].first; s; s = next) {
			next = s->next;
			free(s);
		}
	}
	free(c->waiting);
	hash_fini(&c->waiting_hash);
}
