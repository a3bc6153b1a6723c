/* view: what a profile shows: flat and cumulative tables, trees, folded stacks. Pure: they write to
 * a stdio stream and read nothing else. */
#ifndef VIEW_VIEW_H
#define VIEW_VIEW_H

#include <stdbool.h>
#include <stdio.h>

#include "profile/profile.h"

enum view_by { VIEW_FUNCTION, VIEW_FILE, VIEW_LABEL };

struct view_options {
	unsigned type; /* index of the sample type shown */
	unsigned nr;   /* rows, or nodes' children; 0: all */
	/* Rows of view_top: functions, files (of source; the mapped file where no source is known),
	 * or values of a label. A tree is one of functions or files; VIEW_LABEL: of functions, with
	 * the label's values as roots. */
	enum view_by by;
	const char *label;   /* VIEW_LABEL: its key */
	bool cumulative;     /* sort by cum instead of flat */
	double min_fraction; /* of a tree: nodes below are left out */
};

/* The index of the sample type named NAME, or of the default one (the last, where the file names
 * none) when NAME is NULL; -1: none of that name. */
int view_type(const struct profile *p, const char *name);

/* What is shown: file, type, time, total. */
void view_header(const struct profile *p, const struct view_options *o, FILE *out);
/* One row a name: flat (as the leaf), cum (anywhere in the stack, counted once). */
void view_top(const struct profile *p, const struct view_options *o, FILE *out);
void view_tree(const struct profile *p, const struct view_options *o, FILE *out);
/* "comm;root;…;leaf value" a line, sorted: inlined frames expanded, the label comm (where there is
 * one) as root, values of o->type as they are: readers want counts, so samples/count. Frames hold
 * no ';' or newline. */
void view_folded(const struct profile *p, const struct view_options *o, FILE *out);

#endif
