/* Numbers of the source's elements become the destination's, each looked up once. */
#include "profile/merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/mem.h"

#define UNSEEN UINT32_MAX

struct merge {
	struct profile *dst;
	const struct profile *src;
	/* By the source's number: the destination's, or UNSEEN. */
	uint32_t *strings, *mappings, *functions, *locations, *stacks, *label_sets;
	struct hash mapping_hash;   /* of the destination's mappings */
	uint32_t *items;            /* room for one stack */
	struct profile_line *lines; /* for one location's */
	struct profile_label *labels;
	uint32_t items_cap, lines_cap, labels_cap;
};

static uint32_t *unseen(uint32_t nr)
{
	uint32_t *numbers = xreallocarray(NULL, (size_t)nr + 1, sizeof(*numbers));

	memset(numbers, 0xff, nr * sizeof(*numbers));
	return numbers;
}

static uint32_t merge_string(struct merge *m, uint32_t i)
{
	if (m->strings[i] == UNSEEN)
		m->strings[i] = profile_string(m->dst, m->src->strings[i]);
	return m->strings[i];
}

/* What makes two mappings one: see profile_merge. */
static uint32_t mapping_hash(const struct profile_mapping *m)
{
	uint64_t who = (uint64_t)m->filename << 2;

	if (m->object)
		who = (uint64_t)m->object << 2 | 1;
	else if (m->build_id)
		who = (uint64_t)m->build_id << 2 | 2;
	return hash_2u64(who, hash_2u64(m->limit - m->start, m->offset));
}

static bool same_mapping(const struct profile_mapping *a, const struct profile_mapping *b)
{
	if (a->limit - a->start != b->limit - b->start || a->offset != b->offset)
		return false;
	if (a->object || b->object)
		return a->object == b->object;
	return a->build_id == b->build_id && (a->build_id || a->filename == b->filename);
}

static uint32_t find_mapping(const struct merge *m, const struct profile_mapping *map)
{
	uint32_t pos, i;

	for (i = hash_first(&m->mapping_hash, mapping_hash(map), &pos); i != HASH_NONE;
	     i = hash_next(&m->mapping_hash, mapping_hash(map), &pos))
		if (same_mapping(&m->dst->mappings[i], map))
			break;
	return i;
}

static uint32_t merge_mapping(struct merge *m, uint32_t i)
{
	struct profile_mapping map = m->src->mappings[i], *old;
	uint32_t at;

	if (m->mappings[i] != UNSEEN)
		return m->mappings[i];
	map.filename = merge_string(m, map.filename);
	map.build_id = merge_string(m, map.build_id);
	at = find_mapping(m, &map);
	if (at == HASH_NONE) {
		at = profile_mapping(m->dst, &map);
		hash_add(&m->mapping_hash, mapping_hash(&map), at);
	} else {
		old = &m->dst->mappings[at];
		old->has_functions &= map.has_functions;
		old->has_filenames &= map.has_filenames;
		old->has_line_numbers &= map.has_line_numbers;
		old->has_inline_frames &= map.has_inline_frames;
	}
	m->mappings[i] = at;
	return at;
}

static uint32_t merge_function(struct merge *m, uint32_t i)
{
	struct profile_function f;

	if (m->functions[i] == UNSEEN) {
		f = m->src->functions[i];
		f.name = merge_string(m, f.name);
		f.system_name = merge_string(m, f.system_name);
		f.filename = merge_string(m, f.filename);
		m->functions[i] = profile_function(m->dst, &f);
	}
	return m->functions[i];
}

static uint32_t add_location(struct merge *m, uint32_t mapping, uint64_t address, uint32_t nr)
{
	struct profile *dst = m->dst;
	uint32_t at;

	if (!address)
		return profile_location_lines(dst, mapping, 0, m->lines, nr);
	at = profile_location(dst, mapping, address);
	if (!nr)
		return at; /* what is known there already names this one too */
	if (!dst->locations[at].nr_lines) {
		profile_set_lines(dst, at, m->lines, nr);
		return at;
	}
	return profile_location_lines(dst, mapping, address, m->lines, nr);
}

static uint32_t merge_location(struct merge *m, uint32_t i)
{
	const struct profile_location *l = &m->src->locations[i];
	uint32_t mapping = PROFILE_NO_MAPPING;
	uint64_t address = l->address;

	if (m->locations[i] != UNSEEN)
		return m->locations[i];
	if (l->mapping != PROFILE_NO_MAPPING) {
		mapping = merge_mapping(m, l->mapping);
		if (address)
			address += m->dst->mappings[mapping].start -
				   m->src->mappings[l->mapping].start;
	}
	array_reserve(m->lines, m->lines_cap, l->nr_lines);
	for (uint32_t k = 0; k < l->nr_lines; k++) {
		const struct profile_line *line = &m->src->lines[l->first_line + k];

		m->lines[k] = (struct profile_line){ merge_function(m, line->function),
						     line->line };
	}
	m->locations[i] = add_location(m, mapping, address, l->nr_lines);
	return m->locations[i];
}

