/* object_cache: what is known of objects seen before, by their identity, within a budget of bytes;
 * the longest unused go first. That a file has no names, or is damaged, is known as well: no file
 * is parsed twice while it is here. */
#ifndef SYMBOLIZE_OBJECT_CACHE_H
#define SYMBOLIZE_OBJECT_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "symbolize/debug_file.h"
#include "symbolize/levels.h"
#include "symbolize/name_table.h"
#include "symbolize/seen.h"
#include "symbolize/symbolize.h"

struct elf;

struct cached {
	struct object_id id;
	int status; /* 0, or why it has no names (negative errno) */
	struct elf *elf; /* NULL: it could not be read as one */
	struct levels levels;
	struct debug_file debug;
	struct name_table names;
	struct seen seen; /* by offset in the file: 1 + index in names, 0: no name */
	uint8_t build_id[20]; /* padded with 0 */
	unsigned build_id_size;

	/* The cache's. */
	size_t size;
	uint32_t index;
	struct cached *newer, *older;
};

/* A struct with budget set and the rest zero is an empty cache. */
struct object_cache {
	size_t budget, size;
	uint32_t nr, entries_cap;
	struct cached **entries;
	struct hash hash;
	struct cached *newest, *oldest;
};

void object_cache_fini(struct object_cache *c);
/* The object's entry, now the newest, or NULL. */
struct cached *object_cache_find(struct object_cache *c, const struct object_id *id);
/* A new entry for an object that has none: the newest, zeroed but for its id. */
struct cached *object_cache_add(struct object_cache *c, const struct object_id *id);
/* E has grown or shrunk; then the oldest entries go until the rest fits the budget: perhaps E, and
 * all pointers. */
void object_cache_settle(struct object_cache *c, struct cached *e);
void object_cache_set_budget(struct object_cache *c, size_t budget);

#endif
