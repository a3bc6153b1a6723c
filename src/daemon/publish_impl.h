/* publish_impl: what publish.c, windows and the life of it all, and publish_file.c, one file's way, share. */
#ifndef DAEMON_PUBLISH_IMPL_H
#define DAEMON_PUBLISH_IMPL_H

#include "base/loop.h"
#include "daemon/bundle.h"
#include "daemon/bundle_worker.h"
#include "daemon/publish.h"
#include "spool/thread.h"

enum publish_file_state { FILE_CREATING, FILE_WAITING, FILE_WORKING, FILE_PUBLISHING };

/* One profile on its way to the spool. */
struct publish_file {
	struct publish_file *next;
	struct publish_window *window;
	uint64_t cookie;
	enum publish_file_state state;
	struct spool_name name;
	struct bundle bundle;
	int output_fd;
	enum spool_job_what wants; /* when queued */
	bool queued;             /* the spool's thread had no room */
	uint64_t waits_since_ns; /* for a worker that cannot be started; 0: has not waited */
};

struct publish_window {
	unsigned nr_files; /* under way, and one until all have begun */
	struct control_client *client; /* asked for it and waits */
	bool any; /* it had a file */
	char published[8 * SPOOL_NAME_MAX]; /* the first of very many */
	int err;            /* of the last file that was lost */
	char error[320];
};

struct publish {
	struct daemon *d;
	struct spool_thread *spool;
	struct bundle_worker *worker;
	struct loop_timer retry;
	struct publish_file *files; /* in order of their windows */
	uint64_t cookie;
	unsigned in_flight;
	bool hurry;
	struct publish_status status;
};

void publish_window_put(struct publish *p, struct publish_window *w); /* a file less, or all have begun: the last one answers */

/* F, with its profile, goes its way. */
void publish_file_begin(struct publish *p, struct publish_file *f);
/* F is lost: counted, and said to whoever waits for it or asks later. */
void publish_file_lose(struct publish *p, struct publish_file *f, const char *where, int err);
void publish_submit_queued(struct publish *p); /* the spool's thread has room again */
void publish_worker_next(struct publish *p);   /* the next file that waits for the worker, if it is free */

/* spool_done_fn, worker_symbols_fn, worker_outcome_fn */
void publish_spool_done(void *ctx, struct spool_job *job);
void publish_worker_symbols(void *ctx, uint64_t cookie, const struct worker_object_symbols *s);
void publish_worker_outcome(void *ctx, const struct worker_outcome *o);

#endif
