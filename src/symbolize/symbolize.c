#include "symbolize/symbolize.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/kernel_hide.h"
#include "base/mem.h"
#include "base/text.h"
#include "object/elf.h"
#include "object/kallsyms.h"
#include "object/radix.h"
#include "object/symtab.h"
#include "symbolize/object_cache.h"
#include "symbolize/vdso.h"

#define KERNEL_MAPPING "[kernel.kallsyms]"
#define VDSO_MAPPING "[vdso]"
#define NO_FUNCTION UINT32_MAX

_Static_assert(sizeof(((struct symbolize_object *)0)->build_id) == ELF_BUILD_ID_MAX,
	       "one size of build ids");

struct symbolizer {
	struct object_cache cache;
	struct kallsyms *kallsyms;      /* NULL: none yet */
	struct name_table kernel_names; /* by start, relative to _text */
	bool kernel_relative;
	uint64_t kernel_blind;
	struct symbolize_object vdso; /* fd -1: there is none */
	char vdso_build_id[2 * ELF_BUILD_ID_MAX + 1];
	uint32_t window; /* counts the calls */
};

/* Where a location's name comes from: an object by its index, or after those one of these. */
enum source { SOURCE_KERNEL, SOURCE_VDSO, SOURCE_NONE };

struct mapping_state {
	uint32_t source;
	uint32_t bracketed;  /* the function "[basename]"; NO_FUNCTION: not made yet */
	bool named, unnamed; /* some of its locations are */
};

struct job {
	struct symbolizer *s;
	struct profile *p;
	const struct symbolize_object *objects;
	uint32_t nr_objects;
	struct mapping_state *mappings; /* the last one: of locations without mapping */
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
	for (unsigned i = 0, nr = elf_build_id(e, id); i < nr; i++)
		snprintf(s->vdso_build_id + 2 * i, 3, "%02x", id[i]);
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
	       (s->kallsyms ? kallsyms_size(s->kallsyms) : 0);
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
	s->kallsyms = k;
	return 0;
}

static struct mapping_state *state_of(struct job *j, uint32_t location)
{
	uint32_t mapping = j->p->locations[location].mapping;

	return &j->mappings[mapping < j->p->nr_mappings ? mapping : j->p->nr_mappings];
}

static uint32_t make_bracketed(struct profile *p, uint32_t mapping)
{
	const char *path =
		mapping < p->nr_mappings ? profile_str(p, p->mappings[mapping].filename) : "";
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	char name[TEXT_MAX];
	uint32_t string;
	size_t n;

	if (!*base)
		base = "unknown";
	if (*base == '[') {
		string = profile_string(p, base);
	} else {
		name[0] = '[';
		n = 1 + text_clean(name + 1, sizeof(name) - 2, base, strlen(base));
		name[n++] = ']';
		string = profile_string_n(p, name, n);
	}
	return profile_function(p, &(struct profile_function){ string, string, 0, 0 });
}

