#include "replay/stored.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "object/elf.h"
#include "profile/merge.h"
#include "replay/impl.h"

#define LEFT UINT32_MAX

/* How much a location's lines say. */
enum knowledge { NOTHING, BOUNDS, NAME, LINES };

struct mapping_work {
	struct profile_mapping before;
	bool used;   /* by a location */
	bool wanted; /* its locations are named anew */
	bool renewed, restored; /* some of its locations */
	bool unnamed;
};

struct work {
	struct profile *p;
	const struct stored_options *o;
	stored_tell_fn tell;
	void *ctx;
	struct mapping_work *mappings;
	struct profile_location *locations; /* as they were, with their lines */
	struct profile_line *lines;
	struct replay_files files;
	struct hash known;  /* mappings by path and build id: the first of each */
	uint32_t *objects;  /* by mapping: of that one, or LEFT */
	struct replay_kernel kernel;
	bool kernel_tried, ours; /* the profile is of the running kernel */
};

/* --- what there is --- */

static void *copy(const void *p, size_t nr, size_t size)
{
	void *c = xreallocarray(NULL, nr + 1, size);

	if (nr)
		memcpy(c, p, nr * size);
	return c;
}

static void begin(struct work *w)
{
	const struct profile *p = w->p;

	w->locations = copy(p->locations, p->nr_locations, sizeof(*p->locations));
	w->lines = copy(p->lines, p->nr_lines, sizeof(*p->lines));
	w->mappings = xcalloc((size_t)p->nr_mappings + 1, sizeof(*w->mappings));
	w->objects = xcalloc((size_t)p->nr_mappings + 1, sizeof(*w->objects));
	for (uint32_t i = 0; i < p->nr_mappings; i++) {
		w->mappings[i].before = p->mappings[i];
		w->objects[i] = LEFT;
	}
	for (uint32_t i = 0; i < p->nr_locations; i++)
		if (p->locations[i].mapping < p->nr_mappings)
			w->mappings[p->locations[i].mapping].used = true;
}

static void fini(struct work *w)
{
	replay_files_fini(&w->files);
	replay_kernel_fini(&w->kernel);
	hash_fini(&w->known);
	free(w->locations);
	free(w->lines);
	free(w->mappings);
	free(w->objects);
}

/* --- files --- */

/* A debug file keeps the object's program headers, but rarely where in the file they were. */
static bool tells_offsets(int fd)
{
	bool tells = false;
	struct elf *e;

	if (elf_open(&e, fd))
		return false;
	for (unsigned i = 0; i < elf_nr_segments(e); i++)
		tells |= elf_segment(e, i)->exec && elf_segment(e, i)->file_size;
	elf_close(e);
	return tells;
}

static void tell_missing(struct work *w, const char *path, const char *hex, int err, bool debug)
{
	char why[256];

	if (debug)
		snprintf(why, sizeof(why), "only its debug file is here, which does not say where its code was");
	else if (err == -ESTALE)
		snprintf(why, sizeof(why), "the file here has another build id than %s", hex);
	else
		snprintf(why, sizeof(why), "no file of build id %s (%s)", hex, strerror(-err));
	w->tell(w->ctx, path, why);
}

/* Opens what PATH was, and its debug file. Its number, or LEFT. */
static uint32_t open_object(struct work *w, const char *path, const char *hex)
{
	const struct search *search = &w->o->search;
	uint8_t id[ELF_BUILD_ID_MAX];
	unsigned id_size = search_build_id(hex, id);
	uint32_t number;
	int fd, debug;

	if (!id_size) {
		w->tell(w->ctx, path, "the profile has no build id of it");
		return LEFT;
	}
	fd = search_object(search, path, id, id_size);
	debug = search_debug_file(search, id, id_size);
	if (fd < 0 && debug >= 0 && tells_offsets(debug)) {
		fd = debug;
		debug = -1;
	}
	if (fd < 0)
		tell_missing(w, path, hex, fd, debug >= 0);
	if (fd < 0 || replay_files_add(&w->files, fd, path, id, (uint8_t)id_size, &number)) {
		if (debug >= 0)
			close(debug);
		return LEFT;
	}
	if (w->files.objects[number].debug_fd <= 0)
		w->files.objects[number].debug_fd = debug;
	else if (debug >= 0)
		close(debug);
	return number;
}

