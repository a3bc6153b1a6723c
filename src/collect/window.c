#include "collect/window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "collect/state.h"
#include "profile/merge.h"

#define NO_OBJECT 0x80000000u /* and the window's number: merges with nothing */

static const char *const pseudo_names[PSEUDO_NR] = {
	[PSEUDO_LOST] = "[lost]",
	[PSEUDO_EXITING] = "[exiting]",
	[PSEUDO_OUTSIDE] = "[outside]",
	[PSEUDO_GUEST] = "[guest]",
	[PSEUDO_IDLE] = "[idle]",
	[PSEUDO_UNMAPPED] = "[unmapped]",
	[PSEUDO_TRUNCATED] = "[truncated]",
};

uint32_t *window_slot(uint32_t **table, uint32_t *cap, uint32_t number)
{
	uint32_t old = *cap;

	if (number >= old) {
		array_reserve(*table, *cap, (uint64_t)number + 1);
		memset(*table + old, 0, (size_t)(*cap - old) * sizeof(**table));
	}
	return *table + number;
}

uint32_t window_map_add(struct collect *c, uint64_t start, uint64_t end, uint32_t object)
{
	*array_push(c->maps, c->nr_maps, c->maps_cap) =
		(struct window_map){ .object = object, .start = start, .end = end };
	return c->nr_maps - 1;
}

struct profile *window_profile(struct collect *c, struct kind *k)
{
	struct profile_mapping host = { .object = 0 };
	char name[128];

	if (k->profile)
		return k->profile;
	k->profile = profile_new();
	profile_add_type(k->profile, "samples", "count");
	profile_add_type(k->profile, k->name, k->unit);
	profile_set_period(k->profile, k->name, k->unit, k->period);
	k->profile->default_type = k->profile->types[1].type;
	profile_add_comment(k->profile, PACKAGE_STRING);
	/* The first mapping gives a report its title, and is what a viewer takes for "the
	 * program". */
	snprintf(name, sizeof(name), "[host %s]", c->o.host);
	host.filename = profile_string(k->profile, name);
	profile_mapping(k->profile, &host);
	return k->profile;
}

uint32_t window_pseudo(struct collect *c, struct kind *k, enum pseudo pseudo)
{
	if (!k->pseudo[pseudo])
		k->pseudo[pseudo] = profile_pseudo(window_profile(c, k), pseudo_names[pseudo]) + 1;
	return k->pseudo[pseudo] - 1;
}

/* --- Stacks --- */

/* The user part of S → FRAMES. A caller in no executable mapping means that the walk took something
 * else for a frame: that address and all behind it are refused. */
static uint32_t resolve_user_part(struct collect *c, struct kind *k, struct process *p,
				  const struct stack *s, uint32_t *frames, enum cut *cut)
{
	const uint64_t *addresses = s->addresses + s->nr_kernel;

	for (uint32_t i = 0; i < s->nr_user; i++) {
		uint32_t location = resolve_user(c, k, p, addresses[i]);

		if (location == UINT32_MAX && i) {
			c->counters.frames_refused += s->nr_user - i;
			*cut = CUT_REFUSED;
			return i;
		}
		if (location == UINT32_MAX) { /* the leaf is right: our maps lack */
			c->counters.samples_unmapped++;
			/* In the kernel it may be execve(2), called from the image before. */
			if (!s->nr_kernel)
				resolve_ask_maps(c, p);
			location = window_pseudo(c, k, PSEUDO_UNMAPPED);
		}
		frames[i] = location;
	}
	return s->nr_user;
}

static uint32_t truncated(struct collect *c, struct kind *k, enum cut cut)
{
	static const size_t counters[CUT_NR] = {
		[CUT_DEEP] = offsetof(struct counters, stacks_deep),
		[CUT_UNWALKED] = offsetof(struct counters, stacks_unwalked),
		[CUT_REFUSED] = offsetof(struct counters, stacks_refused),
		[CUT_NO_MAPPING] = offsetof(struct counters, stacks_no_mapping),
		[CUT_NO_TABLE] = offsetof(struct counters, stacks_no_table),
		[CUT_NO_ROW] = offsetof(struct counters, stacks_no_row),
		[CUT_UNSUPPORTED] = offsetof(struct counters, stacks_unsupported),
		[CUT_SHORT] = offsetof(struct counters, stacks_short),
		[CUT_SWITCHED] = offsetof(struct counters, stacks_switched),
		[CUT_BAD_FRAME] = offsetof(struct counters, stacks_bad_frame),
		[CUT_LOOP] = offsetof(struct counters, stacks_loop),
		[CUT_FAULT] = offsetof(struct counters, stacks_fault),
		[CUT_STALE] = offsetof(struct counters, stacks_stale),
	};

	c->counters.stacks_truncated++;
	++*(uint64_t *)((char *)&c->counters + counters[cut]);
	return window_pseudo(c, k, PSEUDO_TRUNCATED);
}

