#include "daemon/sources.h"

#include <stdlib.h>

#include "base/array.h"

static uint16_t layout_of(struct sources *s, const struct perf_event_attr *attr)
{
	struct record_layout layout;
	uint32_t i;

	event_layout(attr, &layout);
	for (i = 0; i < s->nr_layouts; i++)
		if (s->layouts[i].sample_type == layout.sample_type) /* in all else ours are alike */
			return (uint16_t)i;
	if (i == SOURCES_LAYOUTS_MAX)
		abort(); /* ours differ in the callchain and the copied stack only */
	s->layouts[s->nr_layouts++] = layout;
	return (uint16_t)i;
}

int sources_add(struct sources *s, int fd, const struct perf_event_attr *attr, const struct sampler_source *source)
{
	struct source_id *i;
	uint64_t id;
	int err = event_id(fd, &id);

	if (err < 0)
		return err;
	i = array_push(s->ids, s->nr_ids, s->ids_cap);
	*i = (struct source_id){ .id = id, .owner = source->owner, .tag = source->tag, .kind = (uint16_t)source->kind,
				 .layout = layout_of(s, attr), .walked = source->walked,
				 .user_only = attr->exclude_callchain_kernel };
	hash_add(&s->hash, hash_u64(id), s->nr_ids - 1);
	return 0;
}

static uint32_t index_of(const struct sources *s, uint64_t id)
{
	uint32_t pos, i;

	for (i = hash_first(&s->hash, hash_u64(id), &pos); i != HASH_NONE; i = hash_next(&s->hash, hash_u64(id), &pos))
		if (s->ids[i].id == id)
			break;
	return i;
}

static uint32_t walk_index(const struct sources *s, uint32_t number)
{
	uint32_t pos, i;

	for (i = hash_first(&s->walk_hash, hash_u64(number), &pos); i != HASH_NONE;
	     i = hash_next(&s->walk_hash, hash_u64(number), &pos))
		if (s->walks[i].number == number)
			break;
	return i;
}

/* One event less has NUMBER. */
static uint32_t walk_put(struct sources *s, uint32_t number)
{
	uint32_t i = number ? walk_index(s, number) : HASH_NONE, last;

	if (i == HASH_NONE || --s->walks[i].nr_events)
		return 0;
	hash_del(&s->walk_hash, hash_u64(number), i);
	last = --s->nr_walks;
	if (i != last) {
		hash_move(&s->walk_hash, hash_u64(s->walks[last].number), last, i);
		s->walks[i] = s->walks[last];
	}
	return number;
}

static bool is_walk_of(const struct source_walk *w, const struct source_id *id)
{
	return w->source.owner == id->owner && w->source.tag == id->tag && w->source.kind == id->kind &&
	       w->source.user_only == id->user_only;
}

uint32_t sources_walk(struct sources *s, int fd)
{
	struct source_id *id;
	struct source_walk *w;
	uint32_t i = s->nr_walks;
	uint64_t number;

	if (event_id(fd, &number) < 0 || index_of(s, number) == HASH_NONE)
		return 0;
	id = &s->ids[index_of(s, number)];
	while (i && !is_walk_of(&s->walks[i - 1], id)) /* the last one mostly */
		i--;
	if (!i) {
		hash_add(&s->walk_hash, hash_u64(s->last_walk + 1), s->nr_walks);
		w = array_push(s->walks, s->nr_walks, s->walks_cap);
		*w = (struct source_walk){ .number = ++s->last_walk };
		w->source = (struct sampler_source){ .owner = id->owner, .tag = id->tag, .kind = id->kind,
						     .user_only = id->user_only, .walked = true };
		i = s->nr_walks;
	}
	s->walks[i - 1].nr_events++;
	id->walk = s->walks[i - 1].number;
	return id->walk;
}

bool sources_find_walk(const struct sources *s, uint32_t number, struct sampler_source *source)
{
	uint32_t i = walk_index(s, number);
	unsigned cpu = source->cpu;

	if (i == HASH_NONE)
		return false;
	*source = s->walks[i].source;
	source->cpu = cpu;
	return true;
}

uint32_t sources_del(struct sources *s, int fd)
{
	uint32_t i, last, walk;
	uint64_t id;

	if (event_id(fd, &id) < 0 || (i = index_of(s, id)) == HASH_NONE)
		return 0;
	walk = walk_put(s, s->ids[i].walk);
	hash_del(&s->hash, hash_u64(id), i);
	last = --s->nr_ids;
	if (i == last)
		return walk;
	hash_move(&s->hash, hash_u64(s->ids[last].id), last, i);
	s->ids[i] = s->ids[last];
	return walk;
}

const struct record_layout *sources_find(const struct sources *s, uint64_t id, struct sampler_source *source)
{
	uint32_t i = index_of(s, id);

	if (i == HASH_NONE)
		return NULL;
	source->owner = s->ids[i].owner;
	source->tag = s->ids[i].tag;
	source->kind = s->ids[i].kind;
	source->walked = s->ids[i].walked;
	source->user_only = s->ids[i].user_only;
	return &s->layouts[s->ids[i].layout];
}

void sources_fini(struct sources *s)
{
	free(s->ids);
	free(s->walks);
	hash_fini(&s->walk_hash);
	hash_fini(&s->hash);
}
