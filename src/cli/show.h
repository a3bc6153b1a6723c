/* show: what the verbs that print a view of a profile have in common. */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include "cli/select.h"
#include "view/view.h"

struct show {
	struct select select;
	struct view_options view;
	const char *type; /* NULL: the profile's default */
	bool live;
};

enum { SHOW_BY = SELECT_END, SHOW_CUM, SHOW_LIVE, SHOW_MIN, SHOW_TYPE };
#define SHOW_TYPE_OPTION { "type", required_argument, NULL, SHOW_TYPE }
#define SHOW_BY_OPTION { "by", required_argument, NULL, SHOW_BY }

void show_init(struct show *s);
/* Takes all options of ARGV: -n, those above and the selectors, as far as SHORTS and LONGS have them. -1: go on at optind;
 * else what the verb returns (told). */
int show_options(struct cli *cli, struct show *s, int argc, char **argv, const char *shorts, const struct option *longs);
/* Reads what is selected: *OUT is the caller's, s->view.type is set. 0 or negative errno (told). */
int show_read(const struct cli *cli, struct show *s, char **files, int nr_files,
	      struct profile **out);
/* The same, printed by VIEW with where it comes from; what the verb returns. */
int show_print(const struct cli *cli, struct show *s, char **files, int nr_files,
	       void (*view)(const struct profile *p, const struct view_options *o, FILE *out));

#endif