static uint32_t function_of(struct job *j, const struct name_table *names, struct name *n)
{
	if (n->window != j->s->window) {
		struct profile_function f = {
			.name = profile_string(j->p, name_table_text(names, n->name)),
			.system_name = profile_string(j->p, name_table_text(names, n->system_name)),
		};

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

	if (n && *name_table_text(names, n->name)) {
		line.function = function_of(j, names, n);
		m->named = true;
		j->stats.nr_named++;
	} else {
		if (m->bracketed == NO_FUNCTION)
			m->bracketed = make_bracketed(j->p, j->p->locations[location].mapping);
		line.function = m->bracketed;
		m->unnamed = true;
	}
	profile_set_lines(j->p, location, &line, 1);
}

/* What of a file's contents cannot change is remembered, errors too. NULL: it could not be read
 * this time. */
static struct cached *parse(struct symbolizer *s, const struct symbolize_object *o)
{
	uint8_t build_id[ELF_BUILD_ID_MAX] = { 0 };
	unsigned build_id_size = 0;
	struct symtab *symtab = NULL;
	struct elf *elf = NULL;
	struct cached *c;
	int err = elf_open(&elf, o->fd);

	if (!err) {
		build_id_size = elf_build_id(elf, build_id);
		err = symtab_open(&symtab, elf);
		elf_forget_sections(elf);
	}
	if (err) {
		elf_close(elf);
		elf = NULL;
		if (err != -ENOEXEC && err != -EBADMSG && err != -ENODATA && err != -EFBIG)
			return NULL;
	}
	c = object_cache_add(&s->cache, &o->id);
	c->status = err;
	c->elf = elf;
	c->symtab = symtab;
	c->build_id_size = build_id_size;
	memcpy(c->build_id, build_id, sizeof(build_id));
	return c;
}

/* Kernels differ in whether they count the zeros that pad a short id. */
static bool same_build_id(const struct cached *c, const struct symbolize_object *o)
{
	uint8_t padded[ELF_BUILD_ID_MAX] = { 0 };

	if (!o->build_id_size)
		return true;
	memcpy(padded, o->build_id,
	       o->build_id_size < sizeof(padded) ? o->build_id_size : sizeof(padded));
	return !memcmp(padded, c->build_id, sizeof(padded));
}

/* The function of file offset OFFSET, or NULL. */
static struct name *name_at(struct cached *c, int fd, uint64_t offset)
{
	struct symbol symbol;
	struct name *n;
	uint64_t vaddr;

	if (!elf_vaddr(c->elf, offset, &vaddr) || symtab_lookup(c->symtab, vaddr, &symbol))
		return NULL;
	n = name_table_find(&c->names, symbol.index);
	if (n || symtab_name(c->symtab, fd, &symbol))
		return n;
	return name_table_add(&c->names, symbol.index, symbol.name);
}

static uint64_t file_offset(const struct profile *p, uint32_t location)
{
	const struct profile_location *l = &p->locations[location];
	const struct profile_mapping *m = &p->mappings[l->mapping];

	return l->address - m->start + m->offset;
}

/* Where the kernel did not say it, the file does. */
static void tell_build_id(struct job *j, uint32_t location, const struct cached *c)
{
	struct profile_mapping *m = &j->p->mappings[j->p->locations[location].mapping];
	char hex[2 * ELF_BUILD_ID_MAX + 1] = "";

	if (m->build_id || !c->build_id_size)
		return;
	for (unsigned i = 0; i < c->build_id_size; i++)
		snprintf(hex + 2 * i, 3, "%02x", c->build_id[i]);
	m->build_id = profile_string(j->p, hex);
}

static void name_from_object(struct job *j, const struct symbolize_object *o, struct cached *c,
			     const struct radix_entry *todo, uint32_t nr)
{
	bool usable = c && !c->status && same_build_id(c, o);

	for (uint32_t i = 0; i < nr; i++) {
		struct name *n = usable ? name_at(c, o->fd, file_offset(j->p, todo[i].a)) : NULL;

		if (c)
			tell_build_id(j, todo[i].a, c);
		set_name(j, todo[i].a, usable ? &c->names : NULL, n);
	}
	if (c && c->symtab)
		symtab_trim(c->symtab);
	if (c)
		object_cache_settle(&j->s->cache, c);
}

static void name_object(struct job *j, uint32_t object, const struct radix_entry *todo, uint32_t nr)
{
	const struct symbolize_object *o = &j->objects[object];
	struct cached *c = o->quarantined ? NULL : object_cache_find(&j->s->cache, &o->id);

	j->stats.nr_objects++;
	if (c) {
		j->stats.nr_cached++;
	} else if (!o->quarantined) {
		if (j->notice)
			j->notice(j->ctx, object);
		c = parse(j->s, o);
	}
	if (!c || !same_build_id(c, o) || c->status == -EBADMSG || c->status == -EFBIG)
		j->stats.nr_objects_failed++;
	name_from_object(j, o, c, todo, nr);
}

static void name_vdso(struct job *j, const struct radix_entry *todo, uint32_t nr)
{
	const struct symbolize_object *o = &j->s->vdso;
	struct cached *c = object_cache_find(&j->s->cache, &o->id);

	name_from_object(j, o, c ? c : parse(j->s, o), todo, nr);
}

static struct name *kernel_name_at(struct symbolizer *s, uint64_t address)
{
	uint64_t relative = s->kernel_relative ? kernel_unhide(address, s->kernel_blind)
					       : address - kallsyms_text(s->kallsyms);
	struct kallsyms_symbol symbol;
	struct name *n;

	if (kallsyms_find(s->kallsyms, (int64_t)relative, &symbol))
		return NULL;
	/* Starts are within 2^31 of each other: half of one tells them apart. */
	n = name_table_find(&s->kernel_names, (uint32_t)symbol.start);
	return n ? n : name_table_add(&s->kernel_names, (uint32_t)symbol.start, symbol.name);
}

static void name_kernel(struct job *j, const struct radix_entry *todo, uint32_t nr)
{
	struct symbolizer *s = j->s;

	for (uint32_t i = 0; i < nr; i++) {
		uint64_t address = j->p->locations[todo[i].a].address;

		set_name(j, todo[i].a, &s->kernel_names,
			 s->kallsyms ? kernel_name_at(s, address) : NULL);
	}
}

static void name_source(struct job *j, uint32_t source, const struct radix_entry *todo, uint32_t nr)
{
	if (source < j->nr_objects) {
		name_object(j, source, todo, nr);
		return;
	}
	switch (source - j->nr_objects) {
	case SOURCE_KERNEL: name_kernel(j, todo, nr); return;
	case SOURCE_VDSO: name_vdso(j, todo, nr); return;
	default:
		for (uint32_t i = 0; i < nr; i++)
			set_name(j, todo[i].a, NULL, NULL);
	}
}

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

/* Lists the locations to name, by source and within it by address: neighbours share what is read.
 */
static void list_todo(struct job *j)
{
	struct profile *p = j->p;

	j->todo = xcalloc(p->nr_locations, sizeof(*j->todo));
	for (uint32_t i = 0; i < p->nr_locations; i++) {
		const struct profile_location *l = &p->locations[i];
		struct mapping_state *m = state_of(j, i);

		if (l->nr_lines) {
			m->named = true;
			continue;
		}
		j->todo[j->nr_todo++] = (struct radix_entry){
			.key = l->mapping < p->nr_mappings ? file_offset(p, i) : 0,
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

static void list_mappings(struct job *j)
{
	struct profile *p = j->p;

	j->mappings = xcalloc((size_t)p->nr_mappings + 1, sizeof(*j->mappings));
	for (uint32_t i = 0; i <= p->nr_mappings; i++)
		j->mappings[i] = (struct mapping_state){
			.source = i < p->nr_mappings ? source_of(j, &p->mappings[i])
						     : j->nr_objects + SOURCE_NONE,
			.bracketed = NO_FUNCTION,
		};
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
	};

	s->window++;
	list_mappings(&j);
	list_todo(&j);
	for (uint32_t first = 0, next; first < j.nr_todo; first = next) {
		for (next = first; next < j.nr_todo && j.todo[next].b == j.todo[first].b;)
			next++;
		name_source(&j, j.todo[first].b, &j.todo[first], next - first);
	}
	for (uint32_t i = 0; i < p->nr_mappings; i++)
		if (j.mappings[i].named || j.mappings[i].unnamed)
			p->mappings[i].has_functions = !j.mappings[i].unnamed;
	j.stats.nr_locations = j.nr_todo;
	if (stats)
		*stats = j.stats;
	free(j.mappings);
	free(j.todo);
}
