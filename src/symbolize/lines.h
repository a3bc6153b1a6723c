/* lines: files, lines and inlined functions for a profile's locations, after they have got their
 * functions. An index is built of an object once it has earned it by its samples, one object at a
 * time and in small steps, and then only asked (object/line.h). What cannot be built, or not within
 * the limits, is remembered, and its locations stay with their functions. */
#ifndef SYMBOLIZE_LINES_H
#define SYMBOLIZE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "object/line_build.h"
#include "symbolize/symbolize.h"

struct lines;

struct lines *lines_new(const struct symbolize_lines *o);
void lines_free(struct lines *l);
size_t lines_size(const struct lines *l);
void lines_set_budget(struct lines *l, size_t budget);

/* The next step of what is to be built. 1: there is more to do; 0: nothing is. *OBJECT gets what was
 * worked at, or inode 0. */
int lines_step(struct lines *l, struct object_id *object);
struct lines_window {
	struct profile *p; /* with a function at each location */
	const struct symbolize_object *objects;
	uint32_t nr_objects;
	bool *usable;  /* objects that are what the kernel mapped */
	bool *unnamed; /* locations whose function has no name: false where the index has one */
	symbolize_notice_fn notice; /* of indexes built during the call; may be NULL */
	void *ctx;
};

/* Gives all locations of W's profile what is known. */
void lines_window(struct lines *l, struct lines_window *w, struct symbolize_stats *stats);

#endif
