/* thread: the spool's thread. Every call on the spool's file system is made by it, so that a slow disk holds up no sample. Jobs run in order; each one's end
 * is told in the loop. */
#ifndef SPOOL_THREAD_H
#define SPOOL_THREAD_H

#include "base/loop.h"
#include "spool/spool.h"

struct spool_thread;

enum spool_job_what {
	SPOOL_CREATE,  /* → fd */
	SPOOL_PUBLISH, /* fd, named */
	SPOOL_WRITE,   /* compress data_fd's first data_size bytes into a new file, then publish: what the worker did not do */
	SPOOL_DISCARD, /* fd */
	SPOOL_PRUNE    /* by limits, now; also for vacuum */
};

struct spool_job {
	enum spool_job_what what;
	uint64_t cookie;
	struct spool_name name;
	struct spool_limits limits;
	int fd;
	int data_fd;
	uint64_t data_size;
	int compress_level;
	bool sync;
	/* out */
	int status; /* 0 or negative errno */
	char final[SPOOL_NAME_MAX];
	uint64_t written;
	struct spool_pruned pruned;
};

/* Called in the loop for each job that has ended. Descriptors of a PUBLISH, WRITE or DISCARD job are closed by then. */
typedef void (*spool_done_fn)(void *ctx, struct spool_job *job);

/* Opens DIRECTORY as spool_open does and starts the thread. 0 or negative errno. */
int spool_thread_new(struct spool_thread **out, const char *directory, struct loop *l, spool_done_fn fn, void *ctx);
/* Finishes all jobs (their fn is called), waiting at most TIMEOUT_MS, then ends the thread. */
void spool_thread_free(struct spool_thread *t, int timeout_ms);
/* Copies JOB into the queue. Never blocks; -EAGAIN when 64 jobs wait. */
int spool_thread_submit(struct spool_thread *t, const struct spool_job *job);
unsigned spool_thread_nr_waiting(const struct spool_thread *t);

#endif
