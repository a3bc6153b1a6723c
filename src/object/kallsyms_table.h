/* kallsyms_table: functions in order of their keys, 4 bytes each, with names packed into one text.
 */
#ifndef OBJECT_KALLSYMS_TABLE_H
#define OBJECT_KALLSYMS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "object/kallsyms.h"

#define KALLSYMS_PREFIX "__pfx_"

/* Ranks of the alias rule; a marker ends the function before it (data, _etext) and has no name. */
enum kallsyms_rank { KALLSYMS_GLOBAL, KALLSYMS_WEAK, KALLSYMS_LOCAL, KALLSYMS_MARKER };

/* From symbol FIRST on, symbols belong to MODULE, a number of the caller's. */
struct kallsyms_run {
	uint32_t first, module;
};

struct kallsyms_table {
	uint32_t nr, keys_cap, nr_blocks, blocks_cap, nr_runs, runs_cap;
	uint32_t *keys;   /* sorted */
	uint32_t *blocks; /* offset in names of every 16th symbol */
	struct kallsyms_run *runs;
	struct buf names;
	uint32_t last_name; /* offset of the last symbol's */
	bool paired;        /* the symbol before the last is named by the last */
};

/* The symbol added last, which one of the same key may still replace. */
struct kallsyms_pending {
	bool any;
	uint32_t key, module;
	enum kallsyms_rank rank;
	size_t size;
	char name[KALLSYMS_NAME_MAX];
};

/* A zeroed table and a zeroed pending are empty. */
void kallsyms_table_fini(struct kallsyms_table *t);
size_t kallsyms_table_size(const struct kallsyms_table *t); /* bytes held */
/* Adds a symbol whose key is not below the last one's; SIZE < KALLSYMS_NAME_MAX, a marker's 0. */
void kallsyms_table_add(struct kallsyms_table *t, struct kallsyms_pending *p, uint32_t key,
			enum kallsyms_rank rank, uint32_t module, const char *name, size_t size);
/* Adds the last one; P is then empty. */
void kallsyms_table_commit(struct kallsyms_table *t, struct kallsyms_pending *p);
void kallsyms_table_shrink(struct kallsyms_table *t); /* to what is used */

/* Number of keys ≤ KEY: the symbol that covers KEY is the one before. */
uint32_t kallsyms_table_find(const struct kallsyms_table *t, uint32_t key);
/* The name of symbol I: in the table or made in BUFFER; "" for a marker. */
const char *kallsyms_table_name(const struct kallsyms_table *t, uint32_t i,
				char buffer[KALLSYMS_NAME_MAX + sizeof(KALLSYMS_PREFIX)]);
uint32_t kallsyms_table_module(const struct kallsyms_table *t, uint32_t i);

#endif
