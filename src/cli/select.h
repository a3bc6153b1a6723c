/* select: which samples a verb reads: the files it is given, or those of the spool that the
 * selectors choose; of both, the samples whose labels match. */
#ifndef CLI_SELECT_H
#define CLI_SELECT_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/cli.h"
#include "profile/profile.h"
#include "spool/spool.h"

#define SELECT_LABELS_MAX 32

struct select_label {
	const char *key, *pattern;
	bool exact; /* no glob */
};

struct select {
	int64_t since, until; /* seconds since the epoch */
	bool has_since, has_until;
	const char *kind;   /* NULL: cpu, or every kind where that makes sense */
	const char *target; /* NULL: the host, or every target where that makes sense */
	struct select_label labels[SELECT_LABELS_MAX];
	unsigned nr_labels;
	int64_t now;      /* seconds since the epoch */
	char source[512]; /* by select_read: what was read, in words */
};

/* For a verb's table of long options; values above all characters. */
enum {
	SELECT_SINCE = 256,
	SELECT_UNTIL,
	SELECT_KIND,
	SELECT_TARGET,
	SELECT_PID,
	SELECT_TID,
	SELECT_COMM,
	SELECT_UNIT,
	SELECT_END
};
#define SELECT_SPOOL_OPTIONS                                                                       \
	{ "since", required_argument, NULL, SELECT_SINCE },                                        \
		{ "until", required_argument, NULL, SELECT_UNTIL },                                \
		{ "kind", required_argument, NULL, SELECT_KIND },                                  \
		{ "target", required_argument, NULL, SELECT_TARGET }
#define SELECT_LABEL_OPTIONS                                                                       \
	{ "pid", required_argument, NULL, SELECT_PID },                                            \
		{ "tid", required_argument, NULL, SELECT_TID },                                    \
		{ "comm", required_argument, NULL, SELECT_COMM },                                  \
		{ "unit", required_argument, NULL, SELECT_UNIT }
#define SELECT_OPTIONS SELECT_SPOOL_OPTIONS, SELECT_LABEL_OPTIONS

void select_init(struct select *s);
/* Takes the option C of the above; false: it is none of them, or its value is bad (told). */
bool select_option(const struct cli *cli, struct select *s, int c, const char *value);

/* Times as people write them: "1h" or "90s" (ago), "2026-11-22", "2026-11-22 18:00[:00]", "18:00"
 * (today; all local time, with a final Z: UTC), "@EPOCH", "now". 0 or -EINVAL. */
int select_parse_time(const char *text, int64_t now, int64_t *seconds);

/* The label selectors match a sample with LABEL_SET. */
bool select_keeps(const struct select *s, const struct profile *p, uint32_t label_set);
/* The same of anything else that has labels: VALUE_OF gives them, NULL where there is none. */
bool select_matches(const struct select *s, const char *(*value_of)(void *ctx, const char *key),
		    void *ctx);
/* The window of a file overlaps the time selected. */
bool select_in_time(const struct select *s, const struct spool_name *n);

/* Reads one file ("-": stdin). 0 or negative errno: it has been told, unless MAY_BE_GONE and it is. *OUT is the caller's. */
int select_open(const char *path, bool may_be_gone, struct profile **out);

/* Reads and merges the matching samples of FILES ("-": stdin); without any, of the files in the
 * spool of the host, or of one target, and of one kind (cpu, unless S says another): all of the time selected, or the newest. 0
 * or negative errno: it has been told; also when labels were selected and no sample has them. *OUT
 * is the caller's. */
int select_read(const struct cli *cli, struct select *s, char **files, int nr_files,
		struct profile **out);

#endif
