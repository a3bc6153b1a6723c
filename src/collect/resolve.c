#include "collect/resolve.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "collect/state.h"
#include "collect/wait.h"

#define ASK_AGAIN_NS 50000000ull /* after the opener had no room */
#define REFRESH_NS 1000000000ull /* between readings of known maps; doubled while in vain */
#define REFRESH_SHIFT_MAX 6

struct identity identity_of(const struct process *p)
{
	return (struct identity){ p->pid, p->exec_count, p->fork_ns };
}

bool identity_equal(const struct identity *a, const struct identity *b)
{
	return a->pid == b->pid && a->fork_ns == b->fork_ns && a->exec_count == b->exec_count;
}

struct process *identity_find(struct collect *c, const struct identity *id)
{
	struct process *p = process_find(c->processes, id->pid);

	return p && p->fork_ns == id->fork_ns && p->exec_count == id->exec_count ? p : NULL;
}

/* --- Objects --- */

static uint64_t key_of(const struct process_file *f)
{
	uint64_t h = hash_bytes(f->path, strlen(f->path)) ^ hash_bytes(f->build_id, f->build_id_size);

	return hash_mix(h ^ f->inode ^ f->inode_generation << 32, 0x9e3779b97f4a7c15);
}

static bool ask_object(struct collect *c, struct process *p, struct process_map *map,
		       uint32_t number)
{
	const struct process_file *file = process_file(c->processes, map->file);
	struct window_map *w = &c->maps[number];
	struct collect_object_ask ask = {
		.process = p,
		.start = map->start,
		.end = map->end,
		.pgoff = map->pgoff,
		.file = file,
		.object = map->object,
		.file_key = key_of(file),
	};

	w->asked = identity_of(p);
	w->file_key = ask.file_key;
	if (!c->asks.object(c->asks.ctx, &ask))
		return false;
	if (map->object >= OBJECT_FIRST)
		return true;
	map->object = w->object = OBJECT_ASKED;
	c->counters.objects_asked++;
	hash_add(&c->asked, hash_2u64(p->pid, map->start), number);
	return true;
}

/* A maps text may show more of a mapping than its first hit knew. */
static bool has_number(const struct collect *c, const struct process_map *map)
{
	return map->window == c->window && map->start >= c->maps[map->mapping].start &&
	       map->end <= c->maps[map->mapping].end;
}

/* Code that was made at run time has no file, but perhaps a map of its functions, which may come at any time. */
static bool is_jit(const struct process_file *file)
{
	return !strcmp(file->path, SPACE_ANONYMOUS);
}

static bool may_ask(struct collect *c, struct process_map *map)
{
	const struct process_file *file = process_file(c->processes, map->file);

	if (!c->asks.object)
		return false;
	if (is_jit(file)) {
		if (map->object == OBJECT_MISSING)
			map->object = OBJECT_NONE;
		return true;
	}
	return map->object != OBJECT_MISSING && !file->special;
}

/* A program that is started again and again maps the same files each time. */
static void recall(struct collect *c, struct process *p, struct process_map *map)
{
	const struct process_file *file = process_file(c->processes, map->file);
	uint32_t object;

	if (!c->asks.known || map->object >= OBJECT_FIRST || map->object == OBJECT_MISSING || file->special)
		return;
	object = c->asks.known(c->asks.ctx, p, file);
	if (object >= OBJECT_FIRST)
		map->object = object;
}

void collect_recall(struct collect *c, struct process *p)
{
	for (uint32_t i = 0; i < p->space->nr_maps; i++)
		recall(c, p, space_map(p->space, i));
}

/* The window's number of MAP. At its first hit the file is asked for: also when a window has passed
 * without an answer, which may have gone to a process that this one was forked from. */
static uint32_t map_number(struct collect *c, struct process *p, struct process_map *map)
{
	bool ask;

	if (has_number(c, map))
		return map->mapping;
	recall(c, p, map);
	ask = may_ask(c, map);
	map->window = c->window;
	map->mapping = window_map_add(c, map->start, map->end, map->object);
	if (ask && !ask_object(c, p, map, map->mapping))
		*array_push(c->unasked, c->nr_unasked, c->unasked_cap) = map->mapping;
	return map->mapping;
}

void resolve_want_object(struct collect *c, struct process *p, struct process_map *map)
{
	map_number(c, p, map);
}

void resolve_retry_objects(struct collect *c)
{
	uint32_t done = 0;

	for (; done < c->nr_unasked; done++) {
		uint32_t number = c->unasked[done];
		struct process *p = identity_find(c, &c->maps[number].asked);
		struct process_map *map = p ? space_find(p->space, c->maps[number].start) : NULL;

		if (map && map->window == c->window && map->mapping == number &&
		    map->object != OBJECT_MISSING && !ask_object(c, p, map, number))
			break; /* still no room: the others neither */
	}
	c->nr_unasked -= done;
	if (done)
		memmove(c->unasked, c->unasked + done, c->nr_unasked * sizeof(*c->unasked));
}

