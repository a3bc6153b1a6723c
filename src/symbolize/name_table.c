#include "symbolize/name_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "object/plt.h"
#include "symbolize/demangle.h"

void name_table_fini(struct name_table *t)
{
	free(t->names);
	hash_fini(&t->hash);
	buf_fini(&t->text);
	memset(t, 0, sizeof(*t));
}

size_t name_table_size(const struct name_table *t)
{
	size_t slots = t->hash.slots ? (size_t)t->hash.mask + 1 : 0;

	return t->names_cap * sizeof(*t->names) + slots * sizeof(*t->hash.slots) + t->text.cap;
}

_Static_assert(TEXT_MAX <= UINT16_MAX, "sizes of names");

struct name *name_table_find(struct name_table *t, uint64_t symbol)
{
	uint32_t hash = hash_u64(symbol), pos, i;

	for (i = hash_first(&t->hash, hash, &pos); i != HASH_NONE;
	     i = hash_next(&t->hash, hash, &pos))
		if (t->names[i].symbol == symbol)
			return &t->names[i];
	return NULL;
}

/* The readable name of RAW; of a stub's (object/plt.h), that of the function it calls with the same
 * ending. Its length. */
static size_t readable(const char *raw, char name[TEXT_MAX])
{
	size_t size = strlen(raw), stub = strlen(PLT_SUFFIX);
	char function[DEMANGLE_INPUT_MAX];

	if (size < stub || size - stub >= sizeof(function) || strcmp(raw + size - stub, PLT_SUFFIX))
		return demangle(raw, name, TEXT_MAX);
	memcpy(function, raw, size - stub);
	function[size - stub] = 0;
	size = demangle(function, name, TEXT_MAX - stub);
	memcpy(name + size, PLT_SUFFIX, stub + 1);
	return size + stub;
}

struct name *name_table_add(struct name_table *t, uint64_t symbol, const char *raw)
{
	char system_name[TEXT_MAX], name[TEXT_MAX];
	size_t system_size = text_clean(system_name, sizeof(system_name), raw, strlen(raw));
	size_t name_size = readable(raw, name);
	struct name *n;

	if (t->text.size + system_size + name_size + 2 > NAME_TABLE_TEXT_MAX)
		return NULL;
	hash_add(&t->hash, hash_u64(symbol), t->nr);
	n = array_push(t->names, t->nr, t->names_cap);
	*n = (struct name){ .symbol = symbol, .system_name = (uint32_t)t->text.size,
			    .system_size = (uint16_t)system_size, .size = (uint16_t)system_size };
	buf_add(&t->text, system_name, system_size + 1);
	n->name = n->system_name;
	if (strcmp(name, system_name)) {
		n->name = (uint32_t)t->text.size;
		n->size = (uint16_t)name_size;
		buf_add(&t->text, name, name_size + 1);
	}
	return n;
}
