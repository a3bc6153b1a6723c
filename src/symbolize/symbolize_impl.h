/* symbolize_impl: what symbolizer.c, which holds what is kept between calls, symbolize.c, which names a profile's locations, and
 * symbolize_object.c, which asks the objects, share. */
#ifndef SYMBOLIZE_SYMBOLIZE_IMPL_H
#define SYMBOLIZE_SYMBOLIZE_IMPL_H

#include "object/elf.h"
#include "object/radix.h"
#include "symbolize/naming.h"
#include "symbolize/symbolize.h"

struct kallsyms;
struct lines;
struct mapping_state;

struct symbolizer {
	struct object_cache cache;
	struct kallsyms *kallsyms;      /* NULL: none yet */
	struct name_table kernel_names; /* by start, relative to _text */
	struct seen kernel_seen;        /* by address, relative to _text; as cached.seen */
	bool kernel_relative;
	uint64_t kernel_blind;
	struct symbolize_object vdso; /* fd -1: there is none */
	char vdso_build_id[2 * ELF_BUILD_ID_MAX + 1];
	uint32_t window; /* counts the calls */
	struct lines *lines; /* NULL: none are asked for */
	struct symbolize_debug debug;
};

/* Where a location's name comes from: an object by its index, or after those one of these. */
enum source { SOURCE_VDSO, SOURCE_KERNEL, SOURCE_NONE };

struct object_state {
	bool begun;
	bool hopeless;    /* it has no names: it need not be asked */
	struct cached *c; /* NULL: to be parsed */
};

struct job {
	struct symbolizer *s;
	struct profile *p;
	const struct symbolize_object *objects;
	uint32_t nr_objects;
	struct object_state *states;    /* of the objects and, after them, of the vDSO */
	struct mapping_state *mappings; /* the last one: of locations without mapping */
	bool *unnamed;                  /* locations whose function has no name, or bounds only */
	struct radix_entry *todo;       /* a: location, b: source */
	uint32_t nr_todo;
	symbolize_notice_fn notice;
	void *ctx;
	struct symbolize_stats stats;
};

/* symbolize.c */

/* Gives LOCATION the function that N of NAMES is, or, without one, that of its mapping. */
void job_set_name(struct job *j, uint32_t location, const struct name_table *names, struct name *n);
/* One location more of SOURCE, which is called N, or nothing. */
void job_count(struct job *j, uint32_t source, const struct name *n);
/* LOCATION's offset in the file of its mapping; the last part of that file's path. */
uint64_t job_file_offset(const struct profile *p, uint32_t location);
const char *job_base_name(const struct profile *p, uint32_t mapping);

/* symbolize_object.c */

/* What the cache knows of SOURCE, an object or the vDSO; counted the first time. */
struct object_state *job_begin_object(struct job *j, uint32_t source);
/* NR locations of SOURCE get their names, by parsing it if need be. */
void job_name_from_object(struct job *j, uint32_t source, const struct radix_entry *todo, uint32_t nr);
/* Where the kernel did not say the build id of LOCATION's mapping, C, its file, does. */
void job_tell_build_id(struct job *j, uint32_t location, const struct cached *c);

#endif