/* The mapping before of MAPPING's path and build id, else MAPPING. */
static uint32_t first_of(struct work *w, uint32_t mapping)
{
	const struct profile_mapping *m = &w->p->mappings[mapping];
	uint32_t hash = hash_2u64(m->filename, m->build_id), pos, i;

	for (i = hash_first(&w->known, hash, &pos); i != HASH_NONE; i = hash_next(&w->known, hash, &pos))
		if (w->p->mappings[i].filename == m->filename && w->p->mappings[i].build_id == m->build_id)
			return i;
	hash_add(&w->known, hash, mapping);
	return mapping;
}

static void find_files(struct work *w)
{
	struct profile *p = w->p;

	for (uint32_t i = 0; i < p->nr_mappings; i++) {
		const char *path = profile_str(p, p->mappings[i].filename);
		uint32_t first;

		p->mappings[i].object = 0;
		if (!w->mappings[i].used || path[0] != '/' || text_has_prefix(path, "//"))
			continue;
		first = first_of(w, i);
		w->objects[i] = first == i ? open_object(w, path, profile_str(p, p->mappings[i].build_id))
					   : w->objects[first];
		if (w->objects[i] == LEFT)
			continue;
		p->mappings[i].object = w->objects[i] + 1;
		w->mappings[i].wanted = true;
	}
}

/* --- the kernel --- */

/* Why its symbols do not serve MAPPING; NULL: they do. */
static const char *kernel_lacks(struct work *w, const struct profile_mapping *m)
{
	struct replay_kernel *k = &w->kernel;

	if (!w->o->kallsyms) {
		k->build_id_size = (uint8_t)search_build_id(profile_str(w->p, m->build_id), k->build_id);
		if (!k->build_id_size)
			return "the profile does not say which kernel it was";
		if (!replay_kernel_runs_here(k))
			return "it was another kernel than the running one";
		w->ours = true;
		if (!w->kernel_tried)
			replay_kernel_open(k, NULL);
		w->kernel_tried = true;
	}
	return k->kallsyms ? NULL : "its symbols are hidden (kernel.kptr_restrict, or CAP_SYSLOG is missing)";
}

/* A kernel's mapping begins at _text; where that was to be a secret, at 0. */
static void name_kernel(struct work *w)
{
	const char *why, *told = NULL;

	for (uint32_t i = 0; i < w->p->nr_mappings; i++) {
		const struct profile_mapping *m = &w->p->mappings[i];

		if (!w->mappings[i].used || strcmp(profile_str(w->p, m->filename), KERNEL_NAME))
			continue;
		why = kernel_lacks(w, m);
		if (why && why != told)
			w->tell(w->ctx, KERNEL_NAME, why);
		told = why ? why : told;
		w->mappings[i].wanted = !why;
	}
}

static void name_kernel_locations(struct work *w)
{
	for (uint32_t i = 0; i < w->p->nr_mappings; i++) {
		if (!w->mappings[i].wanted || strcmp(profile_str(w->p, w->p->mappings[i].filename), KERNEL_NAME))
			continue;
		w->kernel.text = w->p->mappings[i].offset;
		w->kernel.hidden = !w->kernel.text && !w->p->mappings[i].start;
		replay_kernel_name(&w->kernel, w->p, i);
	}
}

/* One without build id may be any; that of our kernel is told by its size. */
static void want_vdso(struct work *w)
{
	for (uint32_t i = 0; i < w->p->nr_mappings; i++)
		if (!strcmp(profile_str(w->p, w->p->mappings[i].filename), VDSO_NAME))
			w->mappings[i].wanted = w->ours || w->p->mappings[i].build_id;
}

/* --- names --- */

/* "libfoo.so+0x1234", as symbolize calls a function that has no name. */
static bool is_bounds(const char *name, const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	size_t size = strlen(base);

	return !strncmp(name, base, size) && text_has_prefix(name + size, "+0x") &&
	       strspn(name + size + 3, "0123456789abcdef") == strlen(name + size + 3);
}

static enum knowledge knowledge(const struct profile *p, const struct profile_line *lines, const struct profile_location *l)
{
	const struct profile_function *f;
	const char *name;

