/* Asks indexes and tables, and writes what they say into a profile. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "object/elf.h"
#include "object/gopclntab.h"
#include "object/jitdump.h"
#include "symbolize/lines_impl.h"
#include "symbolize/object_cache.h"

_Static_assert(GOPCLNTAB_FRAMES_MAX <= LINE_DEPTH_MAX, "room for either's frames");

/* Whom the frames of one object are asked of. */
struct source {
	struct lines_entry *e;
	const struct elf *elf;
	struct gopclntab *go; /* NULL: the entry's index */
	struct jitdump *dump; /* then none of those */
	int fd;               /* with go and dump */
};

/* A Go table's numbers begin with 0, which here says: not known. */
static int ask_go(const struct source *s, uint64_t vaddr, struct line_frame *frames, unsigned *nr)
{
	struct go_frame go[GOPCLNTAB_FRAMES_MAX];
	int found = gopclntab_frames(s->go, s->fd, vaddr, go);

	for (int i = 0; i < found; i++)
		frames[i] = (struct line_frame){
			.function = go[i].name + 1,
			.file = go[i].file + 1, /* GOPCLNTAB_NO_FILE + 1 is 0 */
			.line = go[i].line > 0 ? (uint32_t)go[i].line : 0,
			.start_line = go[i].start_line > 0 ? (uint32_t)go[i].start_line : 0,
		};
	if (found > 0)
		*nr = (unsigned)found;
	return found < 0 ? found : 0;
}

static int ask(const struct source *s, uint64_t vaddr, struct line_frame *frames, unsigned *nr)
{
	return s->go ? ask_go(s, vaddr, frames, nr) : line_find(s->e->index, vaddr, frames, nr);
}

static int read_string(const struct source *s, const struct name_table *t, uint32_t number,
		       char *out, size_t size)
{
	if (!s->go)
		return line_string(s->e->index, number, out, size);
	return t == &s->e->files ? gopclntab_file(s->go, s->fd, number - 1, out, size)
				 : gopclntab_name(s->go, s->fd, number - 1, out, size);
}

static struct name *string_of(const struct source *s, struct name_table *t, uint32_t number)
{
	struct name *n = number ? name_table_find(t, number) : NULL;
	char raw[4096];

	if (n || !number || read_string(s, t, number, raw, sizeof(raw)) < 0)
		return n;
	return name_table_add(t, number, raw);
}

/* The string in P of a file's name. */
static uint32_t file_in(struct profile *p, const struct source *s, uint32_t number)
{
	struct name *n = string_of(s, &s->e->files, number);

	return n ? profile_string(p, name_table_text(&s->e->files, n->system_name)) : 0;
}

static uint32_t function_in(struct profile *p, const struct source *s, const struct line_frame *f,
			    const struct profile_function *known)
{
	struct name_table *names = &s->e->names;
	struct profile_function function = { .filename = file_in(p, s, f->file),
					     .start_line = f->start_line };
	struct name *n = known ? NULL : string_of(s, names, f->function);

	if (known) {
		function.name = known->name;
		function.system_name = known->system_name;
	} else if (n) {
		function.name = profile_string(p, name_table_text(names, n->name));
		function.system_name = profile_string(p, name_table_text(names, n->system_name));
	} else {
		function.name = function.system_name = profile_string(p, "[unknown]");
	}
	return profile_function(p, &function);
}

/* What is now known of a location. */
enum { FRAMES = 1, FILE_NAME = 2, LINE = 4, FUNCTION_NAME = 8 };

/* Replaces LOCATION's one line, its function, by all that S says of the file offset OFFSET. */
static unsigned fill(struct profile *p, const struct source *s, uint32_t location, uint64_t offset,
		     bool unnamed)
{
	const struct profile_location *at = &p->locations[location];
	struct profile_line lines[LINE_DEPTH_MAX];
	struct line_frame frames[LINE_DEPTH_MAX];
	struct profile_function known;
	unsigned nr, bits = 0;
	uint64_t vaddr;

	if (at->nr_lines != 1 || !elf_vaddr(s->elf, offset, &vaddr) || ask(s, vaddr, frames, &nr))
		return 0;
	known = p->functions[p->lines[at->first_line].function];
	for (unsigned i = 0; i < nr; i++) {
		/* The function that the machine is in is called what the symbols call it. */
		bool keep = i == nr - 1 && (!unnamed || !frames[i].function);

		lines[i].function = function_in(p, s, &frames[i], keep ? &known : NULL);
		lines[i].line = frames[i].line;
	}
	profile_set_lines(p, location, lines, nr);
	if (frames[nr - 1].function)
		bits |= FRAMES | (unnamed ? FUNCTION_NAME : 0u);
	return bits | (frames[0].file ? FILE_NAME : 0u) | (frames[0].line ? LINE : 0u);
}

