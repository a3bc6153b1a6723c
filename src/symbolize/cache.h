/* cache: what is known of objects seen before, by their identity, within a budget of bytes; the
 * longest unused go first. That a file has no names, or is damaged, is known as well: no file is
 * parsed twice while it is here. */
#ifndef SYMBOLIZE_CACHE_H
#define SYMBOLIZE_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "symbolize/names.h"
#include "symbolize/symbolize.h"

struct elf;
struct symtab;

struct cached {
	struct object_id id;
	int status; /* 0, or why it has no names (negative errno): then elf and symtab are NULL */
	struct elf *elf;
	struct symtab *symtab;
	struct names names;
	uint8_t build_id[20]; /* padded with 0 */
	unsigned build_id_size;

	/* The cache's. */
	size_t size;
	uint32_t index;
	struct cached *newer, *older;
};

/* A struct with budget set and the rest zero is an empty cache. */
struct cache {
	size_t budget, size;
	uint32_t nr, entries_cap;
	struct cached **entries;
	struct hash hash;
	struct cached *newest, *oldest;
};

void cache_fini(struct cache *c);
/* The object's entry, now the newest, or NULL. */
struct cached *cache_find(struct cache *c, const struct object_id *id);
/* A new entry for an object that has none: the newest, zeroed but for its id. */
struct cached *cache_add(struct cache *c, const struct object_id *id);
/* E has grown or shrunk; then the oldest entries go until the rest fits the budget: perhaps E, and
 * all pointers. */
void cache_settle(struct cache *c, struct cached *e);
void cache_set_budget(struct cache *c, size_t budget);

#endif
