#include "profile/profile.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/mem.h"
#include "base/text.h"

struct profile *profile_new(void)
{
	struct profile *p = xcalloc(1, sizeof(*p));

	profile_string_n(p, "", 0);
	return p;
}

void profile_free(struct profile *p)
{
	if (!p)
		return;
	free(p->strings);
	free(p->mappings);
	free(p->functions);
	free(p->lines);
	free(p->locations);
	free(p->stack_locations);
	free(p->stacks);
	free(p->labels);
	free(p->label_sets);
	free(p->samples);
	free(p->values);
	free(p->comments);
	hash_fini(&p->string_hash);
	hash_fini(&p->function_hash);
	hash_fini(&p->location_hash);
	hash_fini(&p->stack_hash);
	hash_fini(&p->label_set_hash);
	hash_fini(&p->sample_hash);
	arena_fini(&p->arena);
	free(p);
}

static size_t hash_size(const struct hash *h)
{
	return h->slots ? ((size_t)h->mask + 1) * sizeof(*h->slots) : 0;
}

size_t profile_size(const struct profile *p)
{
	return sizeof(*p) + p->arena.size + p->strings_cap * sizeof(*p->strings) +
	       p->mappings_cap * sizeof(*p->mappings) + p->functions_cap * sizeof(*p->functions) +
	       p->lines_cap * sizeof(*p->lines) + p->locations_cap * sizeof(*p->locations) +
	       p->stack_locations_cap * sizeof(*p->stack_locations) +
	       p->stacks_cap * sizeof(*p->stacks) + p->labels_cap * sizeof(*p->labels) +
	       p->label_sets_cap * sizeof(*p->label_sets) + p->samples_cap * sizeof(*p->samples) +
	       p->values_cap * sizeof(*p->values) + p->comments_cap * sizeof(*p->comments) +
	       hash_size(&p->string_hash) + hash_size(&p->function_hash) +
	       hash_size(&p->location_hash) + hash_size(&p->stack_hash) +
	       hash_size(&p->label_set_hash) + hash_size(&p->sample_hash);
}

uint32_t profile_type_name(struct profile *p, const char *type)
{
	char name[128];
	size_t n = 0;

	if (*type >= '0' && *type <= '9')
		name[n++] = '_';
	for (; *type && n + 1 < sizeof(name); type++, n++)
		name[n] = (*type >= 'a' && *type <= 'z') || (*type >= 'A' && *type <= 'Z') ||
					  (*type >= '0' && *type <= '9') ?
				  *type :
				  '_';
	return profile_string_n(p, name, n);
}

void profile_add_type(struct profile *p, const char *type, const char *unit)
{
	if (p->nr_types == PROFILE_TYPES_MAX || p->nr_samples)
		abort();
	p->types[p->nr_types].type = profile_type_name(p, type);
	p->types[p->nr_types++].unit = profile_string(p, unit);
}

void profile_set_period(struct profile *p, const char *type, const char *unit, int64_t period)
{
	p->period_type.type = profile_type_name(p, type);
	p->period_type.unit = profile_string(p, unit);
	p->period = period;
}

void profile_add_comment(struct profile *p, const char *text)
{
	uint32_t string = profile_string(p, text);

	for (uint32_t i = 0; i < p->nr_comments; i++)
		if (p->comments[i] == string)
			return;
	*array_push(p->comments, p->nr_comments, p->comments_cap) = string;
}

static uint32_t find_string(const struct profile *p, uint32_t hash, const char *s, size_t size)
{
	uint32_t pos, i;

	for (i = hash_first(&p->string_hash, hash, &pos); i != HASH_NONE;
	     i = hash_next(&p->string_hash, hash, &pos))
		if (!strncmp(p->strings[i], s, size) && !p->strings[i][size])
			break;
	return i;
}

static uint32_t clean_string(struct profile *p, const char *s, size_t size)
{
	size_t room = 4 * size + 1;
	char *clean = xmalloc(room);
	uint32_t i = profile_string_n(p, clean, text_clean(clean, room, s, size));

	free(clean);
	return i;
}

static uint32_t add_string(struct profile *p, uint32_t hash, const char *s, size_t size)
{
	char *copy = arena_alloc(&p->arena, size + 1);
	uint32_t i = p->nr_strings;

	memcpy(copy, s, size);
	copy[size] = 0;
	*array_push(p->strings, p->nr_strings, p->strings_cap) = copy;
	hash_add(&p->string_hash, hash, i);
	return i;
}

