#include "daemon/publish.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "daemon/bundle.h"
#include "daemon/clock.h"
#include "daemon/daemon.h"
#include "daemon/line_cache.h"
#include "daemon/naming.h"
#include "spool/thread.h"
#include "worker/client.h"

/* The kernel's symbols change when programs or modules are loaded; reading them again costs some 50 ms. */
#define KALLSYMS_EVERY_NS (300ull * 1000000000)

#define MOVE_SPOOL_MS 2000
#define WORKER_RETRY_NS 20000000ull
#define WORKER_WAIT_NS 2000000000ull

enum file_state { FILE_CREATING, FILE_WAITING, FILE_WORKING, FILE_PUBLISHING };

/* One profile on its way to the spool. */
struct file {
	struct file *next;
	struct publish_window *window;
	uint64_t cookie;
	enum file_state state;
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
	int err;
};

struct publish {
	struct daemon *d;
	struct spool_thread *spool;
	struct worker_client *worker;
	struct loop_timer retry;
	struct file *files; /* in order of their windows */
	uint64_t cookie;
	unsigned in_flight;
	bool hurry;
	uint64_t kallsyms_ns;
	int kallsyms_pid;
	bool kernel_changed; /* since the worker read its symbols */
	struct publish_status status;
};

static void worker_next(struct publish *p);

/* Files. */

static void window_answer(struct publish *p, struct publish_window *w)
{
	if (!w->client)
		return;
	control_value(w->client, "files", "%s", w->published);
	control_end(w->client, w->err, w->err ? p->status.last_error : NULL);
}

static void window_put(struct publish *p, struct publish_window *w)
{
	if (--w->nr_files)
		return;
	window_answer(p, w);
	free(w);
	p->in_flight--;
}

static void file_end(struct publish *p, struct file *f)
{
	struct publish_window *w = f->window;
	struct file **at = &p->files;

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	bundle_fini(&f->bundle, p->d->objects);
	free(f);
	window_put(p, w);
}

static struct file *file_find(struct publish *p, uint64_t cookie)
{
	struct file *f = p->files;

	while (f && f->cookie != cookie)
		f = f->next;
	return f;
}

static struct spool_limits limits_of(const struct config *c)
{
	return (struct spool_limits){ .max_use = c->max_use.percent ? 0 : c->max_use.bytes,
				      .max_use_percent = c->max_use.percent,
				      .keep_free = c->keep_free.bytes, .keep_free_percent = c->keep_free.percent,
				      .max_files = c->max_files, .max_retention_ns = c->max_retention_ns };
}

static void file_submit(struct publish *p, struct file *f, enum spool_job_what what)
{
	const struct config *c = &p->d->config;
	struct spool_job job = { .what = what, .cookie = f->cookie, .name = f->name, .limits = limits_of(c),
				 .fd = f->output_fd, .data_fd = -1, .data_size = f->bundle.profile_size,
				 .compress_level = (int)c->compress_level, .sync = c->sync_files };

	if (what == SPOOL_WRITE)
		job.data_fd = f->bundle.profile_fd;
	if (what != SPOOL_CREATE)
		f->state = FILE_PUBLISHING;
	f->queued = spool_thread_submit(p->spool, &job) < 0;
	f->wants = what;
	if (f->queued)
		return;
	f->output_fd = -1;
	if (what == SPOOL_WRITE) /* the thread closes what it is given */
		f->bundle.profile_fd = -1;
}

/* The spool's thread has room again. */
static void files_submit_queued(struct publish *p)
{
	for (struct file *f = p->files; f; f = f->next) {
		if (!f->queued)
			continue;
		file_submit(p, f, f->wants);
		if (f->queued)
			break;
	}
}

/* Publishes F as it is, without names. */
static void file_write_unsymbolized(struct publish *p, struct file *f)
{
	if (f->output_fd >= 0) {
		struct spool_job job = { .what = SPOOL_DISCARD, .fd = f->output_fd, .data_fd = -1 };

		if (spool_thread_submit(p->spool, &job) < 0)
			close(f->output_fd);
		f->output_fd = -1;
	}
	bundle_unpin(&f->bundle, p->d->objects);
	if (p->d->config.symbolize != SYMBOLIZE_NO)
		bundle_bracket(&f->bundle);
	file_submit(p, f, SPOOL_WRITE);
}

/* The spool's answers. */

static void spool_result(struct publish *p, struct file *f, const struct spool_job *job)
{
	struct publish_window *w = f->window;

	p->status.files_pruned += job->pruned.nr_files;
	if (job->status < 0) {
		w->err = job->status;
		p->status.files_lost++;
		snprintf(p->status.last_error, sizeof(p->status.last_error), "%s: %s", p->d->config.spool_directory,
			 strerror(-job->status));
		return;
	}
	p->status.last_error[0] = 0;
	p->status.files_written++;
	p->status.files_unsymbolized += job->what == SPOOL_WRITE && p->d->config.symbolize != SYMBOLIZE_NO;
	p->status.bytes_written += job->written;
	snprintf(p->status.last_file, sizeof(p->status.last_file), "%s", job->final);
	if (strlen(w->published) + strlen(job->final) + 2 < sizeof(w->published))
		snprintf(w->published + strlen(w->published), sizeof(w->published) - strlen(w->published), "%s%s",
			 w->published[0] ? " " : "", job->final);
}

