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
				 .layout = layout_of(s, attr), .walked = source->walked };
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

void sources_del(struct sources *s, int fd)
{
	uint32_t i, last;
	uint64_t id;

	if (event_id(fd, &id) < 0 || (i = index_of(s, id)) == HASH_NONE)
		return;
	hash_del(&s->hash, hash_u64(id), i);
	last = --s->nr_ids;
	if (i == last)
		return;
	hash_move(&s->hash, hash_u64(s->ids[last].id), last, i);
	s->ids[i] = s->ids[last];
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
	return &s->layouts[s->ids[i].layout];
}

void sources_fini(struct sources *s)
{
	free(s->ids);
	hash_fini(&s->hash);
}
