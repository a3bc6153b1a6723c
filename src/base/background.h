/* background: a thread for what may block on a disk. Jobs run in order; the end of each is told in
 * the loop. */
#ifndef BASE_BACKGROUND_H
#define BASE_BACKGROUND_H

#include <stdbool.h>

#include "base/loop.h"

struct background;

/* The first member of a struct from malloc(3), which holds what RUN, in the thread, needs and finds
 * out. DONE, in the loop, frees it; NULL: free(3) does. */
struct background_job {
	void (*run)(struct background_job *job);
	void (*done)(struct background_job *job);
	struct background_job *next; /* ours */
};

/* NAME is the thread's (at most 15 bytes). 0 or negative errno. */
int background_new(struct background **out, struct loop *l, const char *name);
/* Ends the thread when all jobs have been run, and told. When that takes longer than TIMEOUT_MS, it
 * is left behind with them: false, and what they use must stay. */
bool background_free(struct background *b, int timeout_ms);
/* JOB becomes the background's. */
void background_submit(struct background *b, struct background_job *job);
unsigned background_nr_waiting(const struct background *b); /* those under way included */

#endif