static void job_done(struct publish *p, struct spool_job *job)
{
	struct file *f = file_find(p, job->cookie);

	if (!f || job->what == SPOOL_DISCARD) {
		if (job->what == SPOOL_CREATE && job->status >= 0)
			close(job->fd);
		return;
	}
	/* The disk filled up, or the folder was replaced, while the worker wrote: what it was given is still here. */
	if (job->what == SPOOL_PUBLISH && job->status < 0) {
		file_write_unsymbolized(p, f);
		return;
	}
	if (job->what != SPOOL_CREATE) {
		spool_result(p, f, job);
		file_end(p, f);
		return;
	}
	if (job->status < 0 || p->hurry) { /* a write of its own prunes and tries again */
		f->output_fd = job->status < 0 ? -1 : job->fd;
		file_write_unsymbolized(p, f);
		return;
	}
	f->output_fd = job->fd;
	f->state = FILE_WAITING;
	worker_next(p);
}

static void spool_done(void *ctx, struct spool_job *job)
{
	job_done(ctx, job);
	files_submit_queued(ctx);
}

/* The worker. */

static void worker_outcome(void *ctx, const struct worker_outcome *o)
{
	struct publish *p = ctx;
	struct file *f = file_find(p, o->cookie);

	if (!f)
		return;
	if (o->result == WORKER_WRITTEN) {
		p->status.locations += o->done.nr_locations;
		p->status.locations_named += o->done.nr_named;
		p->status.locations_bounded += o->done.nr_bounded;
		p->status.kallsyms_status = o->done.kallsyms_status;
		p->status.worker_cpu_ns = o->done.cpu_ns;
		bundle_unpin(&f->bundle, p->d->objects);
		file_submit(p, f, SPOOL_PUBLISH);
	} else {
		if (o->result == WORKER_REFUSED) {
			log_debug("worker: writing: %s", strerror(-o->done.status));
		} else {
			/* A slow disk is no fault of the file that was being read from it. */
			bool blame = o->parsing < f->bundle.nr_objects && (o->result == WORKER_DIED || o->cpu_bound);

			p->status.worker_deaths++;
			blame = blame && objects_blame(p->d->objects, f->bundle.object_numbers[o->parsing]);
			log_warnx("worker %s; this window is published without names%s",
				  o->result == WORKER_LATE ? "overran its deadline" : "died",
				  blame ? ", and the file that it was reading is not read again" : "");
		}
		file_write_unsymbolized(p, f);
	}
	worker_next(p);
}

static void index_built(void *ctx, const struct worker_index *x, int fd)
{
	struct publish *p = ctx;

	line_cache_put(p->d->line_cache, &x->id, fd, x->size);
}

static bool worker_start(struct publish *p, struct file *f)
{
	const struct config *c = &p->d->config;
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	struct worker_job job = { .cookie = f->cookie, .profile_fd = f->bundle.profile_fd, .profile_size = f->bundle.profile_size,
				  .nr_mappings = f->bundle.nr_mappings, .output_fd = f->output_fd, .kallsyms_fd = -1,
				  .symbolize = naming_symbolize(c), .compress_level = c->compress_level,
				  .nr_objects = f->bundle.nr_objects, .kernel_relative = p->d->kernel.restricted,
				  .kernel_blind = p->d->kernel.blind,
				  .sync = c->sync_files, .cache_size = c->cache_size, .objects = f->bundle.objects,
				  .object_fds = f->bundle.object_fds, .files = f->bundle.files };
	bool started;

	/* A new worker knows no symbols; an old one gets them again when they have changed. */
	if (worker_client_pid(p->worker) != p->kallsyms_pid || !p->kallsyms_pid ||
	    (p->kernel_changed && now - p->kallsyms_ns > KALLSYMS_EVERY_NS))
		job.kallsyms_fd = kernel_open_kallsyms(&p->d->kernel);
	started = worker_client_start(p->worker, &job);
	if (job.kallsyms_fd >= 0)
		close(job.kallsyms_fd);
	if (!started)
		return false;
	if (job.kallsyms_fd >= 0) {
		p->kallsyms_ns = now;
		p->kernel_changed = false;
		p->kallsyms_pid = worker_client_pid(p->worker);
	}
	f->state = FILE_WORKING;
	return true;
}

static int worker_open(struct publish *p)
{
	int err = worker_client_new(&p->worker, p->d->loop, worker_outcome, p);

	if (!err)
		worker_client_set_index(p->worker, index_built);
	return err;
}

