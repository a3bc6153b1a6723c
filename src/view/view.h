/* view: what a profile shows: flat and cumulative tables, trees, folded stacks. Pure: they write to a stdio stream and read nothing else. */
#ifndef VIEW_VIEW_H
#define VIEW_VIEW_H

#include <stdio.h>

#include "profile/profile.h"

enum view_by { VIEW_FUNCTION, VIEW_FILE, VIEW_LABEL };

struct view_options {
	unsigned type;        /* index of the sample type shown */
	unsigned nr;          /* rows, or nodes' children; 0: all */
	enum view_by by;
	const char *label;    /* VIEW_LABEL: its key */
	bool cumulative;      /* sort by cum instead of flat */
	double min_fraction;  /* of a tree: nodes below are left out */
};

/* The index of the sample type named NAME, or of the default one when NAME is NULL; -1: none of that name. */
int view_type(const struct profile *p, const char *name);

void view_top(const struct profile *p, const struct view_options *o, FILE *out);
void view_tree(const struct profile *p, const struct view_options *o, FILE *out);
/* "comm;root;…;leaf count": inlined frames expanded, comm as root, in samples (type 0 of samples/count). Frames hold no ';' or newline. */
void view_folded(const struct profile *p, const struct view_options *o, FILE *out);

#endif
