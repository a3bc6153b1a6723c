#include "daemon/publish.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "daemon/daemon.h"
#include "daemon/publish_impl.h"

/* The kernel's symbols change when programs or modules are loaded. */
#define KALLSYMS_EVERY_NS (300ull * 1000000000)
#define MOVE_SPOOL_MS 2000

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
	struct publish_file *f = xcalloc(1, sizeof(*f)), **at = &p->files;
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
		publish_file_lose(p, f, "memfd for a window", err);
	} else {
		publish_file_begin(p, f);
	}
}

bool publish_end(struct publish *p, struct publish_window *w)
{
	bool any = w->any;

	publish_window_put(p, w);
	return any;
}

unsigned publish_in_flight(const struct publish *p)
{
	return p->in_flight;
}

void publish_client_gone(struct publish *p, struct control_client *client)
{
	for (struct publish_file *f = p->files; f; f = f->next)
		if (f->window->client == client)
			f->window->client = NULL;
}

/* Life. */

static int worker_open(struct bundle_worker **out, struct publish *p)
{
	int err = bundle_worker_new(out, p->d, KALLSYMS_EVERY_NS, publish_worker_outcome, p);

	if (!err)
		bundle_worker_set_symbols(*out, publish_worker_symbols);
	return err;
}

static void worker_retry(struct loop_timer *t)
{
	publish_worker_next(t->ctx);
}

int publish_new(struct publish **out, struct daemon *d)
{
	struct publish *p = xcalloc(1, sizeof(*p));
	int err;

	p->d = d;
	p->retry = (struct loop_timer){ .fn = worker_retry, .ctx = p, .watch.fd = -1 };
	err = spool_thread_new(&p->spool, d->config.spool_directory, d->loop, publish_spool_done, p);
	if (err) {
		log_warnx("spool %s: %s", d->config.spool_directory,
			  err == -EWOULDBLOCK ? "another pprofd writes there" : strerror(-err));
		goto out;
	}
	err = worker_open(&p->worker, p);
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
	bundle_worker_free(p->worker);
	if (!spool_thread_free(p->spool, timeout_ms))
		log_warnx("spool %s does not answer: the last files may be lost", p->d->config.spool_directory);
	free(p);
}

/* The spool's thread hangs in its disk, and tells nothing any more: what it has may yet be written, but nobody will know. */
static void files_give_up(struct publish *p)
{
	struct publish_file *f, *next;

	for (f = p->files; f; f = next) {
		next = f->next;
		if (!f->queued)
			publish_file_lose(p, f, p->d->config.spool_directory, -ETIMEDOUT);
	}
}

int publish_move(struct publish *p, const char *directory)
{
	struct spool_thread *moved;
	struct bundle_worker *worker;
	int err = spool_thread_new(&moved, directory, p->d->loop, publish_spool_done, p);

	if (err)
		return err;
	err = worker_open(&worker, p);
	if (err) {
		spool_thread_free(moved, 0);
		return err;
	}
	publish_hurry(p);
	if (!spool_thread_free(p->spool, MOVE_SPOOL_MS)) {
		log_warnx("spool %s does not answer: the last files may be lost", p->d->config.spool_directory);
		files_give_up(p);
	}
	p->spool = moved;
	p->worker = worker;
	p->hurry = false;
	publish_submit_queued(p);
	return 0;
}

bool publish_hurried(const struct publish *p)
{
	return p->hurry;
}

void publish_kernel_changed(struct publish *p)
{
	if (p->worker) /* a new one reads them anyway */
		bundle_worker_kernel_changed(p->worker);
}

void publish_status(const struct publish *p, struct publish_status *s)
{
	*s = p->status;
	s->worker_pid = bundle_worker_pid(p->worker);
}