/* The next file that waits for the worker, if it is free. */
static void worker_next(struct publish *p)
{
	struct file *f = p->files;

	while (f && f->state != FILE_WAITING)
		f = f->next;
	if (!f || worker_client_busy(p->worker))
		return;
	if (p->d->config.symbolize == SYMBOLIZE_LINES) /* what has come since */
		bundle_take_files(&f->bundle, p->d->line_cache);
	if (worker_start(p, f))
		return;
	/* After a death the client pauses, longer from one to the next. */
	if (!f->waits_since_ns)
		f->waits_since_ns = clock_ns(CLOCK_MONOTONIC);
	if (clock_ns(CLOCK_MONOTONIC) - f->waits_since_ns < WORKER_WAIT_NS)
		loop_timer_in(&p->retry, WORKER_RETRY_NS, 0);
	else
		file_write_unsymbolized(p, f);
}

static void worker_retry(struct loop_timer *t)
{
	worker_next(t->ctx);
}

void publish_hurry(struct publish *p)
{
	struct file *f, *next;

	p->hurry = true;
	worker_client_free(p->worker);
	p->worker = NULL;
	for (f = p->files; f; f = next) {
		next = f->next;
		if (f->state == FILE_WAITING || f->state == FILE_WORKING)
			file_write_unsymbolized(p, f);
	}
}

/* Windows. */

struct publish_window *publish_begin(struct publish *p, struct control_client *client)
{
	struct publish_window *w = xcalloc(1, sizeof(*w));

	w->client = client;
	w->nr_files = 1;
	p->in_flight++;
	return w;
}

void publish_file(struct publish *p, struct publish_window *w, const char *kind, const char *target, const char *folder,
		  const struct profile *profile)
{
	struct file *f = xcalloc(1, sizeof(*f)), **at = &p->files;
	int err;

	f->window = w;
	f->cookie = ++p->cookie;
	f->output_fd = -1;
	snprintf(f->name.kind, sizeof(f->name.kind), "%s", kind);
	snprintf(f->name.target, sizeof(f->name.target), "%s", target);
	snprintf(f->name.folder, sizeof(f->name.folder), "%s", folder);
	f->name.start = profile->time_nanos / 1000000000;
	f->name.seconds = (uint32_t)((profile->duration_nanos + 500000000) / 1000000000);
	err = bundle_make(&f->bundle, p->d->objects, profile);
	while (*at)
		at = &(*at)->next;
	*at = f;
	w->nr_files++;
	w->any = true;
	if (err) {
		log_warnx("memfd for a window: %s", strerror(-err));
		p->status.files_lost++;
		w->err = err;
		file_end(p, f);
	} else if (p->d->config.symbolize == SYMBOLIZE_NO || p->in_flight > PUBLISH_IN_FLIGHT || p->hurry) {
		file_write_unsymbolized(p, f);
	} else {
		if (p->d->config.symbolize == SYMBOLIZE_LINES)
			bundle_take_files(&f->bundle, p->d->line_cache);
		file_submit(p, f, SPOOL_CREATE);
	}
}

bool publish_end(struct publish *p, struct publish_window *w)
{
	bool any = w->any;

	window_put(p, w);
	return any;
}

unsigned publish_in_flight(const struct publish *p)
{
	return p->in_flight;
}

void publish_client_gone(struct publish *p, struct control_client *client)
{
	for (struct file *f = p->files; f; f = f->next)
		if (f->window->client == client)
			f->window->client = NULL;
}

/* Life. */

int publish_new(struct publish **out, struct daemon *d)
{
	struct publish *p = xcalloc(1, sizeof(*p));
	int err;

	p->d = d;
	p->retry = (struct loop_timer){ .fn = worker_retry, .ctx = p, .watch.fd = -1 };
	err = spool_thread_new(&p->spool, d->config.spool_directory, d->loop, spool_done, p);
	if (err) {
		log_warnx("spool %s: %s", d->config.spool_directory,
			  err == -EWOULDBLOCK ? "another pprofd writes there" : strerror(-err));
		goto out;
	}
	err = worker_open(p);
	if (!err)
		err = loop_timer_init(d->loop, &p->retry, CLOCK_MONOTONIC);
	if (err) {
		log_warnx("starting the worker: %s", strerror(-err));
		goto out;
	}
	*out = p;
out:
	if (err)
		publish_free(p, 0);
	return err;
}

void publish_free(struct publish *p, int timeout_ms)
{
	if (!p)
		return;
	loop_timer_fini(p->d->loop, &p->retry);
	worker_client_free(p->worker);
	spool_thread_free(p->spool, timeout_ms);
	free(p);
}

int publish_move(struct publish *p, const char *directory)
{
	struct spool_thread *moved;
	int err = spool_thread_new(&moved, directory, p->d->loop, spool_done, p);

	if (err)
		return err;
	publish_hurry(p);
	spool_thread_free(p->spool, MOVE_SPOOL_MS);
	p->spool = moved;
	p->hurry = false;
	return worker_open(p);
}

bool publish_hurried(const struct publish *p)
{
	return p->hurry;
}

void publish_kernel_changed(struct publish *p)
{
	p->kernel_changed = true;
}

void publish_status(const struct publish *p, struct publish_status *s)
{
	*s = p->status;
	s->worker_pid = p->worker ? worker_client_pid(p->worker) : 0;
}
