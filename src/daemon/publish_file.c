/* One profile's way to the spool: a file without a name by the spool's thread, filled by the worker, and named by the thread. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/clock.h"
#include "daemon/daemon.h"
#include "daemon/debug_files.h"
#include "daemon/publish_impl.h"
#include "daemon/symbols.h"

#define WORKER_RETRY_NS 20000000ull
#define WORKER_WAIT_NS 2000000000ull

static void window_answer(struct publish *p, struct publish_window *w)
{
	if (!w->client)
		return;
	control_value(w->client, "files", "%s", w->published);
	control_end(w->client, w->err, w->err ? w->error : NULL);
}

void publish_window_put(struct publish *p, struct publish_window *w)
{
	if (--w->nr_files)
		return;
	window_answer(p, w);
	free(w);
	p->in_flight--;
}

static void file_end(struct publish *p, struct publish_file *f)
{
	struct publish_window *w = f->window;
	struct publish_file **at = &p->files;

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	bundle_fini(&f->bundle, p->d->objects);
	free(f);
	publish_window_put(p, w);
}

void publish_file_lose(struct publish *p, struct publish_file *f, const char *where, int err)
{
	struct publish_window *w = f->window;

	w->err = err;
	snprintf(w->error, sizeof(w->error), "%s: %s", where, strerror(-err));
	p->status.files_lost++;
	memcpy(p->status.last_error, w->error, sizeof(p->status.last_error));
	file_end(p, f);
}

static struct publish_file *file_find(struct publish *p, uint64_t cookie)
{
	struct publish_file *f = p->files;

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

static void file_submit(struct publish *p, struct publish_file *f, enum spool_job_what what)
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

void publish_submit_queued(struct publish *p)
{
	for (struct publish_file *f = p->files; f; f = f->next) {
		if (!f->queued)
			continue;
		file_submit(p, f, f->wants);
		if (f->queued)
			break;
	}
}

/* Publishes F as it is, without names. */
static void file_write_bare(struct publish *p, struct publish_file *f)
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

static void file_published(struct publish *p, struct publish_file *f, const struct spool_job *job)
{
	struct publish_window *w = f->window;
	size_t n = strlen(w->published);

	p->status.last_error[0] = 0;
	p->status.files_written++;
	p->status.files_unsymbolized += job->what == SPOOL_WRITE && p->d->config.symbolize != SYMBOLIZE_NO;
	p->status.bytes_written += job->written;
	snprintf(p->status.last_file, sizeof(p->status.last_file), "%s", job->final);
	if (n + strlen(job->final) + 2 < sizeof(w->published))
		snprintf(w->published + n, sizeof(w->published) - n, "%s%s", n ? " " : "", job->final);
	file_end(p, f);
}

static void job_done(struct publish *p, struct spool_job *job)
{
	struct publish_file *f = file_find(p, job->cookie);

	if (!f || job->what == SPOOL_DISCARD) {
		if (job->what == SPOOL_CREATE && job->status >= 0)
			close(job->fd);
		return;
	}
	p->status.files_pruned += job->pruned.nr_files;
	/* The disk filled up, or the folder was replaced, while the worker wrote: what it was given is still here. */
	if (job->what == SPOOL_PUBLISH && job->status < 0) {
		file_write_bare(p, f);
		return;
	}
	if (job->what != SPOOL_CREATE) {
		if (job->status < 0)
			publish_file_lose(p, f, p->d->config.spool_directory, job->status);
		else
			file_published(p, f, job);
		return;
	}
	if (job->status < 0 || p->hurry) { /* a write of its own prunes and tries again */
		f->output_fd = job->status < 0 ? -1 : job->fd;
		file_write_bare(p, f);
		return;
	}
	f->output_fd = job->fd;
	f->state = FILE_WAITING;
	publish_worker_next(p);
}

void publish_spool_done(void *ctx, struct spool_job *job)
{
	job_done(ctx, job);
	publish_submit_queued(ctx);
}

