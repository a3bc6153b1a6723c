#include "daemon/rotate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/accounts.h"
#include "daemon/bundle.h"
#include "daemon/clock.h"
#include "daemon/daemon.h"
#include "daemon/naming.h"
#include "daemon/recordings.h"
#include "daemon/split.h"
#include "profile/encode.h"
#include "spool/thread.h"
#include "worker/client.h"

/* The kernel's symbols change when programs or modules are loaded; reading them again costs some 50 ms. */
#define KALLSYMS_EVERY_NS (300ull * 1000000000)

#define MOVE_SPOOL_MS 2000
#define WORKER_RETRY_NS 20000000ull
#define WORKER_WAIT_NS 2000000000ull
/* A window waits so long for files that its last samples asked for; the opener mostly needs a millisecond. */
#define SETTLE_NS 200000000ull

enum file_state { FILE_CREATING, FILE_WAITING, FILE_WORKING, FILE_PUBLISHING };

/* One profile on its way to the spool. */
struct file {
	struct file *next;
	struct window *window;
	uint64_t cookie;
	enum file_state state;
	struct spool_name name;
	struct bundle bundle;
	int output_fd;
	enum spool_job_what wants; /* when queued */
	bool queued;             /* the spool's thread had no room */
	uint64_t waits_since_ns; /* for a worker that cannot be started; 0: has not waited */
};

struct window {
	unsigned nr_files; /* under way */
	struct control_client *client; /* asked for it and waits */
	char published[8 * SPOOL_NAME_MAX]; /* the first of very many */
	int err;
};

struct rotate {
	struct daemon *d;
	struct spool_thread *spool;
	struct worker_client *worker;
	struct loop_timer boundary, retry;
	struct {
		bool on;
		struct control_client *client;
		bool last;      /* and no other follows */
		uint64_t asked; /* asks up to here are waited for */
		struct loop_timer deadline;
	} settling; /* the running window is about to end */
	struct file *files; /* in order of their windows */
	uint64_t cookie;
	unsigned in_flight;
	bool hurry;
	uint64_t start_ns;  /* CLOCK_MONOTONIC */
	int64_t start_real; /* CLOCK_REALTIME, ns */
	uint64_t kallsyms_ns;
	int kallsyms_pid;
	bool kernel_changed; /* since the worker read its symbols */
	struct rotate_status status;
};

static void worker_next(struct rotate *r);

/* Files. */

static void window_answer(struct rotate *r, struct window *w)
{
	if (!w->client)
		return;
	control_value(w->client, "files", "%s", w->published);
	control_end(w->client, w->err, w->err ? r->status.last_error : NULL);
}

static void file_end(struct rotate *r, struct file *f)
{
	struct window *w = f->window;
	struct file **at = &r->files;

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	bundle_fini(&f->bundle, r->d->objects);
	free(f);
	if (--w->nr_files)
		return;
	window_answer(r, w);
	free(w);
	r->in_flight--;
}

