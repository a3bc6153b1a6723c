#include "symbolize/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/mem.h"
#include "object/elf.h"
#include "symbolize/line_builder.h"
#include "symbolize/name_table.h"

#define ENTRIES_MAX 65536 /* objects known; beyond, nothing new is learned */

enum state { EARNING, WAITING, BUILDING, READY, REFUSED };

struct entry {
	struct object_id id;
	enum state state;
	uint64_t nr_samples;
	int fd; /* of the object: WAITING and BUILDING */
	int index_fd;
	struct elf *elf; /* where its segments are */
	struct line_index *index;
	struct name_table names, files; /* by the index's strings */
	size_t size;
	uint64_t used; /* window */
};

struct lines {
	size_t budget, size;
	uint64_t earned, window;
	bool now;
	line_file_fn open_file;
	void *ctx;
	struct entry *entries;
	uint32_t nr_entries, entries_cap;
	struct hash hash;
	struct line_builder builder;
	uint32_t building; /* entry */
};

struct lines *lines_new(const struct symbolize_lines *o)
{
	struct lines *l = xcalloc(1, sizeof(*l));

	l->budget = o->size;
	l->earned = o->earned;
	l->now = o->now;
	l->open_file = o->open_file;
	l->ctx = o->ctx;
	return l;
}

static void forget(struct lines *l, struct entry *e)
{
	l->size -= e->size;
	e->size = 0;
	elf_close(e->elf);
	line_close(e->index);
	if (e->fd >= 0)
		close(e->fd);
	if (e->index_fd >= 0)
		close(e->index_fd);
	e->fd = e->index_fd = -1;
	name_table_fini(&e->names);
	name_table_fini(&e->files);
	e->elf = NULL;
	e->index = NULL;
}

void lines_free(struct lines *l)
{
	if (!l)
		return;
	line_builder_stop(&l->builder);
	for (uint32_t i = 0; i < l->nr_entries; i++)
		forget(l, &l->entries[i]);
	free(l->entries);
	hash_fini(&l->hash);
	free(l);
}

size_t lines_size(const struct lines *l)
{
	return sizeof(*l) + l->size + l->entries_cap * sizeof(*l->entries);
}

static uint32_t hash_id(const struct object_id *id)
{
	return hash_2u64(hash_2u64(id->dev, id->inode), (uint64_t)id->ctime_ns);
}

static struct entry *find(const struct lines *l, const struct object_id *id)
{
	uint32_t hash = hash_id(id), pos, i;

	for (i = hash_first(&l->hash, hash, &pos); i != HASH_NONE;
	     i = hash_next(&l->hash, hash, &pos))
		if (!memcmp(&l->entries[i].id, id, sizeof(*id)))
			return &l->entries[i];
	return NULL;
}

static struct entry *add(struct lines *l, const struct object_id *id)
{
	struct entry *e;

	if (l->nr_entries == ENTRIES_MAX)
		return NULL;
	hash_add(&l->hash, hash_id(id), l->nr_entries);
	e = array_push(l->entries, l->nr_entries, l->entries_cap);
	*e = (struct entry){ .id = *id, .fd = -1, .index_fd = -1 };
	return e;
}

/* The descriptor is the caller's: a later step needs one of its own. */
static void earn(struct lines *l, const struct symbolize_object *o, uint64_t nr_samples)
{
	struct entry *e = find(l, &o->id);

	if (!e)
		e = add(l, &o->id);
	if (!e)
		return;
	e->used = l->window;
	e->nr_samples += nr_samples;
	if (e->state != EARNING || e->nr_samples < l->earned)
		return;
	e->fd = fcntl(o->fd, F_DUPFD_CLOEXEC, 3);
	if (e->fd >= 0)
		e->state = WAITING;
}

static void settle(struct lines *l, struct entry *e)
{
	l->size -= e->size;
	e->size = e->index ? line_size(e->index) + line_file_size(e->index) + elf_size(e->elf) + name_table_size(&e->names) +
				     name_table_size(&e->files) : 0;
	l->size += e->size;
}

/* An index that is larger than all the others may be takes their place, but is never its own
 * victim: it would be built again and again. */
static void fit(struct lines *l, const struct entry *keep)
{
	while (l->size > l->budget) {
		struct entry *oldest = NULL;

		for (uint32_t i = 0; i < l->nr_entries; i++) {
			struct entry *e = &l->entries[i];

			if (e->index && e != keep && (!oldest || e->used < oldest->used))
				oldest = e;
		}
		if (!oldest)
			break;
		forget(l, oldest);
		oldest->state = EARNING;
		oldest->nr_samples = 0;
	}
}

