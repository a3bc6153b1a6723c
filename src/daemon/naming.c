#include "daemon/naming.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/bundle.h"
#include "daemon/bundle_worker.h"
#include "daemon/daemon.h"
#include "daemon/debug_files.h"

#define KALLSYMS_EVERY_NS (60ull * 1000000000)
#define RETRY_NS 20000000ull
#define TRIES_MAX 3 /* the last one without names */
#define COMPRESS_LEVEL 1 /* somebody waits, and it is not kept for a week */

struct job {
	struct job *next;
	uint64_t cookie;
	struct bundle bundle;
	int output_fd;
	unsigned nr_tries;
	naming_done_fn fn;       /* NULL: cancelled */
	void *ctx;
};

struct naming {
	struct daemon *d;
	struct bundle_worker *worker; /* NULL: not wanted now */
	struct job *jobs;             /* the first is the worker's */
	struct loop_timer timer;      /* to try again, or to end an idle worker */
	uint64_t cookie;
	struct naming_status status;
};

static void work(struct naming *n);

static void job_end(struct naming *n, struct job *j, int fd, uint64_t size)
{
	struct job **at = &n->jobs;

	while (*at != j)
		at = &(*at)->next;
	*at = j->next;
	n->status.nr_jobs--;
	bundle_fini(&j->bundle, n->d->objects);
	if (j->output_fd >= 0)
		close(j->output_fd);
	if (fd >= 0)
		n->status.nr_done++;
	else
		n->status.nr_failed++;
	if (j->fn)
		j->fn(j->ctx, fd, size);
	else if (fd >= 0)
		close(fd);
	free(j);
}

/* What the worker wrote, never to be changed again by it or anybody. */
static void job_written(struct naming *n, struct job *j, uint64_t size)
{
	int fd = j->output_fd, err = io_seal(fd);

	j->output_fd = -1;
	if (err) {
		close(fd);
		fd = err;
	}
	job_end(n, j, fd, size);
}

static void outcome(void *ctx, const struct worker_outcome *o)
{
	struct naming *n = ctx;
	struct job *j = n->jobs;

	if (!j || j->cookie != o->cookie)
		return;
	n->status.cpu_ns = o->done.cpu_ns;
	if (o->result == WORKER_WRITTEN) {
		job_written(n, j, o->done.written);
	} else if (o->result == WORKER_REFUSED) {
		job_end(n, j, o->done.status, 0);
	} else {
		bool object = o->parsing < j->bundle.nr_objects;

		log_warnx("worker for clients %s", o->result == WORKER_LATE ? "overran its deadline" : "died");
		/* This job goes without it at once. */
		if (object && (o->result == WORKER_DIED || o->cpu_bound)) {
			debug_files_blame(n->d->debug_files, j->bundle.object_numbers[o->parsing]);
			objects_blame(n->d->objects, j->bundle.object_numbers[o->parsing]);
			j->bundle.objects[o->parsing].quarantined = true;
		}
		if (++j->nr_tries == TRIES_MAX)
			job_end(n, j, -EIO, 0);
	}
	work(n);
}

static bool start(struct naming *n, struct job *j)
{
	struct bundle_job job = { .cookie = j->cookie, .bundle = &j->bundle, .output_fd = j->output_fd,
				  .symbolize = j->nr_tries + 1 < TRIES_MAX ? bundle_worker_symbolize(n->d) : WORKER_NO_NAMES,
				  .compress_level = COMPRESS_LEVEL };

	bundle_worker_kernel_changed(n->worker); /* it may have: nobody here is told */
	return bundle_worker_start(n->worker, &job);
}

/* The first job, if the worker is free; without any, it is kept for a while. */
static void work(struct naming *n)
{
	struct job *j = n->jobs;

	if (!j) {
		loop_timer_in(&n->timer, NAMING_IDLE_NS, 0);
		return;
	}
	if (!n->worker && bundle_worker_new(&n->worker, n->d, KALLSYMS_EVERY_NS, outcome, n) < 0)
		n->worker = NULL;
	if (n->worker && bundle_worker_busy(n->worker))
		return;
	if (!n->worker || !start(n, j)) /* after a death it pauses */
		loop_timer_in(&n->timer, RETRY_NS, 0);
}

static void timer(struct loop_timer *t)
{
	struct naming *n = t->ctx;

	if (n->jobs) {
		work(n);
		return;
	}
	bundle_worker_free(n->worker);
	n->worker = NULL;
}

struct naming *naming_new(struct daemon *d)
{
	struct naming *n = xcalloc(1, sizeof(*n));

	n->d = d;
	n->timer = (struct loop_timer){ .fn = timer, .ctx = n, .watch.fd = -1 };
	if (loop_timer_init(d->loop, &n->timer, CLOCK_MONOTONIC) < 0) {
		free(n);
		return NULL;
	}
	return n;
}

void naming_free(struct naming *n)
{
	if (!n)
		return;
	bundle_worker_free(n->worker);
	for (struct job *j = n->jobs; j; j = j->next)
		j->fn = NULL;
	while (n->jobs)
		job_end(n, n->jobs, -ECANCELED, 0);
	loop_timer_fini(n->d->loop, &n->timer);
	free(n);
}

int naming_submit(struct naming *n, const struct profile *p, naming_done_fn fn, void *ctx)
{
	struct job *j, **at = &n->jobs;
	int err;

	if (n->status.nr_jobs == NAMING_JOBS_MAX)
		return -EBUSY;
	j = xcalloc(1, sizeof(*j));
	j->output_fd = io_memfd_new("pprofd-answer");
	err = j->output_fd < 0 ? j->output_fd : bundle_make(&j->bundle, n->d->objects, p);
	if (err) {
		if (j->output_fd >= 0)
			close(j->output_fd);
		free(j);
		return err;
	}
	j->cookie = ++n->cookie;
	j->fn = fn;
	j->ctx = ctx;
	while (*at)
		at = &(*at)->next;
	*at = j;
	n->status.nr_jobs++;
	work(n);
	return 0;
}

void naming_cancel(struct naming *n, const void *ctx)
{
	for (struct job *j = n->jobs; j; j = j->next)
		if (j->ctx == ctx)
			j->fn = NULL;
}

void naming_status(const struct naming *n, struct naming_status *s)
{
	*s = n->status;
	s->worker_pid = bundle_worker_pid(n->worker);
}