static struct file *file_find(struct rotate *r, uint64_t cookie)
{
	struct file *f = r->files;

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

static void file_submit(struct rotate *r, struct file *f, enum spool_job_what what)
{
	const struct config *c = &r->d->config;
	struct spool_job job = { .what = what, .cookie = f->cookie, .name = f->name, .limits = limits_of(c),
				 .fd = f->output_fd, .data_fd = -1, .data_size = f->bundle.profile_size,
				 .compress_level = (int)c->compress_level, .sync = c->sync_files };

	if (what == SPOOL_WRITE)
		job.data_fd = f->bundle.profile_fd;
	if (what != SPOOL_CREATE)
		f->state = FILE_PUBLISHING;
	f->queued = spool_thread_submit(r->spool, &job) < 0;
	f->wants = what;
	if (f->queued)
		return;
	f->output_fd = -1;
	if (what == SPOOL_WRITE) /* the thread closes what it is given */
		f->bundle.profile_fd = -1;
}

/* The spool's thread has room again. */
static void files_submit_queued(struct rotate *r)
{
	for (struct file *f = r->files; f; f = f->next) {
		if (!f->queued)
			continue;
		file_submit(r, f, f->wants);
		if (f->queued)
			break;
	}
}

/* Publishes F as it is, without names. */
static void file_write_unsymbolized(struct rotate *r, struct file *f)
{
	if (f->output_fd >= 0) {
		struct spool_job job = { .what = SPOOL_DISCARD, .fd = f->output_fd, .data_fd = -1 };

		if (spool_thread_submit(r->spool, &job) < 0)
			close(f->output_fd);
		f->output_fd = -1;
	}
	bundle_unpin(&f->bundle, r->d->objects);
	file_submit(r, f, SPOOL_WRITE);
}

/* The spool's answers. */

static void spool_result(struct rotate *r, struct file *f, const struct spool_job *job)
{
	struct window *w = f->window;

	r->status.files_pruned += job->pruned.nr_files;
	if (job->status < 0) {
		w->err = job->status;
		r->status.files_lost++;
		snprintf(r->status.last_error, sizeof(r->status.last_error), "%s: %s", r->d->config.spool_directory,
			 strerror(-job->status));
		return;
	}
	r->status.last_error[0] = 0;
	r->status.files_written++;
	r->status.files_unsymbolized += job->what == SPOOL_WRITE && r->d->config.symbolize != SYMBOLIZE_NO;
	r->status.bytes_written += job->written;
	snprintf(r->status.last_file, sizeof(r->status.last_file), "%s", job->final);
	if (strlen(w->published) + strlen(job->final) + 2 < sizeof(w->published))
		snprintf(w->published + strlen(w->published), sizeof(w->published) - strlen(w->published), "%s%s",
			 w->published[0] ? " " : "", job->final);
}

static void job_done(struct rotate *r, struct spool_job *job)
{
	struct file *f = file_find(r, job->cookie);

	if (!f || job->what == SPOOL_DISCARD) {
		if (job->what == SPOOL_CREATE && job->status >= 0)
			close(job->fd);
		return;
	}
	/* The disk filled up, or the folder was replaced, while the worker wrote: what it was given is still here. */
	if (job->what == SPOOL_PUBLISH && job->status < 0) {
		file_write_unsymbolized(r, f);
		return;
	}
	if (job->what != SPOOL_CREATE) {
		spool_result(r, f, job);
		file_end(r, f);
		return;
	}
	if (job->status < 0 || r->hurry) { /* a write of its own prunes and tries again */
		f->output_fd = job->status < 0 ? -1 : job->fd;
		file_write_unsymbolized(r, f);
		return;
	}
	f->output_fd = job->fd;
	f->state = FILE_WAITING;
	worker_next(r);
}

static void spool_done(void *ctx, struct spool_job *job)
{
	job_done(ctx, job);
	files_submit_queued(ctx);
}

/* The worker. */

static void worker_outcome(void *ctx, const struct worker_outcome *o)
{
	struct rotate *r = ctx;
	struct file *f = file_find(r, o->cookie);

	if (!f)
		return;
	if (o->result == WORKER_WRITTEN) {
		r->status.locations += o->done.nr_locations;
		r->status.locations_named += o->done.nr_named;
		r->status.locations_bounded += o->done.nr_bounded;
		r->status.kallsyms_status = o->done.kallsyms_status;
		r->status.worker_cpu_ns = o->done.cpu_ns;
		bundle_unpin(&f->bundle, r->d->objects);
		file_submit(r, f, SPOOL_PUBLISH);
	} else {
		if (o->result == WORKER_REFUSED) {
			log_debug("worker: writing: %s", strerror(-o->done.status));
		} else {
			/* A slow disk is no fault of the file that was being read from it. */
			bool blame = o->parsing < f->bundle.nr_objects && (o->result == WORKER_DIED || o->cpu_bound);

			r->status.worker_deaths++;
			blame = blame && objects_blame(r->d->objects, f->bundle.object_numbers[o->parsing]);
			log_warnx("worker %s; this window is published without names%s",
				  o->result == WORKER_LATE ? "overran its deadline" : "died",
				  blame ? ", and the file that it was reading is not read again" : "");
		}
		file_write_unsymbolized(r, f);
	}
	worker_next(r);
}

static bool worker_start(struct rotate *r, struct file *f)
{
	const struct config *c = &r->d->config;
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	struct worker_job job = { .cookie = f->cookie, .profile_fd = f->bundle.profile_fd, .profile_size = f->bundle.profile_size,
				  .nr_mappings = f->bundle.nr_mappings, .output_fd = f->output_fd, .kallsyms_fd = -1,
				  .symbolize = naming_symbolize(c), .compress_level = c->compress_level,
				  .nr_objects = f->bundle.nr_objects, .kernel_relative = r->d->kernel.restricted,
				  .kernel_blind = r->d->kernel.blind,
				  .sync = c->sync_files, .cache_size = c->cache_size, .objects = f->bundle.objects,
				  .object_fds = f->bundle.object_fds };
	bool started;

	/* A new worker knows no symbols; an old one gets them again when they have changed. */
	if (worker_client_pid(r->worker) != r->kallsyms_pid || !r->kallsyms_pid ||
	    (r->kernel_changed && now - r->kallsyms_ns > KALLSYMS_EVERY_NS))
		job.kallsyms_fd = kernel_open_kallsyms(&r->d->kernel);
	started = worker_client_start(r->worker, &job);
	if (job.kallsyms_fd >= 0)
		close(job.kallsyms_fd);
	if (!started)
		return false;
	if (job.kallsyms_fd >= 0) {
		r->kallsyms_ns = now;
		r->kernel_changed = false;
		r->kallsyms_pid = worker_client_pid(r->worker);
	}
	f->state = FILE_WORKING;
	return true;
}

/* The next file that waits for the worker, if it is free. */
static void worker_next(struct rotate *r)
{
	struct file *f = r->files;

	while (f && f->state != FILE_WAITING)
		f = f->next;
	if (!f || worker_client_busy(r->worker))
		return;
	if (worker_start(r, f))
		return;
	/* After a death the client pauses, longer from one to the next. */
	if (!f->waits_since_ns)
		f->waits_since_ns = clock_ns(CLOCK_MONOTONIC);
	if (clock_ns(CLOCK_MONOTONIC) - f->waits_since_ns < WORKER_WAIT_NS)
		loop_timer_in(&r->retry, WORKER_RETRY_NS, 0);
	else
		file_write_unsymbolized(r, f);
}

static void worker_retry(struct loop_timer *t)
{
	worker_next(t->ctx);
}

void rotate_hurry(struct rotate *r)
{
	struct file *f, *next;

	r->hurry = true;
	worker_client_free(r->worker);
	r->worker = NULL;
	for (f = r->files; f; f = next) {
		next = f->next;
		if (f->state == FILE_WAITING || f->state == FILE_WORKING)
			file_write_unsymbolized(r, f);
	}
}

/* The end of a window. */

/* Hardware counters that share a PMU run part of the time only: perf_event_open(2), time_enabled and time_running. */
static void scale_values(struct profile *p, const struct sampler_interval *i)
{
	if (!i->time_running || i->time_running >= i->time_enabled)
		return;
	for (uint32_t s = 0; s < p->nr_samples; s++) {
		int64_t *value = &p->values[s * p->nr_types + p->nr_types - 1];

		*value = (int64_t)((__int128_t)*value * i->time_enabled / i->time_running);
	}
}

/* A counter's period is the kernel's to choose, so as to reach the frequency: what it chose last is what a lost sample is
 * worth next. */
static void learn_period(struct daemon *d, unsigned kind, unsigned number, const struct profile *p)
{
	__int128_t samples = 0, values = 0;

	for (uint32_t s = 0; kind != EVENT_CPU && s < p->nr_samples; s++) {
		samples += p->values[s * p->nr_types];
		values += p->values[s * p->nr_types + p->nr_types - 1];
	}
	if (samples)
		collect_set_period(d->collect, number, (int64_t)(values / samples));
}

static void file_start(struct rotate *r, struct window *w, const char *kind, const char *target,
		       const char *folder, struct profile *p)
{
	struct file *f = xcalloc(1, sizeof(*f)), **at = &r->files;
	int err;

	f->window = w;
	f->cookie = ++r->cookie;
	f->output_fd = -1;
	snprintf(f->name.kind, sizeof(f->name.kind), "%s", kind);
	snprintf(f->name.target, sizeof(f->name.target), "%s", target);
	snprintf(f->name.folder, sizeof(f->name.folder), "%s", folder);
	f->name.start = p->time_nanos / 1000000000;
	f->name.seconds = (uint32_t)((p->duration_nanos + 500000000) / 1000000000);
	err = bundle_make(&f->bundle, r->d->objects, p);
	while (*at)
		at = &(*at)->next;
	*at = f;
	w->nr_files++;
	if (err) {
		log_warnx("memfd for a window: %s", strerror(-err));
		r->status.files_lost++;
		w->err = err;
		file_end(r, f);
	} else if (r->d->config.symbolize == SYMBOLIZE_NO || r->in_flight > ROTATE_IN_FLIGHT || r->hurry) {
		file_write_unsymbolized(r, f);
	} else {
		file_submit(r, f, SPOOL_CREATE);
	}
}

/* Where the parts of a profile go. */
struct splitting {
	struct rotate *r;
	struct window *w;
	const char *kind, *target;
};

static void part_start(void *ctx, const char *folder, struct profile *part)
{
	struct splitting *s = ctx;

	file_start(s->r, s->w, s->kind, s->target, folder, part);
}

/* The file of KIND, collected as NUMBER, of the host or TARGET; I is what its events say of the window. */
static void window_kind(struct rotate *r, struct window *w, unsigned kind, unsigned number, const char *target,
			const struct sampler_interval *i, int64_t duration_ns)
{
	struct splitting s = { r, w, event_kind_names[kind], target };
	struct daemon *d = r->d;
	struct profile *p;

	if (i->lost)
		collect_lost(d->collect, number, i->lost);
	p = collect_finish(d->collect, number, r->start_real, duration_ns);
	if (!p)
		return;
	scale_values(p, i);
	learn_period(d, kind, number, p);
	if (kind == EVENT_CPU)
		accounts_add(d->accounts, p);
	if (d->config.split == SPLIT_HOST)
		file_start(r, w, event_kind_names[kind], target, "", p);
	else
		split_profile(p, d->config.split, d->processes, part_start, &s);
	profile_free(p);
}

static void window_files(struct rotate *r, struct window *w, int64_t duration_ns)
{
	struct daemon *d = r->d;

	for (unsigned k = 0; k < EVENT_NR_KINDS; k++) {
		struct sampler_interval i = { 0 };

		if (d->sampler)
			sampler_interval(d->sampler, k, &i);
		window_kind(r, w, k, d->kinds[k], "", &i, duration_ns);
	}
	for (unsigned n = 0; n < targets_nr(d->targets); n++) {
		const struct config_target *t = targets_options(d->targets, n);

		for (unsigned k = 0; t && k < EVENT_NR_KINDS; k++) {
			unsigned number = targets_kind(d->targets, n, k);
			struct sampler_interval i;

			if (number == TARGETS_DROP || (t->on_demand && recordings_window(d->recordings, n, k, number)))
				continue;
			targets_interval(d->targets, n, k, &i);
			window_kind(r, w, k, number, t->name, &i, duration_ns);
		}
	}
	targets_window(d->targets);
}

static void boundary_arm(struct rotate *r)
{
	uint64_t length = r->d->config.window_ns, now = clock_ns(CLOCK_REALTIME);

	loop_timer_at(&r->boundary, (now / length + 1) * length, 0);
}

static bool window_must_wait(struct rotate *r, enum rotate_reason reason)
{
	/* A reload or stop cannot wait, and a window that is full is published without names rather than kept. */
	return r->in_flight >= ROTATE_IN_FLIGHT && (reason == ROTATE_CLOCK || reason == ROTATE_ASKED);
}

static void window_end(struct rotate *r, struct control_client *client)
{
	struct daemon *d = r->d;
	struct window *w = xcalloc(1, sizeof(*w));
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	w->client = client;
	w->nr_files = 1; /* ours, until all have been started */
	r->in_flight++;
	r->status.windows++;
	window_files(r, w, (int64_t)(now - r->start_ns));
	accounts_end(d->accounts, r->start_real / 1000000000, now - r->start_ns);
	collect_next_window(d->collect);
	r->kernel_changed |= collect_kernel_changed(d->collect);
	objects_next_window(d->objects);
	r->start_ns = now;
	r->start_real = (int64_t)clock_ns(CLOCK_REALTIME);
	if (!--w->nr_files) {
		if (!w->err)
			r->status.windows_empty++;
		window_answer(r, w);
		free(w);
		r->in_flight--;
	}
}

static void settling_end(struct rotate *r)
{
	r->settling.on = false;
	if (r->settling.last) /* what still waits for its maps has waited enough */
		collect_flush(r->d->collect);
	loop_timer_at(&r->settling.deadline, 0, 0);
	window_end(r, r->settling.client);
	r->settling.client = NULL;
}

static void settling_late(struct loop_timer *t)
{
	struct rotate *r = t->ctx;

	if (r->settling.on)
		settling_end(r);
}

void rotate_answered(struct rotate *r)
{
	if (r->settling.on && !asks_waiting(r->d->asks, r->settling.asked))
		settling_end(r);
}

bool rotate_window(struct rotate *r, enum rotate_reason reason, struct control_client *client)
{
	struct daemon *d = r->d;

	if (r->settling.on) /* this window ends already; only then comes the one that is asked for */
		settling_end(r);
	if (window_must_wait(r, reason)) {
		r->status.windows_deferred++;
		if (client)
			control_end(client, -EBUSY, "two windows are still being written");
		return false;
	}
	if (reason == ROTATE_MEMORY) { /* we are inside a drain, and it is urgent */
		window_end(r, NULL);
		return true;
	}
	if (d->sampler)
		sampler_drain(d->sampler, reason == ROTATE_STOP || reason == ROTATE_RELOAD);
	r->settling.last = reason == ROTATE_STOP;
	r->settling.asked = asks_last(d->asks);
	r->settling.client = client;
	if (reason == ROTATE_RELOAD || !asks_waiting(d->asks, r->settling.asked)) {
		settling_end(r);
		return true;
	}
	r->settling.on = true;
	loop_timer_in(&r->settling.deadline, SETTLE_NS, 0);
	return true;
}

static void boundary_reached(struct loop_timer *t)
{
	struct rotate *r = t->ctx;
	uint64_t elapsed = clock_ns(CLOCK_MONOTONIC) - r->start_ns;
	int64_t stepped = (int64_t)clock_ns(CLOCK_REALTIME) - r->start_real - (int64_t)elapsed;

	/* The timer also fires when somebody sets the clock: a name and a length must never belong to two clocks. */
	if (stepped > 1000000000 || stepped < -1000000000) {
		log_info("the clock was set by %+.1f s: ending the window", (double)stepped / 1e9);
		rotate_window(r, ROTATE_STEP, NULL);
	} else {
		rotate_window(r, ROTATE_CLOCK, NULL);
	}
	boundary_arm(r);
}

void rotate_check_size(struct rotate *r)
{
	const struct config *c = &r->d->config;

	if (collect_size(r->d->collect) >= c->max_memory ||
	    (c->max_samples && collect_nr_samples(r->d->collect) >= c->max_samples))
		rotate_window(r, ROTATE_MEMORY, NULL);
}

void rotate_client_gone(struct rotate *r, struct control_client *client)
{
	if (r->settling.client == client)
		r->settling.client = NULL;
	for (struct file *f = r->files; f; f = f->next)
		if (f->window->client == client)
			f->window->client = NULL;
}

/* Life. */

int rotate_new(struct rotate **out, struct daemon *d)
{
	struct rotate *r = xcalloc(1, sizeof(*r));
	int err;

	r->d = d;
	r->boundary = (struct loop_timer){ .fn = boundary_reached, .ctx = r, .watch.fd = -1 };
	r->retry = (struct loop_timer){ .fn = worker_retry, .ctx = r, .watch.fd = -1 };
	r->settling.deadline = (struct loop_timer){ .fn = settling_late, .ctx = r, .watch.fd = -1 };
	err = spool_thread_new(&r->spool, d->config.spool_directory, d->loop, spool_done, r);
	if (err) {
		log_warnx("spool %s: %s", d->config.spool_directory,
			  err == -EWOULDBLOCK ? "another pprofd writes there" : strerror(-err));
		goto out;
	}
	err = worker_client_new(&r->worker, d->loop, worker_outcome, r);
	if (!err)
		err = loop_timer_init(d->loop, &r->boundary, CLOCK_REALTIME);
	if (!err)
		err = loop_timer_init(d->loop, &r->retry, CLOCK_MONOTONIC);
	if (!err)
		err = loop_timer_init(d->loop, &r->settling.deadline, CLOCK_MONOTONIC);
	if (err) {
		log_warnx("starting the worker: %s", strerror(-err));
		goto out;
	}
	r->start_ns = clock_ns(CLOCK_MONOTONIC);
	r->start_real = (int64_t)clock_ns(CLOCK_REALTIME);
	boundary_arm(r);
	*out = r;
out:
	if (err)
		rotate_free(r, 0);
	return err;
}

void rotate_free(struct rotate *r, int timeout_ms)
{
	if (!r)
		return;
	loop_timer_fini(r->d->loop, &r->boundary);
	loop_timer_fini(r->d->loop, &r->retry);
	loop_timer_fini(r->d->loop, &r->settling.deadline);
	worker_client_free(r->worker);
	spool_thread_free(r->spool, timeout_ms);
	free(r);
}

void rotate_configure(struct rotate *r)
{
	boundary_arm(r);
}

/* Files under way keep the old thread busy; it is given up when the last of them is there. */
int rotate_move_spool(struct rotate *r, const char *directory)
{
	struct spool_thread *moved;
	int err = spool_thread_new(&moved, directory, r->d->loop, spool_done, r);

	if (err)
		return err;
	rotate_hurry(r);
	spool_thread_free(r->spool, MOVE_SPOOL_MS);
	r->spool = moved;
	r->hurry = false;
	return worker_client_new(&r->worker, r->d->loop, worker_outcome, r);
}

bool rotate_hurried(const struct rotate *r)
{
	return r->hurry;
}

bool rotate_idle(const struct rotate *r)
{
	return !r->in_flight && !r->settling.on;
}

void rotate_status(const struct rotate *r, struct rotate_status *s)
{
	*s = r->status;
	s->in_flight = r->in_flight;
	s->worker_pid = r->worker ? worker_client_pid(r->worker) : 0;
	s->window_start = r->start_real / 1000000000;
	s->window_ns = clock_ns(CLOCK_MONOTONIC) - r->start_ns;
}
