/* show: what the verbs that print a view of a profile have in common. */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include "cli/select.h"
#include "view/view.h"

struct show {
	struct select select;
	struct view_options view;
	const char *type; /* NULL: the profile's default */
};

enum { SHOW_BY = SELECT_END, SHOW_CUM, SHOW_MIN, SHOW_TYPE };
#define SHOW_TYPE_OPTION { "type", required_argument, NULL, SHOW_TYPE }
#define SHOW_BY_OPTION { "by", required_argument, NULL, SHOW_BY }

void show_init(struct show *s);
/* Takes -n, the options above and the selectors; false: a bad one (told). */
bool show_option(const struct cli *cli, struct show *s, int c, const char *value);
/* Reads what is selected: *OUT is the caller's, s->view.type is set. 0 or negative errno (told). */
int show_read(const struct cli *cli, struct show *s, char **files, int nr_files,
	      struct profile **out);

#endif