static uint32_t merge_stack(struct merge *m, uint32_t i)
{
	const struct profile_stack *s = &m->src->stacks[i];

	if (m->stacks[i] == UNSEEN) {
		array_reserve(m->items, m->items_cap, s->nr);
		for (uint32_t k = 0; k < s->nr; k++)
			m->items[k] = merge_location(m, m->src->stack_locations[s->first + k]);
		m->stacks[i] = profile_stack(m->dst, m->items, s->nr);
	}
	return m->stacks[i];
}

static uint32_t merge_label_set(struct merge *m, uint32_t i)
{
	const struct profile_label_set *s = &m->src->label_sets[i];

	if (m->label_sets[i] == UNSEEN) {
		array_reserve(m->labels, m->labels_cap, s->nr);
		for (uint32_t k = 0; k < s->nr; k++) {
			m->labels[k] = m->src->labels[s->first + k];
			m->labels[k].key = merge_string(m, m->labels[k].key);
			m->labels[k].str = merge_string(m, m->labels[k].str);
			m->labels[k].num_unit = merge_string(m, m->labels[k].num_unit);
		}
		m->label_sets[i] = profile_label_set(m->dst, m->labels, s->nr);
	}
	return m->label_sets[i];
}

static bool same_value_type(const struct profile *a, const struct profile_value_type *x,
			    const struct profile *b, const struct profile_value_type *y)
{
	return !strcmp(a->strings[x->type], b->strings[y->type]) &&
	       !strcmp(a->strings[x->unit], b->strings[y->unit]);
}

static bool same_types(const struct profile *a, const struct profile *b)
{
	if (a->nr_types != b->nr_types ||
	    !same_value_type(a, &a->period_type, b, &b->period_type))
		return false;
	for (uint32_t i = 0; i < a->nr_types; i++)
		if (!same_value_type(a, &a->types[i], b, &b->types[i]))
			return false;
	return true;
}

static void first_header(struct merge *m)
{
	const struct profile *src = m->src;
	struct profile *dst = m->dst;

	dst->nr_types = src->nr_types;
	for (uint32_t i = 0; i < src->nr_types; i++) {
		dst->types[i].type = merge_string(m, src->types[i].type);
		dst->types[i].unit = merge_string(m, src->types[i].unit);
	}
	dst->period_type.type = merge_string(m, src->period_type.type);
	dst->period_type.unit = merge_string(m, src->period_type.unit);
	dst->default_type = merge_string(m, src->default_type);
	dst->drop_frames = merge_string(m, src->drop_frames);
	dst->keep_frames = merge_string(m, src->keep_frames);
}

static void merge_header(struct merge *m)
{
	const struct profile *src = m->src;
	struct profile *dst = m->dst;

	if (!dst->nr_types)
		first_header(m);
	if (src->time_nanos && (!dst->time_nanos || src->time_nanos < dst->time_nanos))
		dst->time_nanos = src->time_nanos;
	if (__builtin_add_overflow(dst->duration_nanos, src->duration_nanos, &dst->duration_nanos))
		dst->duration_nanos = src->duration_nanos < 0 ? INT64_MIN : INT64_MAX;
	if (src->period > dst->period)
		dst->period = src->period;
	for (uint32_t i = 0; i < src->nr_comments; i++)
		profile_add_comment(dst, src->strings[src->comments[i]]);
	if (src->nr_mappings)
		merge_mapping(m, 0);
}

static void merge_init(struct merge *m, struct profile *dst, const struct profile *src)
{
	*m = (struct merge){ .dst = dst, .src = src };
	m->strings = unseen(src->nr_strings);
	m->mappings = unseen(src->nr_mappings);
	m->functions = unseen(src->nr_functions);
	m->locations = unseen(src->nr_locations);
	m->stacks = unseen(src->nr_stacks);
	m->label_sets = unseen(src->nr_label_sets);
	/* Made anew each time: a mapping's object may have been learned since. */
	for (uint32_t i = 0; i < dst->nr_mappings; i++)
		hash_add(&m->mapping_hash, mapping_hash(&dst->mappings[i]), i);
}

static void merge_fini(struct merge *m)
{
	free(m->strings);
	free(m->mappings);
	free(m->functions);
	free(m->locations);
	free(m->stacks);
	free(m->label_sets);
	hash_fini(&m->mapping_hash);
	free(m->items);
	free(m->lines);
	free(m->labels);
}

int profile_merge_some(struct profile *dst, const struct profile *src, profile_keep_fn keep,
		       void *ctx)
{
	struct merge m;

	if (dst->nr_types && !same_types(dst, src))
		return -EINVAL;
	merge_init(&m, dst, src);
	merge_header(&m);
	for (uint32_t i = 0; i < src->nr_samples; i++) {
		uint32_t stack, label_set;

		if (keep && !keep(ctx, src, i))
			continue;
		stack = merge_stack(&m, src->samples[i].stack);
		label_set = merge_label_set(&m, src->samples[i].label_set);
		profile_add(dst, stack, label_set, &src->values[(size_t)i * src->nr_types]);
	}
	merge_fini(&m);
	return 0;
}

int profile_merge(struct profile *dst, const struct profile *src)
{
	return profile_merge_some(dst, src, NULL, NULL);
}