uint32_t profile_string_n(struct profile *p, const char *s, size_t size)
{
	uint32_t hash, i;

	size = strnlen(s, size);
	hash = hash_bytes(s, size);
	i = find_string(p, hash, s, size);
	if (i != HASH_NONE)
		return i;
	return text_is_clean(s, size) ? add_string(p, hash, s, size) : clean_string(p, s, size);
}

uint32_t profile_clean_string(struct profile *p, const char *s, size_t size)
{
	uint32_t hash = hash_bytes(s, size), i = find_string(p, hash, s, size);

	return i != HASH_NONE ? i : add_string(p, hash, s, size);
}

void profile_reserve_functions(struct profile *p, uint32_t nr)
{
	hash_reserve(&p->function_hash, nr);
	hash_reserve(&p->string_hash, nr);
}

uint32_t profile_string(struct profile *p, const char *s)
{
	return profile_string_n(p, s, strlen(s));
}

uint32_t profile_mapping(struct profile *p, const struct profile_mapping *m)
{
	*array_push(p->mappings, p->nr_mappings, p->mappings_cap) = *m;
	return p->nr_mappings - 1;
}

uint32_t profile_function(struct profile *p, const struct profile_function *f)
{
	uint32_t hash = hash_2u64((uint64_t)f->name << 32 | f->system_name,
				  hash_2u64(f->filename, (uint64_t)f->start_line));
	uint32_t pos, i;

	for (i = hash_first(&p->function_hash, hash, &pos); i != HASH_NONE;
	     i = hash_next(&p->function_hash, hash, &pos)) {
		const struct profile_function *g = &p->functions[i];

		if (f->name == g->name && f->system_name == g->system_name &&
		    f->filename == g->filename && f->start_line == g->start_line)
			return i;
	}
	i = p->nr_functions;
	*array_push(p->functions, p->nr_functions, p->functions_cap) = *f;
	hash_add(&p->function_hash, hash, i);
	return i;
}

/* Locations are found by mapping and address; those of address 0, which says nothing, by their
 * innermost function. */
static uint32_t location_hash(uint32_t mapping, uint64_t address, const struct profile_line *lines,
			      uint32_t nr)
{
	if (address || !nr)
		return hash_2u64(address, mapping);
	return hash_2u64(lines[0].function, (uint64_t)mapping + ((uint64_t)nr << 32));
}

static uint32_t add_location(struct profile *p, uint32_t hash, uint32_t mapping, uint64_t address,
			     const struct profile_line *lines, uint32_t nr)
{
	uint32_t i = p->nr_locations;

	*array_push(p->locations, p->nr_locations, p->locations_cap) =
		(struct profile_location){ .address = address, .mapping = mapping };
	if (nr) {
		array_reserve(p->lines, p->lines_cap, (uint64_t)p->nr_lines + nr);
		memcpy(&p->lines[p->nr_lines], lines, nr * sizeof(*lines));
		p->locations[i].first_line = p->nr_lines;
		p->locations[i].nr_lines = nr;
		p->nr_lines += nr;
	}
	hash_add(&p->location_hash, hash, i);
	return i;
}

uint32_t profile_location(struct profile *p, uint32_t mapping, uint64_t address)
{
	uint32_t hash = location_hash(mapping, address, NULL, 0);
	uint32_t pos, i;

	for (i = hash_first(&p->location_hash, hash, &pos); i != HASH_NONE;
	     i = hash_next(&p->location_hash, hash, &pos)) {
		const struct profile_location *l = &p->locations[i];

		if (l->mapping == mapping && l->address == address && (address || !l->nr_lines))
			return i;
	}
	return add_location(p, hash, mapping, address, NULL, 0);
}

static bool same_lines(const struct profile_line *a, const struct profile_line *b, uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++)
		if (a[i].function != b[i].function || a[i].line != b[i].line)
			return false;
	return true;
}

uint32_t profile_location_lines(struct profile *p, uint32_t mapping, uint64_t address,
				const struct profile_line *lines, uint32_t nr)
{
	uint32_t hash = location_hash(mapping, address, lines, nr);
	uint32_t pos, i;

	for (i = hash_first(&p->location_hash, hash, &pos); i != HASH_NONE;
	     i = hash_next(&p->location_hash, hash, &pos)) {
		const struct profile_location *l = &p->locations[i];

		if (l->mapping == mapping && l->address == address && l->nr_lines == nr &&
		    (!nr || same_lines(&p->lines[l->first_line], lines, nr)))
			return i;
	}
	return add_location(p, hash, mapping, address, lines, nr);
}

