/* A maps text put into an address space. */
#include "proc/process.h"

#include <stdlib.h>
#include <string.h>

#include "proc/procfs.h"
#include "proc/table.h"

/* The executable mappings of a text, in a space of their own. The kernel writes them in order of
 * address; what is not so is damaged. */
static struct space *space_parse(struct process_table *t, const char *text, size_t size,
				 uint64_t time_ns)
{
	struct space *s = space_new(t, SPACE_KNOWN);
	struct procfs_map m;
	uint32_t nr_bad = 0;
	uint64_t end = 0;
	size_t pos = 0;

	while (procfs_next_map(text, size, &pos, &m, &nr_bad)) {
		struct process_map map = { .start = m.start, .end = m.end, .time_ns = time_ns };
		const struct process_mmap named = { .path = m.path,
						    .dev_major = m.dev_major,
						    .dev_minor = m.dev_minor,
						    .inode = m.inode };

		if (m.start < end) {
			nr_bad++;
			continue;
		}
		end = m.end;
		if (!m.exec)
			continue;
		map.file = file_intern(&t->names, &named, m.path_size, true, &t->nr_refused);
		map.pgoff = process_file(t, map.file)->special ? 0 : m.pgoff;
		space_insert(t, s, &map);
	}
	t->nr_bad += nr_bad;
	return s;
}

/* What is known of the mappings of FRESH from OLD: the file's names by record, and the object. */
static void space_recall(struct process_table *t, struct space *fresh, const struct space *old)
{
	for (uint32_t i = 0; i < fresh->nr_maps; i++) {
		struct process_map *map = space_map(fresh, i);
		uint32_t at = space_lower(old, map->start);
		const struct process_map *known = at < old->nr_maps ? space_map(old, at) : NULL;

		if (!known || known->start > map->start ||
		    !map_agrees(&t->names, map, known, false))
			continue;
		file_ref(&t->names, known->file);
		file_put(&t->names, map->file);
		map->file = known->file;
		map->object = known->object;
		map->window = known->window;
		map->mapping = known->mapping;
	}
}

static void space_insert_newer(struct process_table *t, struct space *fresh,
			       const struct space *old, uint64_t time_ns)
{
	for (uint32_t i = 0; i < old->nr_maps; i++) {
		const struct process_map *map = space_map(old, i);

		if (map->time_ns <= time_ns)
			continue;
		file_ref(&t->names, map->file);
		space_insert(t, fresh, map);
	}
}

/* Each address of MAP means the same in S. */
static bool space_agrees(const struct process_table *t, const struct space *s,
			 const struct process_map *map)
{
	uint64_t address = map->start;

	for (uint32_t i = space_lower(s, address); address < map->end; i++) {
		const struct process_map *other = i < s->nr_maps ? space_map(s, i) : NULL;

		if (!other || other->start > address ||
		    !map_agrees(&t->names, other, map, false))
			return false;
		address = other->end;
	}
	return true;
}

static bool space_agrees_all(const struct process_table *t, const struct space *s,
			     const struct space *with)
{
	for (uint32_t i = 0; i < with->nr_maps; i++)
		if (!space_agrees(t, s, space_map(with, i)))
			return false;
	return true;
}

/* S gets the mappings of FRESH and the other way round. */
static void space_swap(struct space *s, struct space *fresh)
{
	struct space old = *s;

	*s = *fresh;
	s->refs = old.refs;
	s->serial = old.serial;
	s->from_serial = old.from_serial;
	s->asked_ns = old.asked_ns;
	old.refs = fresh->refs;
	*fresh = old;
}

void process_set_maps(struct process_table *t, struct process *p, const char *text, size_t size,
		      uint64_t time_ns)
{
	struct space *s = p->space, *fresh;
	bool stays = s->refs > 1 && s->known_once, kept, same;
	uint32_t nr_going = stays ? 0 : s->nr_maps;

	t->nr_maps -= nr_going; /* what goes must not stand in the way of what comes */
	fresh = space_parse(t, text, size, time_ns);
	space_recall(t, fresh, s);
	space_insert_newer(t, fresh, s, time_ns);
	t->nr_maps += nr_going;
	kept = space_agrees_all(t, fresh, s);
	same = kept && space_agrees_all(t, s, fresh);
	if (stays && !same) {
		fresh->asked_ns = s->asked_ns;
		space_settle(s);
		p->space = fresh;
		s->refs--;
		return;
	}
	space_swap(s, fresh);
	if (!kept)
		space_changed(t, s);
	space_put(t, fresh);
}
