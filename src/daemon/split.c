#include "daemon/split.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/hash.h"
#include "base/mem.h"
#include "collect/collect.h"
#include "profile/merge.h"
#include "spool/spool.h"

#define OTHERS UINT32_MAX

struct part {
	const char *key; /* a unit, a pid; "": none; NULL: among the others */
	const char *comm; /* it had for longest: before it executed a program it was called by its parent's name */
	uint64_t value, comm_value;
};

struct split {
	enum config_split how;
	struct part *parts;
	uint32_t nr, cap;
	struct hash hash;
	uint32_t *part_of; /* by label set */
	uint32_t now;      /* the part that is being made */
};

unsigned split_labels(enum config_split how)
{
	return how == SPLIT_UNIT ? LABEL_UNIT : how == SPLIT_PROCESS ? LABEL_PID | LABEL_COMM : 0;
}

static uint32_t part_find(struct split *s, const char *key)
{
	uint32_t hash = hash_bytes(key, strlen(key)), pos, i;

	for (i = hash_first(&s->hash, hash, &pos); i != HASH_NONE; i = hash_next(&s->hash, hash, &pos))
		if (!strcmp(s->parts[i].key, key))
			return i;
	hash_add(&s->hash, hash, s->nr);
	*array_push(s->parts, s->nr, s->cap) = (struct part){ .key = key, .comm = "" };
	return s->nr - 1;
}

static void find_parts(struct split *s, const struct profile *p)
{
	uint64_t *values = xcalloc((size_t)p->nr_label_sets + 1, sizeof(*values));

	for (uint32_t i = 0; i < p->nr_samples; i++)
		values[p->samples[i].label_set] += (uint64_t)p->values[i * p->nr_types + p->nr_types - 1];
	s->part_of = xreallocarray(NULL, (size_t)p->nr_label_sets + 1, sizeof(*s->part_of));
	for (uint32_t i = 0; i < p->nr_label_sets; i++) {
		const char *key = profile_label(p, i, s->how == SPLIT_UNIT ? "unit" : "pid");
		const char *comm = profile_label(p, i, "comm");
		struct part *part;

		s->part_of[i] = part_find(s, key ? key : "");
		part = &s->parts[s->part_of[i]];
		part->value += values[i];
		if (comm && values[i] > part->comm_value) {
			part->comm = comm;
			part->comm_value = values[i];
		}
	}
	free(values);
}

static int by_value(const void *a, const void *b, void *ctx)
{
	const struct part *parts = ctx, *x = &parts[*(const uint32_t *)a], *y = &parts[*(const uint32_t *)b];

	return x->value < y->value ? 1 : x->value > y->value ? -1 : 0;
}

/* The smallest parts of too many become OTHERS. */
static void join_smallest(struct split *s, uint32_t nr_sets)
{
	uint32_t *order;

	if (s->nr <= SPLIT_PARTS_MAX)
		return;
	order = xreallocarray(NULL, s->nr, sizeof(*order));
	for (uint32_t i = 0; i < s->nr; i++)
		order[i] = i;
	qsort_r(order, s->nr, sizeof(*order), by_value, s->parts);
	for (uint32_t i = SPLIT_PARTS_MAX - 1; i < s->nr; i++)
		s->parts[order[i]].key = NULL;
	for (uint32_t i = 0; i < nr_sets; i++)
		if (!s->parts[s->part_of[i]].key)
			s->part_of[i] = OTHERS;
	free(order);
}

static bool is_of_part(void *ctx, const struct profile *p, uint32_t sample)
{
	const struct split *s = ctx;

	return s->part_of[p->samples[sample].label_set] == s->now;
}

/* The mapping of a file that lies lowest is the program's, as long as programs lie below libraries. */
static uint32_t lowest_mapping(const struct profile *p)
{
	uint32_t lowest = PROFILE_NO_MAPPING;

	for (uint32_t i = 0; i < p->nr_mappings; i++) {
		const struct profile_mapping *m = &p->mappings[i];

		if (profile_str(p, m->filename)[0] == '/' && m->start < INT64_MAX &&
		    (lowest == PROFILE_NO_MAPPING || m->start < p->mappings[lowest].start))
			lowest = i;
	}
	return lowest;
}

static uint32_t program_mapping(struct profile *p, struct process_table *table, const char *pid)
{
	const struct process *process = process_find(table, (uint32_t)strtoul(pid, NULL, 10));
	const char *program = process ? process_program(table, process) : NULL;
	struct profile_mapping m = { 0 };

	if (!program)
		return lowest_mapping(p);
	for (uint32_t i = 0; i < p->nr_mappings; i++)
		if (!strcmp(profile_str(p, p->mappings[i].filename), program))
			return i;
	m.filename = profile_string(p, program); /* no sample of it is there */
	return profile_mapping(p, &m);
}

static void folder_of(const struct split *s, char folder[SPOOL_FOLDER_MAX])
{
	const char *what = s->how == SPLIT_UNIT ? "unit" : "process";
	const struct part *part = s->now == OTHERS ? NULL : &s->parts[s->now];
	char name[64];

	if (!part || !part->key[0]) {
		spool_folder(folder, what, part ? "none" : "others");
	} else if (s->how == SPLIT_UNIT) {
		spool_folder(folder, what, part->key);
	} else {
		snprintf(name, sizeof(name), "%.40s-%.16s", part->comm, part->key);
		spool_folder(folder, what, name);
	}
}

static void give_part(struct split *s, const struct profile *p, struct process_table *table,
		      void (*fn)(void *ctx, const char *folder, struct profile *part), void *ctx)
{
	struct profile *part = profile_new();
	char folder[SPOOL_FOLDER_MAX];
	uint32_t mapping = PROFILE_NO_MAPPING;

	if (profile_merge_some(part, p, is_of_part, s)) /* of nothing and one: cannot differ */
		abort();
	if (s->how == SPLIT_PROCESS && s->now != OTHERS && s->parts[s->now].key[0])
		mapping = program_mapping(part, table, s->parts[s->now].key);
	if (mapping != PROFILE_NO_MAPPING)
		profile_first_mapping(part, mapping);
	folder_of(s, folder);
	if (part->nr_samples)
		fn(ctx, folder, part);
	profile_free(part);
}

void split_profile(const struct profile *p, enum config_split how, struct process_table *table,
		   void (*fn)(void *ctx, const char *folder, struct profile *part), void *ctx)
{
	struct split s = { .how = how };

	find_parts(&s, p);
	join_smallest(&s, p->nr_label_sets);
	for (s.now = 0; s.now < s.nr; s.now++)
		if (s.parts[s.now].key && s.parts[s.now].value)
			give_part(&s, p, table, fn, ctx);
	s.now = OTHERS;
	if (s.nr > SPLIT_PARTS_MAX)
		give_part(&s, p, table, fn, ctx);
	free(s.parts);
	free(s.part_of);
	hash_fini(&s.hash);
}
