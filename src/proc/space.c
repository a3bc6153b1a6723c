/* Address spaces: executable mappings by start. */
#include "proc/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

#define SPACE_CAP_SIZE (sizeof(struct process_map) + sizeof(uint16_t))

static_assert(SPACE_MAPS_MAX + 2 <= UINT16_MAX, "slots are numbered by 16 bits");

/* Fresh serials after 2^32 of them: spaces that live on get one that nobody else can meet again. */
uint32_t space_serial(struct process_table *t)
{
	if (t->last_serial == UINT32_MAX) {
		t->last_serial = 0;
		for (uint32_t i = 0; i < t->processes.nr; i++) {
			struct process *p = t->processes.items[i];

			if (p->space) {
				p->space->serial = ++t->last_serial;
				p->space->from_serial = 0;
			}
		}
	}
	return ++t->last_serial;
}

void space_changed(struct process_table *t, struct space *s)
{
	s->serial = space_serial(t);
	s->from_serial = 0;
}

struct space *space_new(struct process_table *t, enum space_state state)
{
	struct space *s = xcalloc(1, sizeof(*s));

	s->refs = 1;
	s->serial = space_serial(t);
	s->state = state;
	s->known_once = state == SPACE_KNOWN;
	t->nr_spaces++;
	t->spaces_size += sizeof(*s);
	return s;
}

void space_put(struct process_table *t, struct space *s)
{
	if (!s || --s->refs)
		return;
	for (uint32_t i = 0; i < s->nr_maps; i++)
		file_put(&t->names, space_map(s, i)->file);
	t->nr_maps -= s->nr_maps;
	t->nr_spaces--;
	t->spaces_size -= sizeof(*s) + s->maps_cap * SPACE_CAP_SIZE;
	free(s->maps);
	free(s->order);
	free(s);
}

void space_settle(struct space *s)
{
	if (s->state == SPACE_ASKED)
		s->state = s->known_once ? SPACE_KNOWN : SPACE_UNKNOWN;
}

static void space_reserve(struct process_table *t, struct space *s, uint32_t want)
{
	uint32_t cap = s->maps_cap;

	if (want <= cap)
		return;
	array_reserve(s->maps, s->maps_cap, want);
	s->order = xreallocarray(s->order, s->maps_cap, sizeof(*s->order));
	t->spaces_size += (s->maps_cap - cap) * SPACE_CAP_SIZE;
}

/* What a space once held is given back when less than half of it is in use. */
static void space_trim(struct process_table *t, struct space *s)
{
	uint32_t cap = s->nr_maps + s->nr_maps / 4 + 8;
	struct process_map *maps;

	if (s->nr_maps >= s->maps_cap / 2 || cap >= s->maps_cap)
		return;
	maps = xreallocarray(NULL, cap, sizeof(*maps));
	for (uint32_t i = 0; i < s->nr_maps; i++) {
		maps[i] = *space_map(s, i);
		s->order[i] = (uint16_t)i;
	}
	free(s->maps);
	s->maps = maps;
	s->order = xreallocarray(s->order, cap, sizeof(*s->order));
	t->spaces_size -= (s->maps_cap - cap) * SPACE_CAP_SIZE;
	s->maps_cap = cap;
	s->nr_slots = s->nr_maps;
	s->free = 0;
}

struct space *space_own(struct process_table *t, struct process *p)
{
	struct space *s = p->space, *copy;

	if (s->refs == 1)
		return s;
	if (t->nr_maps + s->nr_maps > MAPS_MAX) {
		t->nr_refused++;
		return NULL;
	}
	copy = space_new(t, s->state);
	copy->known_once = s->known_once;
	copy->from_serial = s->serial;
	space_reserve(t, copy, s->nr_maps);
	for (uint32_t i = 0; i < s->nr_maps; i++) {
		copy->maps[i] = *space_map(s, i);
		copy->order[i] = (uint16_t)i;
		file_ref(&t->names, copy->maps[i].file);
	}
	copy->nr_maps = copy->nr_slots = s->nr_maps;
	t->nr_maps += s->nr_maps;
	/* An answer on its way was asked for one of the two. */
	space_settle(copy);
	space_settle(s);
	s->refs--;
	p->space = copy;
	return copy;
}

