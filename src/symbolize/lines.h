/* lines: files, lines and inlined functions for a profile's locations, after they have got their
 * functions. An index is built of an object once it has earned it by its samples, one object at a
 * time, and then only asked (object/line.h); or it is given one that was built before. A Go
 * program's own table serves as it is, and so do lines of code made at run time. What cannot be built, or not within the limits, is
 * remembered, and its locations stay with their functions. */
#ifndef SYMBOLIZE_LINES_H
#define SYMBOLIZE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "object/line_build.h"
#include "symbolize/symbolize.h"

struct cached;
struct lines;

struct lines *lines_new(const struct symbolize_lines *o);
void lines_free(struct lines *l);
size_t lines_size(const struct lines *l);
void lines_set_budget(struct lines *l, size_t budget);

/* Builds for later windows, in a process of its own: it shares no fate and no memory with this one,
 * and nobody waits for it. 1: one is under way; ask again some time later; 0: there is nothing to
 * do. */
int lines_poll(struct lines *l);

struct lines_window {
	struct profile *p; /* with a function at each location */
	const struct symbolize_object *objects;
	uint32_t nr_objects;
	struct cached **cached; /* of objects that are what the kernel mapped; NULL: not to be asked */
	const uint64_t *nr_samples; /* whose stacks each object is in */
	bool *unnamed; /* locations whose function has no name: false where the index has one */
	symbolize_notice_fn notice; /* of indexes built during the call; may be NULL */
	void *ctx;
};

/* Gives all locations of W's profile what is known. */
void lines_window(struct lines *l, struct lines_window *w, struct symbolize_stats *stats);
/* What became of the object's lines: 1 known, 0 not yet, negative errno: refused. */
int lines_status(const struct lines *l, const struct object_id *id);

#endif
