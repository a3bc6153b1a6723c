/* client: the sampler's side of a worker: starts it, sends a window, watches the deadline, replaces
 * it when it dies. Never blocks: what a full channel does not take waits for the loop. And the same
 * for one that compiles unwind tables. */
#ifndef WORKER_CLIENT_H
#define WORKER_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "unwind/table.h"
#include "worker/protocol_pages.h"
#include "worker/protocol_window.h"

struct worker_client;

/* The descriptors stay the caller's, open until the job has ended, but for kallsyms_fd, which is
 * needed during the call only. Objects past WORKER_OBJECTS_MAX are not sent. */
struct worker_job {
	uint64_t cookie;
	int profile_fd;   /* memfd as worker/protocol_window.h says */
	uint64_t profile_size;
	uint32_t nr_mappings;
	int output_fd;
	int kallsyms_fd;  /* -1: none */
	uint32_t symbolize, compress_level, nr_objects;
	bool kernel_relative, sync;
	uint64_t kernel_blind;
	uint64_t cache_size;
	const struct worker_object *objects; /* the arrays are copied at start */
	const int *object_fds;
	const int (*files)[WORKER_NR_FILES]; /* of each object, -1: none; NULL: of none */
};

enum worker_result {
	WORKER_WRITTEN, /* DONE with status 0 */
	WORKER_REFUSED, /* DONE with an error: the file could not be written */
	WORKER_DIED,    /* the process died or broke the protocol; `parsing` says at what */
	WORKER_LATE     /* deadline: it was killed. An object is to blame only when cpu_bound */
};

struct worker_outcome {
	uint64_t cookie;
	enum worker_result result;
	struct worker_done done;
	/* DIED and LATE: index of the object begun last, WORKER_PARSING_KALLSYMS or _NONE. */
	uint32_t parsing;
	/* LATE: it computed for half of its time or more, so it did not wait for a disk. */
	bool cpu_bound;
	uint32_t nr_objects;
};

/* Exactly one call for each job, from the loop. The output file may hold anything unless
 * WORKER_WRITTEN. The callee may start the next job, but not free the client. */
typedef void (*worker_outcome_fn)(void *ctx, const struct worker_outcome *o);

/* A line index was built, perhaps long after its window; FD, a memfd, becomes the callee's. */
typedef void (*worker_index_fn)(void *ctx, const struct worker_index *x, int fd);

/* What an object of the job under way was asked and said, before its outcome; none when it dies before. */
typedef void (*worker_symbols_fn)(void *ctx, uint64_t cookie, const struct worker_object_symbols *s);

int worker_client_new(struct worker_client **out, struct loop *l, worker_outcome_fn fn, void *ctx);
/* Ends the process. A job under way gets no outcome any more. */
void worker_client_free(struct worker_client *c);
/* False: one is under way, or no worker can be started now (back-off: 10 ms … 10 s). */
bool worker_client_start(struct worker_client *c, const struct worker_job *job);
bool worker_client_busy(const struct worker_client *c);
int worker_client_pid(const struct worker_client *c); /* 0: none */
uint64_t worker_client_nr_deaths(const struct worker_client *c);

/* Without it, indexes stay in the worker's memory. CTX is that of worker_client_new. */
void worker_client_set_index(struct worker_client *c, worker_index_fn fn);
void worker_client_set_symbols(struct worker_client *c, worker_symbols_fn fn); /* CTX likewise */

/* WANT is of the job under way, and its files may come with later ones. Without it nobody is asked.
 * CTX as above. */
typedef void (*worker_want_fn)(void *ctx, const struct worker_want *want);
void worker_client_set_want(struct worker_client *c, worker_want_fn fn);

/* For tests: another deadline than WORKER_DEADLINE_MS; that of a job under way is so long from now. */
void worker_client_set_deadline(struct worker_client *c, unsigned ms);

/* --- Unwind tables: pages_client.c --- */

struct worker_pages_client;

struct worker_pages_job {
	uint64_t cookie;
	const struct worker_object *object; /* NULL: the vDSO */
	int fd;                             /* of the object, for the call only; -1: the vDSO */
	int debug_fd;                       /* its separate debug file likewise; 0 or less: none */
	bool no_files;                      /* WORKER_NO_FILES */
	uint32_t nr;                        /* 1 … WORKER_PAGES_MAX */
	const uint64_t *offsets;            /* multiples of UNWIND_PAGE_SIZE */
};

struct worker_pages_outcome {
	uint64_t cookie;
	enum worker_result result; /* WRITTEN: every page has been answered; DIED; LATE */
	uint32_t nr_answered;
	bool parsing;   /* DIED and LATE: at the object */
	bool cpu_bound; /* LATE: as above */
};

/* A page that was asked for. STATUS -EAGAIN: not now, see worker_pages_client_set_want. STATUS 0: PAGE is good during the call and comes from who read a
 * hostile file: to be checked (unwind_tables_add does). Else negative errno, and PAGE is NULL. */
typedef void (*worker_page_fn)(void *ctx, uint64_t cookie, uint64_t offset, int status,
			       const struct unwind_page *page);
/* Exactly one call for each job, after its pages. As worker_outcome_fn. */
typedef void (*worker_pages_fn)(void *ctx, const struct worker_pages_outcome *o);

int worker_pages_client_new(struct worker_pages_client **out, struct loop *l, worker_page_fn page,
			    worker_pages_fn done, void *ctx);
void worker_pages_client_free(struct worker_pages_client *c);
/* As worker_client_start; starts the process at the first job. */
bool worker_pages_client_start(struct worker_pages_client *c, const struct worker_pages_job *job);
bool worker_pages_client_busy(const struct worker_pages_client *c);
int worker_pages_client_pid(const struct worker_pages_client *c);
uint64_t worker_pages_client_nr_deaths(const struct worker_pages_client *c);
void worker_pages_client_set_deadline(struct worker_pages_client *c, unsigned ms);
/* The separate debug file of the job's object is wanted, once a job: pages that need it have the status
 * -EAGAIN. Without this call none is ever wanted. CTX is that of worker_pages_client_new. */
void worker_pages_client_set_want(struct worker_pages_client *c, worker_want_fn fn);

#endif