uint32_t space_lower(const struct space *s, uint64_t address)
{
	uint32_t low = 0, high = s->nr_maps;

	while (low < high) {
		uint32_t mid = (low + high) / 2;

		if (space_map(s, mid)->end <= address)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct process_map *space_find(struct space *s, uint64_t address)
{
	struct process_map *map;

	if (s->last < s->nr_maps) {
		map = space_map(s, s->last);
		if (address >= map->start && address < map->end)
			return map;
	}
	s->last = space_lower(s, address);
	if (s->last == s->nr_maps)
		return NULL;
	map = space_map(s, s->last);
	return address >= map->start ? map : NULL;
}

bool map_agrees(const struct names *n, const struct process_map *a, const struct process_map *b,
		bool sure)
{
	if (!file_agrees(n, a->file, b->file, sure))
		return false;
	return n->files[a->file].file->special || a->start - a->pgoff == b->start - b->pgoff;
}

static uint16_t slot_get(struct space *s)
{
	uint32_t slot = s->free;

	if (!slot)
		return (uint16_t)s->nr_slots++;
	s->free = (uint32_t)s->maps[slot - 1].start;
	return (uint16_t)(slot - 1);
}

static void slot_put(struct space *s, uint16_t slot)
{
	s->maps[slot].start = s->free;
	s->free = slot + 1u;
}

/* Puts the NR mappings of PARTS in the place of those from FIRST to LAST. */
static void space_splice(struct process_table *t, struct space *s, uint32_t first, uint32_t last,
			 const struct process_map *parts, uint32_t nr)
{
	uint32_t nr_maps = s->nr_maps - (last - first) + nr;

	space_reserve(t, s, nr_maps);
	for (uint32_t i = first; i < last; i++) {
		file_put(&t->names, space_map(s, i)->file);
		slot_put(s, s->order[i]);
	}
	memmove(s->order + first + nr, s->order + last, (s->nr_maps - last) * sizeof(*s->order));
	for (uint32_t i = 0; i < nr; i++) {
		s->order[first + i] = slot_get(s);
		s->maps[s->order[first + i]] = parts[i];
	}
	t->nr_maps += nr_maps - s->nr_maps;
	s->nr_maps = nr_maps;
	space_trim(t, s);
}

bool space_insert(struct process_table *t, struct space *s, const struct process_map *map)
{
	struct process_map parts[3];
	uint32_t first = space_lower(s, map->start), last = first, nr = 0, nr_more;

	while (last < s->nr_maps && space_map(s, last)->start < map->end)
		last++;
	if (first < last && space_map(s, first)->start < map->start) {
		parts[nr] = *space_map(s, first);
		parts[nr++].end = map->start;
	}
	parts[nr++] = *map;
	if (first < last && space_map(s, last - 1)->end > map->end) {
		struct process_map *right = &parts[nr++];

		*right = *space_map(s, last - 1);
		if (!process_file(t, right->file)->special)
			right->pgoff += map->end - right->start;
		right->start = map->end;
	}
	nr_more = nr > last - first ? nr - (last - first) : 0;
	if (s->nr_maps + nr_more > SPACE_MAPS_MAX || t->nr_maps + nr_more > MAPS_MAX) {
		file_put(&t->names, map->file);
		t->nr_refused++;
		return false;
	}
	for (uint32_t i = 0; i < nr; i++)
		if (parts[i].start != map->start)
			file_ref(&t->names, parts[i].file);
	space_splice(t, s, first, last, parts, nr);
	return true;
}

const char *process_program(const struct process_table *t, const struct process *p)
{
	for (uint32_t i = 0; i < p->space->nr_maps; i++) {
		const struct process_file *f = process_file(t, space_map(p->space, i)->file);

		if (!f->special)
			return f->path;
	}
	return NULL;
}
