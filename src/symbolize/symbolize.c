#include "symbolize/symbolize.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/kernel_hide.h"
#include "base/mem.h"
#include "base/text.h"
#include "object/kallsyms.h"
#include "profile/bracket.h"
#include "symbolize/lines.h"
#include "symbolize/object_samples.h"
#include "symbolize/symbolize_impl.h"

#define KERNEL_MAPPING "[kernel.kallsyms]"
#define VDSO_MAPPING "[vdso]"
#define NO_FUNCTION UINT32_MAX

struct mapping_state {
	uint32_t source;
	uint32_t bracketed;  /* the function "[basename]"; NO_FUNCTION: not made yet */
	bool named, unnamed; /* some of its locations are */
};

static struct mapping_state *state_of(struct job *j, uint32_t location)
{
	uint32_t mapping = j->p->locations[location].mapping;

	return &j->mappings[mapping < j->p->nr_mappings ? mapping : j->p->nr_mappings];
}

const char *job_base_name(const struct profile *p, uint32_t mapping)
{
	const char *path =
		mapping < p->nr_mappings ? profile_str(p, p->mappings[mapping].filename) : "";
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static uint32_t function_of(struct job *j, const struct name_table *names, struct name *n)
{
	if (n->window != j->s->window) {
		struct profile_function f = {
			.system_name = profile_clean_string(j->p, name_table_text(names, n->system_name), n->system_size),
		};

		f.name = n->name == n->system_name
				 ? f.system_name
				 : profile_clean_string(j->p, name_table_text(names, n->name), n->size);
		n->function = profile_function(j->p, &f);
		n->window = j->s->window;
	}
	return n->function;
}

void job_set_name(struct job *j, uint32_t location, const struct name_table *names, struct name *n)
{
	struct mapping_state *m = state_of(j, location);
	struct profile_line line = { 0 };

	if (n && n->size) {
		line.function = function_of(j, names, n);
		j->unnamed[location] = naming_is_bounds(n);
		if (j->unnamed[location])
			j->stats.nr_bounded++;
		else
			j->stats.nr_named++;
	} else {
		if (m->bracketed == NO_FUNCTION)
			m->bracketed = profile_bracket(j->p, j->p->locations[location].mapping);
		line.function = m->bracketed;
		j->unnamed[location] = true;
	}
	profile_set_lines(j->p, location, &line, 1);
}

uint64_t job_file_offset(const struct profile *p, uint32_t location)
{
	const struct profile_location *l = &p->locations[location];
	const struct profile_mapping *m = &p->mappings[l->mapping];

	return l->address - m->start + m->offset;
}

void job_count(struct job *j, uint32_t source, const struct name *n)
{
	if (j->stats.objects && source < j->nr_objects + SOURCE_NONE)
		j->stats.objects[source].nr[n && n->size ? n->symbol >> NAMING_LEVEL_SHIFT : 0]++;
}

/* --- the kernel --- */

static uint64_t kernel_relative(const struct symbolizer *s, uint64_t address)
{
	return s->kernel_relative ? kernel_unhide(address, s->kernel_blind)
				  : address - kallsyms_text(s->kallsyms);
}

static struct name *kernel_find(struct symbolizer *s, uint64_t relative)
{
	struct kallsyms_symbol symbol;
	struct name *n;
	uint64_t key;

	if (kallsyms_find(s->kallsyms, (int64_t)relative, &symbol))
		return NULL;
	/* Starts are within 2^31 of each other: half of one tells them apart. */
	key = (uint64_t)LEVEL_KERNEL << NAMING_LEVEL_SHIFT | (uint32_t)symbol.start;
	n = name_table_find(&s->kernel_names, key);
	return n ? n : name_table_add(&s->kernel_names, key, symbol.name);
}

static void name_kernel(struct job *j, uint32_t location)
{
	struct symbolizer *s = j->s;
	struct name *n = NULL;
	uint32_t number;

	if (s->kallsyms) {
		uint64_t relative = kernel_relative(s, j->p->locations[location].address);

		if (!seen_find(&s->kernel_seen, relative, &number)) {
			n = kernel_find(s, relative);
			number = n ? (uint32_t)(n - s->kernel_names.names) + 1 : 0;
			seen_add(&s->kernel_seen, relative, number);
		}
		n = number ? &s->kernel_names.names[number - 1] : NULL;
	}
	job_set_name(j, location, &s->kernel_names, n);
	job_count(j, j->nr_objects + SOURCE_KERNEL, n);
}

/* --- a window --- */

static uint32_t source_of(const struct job *j, const struct profile_mapping *m)
{
	const char *name = profile_str(j->p, m->filename),
		   *build_id = profile_str(j->p, m->build_id);
	enum source source = SOURCE_NONE;

	if (m->object && m->object <= j->nr_objects)
		return m->object - 1;
	if (text_has_prefix(name, KERNEL_MAPPING))
		source = SOURCE_KERNEL;
	else if (!strcmp(name, VDSO_MAPPING) && j->s->vdso.fd >= 0 &&
		 m->limit - m->start == j->s->vdso.id.size &&
		 (!*build_id || !strcmp(build_id, j->s->vdso_build_id)))
		source = SOURCE_VDSO;
	return j->nr_objects + source;
}

static void list_mappings(struct job *j)
{
	struct profile *p = j->p;

	j->states = xcalloc((size_t)j->nr_objects + 1, sizeof(*j->states));
	j->unnamed = xcalloc((size_t)p->nr_locations + 1, sizeof(*j->unnamed));
	j->mappings = xcalloc((size_t)p->nr_mappings + 1, sizeof(*j->mappings));
	for (uint32_t i = 0; i <= p->nr_mappings; i++)
		j->mappings[i] = (struct mapping_state){
			.source = i < p->nr_mappings ? source_of(j, &p->mappings[i])
						     : j->nr_objects + SOURCE_NONE,
			.bracketed = NO_FUNCTION,
		};
}

/* Names LOCATION when no file need be read for it. */
static bool name_at_once(struct job *j, uint32_t location, uint32_t source)
{
	struct object_state *state;
	struct name *n = NULL;

	if (source == j->nr_objects + SOURCE_KERNEL) {
		name_kernel(j, location);
		return true;
	}
	if (source == j->nr_objects + SOURCE_NONE) {
		job_set_name(j, location, NULL, NULL);
		return true;
	}
	state = job_begin_object(j, source);
	if (!state->hopeless &&
	    (!state->c || !naming_recall(state->c, job_file_offset(j->p, location), &n)))
		return false;
	if (state->c)
		job_tell_build_id(j, location, state->c);
	job_set_name(j, location, state->c ? &state->c->names : NULL, n);
	job_count(j, source, n);
	return true;
}

/* Names what is known and lists the rest, by source and within it by address: neighbours share what
 * is read. */
static void name_known(struct job *j)
{
	struct profile *p = j->p;
	uint32_t cap = 0;

	for (uint32_t i = 0; i < p->nr_locations; i++) {
		struct mapping_state *m = state_of(j, i);

		if (p->locations[i].nr_lines)
			continue;
		j->stats.nr_locations++;
		if (!name_at_once(j, i, m->source))
			*array_push(j->todo, j->nr_todo, cap) = (struct radix_entry){
				.key = job_file_offset(p, i),
				.a = i,
				.b = m->source,
			};
	}
	/* Without memory to sort it is only slower. */
	radix_sort(j->todo, j->nr_todo);
	for (uint32_t i = 0; i < j->nr_todo; i++)
		j->todo[i].key = j->todo[i].b;
	radix_sort(j->todo, j->nr_todo);
}

/* Lines, and what later windows would have use for: of those objects that are what the kernel
 * mapped. */
static void add_lines(struct job *j)
{
	struct lines_window w = { .p = j->p, .objects = j->objects, .nr_objects = j->nr_objects,
				  .unnamed = j->unnamed, .notice = j->notice, .ctx = j->ctx };
	bool later = j->s->debug.want && j->s->debug.earned;
	uint64_t *nr_samples;

	if (!j->s->lines && !later)
		return;
	nr_samples = object_samples(j->p, j->nr_objects);
	w.nr_samples = nr_samples;
	w.cached = xcalloc((size_t)j->nr_objects + 1, sizeof(*w.cached));
	for (uint32_t i = 0; i < j->nr_objects; i++) {
		struct cached *c = object_cache_find(&j->s->cache, &j->objects[i].id);

		w.cached[i] = c && naming_identified(c, &j->objects[i]) ? c : NULL;
		if (w.cached[i] && later)
			debug_file_want(c, &j->s->debug, i, &j->objects[i], nr_samples[i],
					j->s->window, j->s->lines != NULL);
	}
	if (j->s->lines)
		lines_window(j->s->lines, &w, &j->stats);
	for (uint32_t i = 0; j->s->lines && j->stats.objects && i < j->nr_objects; i++)
		j->stats.objects[i].lines = lines_status(j->s->lines, &j->objects[i].id);
	free(w.cached);
	free(nr_samples);
}

void symbolize(struct symbolizer *s, struct profile *p, const struct symbolize_object *objects,
	       uint32_t nr_objects, symbolize_notice_fn notice, void *ctx,
	       struct symbolize_stats *stats)
{
	struct job j = {
		.s = s,
		.p = p,
		.objects = objects,
		.nr_objects = nr_objects,
		.notice = notice,
		.ctx = ctx,
		.stats.objects = stats ? stats->objects : NULL,
	};

	s->window++;
	profile_reserve_functions(p, p->nr_locations / 2);
	list_mappings(&j);
	name_known(&j);
	for (uint32_t first = 0, next; first < j.nr_todo; first = next) {
		for (next = first; next < j.nr_todo && j.todo[next].b == j.todo[first].b;)
			next++;
		job_name_from_object(&j, j.todo[first].b, &j.todo[first], next - first);
	}
	add_lines(&j);
	for (uint32_t i = 0; i < p->nr_locations; i++)
		*(j.unnamed[i] ? &state_of(&j, i)->unnamed : &state_of(&j, i)->named) = true;
	for (uint32_t i = 0; i < p->nr_mappings; i++)
		if (j.mappings[i].named || j.mappings[i].unnamed)
			p->mappings[i].has_functions = !j.mappings[i].unnamed;
	if (stats)
		*stats = j.stats;
	free(j.states);
	free(j.mappings);
	free(j.unnamed);
	free(j.todo);
}