/* A function that was made at run time is one frame, and has its name. */
static unsigned fill_jit(struct profile *p, const struct source *s, uint32_t location, uint64_t address)
{
	const struct profile_location *at = &p->locations[location];
	struct profile_function function;
	struct profile_line line = { 0 };
	struct jit_line found;
	char raw[4096], name[TEXT_MAX];
	int length;

	if (at->nr_lines != 1 || jitdump_line(s->dump, s->fd, address, &found))
		return 0;
	function = p->functions[p->lines[at->first_line].function];
	length = found.file ? jitdump_file(s->dump, s->fd, found.file, raw, sizeof(raw)) : 0;
	if (length > 0) {
		text_clean(name, sizeof(name), raw, (size_t)length);
		function.filename = profile_string(p, name);
	}
	line.function = profile_function(p, &function);
	line.line = found.line;
	profile_set_lines(p, location, &line, 1);
	return (length > 0 ? FILE_NAME : 0u) | (found.line ? LINE : 0u);
}

static struct source source_of(const struct lines *l, const struct lines_window *w, uint32_t object)
{
	struct cached *c = w->cached[object];
	struct lines_entry *e = c ? lines_find(l, &w->objects[object].id) : NULL;
	struct source s = { .fd = w->objects[object].fd };

	if (c && c->levels.dump) {
		s.dump = c->levels.dump;
		return s;
	}
	if (!e || (e->state != LINES_READY && e->state != LINES_TABLE))
		return s;
	s.e = e;
	s.elf = c->elf;
	s.go = e->state == LINES_TABLE ? c->levels.go : NULL;
	return s;
}

static bool knows_lines(const struct source *s)
{
	return s->e || s->dump;
}

static void mark(struct profile *p, const struct source *sources, uint32_t nr_objects,
		 const uint8_t *lacking)
{
	for (uint32_t m = 0; m < p->nr_mappings; m++) {
		uint32_t object = p->mappings[m].object;

		if (!object || object > nr_objects || !knows_lines(&sources[object]))
			continue;
		p->mappings[m].has_filenames = !(lacking[m] & FILE_NAME);
		p->mappings[m].has_line_numbers = !(lacking[m] & LINE);
		p->mappings[m].has_inline_frames = !(lacking[m] & FRAMES);
	}
}

void lines_fill(struct lines *l, struct lines_window *w, struct symbolize_stats *stats)
{
	struct profile *p = w->p;
	uint8_t *lacking = xcalloc((size_t)p->nr_mappings + 1, 1); /* bits, of mappings */
	struct source *sources = xcalloc((size_t)w->nr_objects + 1, sizeof(*sources));

	for (uint32_t i = 0; i < w->nr_objects; i++)
		sources[i + 1] = source_of(l, w, i);
	for (uint32_t i = 0; i < p->nr_locations; i++) {
		const struct profile_location *at = &p->locations[i];
		uint32_t m = at->mapping, object = m < p->nr_mappings ? p->mappings[m].object : 0;
		uint64_t offset;
		unsigned bits;

		if (object > w->nr_objects || !knows_lines(&sources[object]))
			continue;
		offset = at->address - p->mappings[m].start + p->mappings[m].offset;
		bits = sources[object].dump ? fill_jit(p, &sources[object], i, offset)
					    : fill(p, &sources[object], i, offset, w->unnamed[i]);
		if (bits & FUNCTION_NAME)
			w->unnamed[i] = false;
		stats->nr_lined += (bits & FILE_NAME) && (bits & LINE);
		lacking[m] |= (uint8_t)~bits;
	}
	mark(p, sources, w->nr_objects, lacking);
	for (uint32_t i = 1; i <= w->nr_objects; i++) {
		if (sources[i].dump)
			jitdump_trim(sources[i].dump);
		if (!sources[i].e)
			continue;
		lines_settle(l, sources[i].e);
		if (sources[i].go)
			gopclntab_trim(sources[i].go);
	}
	free(sources);
	free(lacking);
}
