/* profile: a pprof profile in memory, in profile.proto's terms. Collecting builds one, the worker
 * fills names into one, encode and decode serialize one, the views read one.
 *
 * Everything is interned and numbered from 0 in order of arrival; strings, stacks and label sets
 * that are equal are one. Files number from 1: encode and decode see to that. One struct profile
 * lives for one window and is freed whole. What a consumer of pprof files would refuse (bytes that
 * are no UTF-8, label keys that are no identifiers, empty labels) never gets into one. */
#ifndef PROFILE_PROFILE_H
#define PROFILE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/hash.h"

#define PROFILE_NO_MAPPING UINT32_MAX
#define PROFILE_TYPES_MAX 8

struct profile_value_type {
	uint32_t type, unit; /* strings */
};

struct profile_mapping {
	uint64_t start, limit, offset;
	uint32_t filename, build_id; /* strings */
	bool has_functions, has_filenames, has_line_numbers, has_inline_frames;
	/* Not in files: the caller's mark of what is mapped. See profile/merge.h. */
	uint32_t object;
};

struct profile_function {
	uint32_t name, system_name, filename; /* strings */
	int64_t start_line;
};

struct profile_line {
	uint32_t function;
	int64_t line;
};

struct profile_location {
	uint64_t address;              /* 0: not known */
	uint32_t mapping;              /* or PROFILE_NO_MAPPING */
	uint32_t first_line, nr_lines; /* in lines[], innermost first; 0: not symbolized */
};

struct profile_stack { /* leaf first */
	uint32_t first, nr; /* in stack_locations[] */
};

struct profile_label {
	uint32_t key, str; /* strings; str 0: numeric */
	int64_t num;
	uint32_t num_unit;
};

struct profile_label_set {
	uint32_t first, nr; /* in labels[], in order of key (its number) */
};

struct profile_sample {
	uint32_t stack, label_set;
};

struct profile {
	/* strings[0] is "". */
	uint32_t nr_strings, strings_cap;
	const char **strings; /* in the arena, NUL-terminated, clean (base/text.h) */

	uint32_t nr_mappings, mappings_cap;
	struct profile_mapping *mappings;
	uint32_t nr_functions, functions_cap;
	struct profile_function *functions;
	uint32_t nr_lines, lines_cap;
	struct profile_line *lines;
	uint32_t nr_locations, locations_cap;
	struct profile_location *locations;

	uint32_t nr_stack_locations, stack_locations_cap;
	uint32_t *stack_locations;
	uint32_t nr_stacks, stacks_cap;
	struct profile_stack *stacks;
	uint32_t nr_labels, labels_cap;
	struct profile_label *labels;
	uint32_t nr_label_sets, label_sets_cap;
	struct profile_label_set *label_sets;
	uint32_t nr_samples, samples_cap;
	struct profile_sample *samples;
	int64_t *values; /* nr_samples × nr_types */
	uint32_t values_cap;

	uint32_t nr_types;
	struct profile_value_type types[PROFILE_TYPES_MAX];
	struct profile_value_type period_type;
	int64_t period, time_nanos, duration_nanos;
	uint32_t default_type; /* string */
	uint32_t drop_frames, keep_frames;
	uint32_t nr_comments, comments_cap;
	uint32_t *comments;

	struct arena arena; /* strings */
	struct hash string_hash, function_hash, location_hash, stack_hash, label_set_hash;
	struct hash sample_hash;
};

struct profile *profile_new(void);
void profile_free(struct profile *p);
/* Bytes held, for MaxMemory. Cheap. */
size_t profile_size(const struct profile *p);

/* The string of a sample type's name: bytes outside [A-Za-z0-9_] become '_', as other systems make
 * identifiers of it. The next two do so by themselves. */
uint32_t profile_type_name(struct profile *p, const char *type);
/* Types come before samples, at most PROFILE_TYPES_MAX. */
void profile_add_type(struct profile *p, const char *type, const char *unit);
void profile_set_period(struct profile *p, const char *type, const char *unit, int64_t period);
/* Once, however often it is added. */
void profile_add_comment(struct profile *p, const char *text);

/* Each returns the number of the element, made when it is not there yet.
 *
 * Strings end at a NUL; what is not clean is cleaned (text_clean), which costs: callers on a hot
 * path clean theirs before and keep the number. */
uint32_t profile_string(struct profile *p, const char *s);
uint32_t profile_string_n(struct profile *p, const char *s, size_t size);
/* S is clean, without a NUL in its SIZE bytes: who keeps names from window to window need not look again. */
uint32_t profile_clean_string(struct profile *p, const char *s, size_t size);
/* Room for NR functions more, and names for them. */
void profile_reserve_functions(struct profile *p, uint32_t nr);
/* Always a new mapping: two of one file may have to stay apart. */
uint32_t profile_mapping(struct profile *p, const struct profile_mapping *m);
uint32_t profile_function(struct profile *p, const struct profile_function *f);
uint32_t profile_location(struct profile *p, uint32_t mapping, uint64_t address);
/* The location of exactly these lines: several may share an address, or have none. */
uint32_t profile_location_lines(struct profile *p, uint32_t mapping, uint64_t address,
				const struct profile_line *lines, uint32_t nr);
/* A location without mapping and address whose only line is the function NAME ("[lost]"). */
uint32_t profile_pseudo(struct profile *p, const char *name);
/* Gives LOCATION its lines, replacing what it had. */
void profile_set_lines(struct profile *p, uint32_t location, const struct profile_line *lines,
		       uint32_t nr);
/* NR ≥ 1: a sample without a location is shown nowhere, and encode leaves it out. */
uint32_t profile_stack(struct profile *p, const uint32_t *locations, uint32_t nr);
/* Fastest when LABELS are in order of their keys' numbers, which is how they are kept. Left out:
 * keys that do not match [a-zA-Z_][a-zA-Z0-9_.]* or begin with "__", string labels of "", numeric
 * ones of 0 without unit, and all but the first of one key. */
uint32_t profile_label_set(struct profile *p, const struct profile_label *labels, uint32_t nr);
/* Adds VALUES (nr_types of them, none negative) to the sample of that stack and label set. */
void profile_add(struct profile *p, uint32_t stack, uint32_t label_set, const int64_t *values);

static inline const char *profile_str(const struct profile *p, uint32_t string)
{
	return p->strings[string];
}

/* The value of string label KEY of a label set, or NULL. */
const char *profile_label(const struct profile *p, uint32_t label_set, const char *key);

/* MAPPING and the first mapping change places: readers call the file by its first mapping. */
void profile_first_mapping(struct profile *p, uint32_t mapping);

#endif
