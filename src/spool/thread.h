/* thread: the spool's thread. Every call on the spool's file system is made by it, so that a slow
 * disk holds up no sample. Jobs run in order; each one's end is told in the loop. */
#ifndef SPOOL_THREAD_H
#define SPOOL_THREAD_H

#include "base/loop.h"
#include "spool/spool.h"

#define SPOOL_THREAD_JOBS 64 /* waiting, running, or ended and not told yet */

struct spool_thread;

enum spool_job_what {
	SPOOL_CREATE,  /* name → fd, the submitter's until it submits it back */
	SPOOL_PUBLISH, /* fd, named */
	SPOOL_WRITE,   /* compresses data_fd's first data_size bytes into a new file and publishes:
			* what the worker did not do. On a full disk old files make room, once */
	SPOOL_DISCARD, /* fd */
	SPOOL_PRUNE    /* by limits, now; also for vacuum */
};

struct spool_job {
	enum spool_job_what what;
	uint64_t cookie; /* the submitter's */
	struct spool_name name;
	struct spool_limits limits;
	int fd;
	int data_fd; /* read by pread(2): another process may hold and change it */
	uint64_t data_size;
	int compress_level;
	bool sync;
	int64_t now; /* PRUNE: seconds since the epoch */
	/* out */
	int status; /* 0 or negative errno */
	char final[SPOOL_NAME_MAX];
	uint64_t written; /* PUBLISH, WRITE: bytes of the file */
	struct spool_pruned pruned; /* by the limits, and what a full disk cost in WRITE */
};

/* Called in the loop for each job that has ended; JOB is the callee's own to change and lasts until
 * it returns. Descriptors of a PUBLISH, WRITE or DISCARD job are closed by then, whatever its
 * status. */
typedef void (*spool_done_fn)(void *ctx, struct spool_job *job);

/* Opens DIRECTORY as spool_open does, locked, and starts the thread. 0 or negative errno. */
int spool_thread_new(struct spool_thread **out, const char *directory, struct loop *l,
		     spool_done_fn fn, void *ctx);
/* Finishes all jobs, those too that FN submits meanwhile (FN is called here), waiting at most
 * TIMEOUT_MS, then ends the thread. A thread that still hangs in a dead disk is left behind: FN is
 * not called again, but what it was given it does if the disk ever answers, and then frees what it
 * holds. Whether all jobs ended. */
bool spool_thread_free(struct spool_thread *t, int timeout_ms);
/* Copies JOB into the queue. Never blocks; -EAGAIN when SPOOL_THREAD_JOBS wait: nothing is closed
 * then. */
int spool_thread_submit(struct spool_thread *t, const struct spool_job *job);
unsigned spool_thread_nr_waiting(const struct spool_thread *t);

#endif
