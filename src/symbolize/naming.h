/* naming: one object: what its file says, read once, and which name an offset in it has. */
#ifndef SYMBOLIZE_NAMING_H
#define SYMBOLIZE_NAMING_H

#include <stdbool.h>
#include <stdint.h>

#include "symbolize/object_cache.h"

/* Reads the file of O into a new entry of C. What of its contents cannot change is remembered,
 * errors too. NULL: it could not be read this time. */
struct cached *naming_parse(struct object_cache *c, const struct symbolize_object *o);
/* 0: E names O; or why it does not, as symbolize/symbolize.h says. E may be NULL. */
int naming_refusal(const struct cached *e, const struct symbolize_object *o);
/* E may name O: the file could be read and is the one that the kernel mapped. */
bool naming_usable(const struct cached *e, const struct symbolize_object *o);
/* It may have no names, but is the file that the kernel mapped: it has lines perhaps. */
bool naming_identified(const struct cached *e, const struct symbolize_object *o);
/* The file is not what it should be. */
bool naming_failed(const struct cached *e, const struct symbolize_object *o);

/* The name of offset OFFSET of the file, which is called BASE; NULL: it has none. Good until the
 * next call. E must be usable. */
struct name *naming_find(struct cached *e, int fd, uint64_t offset, const char *base);
/* The same where it was asked for before: false when it was not. */
bool naming_recall(struct cached *e, uint64_t offset, struct name **out);

/* A name's number in a name table says its level too. */
#define NAMING_LEVEL_SHIFT 60

static inline bool naming_is_bounds(const struct name *n)
{
	return n->symbol >> NAMING_LEVEL_SHIFT == LEVEL_BOUNDS;
}

#endif
