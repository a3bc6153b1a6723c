#include "symbolize/symbolize.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/kernel_hide.h"
#include "base/mem.h"
#include "base/text.h"
#include "object/elf.h"
#include "object/kallsyms.h"
#include "object/radix.h"
#include "profile/bracket.h"
#include "symbolize/lines.h"
#include "symbolize/naming.h"
#include "symbolize/object_samples.h"
#include "symbolize/vdso.h"

#define KERNEL_MAPPING "[kernel.kallsyms]"
#define VDSO_MAPPING "[vdso]"
#define NO_FUNCTION UINT32_MAX

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

struct mapping_state {
	uint32_t source;
	uint32_t bracketed;  /* the function "[basename]"; NO_FUNCTION: not made yet */
	bool named, unnamed; /* some of its locations are */
};

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

/* The copy is made now, since a sandbox may forbid it later. Its identity is no file's: there is no
 * such device. */
static void vdso_init(struct symbolizer *s)
{
	uint8_t id[ELF_BUILD_ID_MAX];
	struct elf *e;

	s->vdso.id = (struct object_id){ .dev = UINT64_MAX, .inode = UINT64_MAX };
	s->vdso.fd = vdso_open(&s->vdso.id.size);
	if (s->vdso.fd < 0 || elf_open(&e, s->vdso.fd))
		return;
	elf_build_id_hex(id, elf_build_id(e, id), s->vdso_build_id);
	elf_close(e);
}

struct symbolizer *symbolizer_new(size_t cache_size)
{
	struct symbolizer *s = xcalloc(1, sizeof(*s));

	s->cache.budget = cache_size;
	vdso_init(s);
	return s;
}

void symbolizer_free(struct symbolizer *s)
{
	if (!s)
		return;
	object_cache_fini(&s->cache);
	kallsyms_free(s->kallsyms);
	name_table_fini(&s->kernel_names);
	seen_fini(&s->kernel_seen);
	lines_free(s->lines);
	if (s->vdso.fd >= 0)
		close(s->vdso.fd);
	free(s);
}

void symbolizer_set_cache_size(struct symbolizer *s, size_t cache_size)
{
	object_cache_set_budget(&s->cache, cache_size);
}

size_t symbolizer_size(const struct symbolizer *s)
{
	return sizeof(*s) + s->cache.size + name_table_size(&s->kernel_names) +
	       seen_size(&s->kernel_seen) + (s->lines ? lines_size(s->lines) : 0) +
	       (s->kallsyms ? kallsyms_size(s->kallsyms) : 0);
}

void symbolizer_set_lines(struct symbolizer *s, const struct symbolize_lines *lines)
{
	if (!lines->size) {
		lines_free(s->lines);
		s->lines = NULL;
	} else if (s->lines) {
		lines_set_budget(s->lines, lines->size);
	} else {
		s->lines = lines_new(lines);
	}
}

void symbolizer_set_debug(struct symbolizer *s, const struct symbolize_debug *debug)
{
	s->debug = *debug;
}

bool symbolizer_poll(struct symbolizer *s)
{
	return s->lines && lines_poll(s->lines);
}

int symbolizer_set_kernel(struct symbolizer *s, int kallsyms_fd, bool kernel_relative,
			  uint64_t kernel_blind)
{
	struct kallsyms *k;
	int err;

	s->kernel_relative = kernel_relative;
	s->kernel_blind = kernel_blind;
	if (kallsyms_fd < 0)
		return 0;
	err = kallsyms_open(&k, kallsyms_fd);
	if (err)
		return err;
	kallsyms_free(s->kallsyms);
	name_table_fini(&s->kernel_names);
	seen_fini(&s->kernel_seen);
	s->kallsyms = k;
	return 0;
}

static struct mapping_state *state_of(struct job *j, uint32_t location)
{
	uint32_t mapping = j->p->locations[location].mapping;

	return &j->mappings[mapping < j->p->nr_mappings ? mapping : j->p->nr_mappings];
}

static const char *base_name(const struct profile *p, uint32_t mapping)
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

/* Gives LOCATION the function that N is, or that of its mapping. */
static void set_name(struct job *j, uint32_t location, const struct name_table *names,
		     struct name *n)
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

static uint64_t file_offset(const struct profile *p, uint32_t location)
{
	const struct profile_location *l = &p->locations[location];
	const struct profile_mapping *m = &p->mappings[l->mapping];

	return l->address - m->start + m->offset;
}

/* One location more of SOURCE, which is called N, or nothing. */
static void count(struct job *j, uint32_t source, const struct name *n)
{
	if (j->stats.objects && source < j->nr_objects + SOURCE_NONE)
		j->stats.objects[source].nr[n && n->size ? n->symbol >> NAMING_LEVEL_SHIFT : 0]++;
}

/* --- objects --- */