void window_add(struct collect *c, struct kind *k, struct process *p, const struct stack *s,
		uint32_t label_set, const int64_t values[2])
{
	uint32_t *frames = c->frames, nr = 0;
	enum cut cut = s->cut;

	window_profile(c, k);
	/* Each is somewhere else in a table that fits in no cache of the CPU. */
	for (uint32_t i = 0; i < s->nr_kernel; i++)
		cache_prefetch(&k->cache, 0, s->addresses[i]);
	for (uint32_t i = s->nr_kernel; p && i < s->nr_kernel + s->nr_user; i++)
		cache_prefetch(&k->cache, p->space->serial, s->addresses[i]);
	while (nr < s->nr_kernel) {
		frames[nr] = resolve_kernel(c, k, s->addresses[nr]);
		nr++;
	}
	if (s->root != PSEUDO_NONE) {
		frames[nr++] = window_pseudo(c, k, s->root);
		cut = CUT_NOT;
	} else if (s->nr_user && p) {
		nr += resolve_user_part(c, k, p, s, frames + nr, &cut);
	} else if (s->nr_user || !nr) {
		frames[nr++] = window_pseudo(c, k, PSEUDO_UNMAPPED);
		c->counters.samples_unmapped++;
		cut = CUT_NOT;
	}
	if (cut != CUT_NOT)
		frames[nr++] = truncated(c, k, cut);
	profile_add(k->profile, profile_stack(k->profile, frames, nr), label_set, values);
}

void collect_lost(struct collect *c, unsigned kind, uint64_t nr)
{
	struct kind *k;
	struct profile *p;
	uint32_t location;
	int64_t values[2];

	if (!nr || kind >= c->nr_kinds)
		return;
	k = &c->kinds[kind];
	p = window_profile(c, k);
	values[0] = nr < INT64_MAX ? (int64_t)nr : INT64_MAX;
	if (__builtin_mul_overflow(values[0], k->period, &values[1]))
		values[1] = INT64_MAX;
	location = window_pseudo(c, k, PSEUDO_LOST);
	profile_add(p, profile_stack(p, &location, 1), profile_label_set(p, NULL, 0), values);
}

/* --- Its end --- */

static void kind_reset(struct kind *k)
{
	profile_free(k->profile);
	k->profile = NULL;
	cache_clear(&k->cache);
	memset(k->pseudo, 0, sizeof(k->pseudo));
	k->idle_labels = 0;
	free(k->mappings);
	free(k->label_sets);
	k->mappings = k->label_sets = NULL;
	k->mappings_cap = k->label_sets_cap = 0;
}

void window_kind_fini(struct kind *k)
{
	kind_reset(k);
	cache_fini(&k->cache);
	free(k->name);
	free(k->unit);
}

/* A copy of K's profile, mappings merged by object; K's own is as it was. */
static struct profile *merged(const struct collect *c, struct kind *k, int64_t start_ns,
			      int64_t duration_ns)
{
	struct profile *p = k->profile, *out = profile_new();
	struct profile_mapping *mappings = xreallocarray(NULL, (size_t)p->nr_mappings + 1, sizeof(*mappings));

	memcpy(mappings, p->mappings, p->nr_mappings * sizeof(*mappings));
	p->time_nanos = start_ns;
	p->duration_nanos = duration_ns;
	for (uint32_t i = 1; i < p->nr_mappings; i++) { /* 0 is the host */
		struct profile_mapping *m = &p->mappings[i];
		uint32_t object = c->maps[m->object].object;

		/* Offsets in a map of functions made at run time are addresses. */
		if (object >= OBJECT_FIRST && !strcmp(profile_str(p, m->filename), SPACE_ANONYMOUS))
			m->offset = m->start;
		/* A build id is only what a file says of itself: without an object nothing is
		 * one. */
		m->object = object >= OBJECT_FIRST ? object : NO_OBJECT | m->object;
	}
	if (profile_merge(out, p)) /* of nothing and one: cannot differ */
		abort();
	memcpy(p->mappings, mappings, p->nr_mappings * sizeof(*mappings)); /* the window may go on */
	for (uint32_t i = 1; i < out->nr_mappings; i++)
		if (out->mappings[i].object & NO_OBJECT)
			out->mappings[i].object = 0;
	free(mappings);
	return out;
}

struct profile *collect_snapshot(struct collect *c, unsigned kind, int64_t start_ns,
				 int64_t duration_ns)
{
	struct kind *k = &c->kinds[kind];

	return k->profile ? merged(c, k, start_ns, duration_ns) : NULL;
}

struct profile *collect_finish(struct collect *c, unsigned kind, int64_t start_ns,
			       int64_t duration_ns)
{
	struct profile *out = collect_snapshot(c, kind, start_ns, duration_ns);

	if (out)
		kind_reset(&c->kinds[kind]);
	return out;
}

void collect_next_window(struct collect *c)
{
	for (uint32_t i = 0; i < c->nr_kinds; i++)
		kind_reset(&c->kinds[i]);
	c->window = process_table_window(c->processes);
	c->nr_labels = 0;
	c->nr_maps = 0;
	c->nr_unasked = 0;
	hash_clear(&c->asked);
}

uint64_t collect_nr_samples(const struct collect *c)
{
	uint64_t nr = 0;

	for (uint32_t i = 0; i < c->nr_kinds; i++)
		if (c->kinds[i].profile)
			nr += c->kinds[i].profile->nr_samples;
	return nr;
}

size_t collect_size(const struct collect *c)
{
	size_t size = c->waiting_size + c->maps_cap * sizeof(*c->maps) +
		      c->unasked_cap * sizeof(*c->unasked);

	if (c->asked.slots)
		size += ((size_t)c->asked.mask + 1) * sizeof(*c->asked.slots);
	for (uint32_t i = 0; i < c->nr_kinds; i++) {
		const struct kind *k = &c->kinds[i];

		size += cache_size(&k->cache) +
			(k->mappings_cap + k->label_sets_cap) * sizeof(uint32_t);
		if (k->profile)
			size += profile_size(k->profile);
	}
	return size;
}
