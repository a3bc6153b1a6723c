/* naming: profiles that a client waits for get their names, by a worker of their own: a window never waits for a client, nor
 * one client's hostile file for another's window. The worker is started at the first profile and ended when none has come
 * for NAMING_IDLE_NS: its caches are memory. */
#ifndef DAEMON_NAMING_H
#define DAEMON_NAMING_H

#include <stdint.h>

#include "profile/profile.h"

#define NAMING_IDLE_NS (30ull * 1000000000)
#define NAMING_JOBS_MAX 16

struct daemon;
struct naming;

/* FD: a sealed memfd with the finished file of SIZE bytes, gzip-compressed, theirs; or a negative errno in its place. */
typedef void (*naming_done_fn)(void *ctx, int fd, uint64_t size);

struct naming *naming_new(struct daemon *d);
void naming_free(struct naming *n); /* jobs under way get no answer any more */
/* P is copied. FN is called once, from the loop, unless naming_cancel with CTX comes before. 0; -EBUSY: too many wait. */
int naming_submit(struct naming *n, const struct profile *p, naming_done_fn fn, void *ctx);
void naming_cancel(struct naming *n, const void *ctx);

struct naming_status {
	unsigned nr_jobs;
	int worker_pid; /* 0: none now */
	uint64_t nr_done, nr_failed, cpu_ns; /* of the worker, for the last one */
};
void naming_status(const struct naming *n, struct naming_status *s);

#endif