void collect_object(struct collect *c, uint32_t pid, uint64_t fork_ns, uint32_t exec_count,
		    uint64_t start, uint64_t file_key, uint32_t object)
{
	struct identity id = { pid, exec_count, fork_ns };
	struct process *p = identity_find(c, &id);
	struct process_map *map = p ? space_find(p->space, start) : NULL;
	uint32_t pos, i, hash = hash_2u64(pid, start);

	if (object == OBJECT_MISSING)
		/* Most programs that make code say nothing of it. */
		c->counters.objects_failed += !map || !is_jit(process_file(c->processes, map->file));
	else if (object < OBJECT_FIRST)
		return;
	if (map && map->object == OBJECT_ASKED && key_of(process_file(c->processes, map->file)) == file_key) {
		map->object = object;
		if (map->window == c->window)
			c->maps[map->mapping].object = object;
	}
	for (i = hash_first(&c->asked, hash, &pos); i != HASH_NONE;
	     i = hash_next(&c->asked, hash, &pos)) {
		struct window_map *w = &c->maps[i];

		if (w->object == OBJECT_ASKED && w->start == start && w->file_key == file_key &&
		    identity_equal(&w->asked, &id))
			w->object = object;
	}
}

void collect_ask_code(struct collect *c, uint32_t pid, uint64_t fork_ns, uint32_t exec_count)
{
	struct identity id = { pid, exec_count, fork_ns };
	struct process *p = identity_find(c, &id);

	for (uint32_t i = 0; p && i < p->space->nr_maps; i++) {
		struct process_map *map = space_map(p->space, i);

		if (map->object != OBJECT_MISSING || map->window != c->window || !may_ask(c, map))
			continue;
		if (!ask_object(c, p, map, map->mapping))
			*array_push(c->unasked, c->nr_unasked, c->unasked_cap) = map->mapping;
	}
}

/* --- User addresses --- */

void build_id_hex(char hex[BUILD_ID_HEX_SIZE], const uint8_t *build_id, size_t size)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size && i < (BUILD_ID_HEX_SIZE - 1) / 2; i++) {
		*hex++ = digits[build_id[i] >> 4];
		*hex++ = digits[build_id[i] & 15];
	}
	*hex = 0;
}

static uint32_t profile_mapping_of(struct collect *c, struct kind *k, struct process *p,
				   struct process_map *map)
{
	uint32_t number = map_number(c, p, map);
	uint32_t *slot = window_slot(&k->mappings, &k->mappings_cap, number);

	if (!*slot) {
		const struct process_file *file = process_file(c->processes, map->file);
		struct profile_mapping m = {
			.start = map->start,
			.limit = map->end,
			.offset = map->pgoff,
			.object = number, /* of this window; its end makes an object of it */
		};
		char build_id[BUILD_ID_HEX_SIZE];

		build_id_hex(build_id, file->build_id, file->build_id_size);
		m.filename = profile_string(k->profile, file->path);
		m.build_id = profile_string(k->profile, build_id);
		*slot = profile_mapping(k->profile, &m) + 1;
	}
	return *slot - 1;
}

uint32_t resolve_user(struct collect *c, struct kind *k, struct process *p, uint64_t address)
{
	uint32_t location = cache_find(&k->cache, p->space->serial, address);
	struct process_map *map;

	if (location != UINT32_MAX)
		return location;
	map = space_find(p->space, address);
	if (!map)
		return UINT32_MAX;
	location = profile_location(k->profile, profile_mapping_of(c, k, p, map), address);
	cache_add(&k->cache, p->space->serial, address, location, k->profile->nr_locations);
	return location;
}

/* Of a space that is not known: soon again when the opener has no room, and not at all while it is
 * asked. Of one that is known but lacks an address: rarely, and ever more rarely as long as it does
 * not help. */
void resolve_ask_maps(struct collect *c, struct process *p)
{
	struct space *s = p->space;
	uint64_t pause = s->state == SPACE_KNOWN ? REFRESH_NS << s->nr_refreshed : ASK_AGAIN_NS;

	if (!c->asks.maps || p->exited || s->state == SPACE_ASKED ||
	    (s->asked_ns && c->now < s->asked_ns + pause))
		return;
	s->asked_ns = c->now;
	if (!c->asks.maps(c->asks.ctx, p))
		return;
	c->counters.maps_asked++;
	if (s->state == SPACE_UNKNOWN)
		s->state = SPACE_ASKED;
	else if (s->nr_refreshed < REFRESH_SHIFT_MAX)
		s->nr_refreshed++;
}

void collect_maps(struct collect *c, uint32_t pid, uint64_t fork_ns, uint32_t exec_count,
		  const char *text, size_t size, uint64_t time_ns)
{
	struct identity id = { pid, exec_count, fork_ns };
	struct process *p = identity_find(c, &id);
	uint32_t serial, nr_maps, nr_refreshed;

	if (!size)
		c->counters.maps_failed++;
	if (!p)
		return;
	serial = p->space->serial;
	nr_maps = p->space->nr_maps;
	nr_refreshed = p->space->nr_refreshed;
	if (size)
		process_set_maps(c->processes, p, text, size, time_ns);
	/* What cannot be had is not waited for: the records alone say what is mapped. */
	p->space->state = SPACE_KNOWN;
	if (p->space->serial != serial || p->space->nr_maps != nr_maps)
		nr_refreshed = 0; /* it helped */
	p->space->nr_refreshed = nr_refreshed;
	wait_resolve(c, c->now);
}
