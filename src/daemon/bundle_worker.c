#include "daemon/bundle_worker.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "daemon/clock.h"
#include "daemon/daemon.h"
#include "daemon/debug_files.h"
#include "daemon/line_cache.h"

struct bundle_worker {
	struct daemon *d;
	struct worker_client *client;
	worker_outcome_fn fn;
	worker_symbols_fn symbols_fn;
	void *ctx;
	const struct bundle *bundle; /* of the job under way */
	uint64_t kallsyms_every_ns, kallsyms_ns;
	int kallsyms_pid;
	bool kernel_changed; /* since the worker read its symbols */
};

enum worker_symbolize bundle_worker_symbolize(const struct daemon *d)
{
	switch (d->config.symbolize) {
	case SYMBOLIZE_LINES:
		return WORKER_LINES;
	case SYMBOLIZE_NAMES:
		return WORKER_NAMES;
	default:
		return WORKER_BUILD_IDS;
	}
}

static void outcome(void *ctx, const struct worker_outcome *o)
{
	struct bundle_worker *w = ctx;

	w->fn(w->ctx, o);
}

static void index_built(void *ctx, const struct worker_index *x, int fd)
{
	struct bundle_worker *w = ctx;

	line_cache_put(w->d->line_cache, &x->id, fd, x->size);
}

static void file_wanted(void *ctx, const struct worker_want *want)
{
	struct bundle_worker *w = ctx;

	if (want->object < w->bundle->nr_objects)
		debug_files_want(w->d->debug_files, w->bundle->object_numbers[want->object], want);
}

static void symbols(void *ctx, uint64_t cookie, const struct worker_object_symbols *s)
{
	struct bundle_worker *w = ctx;

	w->symbols_fn(w->ctx, cookie, s);
}

int bundle_worker_new(struct bundle_worker **out, struct daemon *d, uint64_t kallsyms_ns, worker_outcome_fn fn, void *ctx)
{
	struct bundle_worker *w = xcalloc(1, sizeof(*w));
	int err;

	*w = (struct bundle_worker){ .d = d, .fn = fn, .ctx = ctx, .kallsyms_every_ns = kallsyms_ns };
	err = worker_client_new(&w->client, d->loop, outcome, w);
	if (err) {
		free(w);
		return err;
	}
	worker_client_set_index(w->client, index_built);
	worker_client_set_want(w->client, file_wanted);
	*out = w;
	return 0;
}

void bundle_worker_set_symbols(struct bundle_worker *w, worker_symbols_fn fn)
{
	w->symbols_fn = fn;
	worker_client_set_symbols(w->client, symbols);
}

void bundle_worker_free(struct bundle_worker *w)
{
	if (!w)
		return;
	worker_client_free(w->client);
	free(w);
}

void bundle_worker_kernel_changed(struct bundle_worker *w)
{
	w->kernel_changed = true;
}

/* A new worker knows no symbols; an old one gets them again when they have changed. */
static bool wants_kallsyms(const struct bundle_worker *w, uint64_t now)
{
	int pid = worker_client_pid(w->client);

	return !pid || pid != w->kallsyms_pid || (w->kernel_changed && now - w->kallsyms_ns > w->kallsyms_every_ns);
}

bool bundle_worker_start(struct bundle_worker *w, const struct bundle_job *j)
{
	const struct daemon *d = w->d;
	const struct bundle *b = j->bundle;
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	struct worker_job job = { .cookie = j->cookie, .profile_fd = b->profile_fd, .profile_size = b->profile_size,
				  .nr_mappings = b->nr_mappings, .output_fd = j->output_fd, .kallsyms_fd = -1,
				  .symbolize = j->symbolize, .compress_level = j->compress_level, .sync = j->sync,
				  .nr_objects = b->nr_objects, .kernel_relative = d->kernel.restricted,
				  .kernel_blind = d->kernel.blind, .cache_size = d->config.cache_size,
				  .objects = b->objects, .object_fds = b->object_fds };
	bool started;

	if (worker_client_busy(w->client))
		return false;
	if (j->symbolize >= WORKER_NAMES) /* what has come since the bundle was made */
		bundle_take_files(j->bundle, d->debug_files, j->symbolize == WORKER_LINES ? d->line_cache : NULL);
	w->bundle = j->bundle;
	job.files = b->files;
	if (j->symbolize >= WORKER_NAMES && wants_kallsyms(w, now))
		job.kallsyms_fd = kernel_open_kallsyms(&w->d->kernel);
	started = worker_client_start(w->client, &job);
	if (job.kallsyms_fd >= 0)
		close(job.kallsyms_fd);
	if (started && job.kallsyms_fd >= 0) {
		w->kallsyms_ns = now;
		w->kernel_changed = false;
		w->kallsyms_pid = worker_client_pid(w->client);
	}
	return started;
}

bool bundle_worker_busy(const struct bundle_worker *w)
{
	return worker_client_busy(w->client);
}

int bundle_worker_pid(const struct bundle_worker *w)
{
	return w ? worker_client_pid(w->client) : 0;
}
