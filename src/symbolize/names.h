/* names: what the functions of one object are called, by a number that stands for the function:
 * each is read and demangled once for as long as the object is in the cache. */
#ifndef SYMBOLIZE_NAMES_H
#define SYMBOLIZE_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/hash.h"

#define NAMES_TEXT_MAX \
	(32u << 20) /* bytes of one object's names; a file can have them overlap without end */

struct name {
	uint32_t symbol;
	uint32_t system_name, name; /* offsets in text; the empty name: it has none */
	uint32_t window, function;  /* in the profile of that window */
};

/* A zeroed struct names is empty. */
struct names {
	struct name *names;
	uint32_t nr, names_cap;
	struct hash hash;
	struct buf text;
};

void names_fini(struct names *t); /* empties it */
size_t names_size(const struct names *t);
/* The entry of SYMBOL or NULL; pointers live until the next names_add. */
struct name *names_find(struct names *t, uint32_t symbol);
/* A new entry, with names demangled and cleaned of what the file says (RAW; "": it has none). NULL:
 * too much text. */
struct name *names_add(struct names *t, uint32_t symbol, const char *raw);

static inline const char *names_text(const struct names *t, uint32_t offset)
{
	return (const char *)t->text.data + offset;
}

#endif
