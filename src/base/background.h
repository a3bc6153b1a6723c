/* background: a thread for what may block on a disk. Jobs run in order; the end of each is told in
 * the loop. */
#ifndef BASE_BACKGROUND_H
#define BASE_BACKGROUND_H

#include <stdbool.h>

#include "base/loop.h"

struct background;

/* The first member of a struct from malloc(3), which holds what RUN, in the thread, needs and finds
 * out. DONE, in the loop, looks at it and may submit further jobs. DROP frees it, and whatever DONE
 * has not taken out of it: after DONE, or, when there is nobody left to tell, after RUN in the
 * thread. NULL: nothing, and free(3). */
struct background_job {
	void (*run)(struct background_job *job);
	void (*done)(struct background_job *job);
	void (*drop)(struct background_job *job);
	struct background_job *next; /* ours */
};

/* No job will run any more: what they all used may go, CTX too. Called once, by background_free or,
 * when it was left behind, in the thread. */
typedef void (*background_ended_fn)(void *ctx);

/* NAME is the thread's (at most 15 bytes). 0 or negative errno: then ENDED is not called. */
int background_new(struct background **out, struct loop *l, const char *name,
		   background_ended_fn ended, void *ctx);
/* Ends the thread when all jobs have been run and told, those too that a DONE submits meanwhile.
 * When nothing ends for so long that TIMEOUT_MS are over, it is left behind with what waits, and
 * runs that if its disk ever answers, but tells nobody: false. */
bool background_free(struct background *b, int timeout_ms);
/* JOB becomes the background's. */
void background_submit(struct background *b, struct background_job *job);
unsigned background_nr_waiting(const struct background *b); /* those not told yet */

#endif
