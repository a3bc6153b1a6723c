#include "symbolize/object_cache.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "object/elf.h"

static uint32_t hash_id(const struct object_id *id)
{
	return hash_2u64(hash_2u64(id->dev, id->inode), (uint64_t)id->ctime_ns);
}

static bool same_id(const struct object_id *a, const struct object_id *b)
{
	return a->dev == b->dev && a->inode == b->inode && a->size == b->size &&
	       a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

static void unlink_entry(struct object_cache *c, struct cached *e)
{
	if (e->newer)
		e->newer->older = e->older;
	else
		c->newest = e->older;
	if (e->older)
		e->older->newer = e->newer;
	else
		c->oldest = e->newer;
}

static void link_newest(struct object_cache *c, struct cached *e)
{
	e->newer = NULL;
	e->older = c->newest;
	if (c->newest)
		c->newest->newer = e;
	else
		c->oldest = e;
	c->newest = e;
}

static void free_entry(struct cached *e)
{
	elf_close(e->elf);
	levels_close(&e->levels);
	name_table_fini(&e->names);
	seen_fini(&e->seen);
	free(e);
}

static void drop(struct object_cache *c, struct cached *e)
{
	struct cached *last = c->entries[--c->nr];

	unlink_entry(c, e);
	hash_del(&c->hash, hash_id(&e->id), e->index);
	if (last != e) { /* fills the hole */
		hash_move(&c->hash, hash_id(&last->id), last->index, e->index);
		last->index = e->index;
		c->entries[last->index] = last;
	}
	c->size -= e->size;
	free_entry(e);
}

void object_cache_fini(struct object_cache *c)
{
	for (uint32_t i = 0; i < c->nr; i++)
		free_entry(c->entries[i]);
	free(c->entries);
	hash_fini(&c->hash);
	memset(c, 0, sizeof(*c));
}

struct cached *object_cache_find(struct object_cache *c, const struct object_id *id)
{
	uint32_t hash = hash_id(id), pos, i;

	for (i = hash_first(&c->hash, hash, &pos); i != HASH_NONE;
	     i = hash_next(&c->hash, hash, &pos)) {
		struct cached *e = c->entries[i];

		if (!same_id(&e->id, id))
			continue;
		unlink_entry(c, e);
		link_newest(c, e);
		return e;
	}
	return NULL;
}

struct cached *object_cache_add(struct object_cache *c, const struct object_id *id)
{
	struct cached *e = xcalloc(1, sizeof(*e));

	e->id = *id;
	e->index = c->nr;
	*array_push(c->entries, c->nr, c->entries_cap) = e;
	hash_add(&c->hash, hash_id(id), e->index);
	link_newest(c, e);
	return e;
}

static void fit(struct object_cache *c)
{
	while (c->oldest && c->size > c->budget)
		drop(c, c->oldest);
}

void object_cache_settle(struct object_cache *c, struct cached *e)
{
	c->size -= e->size;
	e->size = sizeof(*e) + name_table_size(&e->names) + seen_size(&e->seen) +
		  levels_size(&e->levels) + (e->elf ? elf_size(e->elf) : 0);
	c->size += e->size;
	fit(c);
}

void object_cache_set_budget(struct object_cache *c, size_t budget)
{
	c->budget = budget;
	fit(c);
}