void publish_worker_symbols(void *ctx, uint64_t cookie, const struct worker_object_symbols *s)
{
	struct publish *p = ctx;
	struct publish_file *f = file_find(p, cookie);

	if (!f)
		return;
	if (s->object < f->bundle.nr_objects)
		symbols_note(p->d->symbols, f->name.start, f->bundle.object_numbers[s->object],
			     f->bundle.object_paths[s->object], s);
	else
		symbols_note(p->d->symbols, f->name.start, SYMBOLS_KERNEL, "[kernel.kallsyms]", s);
}

void publish_worker_outcome(void *ctx, const struct worker_outcome *o)
{
	struct publish *p = ctx;
	struct publish_file *f = file_find(p, o->cookie);

	if (!f)
		return;
	if (o->result == WORKER_WRITTEN) {
		p->status.locations += o->done.nr_locations;
		p->status.locations_named += o->done.nr_named;
		p->status.locations_bounded += o->done.nr_bounded;
		p->status.locations_lined += o->done.nr_lined;
		p->status.lines_known = o->done.nr_indexes;
		p->status.lines_waiting = o->done.nr_waiting;
		p->status.lines_refused = o->done.nr_refused;
		p->status.kallsyms_status = o->done.kallsyms_status;
		p->status.worker_cpu_ns = o->done.cpu_ns;
		p->status.worker_names_ns = o->done.names_ns;
		bundle_unpin(&f->bundle, p->d->objects);
		file_submit(p, f, SPOOL_PUBLISH);
	} else {
		if (o->result == WORKER_REFUSED) {
			log_debug("worker: writing: %s", strerror(-o->done.status));
		} else {
			/* A slow disk is no fault of the file that was being read from it. */
			bool blame = o->parsing < f->bundle.nr_objects && (o->result == WORKER_DIED || o->cpu_bound);

			p->status.worker_deaths++;
			if (blame)
				debug_files_blame(p->d->debug_files, f->bundle.object_numbers[o->parsing]);
			blame = blame && objects_blame(p->d->objects, f->bundle.object_numbers[o->parsing]);
			log_warnx("worker %s; this window is published without names%s",
				  o->result == WORKER_LATE ? "overran its deadline" : "died",
				  blame ? ", and the file that it was reading is not read again" : "");
		}
		file_write_bare(p, f);
	}
	publish_worker_next(p);
}

static bool worker_start(struct publish *p, struct publish_file *f)
{
	const struct config *c = &p->d->config;
	struct bundle_job job = { .cookie = f->cookie, .bundle = &f->bundle, .output_fd = f->output_fd,
				  .symbolize = bundle_worker_symbolize(p->d), .compress_level = c->compress_level,
				  .sync = c->sync_files };

	if (!bundle_worker_start(p->worker, &job))
		return false;
	f->state = FILE_WORKING;
	return true;
}

void publish_worker_next(struct publish *p)
{
	struct publish_file *f = p->files;

	while (f && f->state != FILE_WAITING)
		f = f->next;
	if (!f || bundle_worker_busy(p->worker))
		return;
	if (worker_start(p, f))
		return;
	/* After a death the client pauses, longer from one to the next. */
	if (!f->waits_since_ns)
		f->waits_since_ns = clock_ns(CLOCK_MONOTONIC);
	if (clock_ns(CLOCK_MONOTONIC) - f->waits_since_ns < WORKER_WAIT_NS)
		loop_timer_in(&p->retry, WORKER_RETRY_NS, 0);
	else
		file_write_bare(p, f);
}

void publish_file_begin(struct publish *p, struct publish_file *f)
{
	bool as_it_is = p->d->config.symbolize == SYMBOLIZE_NO && bundle_is_identified(&f->bundle);

	if (as_it_is || p->in_flight > PUBLISH_IN_FLIGHT || p->hurry) {
		file_write_bare(p, f);
		return;
	}
	if (p->d->config.symbolize == SYMBOLIZE_LINES) /* those on disk are opened meanwhile */
		bundle_take_files(&f->bundle, p->d->debug_files, p->d->line_cache);
	file_submit(p, f, SPOOL_CREATE);
}

void publish_hurry(struct publish *p)
{
	struct publish_file *f, *next;

	p->hurry = true;
	bundle_worker_free(p->worker);
	p->worker = NULL;
	for (f = p->files; f; f = next) {
		next = f->next;
		if (f->state == FILE_WAITING || f->state == FILE_WORKING)
			file_write_bare(p, f);
	}
}