static const struct symbolize_object *object_of(const struct job *j, uint32_t source)
{
	return source < j->nr_objects ? &j->objects[source] : &j->s->vdso;
}

/* C's debug file: one that came with the object, or one that is to be had at once. */
static void add_debug(struct job *j, uint32_t source, struct cached *c)
{
	const struct symbolize_object *o = object_of(j, source);
	const struct symbolize_debug *debug = &j->s->debug;
	int fd = o->debug_fd;

	if (source >= j->nr_objects || !naming_identified(c, o) ||
	    !debug_file_wanted(c, j->s->lines != NULL))
		return;
	if (fd <= 0 && (debug->earned || !debug->want))
		return;
	if (j->notice)
		j->notice(j->ctx, source);
	if (fd <= 0)
		fd = debug->want(debug->ctx, source, SYMBOLIZE_DEBUG_FILE, &c->debug.link.names);
	if (fd < 0)
		return;
	debug_file_take(c, o->fd, fd);
	if (fd != o->debug_fd)
		close(fd);
}

/* What C, the parsed object (NULL: it is not), is to those who ask for names. */
static void tell_object(struct job *j, uint32_t source, const struct cached *c)
{
	const struct symbolize_object *o = object_of(j, source);
	struct symbolize_object_stats *s = j->stats.objects ? &j->stats.objects[source] : NULL;

	if (!s)
		return;
	s->status = naming_refusal(c, o);
	if (!c)
		return;
	s->build_id_size = c->build_id_size;
	memcpy(s->build_id, c->build_id, sizeof(s->build_id));
}

/* What the cache knows of it. */
static struct object_state *begin_object(struct job *j, uint32_t source)
{
	const struct symbolize_object *o = object_of(j, source);
	struct object_state *state = &j->states[source];

	if (state->begun)
		return state;
	state->begun = true;
	state->c = o->quarantined ? NULL : object_cache_find(&j->s->cache, &o->id);
	if (state->c)
		add_debug(j, source, state->c);
	state->hopeless = o->quarantined || (state->c && !naming_usable(state->c, o));
	if (source < j->nr_objects) {
		j->stats.nr_objects++;
		j->stats.nr_cached += state->c != NULL;
		j->stats.nr_objects_failed += o->quarantined ||
					      (state->c && naming_failed(state->c, o));
	}
	if (o->quarantined || state->c)
		tell_object(j, source, state->c);
	return state;
}

/* Where the kernel did not say it, the file does. */
static void tell_build_id(struct job *j, uint32_t location, const struct cached *c)
{
	struct profile_mapping *m = &j->p->mappings[j->p->locations[location].mapping];
	char hex[2 * ELF_BUILD_ID_MAX + 1];

	if (m->build_id || !c->build_id_size)
		return;
	m->build_id = profile_string(j->p, elf_build_id_hex(c->build_id, c->build_id_size, hex));
}

static struct cached *parse(struct job *j, uint32_t source)
{
	const struct symbolize_object *o = object_of(j, source);
	struct cached *c;

	if (j->notice && source < j->nr_objects)
		j->notice(j->ctx, source);
	c = naming_parse(&j->s->cache, o);
	if (c)
		add_debug(j, source, c);
	if (source < j->nr_objects && (!c || naming_failed(c, o)))
		j->stats.nr_objects_failed++;
	tell_object(j, source, c);
	return c;
}

static void name_from_object(struct job *j, uint32_t source, const struct radix_entry *todo,
			     uint32_t nr)
{
	const struct symbolize_object *o = object_of(j, source);
	/* It may have left the cache since, when others came. */
	struct cached *c = object_cache_find(&j->s->cache, &o->id);
	bool usable;

	if (!c)
		c = parse(j, source);
	usable = c && naming_usable(c, o);
	for (uint32_t i = 0; i < nr; i++) {
		const char *base = base_name(j->p, j->p->locations[todo[i].a].mapping);
		struct name *n = usable ? naming_find(c, o->fd, file_offset(j->p, todo[i].a), base)
					: NULL;

		if (c)
			tell_build_id(j, todo[i].a, c);
		set_name(j, todo[i].a, usable ? &c->names : NULL, n);
		count(j, source, n);
	}
	if (!c)
		return;
	levels_trim(&c->levels);
	object_cache_settle(&j->s->cache, c);
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
	set_name(j, location, &s->kernel_names, n);
	count(j, j->nr_objects + SOURCE_KERNEL, n);
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
		set_name(j, location, NULL, NULL);
		return true;
	}
	state = begin_object(j, source);
	if (!state->hopeless &&
	    (!state->c || !naming_recall(state->c, file_offset(j->p, location), &n)))
		return false;
	if (state->c)
		tell_build_id(j, location, state->c);
	set_name(j, location, state->c ? &state->c->names : NULL, n);
	count(j, source, n);
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
				.key = file_offset(p, i),
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
		name_from_object(&j, j.todo[first].b, &j.todo[first], next - first);
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
