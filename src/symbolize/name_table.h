/* name_table: what the functions of one object are called, by a number that stands for the
 * function: each is read and demangled once for as long as the object is in the cache. */
#ifndef SYMBOLIZE_NAME_TABLE_H
#define SYMBOLIZE_NAME_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/hash.h"

#define NAME_TABLE_TEXT_MAX \
	(32u << 20) /* bytes of one object's names; a file can have them overlap without end */

struct name {
	uint64_t symbol;
	uint32_t system_name, name; /* offsets in text */
	uint16_t system_size, size; /* of these names; 0: it has none */
	uint32_t window, function;  /* in the profile of that window */
};

/* A zeroed struct name_table is empty. */
struct name_table {
	struct name *names;
	uint32_t nr, names_cap;
	struct hash hash;
	struct buf text;
};

void name_table_fini(struct name_table *t); /* empties it */
size_t name_table_size(const struct name_table *t);
/* The entry of SYMBOL or NULL; pointers live until the next name_table_add. */
struct name *name_table_find(struct name_table *t, uint64_t symbol);
/* A new entry, with names demangled and cleaned of what the file says (RAW; "": it has none). NULL:
 * too much text. */
struct name *name_table_add(struct name_table *t, uint64_t symbol, const char *raw);

static inline const char *name_table_text(const struct name_table *t, uint32_t offset)
{
	return (const char *)t->text.data + offset;
}

#endif