static void done(struct lines *l, struct entry *e, int err)
{
	if (e->fd >= 0)
		close(e->fd);
	e->fd = -1;
	if (!err) {
		settle(l, e);
		e->state = READY;
		if (e->size > l->budget)
			err = -EFBIG;
	}
	if (err) {
		forget(l, e);
		e->state = REFUSED;
	} else {
		fit(l, e);
	}
}

static struct entry *next(struct lines *l)
{
	struct entry *best = NULL;

	for (uint32_t i = 0; i < l->nr_entries; i++)
		if (l->entries[i].state == WAITING &&
		    (!best || l->entries[i].nr_samples > best->nr_samples))
			best = &l->entries[i];
	return best;
}

/* Nothing may read E's file in this process but what is here. */
static void open_index(struct lines *l, struct entry *e, int err)
{
	if (!err)
		err = elf_open(&e->elf, e->fd);
	if (!err) {
		elf_forget_sections(e->elf);
		err = line_open(&e->index, e->index_fd, &e->id);
	}
	done(l, e, err);
}

static int new_index_file(struct entry *e)
{
	e->index_fd = io_memfd_new("pprofd-lines");
	return e->index_fd < 0 ? e->index_fd : 0;
}

int lines_poll(struct lines *l)
{
	struct entry *e = l->builder.pid ? &l->entries[l->building] : NULL;
	int err;

	if (e) {
		err = line_builder_poll(&l->builder);
		if (err == 1)
			return 1;
		open_index(l, e, err);
	}
	while ((e = next(l))) {
		struct line_source src = { .fd = e->fd, .open_file = l->open_file, .ctx = l->ctx };

		err = new_index_file(e);
		if (!err)
			err = line_builder_start(&l->builder, &src, &e->id, e->index_fd);
		if (!err) {
			e->state = BUILDING;
			l->building = (uint32_t)(e - l->entries);
			return 1;
		}
		done(l, e, err);
	}
	return 0;
}

void lines_set_budget(struct lines *l, size_t budget)
{
	l->budget = budget;
	fit(l, NULL);
}

/* --- asking --- */

static struct name *string_of(struct line_index *x, struct name_table *t, uint32_t number)
{
	struct name *n = number ? name_table_find(t, number) : NULL;
	char raw[4096];

	if (n || !number || line_string(x, number, raw, sizeof(raw)) < 0)
		return n;
	return name_table_add(t, number, raw);
}

/* The string in P of a file's name. */
static uint32_t file_in(struct profile *p, struct entry *e, uint32_t number)
{
	struct name *n = string_of(e->index, &e->files, number);

	return n ? profile_string(p, name_table_text(&e->files, n->system_name)) : 0;
}

static uint32_t function_in(struct profile *p, struct entry *e, const struct line_frame *f,
			    const struct profile_function *known)
{
	struct profile_function function = { .filename = file_in(p, e, f->file),
					     .start_line = f->start_line };
	struct name *n = known ? NULL : string_of(e->index, &e->names, f->function);

	if (known) {
		function.name = known->name;
		function.system_name = known->system_name;
	} else if (n) {
		function.name = profile_string(p, name_table_text(&e->names, n->name));
		function.system_name = profile_string(p, name_table_text(&e->names, n->system_name));
	} else {
		function.name = function.system_name = profile_string(p, "[unknown]");
	}
	return profile_function(p, &function);
}

/* What is now known of a location. */
enum { FRAMES = 1, FILE_NAME = 2, LINE = 4, FUNCTION_NAME = 8 };

/* Replaces LOCATION's one line, its function, by all that E says of the file offset OFFSET. */
static unsigned fill(struct profile *p, struct entry *e, uint32_t location, uint64_t offset,
		     bool unnamed)
{
	const struct profile_location *at = &p->locations[location];
	struct profile_line lines[LINE_DEPTH_MAX];
	struct line_frame frames[LINE_DEPTH_MAX];
	struct profile_function known;
	unsigned nr, bits = 0;
	uint64_t vaddr;

	if (at->nr_lines != 1 || !elf_vaddr(e->elf, offset, &vaddr) ||
	    line_find(e->index, vaddr, frames, &nr))
		return 0;
	known = p->functions[p->lines[at->first_line].function];
	for (unsigned i = 0; i < nr; i++) {
		/* The function that the machine is in is called what the symbols call it. */
		bool keep = i == nr - 1 && (!unnamed || !frames[i].function);

		lines[i].function = function_in(p, e, &frames[i], keep ? &known : NULL);
		lines[i].line = frames[i].line;
	}
	profile_set_lines(p, location, lines, nr);
	if (frames[nr - 1].function)
		bits |= FRAMES | (unnamed ? FUNCTION_NAME : 0u);
	return bits | (frames[0].file ? FILE_NAME : 0u) | (frames[0].line ? LINE : 0u);
}