uint32_t profile_pseudo(struct profile *p, const char *name)
{
	uint32_t string = profile_string(p, name);
	struct profile_line line = {
		profile_function(p, &(struct profile_function){ string, string, 0, 0 }), 0
	};

	return profile_location_lines(p, PROFILE_NO_MAPPING, 0, &line, 1);
}

void profile_set_lines(struct profile *p, uint32_t location, const struct profile_line *lines,
		       uint32_t nr)
{
	struct profile_location *l = &p->locations[location];
	uint32_t before = location_hash(l->mapping, l->address,
					l->nr_lines ? &p->lines[l->first_line] : NULL, l->nr_lines);
	uint32_t after = location_hash(l->mapping, l->address, lines, nr);

	if (nr > l->nr_lines) {
		array_reserve(p->lines, p->lines_cap, (uint64_t)p->nr_lines + nr);
		l->first_line = p->nr_lines;
		p->nr_lines += nr;
	}
	if (nr)
		memcpy(&p->lines[l->first_line], lines, nr * sizeof(*lines));
	l->nr_lines = nr;
	if (before != after) {
		hash_del(&p->location_hash, before, location);
		hash_add(&p->location_hash, after, location);
	}
}

void profile_first_mapping(struct profile *p, uint32_t mapping)
{
	struct profile_mapping m = p->mappings[mapping];

	p->mappings[mapping] = p->mappings[0];
	p->mappings[0] = m;
	hash_clear(&p->location_hash);
	for (uint32_t i = 0; i < p->nr_locations; i++) {
		struct profile_location *l = &p->locations[i];

		if (l->mapping == 0)
			l->mapping = mapping;
		else if (l->mapping == mapping)
			l->mapping = 0;
		hash_add(&p->location_hash,
			 location_hash(l->mapping, l->address,
				       l->nr_lines ? &p->lines[l->first_line] : NULL, l->nr_lines),
			 i);
	}
}

uint32_t profile_stack(struct profile *p, const uint32_t *locations, uint32_t nr)
{
	uint32_t hash = hash_bytes(locations, nr * sizeof(*locations)), pos, i;

	for (i = hash_first(&p->stack_hash, hash, &pos); i != HASH_NONE;
	     i = hash_next(&p->stack_hash, hash, &pos)) {
		const struct profile_stack *s = &p->stacks[i];

		if (s->nr == nr && (!nr || !memcmp(&p->stack_locations[s->first], locations,
						   nr * sizeof(*locations))))
			return i;
	}
	i = p->nr_stacks;
	array_reserve(p->stack_locations, p->stack_locations_cap,
		      (uint64_t)p->nr_stack_locations + nr);
	if (nr)
		memcpy(&p->stack_locations[p->nr_stack_locations], locations,
		       nr * sizeof(*locations));
	*array_push(p->stacks, p->nr_stacks, p->stacks_cap) =
		(struct profile_stack){ p->nr_stack_locations, nr };
	p->nr_stack_locations += nr;
	hash_add(&p->stack_hash, hash, i);
	return i;
}

void profile_add(struct profile *p, uint32_t stack, uint32_t label_set, const int64_t *values)
{
	uint32_t hash = hash_u64((uint64_t)stack << 32 | label_set), pos, i;
	int64_t *sums;

	for (i = hash_first(&p->sample_hash, hash, &pos); i != HASH_NONE;
	     i = hash_next(&p->sample_hash, hash, &pos))
		if (p->samples[i].stack == stack && p->samples[i].label_set == label_set)
			break;
	if (i == HASH_NONE) {
		i = p->nr_samples;
		*array_push(p->samples, p->nr_samples, p->samples_cap) =
			(struct profile_sample){ stack, label_set };
		array_reserve(p->values, p->values_cap, (uint64_t)p->nr_samples * p->nr_types);
		memset(&p->values[(size_t)i * p->nr_types], 0, p->nr_types * sizeof(*values));
		hash_add(&p->sample_hash, hash, i);
	}
	sums = &p->values[(size_t)i * p->nr_types];
	for (uint32_t t = 0; t < p->nr_types; t++)
		if (__builtin_add_overflow(sums[t], values[t], &sums[t]))
			sums[t] = INT64_MAX;
}