	if (!l->nr_lines)
		return NOTHING;
	f = &p->functions[lines[l->first_line].function];
	name = profile_str(p, f->name);
	if (l->nr_lines > 1 || lines[l->first_line].line || f->filename)
		return LINES;
	if (!*name || (name[0] == '[' && text_has_suffix(name, "]")))
		return NOTHING;
	return is_bounds(name, l->mapping < p->nr_mappings ? profile_str(p, p->mappings[l->mapping].filename) : "") ? BOUNDS
														    : NAME;
}

/* Locations of what is named anew have no lines then; symbolize gives each one its own. */
static void forget_lines(struct work *w)
{
	for (uint32_t i = 0; i < w->p->nr_locations; i++) {
		uint32_t m = w->p->locations[i].mapping;

		if (m < w->p->nr_mappings && w->mappings[m].wanted)
			profile_set_lines(w->p, i, NULL, 0);
	}
	for (uint32_t i = 0; i < w->p->nr_mappings; i++) {
		struct profile_mapping *m = &w->p->mappings[i];

		if (w->mappings[i].wanted)
			m->has_filenames = m->has_line_numbers = m->has_inline_frames = false;
	}
}

static void symbolize_all(struct work *w)
{
	struct symbolizer *s = symbolizer_new(SYMBOLS_SIZE);

	if (w->o->lines)
		symbolizer_set_lines(s, &(struct symbolize_lines){ .size = LINES_SIZE, .now = true, .open_file = search_named,
								   .ctx = (void *)(uintptr_t)&w->o->search });
	symbolize(s, w->p, w->files.objects, w->files.nr_objects, NULL, NULL, NULL);
	symbolizer_free(s);
}

/* What is known less of than before gets back what it had. */
static void restore(struct work *w)
{
	struct profile *p = w->p;

	for (uint32_t i = 0; i < p->nr_locations; i++) {
		const struct profile_location *before = &w->locations[i];
		struct mapping_work *m =
			&w->mappings[before->mapping < p->nr_mappings ? before->mapping : p->nr_mappings];
		enum knowledge was = knowledge(p, w->lines, before), is = knowledge(p, p->lines, &p->locations[i]);

		if (m->wanted && is >= was) {
			m->renewed = true;
		} else {
			profile_set_lines(p, i, &w->lines[before->first_line], before->nr_lines);
			m->restored = true;
			is = was;
		}
		m->unnamed |= is < NAME;
	}
}

/* Flags say what holds for all of a mapping's locations. */
static void settle_flags(struct work *w)
{
	for (uint32_t i = 0; i < w->p->nr_mappings; i++) {
		struct profile_mapping *m = &w->p->mappings[i];
		const struct mapping_work *at = &w->mappings[i];
		const struct profile_mapping *before = &at->before;

		if (!at->renewed) {
			*m = *before;
			continue;
		}
		m->has_functions = !at->unnamed;
		if (!at->restored)
			continue;
		m->has_filenames &= before->has_filenames;
		m->has_line_numbers &= before->has_line_numbers;
		m->has_inline_frames &= before->has_inline_frames;
	}
}

/* Without what nothing uses any more. No two mappings become one. */
static struct profile *compact(struct profile *p)
{
	struct profile *c = profile_new();

	for (uint32_t i = 0; i < p->nr_mappings; i++)
		p->mappings[i].object = i + 1;
	profile_merge(c, p);
	for (uint32_t i = 0; i < c->nr_mappings; i++)
		c->mappings[i].object = 0;
	profile_free(p);
	return c;
}

int stored_symbolize(struct profile **p, const struct stored_options *o, stored_tell_fn tell, void *ctx)
{
	struct work w = { .p = *p, .o = o, .tell = tell, .ctx = ctx };
	int err = o->kallsyms ? replay_kernel_open(&w.kernel, o->kallsyms) : 0;

	if (err)
		return err;
	begin(&w);
	find_files(&w);
	name_kernel(&w);
	want_vdso(&w);
	forget_lines(&w);
	name_kernel_locations(&w);
	symbolize_all(&w);
	restore(&w);
	settle_flags(&w);
	fini(&w);
	*p = compact(w.p);
	return 0;
}
