/* table: every key of the configuration: where it lives in struct config, what it may be, what it
 * is by default, what the shipped file says of it. */
#ifndef CONFIG_TABLE_H
#define CONFIG_TABLE_H

#include "config/config.h"

#define CONFIG_VALUE_MAX 512 /* bytes of a value as text, and of what is wrong with one */

enum config_type {
	CONFIG_NUMBER, /* unsigned */
	CONFIG_COUNT,  /* uint64_t; empty: 0, no limit */
	CONFIG_BYTES,  /* uint64_t */
	CONFIG_POWER,  /* uint64_t: bytes, a power of two */
	CONFIG_SHARE,  /* struct config_size: bytes or %; empty: 0, no limit */
	CONFIG_SPAN,   /* uint64_t: ns */
	CONFIG_AGE,    /* uint64_t: ns; empty: 0, no limit */
	CONFIG_BOOL,
	CONFIG_CHOICE, /* unsigned: the value of one word */
	CONFIG_SET,    /* unsigned: 1 << the value of each word */
	CONFIG_PATH,   /* char[max + 1]: absolute */
	CONFIG_TEXT,   /* char[max + 1]; may be empty */
	CONFIG_PIDS,   /* struct config_pids */
};

struct config_word {
	const char *word;
	unsigned value;
};

struct config_key {
	const char *section, *name;
	enum config_type type;
	size_t offset; /* in struct config; of a target's, in struct config_target */
	uint64_t min, max; /* in the unit stored; PATH: max is the most bytes; SET: min is the
			    * fewest words. 0 as "no limit" is always allowed where empty is */
	const char *text; /* the default, as the file writes it */
	const struct config_word *words; /* up to a NULL word */
	const char *help; /* lines of the shipped file */
};

/* The keys of one section stand together. */
extern const struct config_key config_keys[];
extern const size_t config_nr_keys;

#define CONFIG_TARGET "Target" /* the section that there may be many of, each with a name */
bool config_is_target(const struct config_key *k);

/* Sets K in RECORD (a struct config or, of a target's key, config_target) to what TEXT says. NULL,
 * or why not: a text of WHY's or a constant. */
const char *config_set(void *record, const struct config_key *k, const char *text, char *why,
		       size_t why_size);
/* Writes K's value in RECORD as the file does. */
void config_format(const void *record, const struct config_key *k, char *out, size_t size);

#endif