/* How many samples' stacks each object is in. */
static void count_samples(struct lines *l, const struct lines_window *w)
{
	uint64_t *nr_samples = xcalloc((size_t)w->nr_objects + 1, sizeof(*nr_samples));
	uint32_t *last = xcalloc((size_t)w->nr_objects + 1, sizeof(*last));
	const struct profile *p = w->p;

	for (uint32_t i = 0; i < p->nr_samples; i++) {
		const struct profile_stack *s = &p->stacks[p->samples[i].stack];
		uint64_t count = p->nr_types ? (uint64_t)p->values[(size_t)i * p->nr_types] : 1;

		for (uint32_t k = 0; k < s->nr; k++) {
			uint32_t m = p->locations[p->stack_locations[s->first + k]].mapping;
			uint32_t object = m < p->nr_mappings ? p->mappings[m].object : 0;

			if (!object || object > w->nr_objects || last[object] == i + 1)
				continue;
			last[object] = i + 1;
			nr_samples[object] += count;
		}
	}
	for (uint32_t i = 0; i < w->nr_objects; i++)
		if (w->usable[i] && nr_samples[i + 1])
			earn(l, &w->objects[i], nr_samples[i + 1]);
	free(nr_samples);
	free(last);
}

static void announce(const struct lines_window *w, const struct object_id *id)
{
	for (uint32_t i = 0; w->notice && i < w->nr_objects; i++) {
		if (!memcmp(&w->objects[i].id, id, sizeof(*id))) {
			w->notice(w->ctx, i);
			break;
		}
	}
}

/* Everything that waits, at once. */
static void build_now(struct lines *l, const struct lines_window *w)
{
	struct entry *e;

	while ((e = next(l))) {
		struct line_source src = { .fd = e->fd, .open_file = l->open_file, .ctx = l->ctx };
		int err = new_index_file(e);

		announce(w, &e->id);
		open_index(l, e, err ? err : line_builder_run(&src, &e->id, e->index_fd));
	}
}

static void fill_all(struct lines *l, struct lines_window *w, struct symbolize_stats *stats)
{
	struct profile *p = w->p;
	uint8_t *lacking = xcalloc((size_t)p->nr_mappings + 1, 1); /* bits, of mappings */
	struct entry **entries = xcalloc((size_t)w->nr_objects + 1, sizeof(*entries));

	for (uint32_t i = 0; i < w->nr_objects; i++) {
		struct entry *e = w->usable[i] ? find(l, &w->objects[i].id) : NULL;

		entries[i + 1] = e && e->state == READY ? e : NULL;
	}
	for (uint32_t i = 0; i < p->nr_locations; i++) {
		const struct profile_location *at = &p->locations[i];
		uint32_t m = at->mapping,
			 object = m < p->nr_mappings ? p->mappings[m].object : 0;
		struct entry *e = object <= w->nr_objects ? entries[object] : NULL;
		unsigned bits;

		if (!e)
			continue;
		bits = fill(p, e, i, at->address - p->mappings[m].start + p->mappings[m].offset,
			    w->unnamed[i]);
		if (bits & FUNCTION_NAME)
			w->unnamed[i] = false;
		stats->nr_lined += (bits & FILE_NAME) && (bits & LINE);
		lacking[m] |= (uint8_t)~bits;
	}
	for (uint32_t m = 0; m < p->nr_mappings; m++) {
		uint32_t object = p->mappings[m].object;

		if (!object || object > w->nr_objects || !entries[object])
			continue;
		p->mappings[m].has_filenames = !(lacking[m] & FILE_NAME);
		p->mappings[m].has_line_numbers = !(lacking[m] & LINE);
		p->mappings[m].has_inline_frames = !(lacking[m] & FRAMES);
	}
	for (uint32_t i = 1; i <= w->nr_objects; i++)
		if (entries[i])
			settle(l, entries[i]);
	free(entries);
	free(lacking);
}

void lines_window(struct lines *l, struct lines_window *w, struct symbolize_stats *stats)
{
	l->window++;
	count_samples(l, w);
	if (l->now)
		build_now(l, w);
	else
		lines_poll(l);
	fill_all(l, w, stats);
	fit(l, NULL);
	for (uint32_t i = 0; i < l->nr_entries; i++) {
		enum state state = l->entries[i].state;

		stats->nr_indexes += state == READY;
		stats->nr_waiting += state == WAITING || state == BUILDING;
		stats->nr_refused += state == REFUSED;
	}
}
