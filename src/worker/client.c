#include "worker/client.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/log.h"
#include "base/mem.h"
#include "worker/process.h"

#define RETRY_NS 10000000u

struct worker_client {
	struct loop *loop;
	worker_outcome_fn fn;
	worker_index_fn index_fn; /* these may be NULL */
	worker_want_fn want_fn;
	worker_symbols_fn symbols_fn;
	void *ctx;
	struct worker_process process;
	unsigned deadline_ms;

	bool busy;
	struct worker_window window; /* as sent */
	int fds[3]; /* kallsyms, the last, is ours until the window is sent; -1: none */
	bool window_sent;
	uint32_t nr_sent; /* objects */
	uint32_t nr_symbols, last_symbols; /* objects told of so far; the last one */
	struct worker_object *objects;
	int *object_fds;
	int (*files)[WORKER_NR_FILES]; /* NULL: none */
	uint32_t parsing;
	struct loop_timer deadline, retry;
	uint64_t start_ns, start_runnable_ns;
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts) < 0)
		return 0;
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void close_kallsyms(struct worker_client *c)
{
	if (c->fds[2] >= 0)
		close(c->fds[2]);
	c->fds[2] = -1;
}

static void forget_job(struct worker_client *c)
{
	c->busy = false;
	close_kallsyms(c);
	free(c->objects);
	free(c->object_fds);
	free(c->files);
	c->objects = NULL;
	c->object_fds = NULL;
	c->files = NULL;
	loop_timer_at(&c->deadline, 0, 0);
	loop_timer_at(&c->retry, 0, 0);
}

static void finish(struct worker_client *c, struct worker_outcome *o)
{
	o->cookie = c->window.cookie;
	o->nr_objects = c->window.nr_objects;
	forget_job(c);
	c->fn(c->ctx, o);
}

/* The process is gone, or must go; the job with it. */
static void lose(struct worker_client *c, enum worker_result result, const char *why)
{
	struct worker_outcome o = { .result = result, .parsing = c->parsing };

	if (c->busy && result == WORKER_LATE) {
		uint64_t runnable = worker_process_runnable_ns(&c->process);

		o.cpu_bound = runnable > c->start_runnable_ns &&
			      2 * (runnable - c->start_runnable_ns) >=
				      clock_ns(CLOCK_MONOTONIC) - c->start_ns;
	}
	/* With a job, the outcome says it to the caller, who knows what it costs. */
	if (c->busy)
		log_debug("worker: %s", why);
	else
		log_warnx("worker: %s", why);
	worker_process_lose(&c->process);
	if (c->busy)
		finish(c, &o);
}

static int send_objects(struct worker_client *c)
{
	struct worker_objects o = { .type = WORKER_OBJECTS, .cookie = c->window.cookie };
	uint32_t left = c->window.nr_objects - c->nr_sent;
	int fds[WORKER_OBJECTS_PER_MESSAGE * (1 + WORKER_NR_FILES)], err;
	unsigned nr_fds = 0;

	o.nr = left < WORKER_OBJECTS_PER_MESSAGE ? left : WORKER_OBJECTS_PER_MESSAGE;
	for (uint32_t i = 0; i < o.nr; i++) {
		o.objects[i] = c->objects[c->nr_sent + i];
		o.objects[i].files = 0;
		fds[nr_fds++] = c->object_fds[c->nr_sent + i];
		for (unsigned k = 0; c->files && k < WORKER_NR_FILES; k++) {
			if (c->files[c->nr_sent + i][k] < 0)
				continue;
			o.objects[i].files |= (uint8_t)(1u << k);
			fds[nr_fds++] = c->files[c->nr_sent + i][k];
		}
	}
	err = channel_send(c->process.watch.fd, &o, worker_objects_size(&o), fds, nr_fds);
	if (!err)
		c->nr_sent += o.nr;
	return err;
}

/* As much of the job as the channel takes. */
static void send_job(struct worker_client *c)
{
	int err = 0;

	if (!c->window_sent) {
		err = channel_send(c->process.watch.fd, &c->window, sizeof(c->window), c->fds,
				   2u + c->window.has_kallsyms);
		c->window_sent = !err;
		if (!err)
			close_kallsyms(c);
	}
	while (!err && c->nr_sent < c->window.nr_objects)
		err = send_objects(c);
	loop_mod(c->loop, &c->process.watch, err == -EAGAIN ? EPOLLIN | EPOLLOUT : EPOLLIN);
	/* Descriptors under way are limited for all of a user's processes (unix(7)): later. */
	if (err == -ETOOMANYREFS)
		loop_timer_in(&c->retry, RETRY_NS, 0);
	else if (err && err != -EAGAIN)
		kill(c->process.pid, SIGKILL); /* the loop will find the channel closed */
}

/* Takes FDS. */
static bool take_index(struct worker_client *c, const struct worker_index *x, size_t size,
		       const int *fds, unsigned nr_fds)
{
	if (worker_index_valid(x, size, nr_fds) && c->index_fn) {
		c->index_fn(c->ctx, x, fds[0]);
		return true;
	}
	while (nr_fds)
		close(fds[--nr_fds]);
	return worker_index_valid(x, size, 1);
}

static void take_symbols(struct worker_client *c, const struct worker_symbols *s)
{
	c->nr_symbols += s->nr;
	c->last_symbols = s->objects[s->nr - 1].object;
	for (uint32_t i = 0; i < s->nr && c->symbols_fn; i++)
		c->symbols_fn(c->ctx, c->window.cookie, &s->objects[i]);
}

static void take_message(struct worker_client *c, const void *msg, size_t size, const int *fds,
			 unsigned nr_fds)
{
	const struct worker_done *done = msg;
	const struct worker_parsing *parsing = msg;
	const struct worker_want *want = msg;

	if (nr_fds) {
		if (!take_index(c, msg, size, fds, nr_fds))
			lose(c, WORKER_DIED, "descriptors that make no sense");
	} else if (c->busy && worker_parsing_valid(parsing, size, &c->window)) {
		c->parsing = parsing->object;
	} else if (c->busy && worker_want_valid(want, size, &c->window)) {
		if (c->want_fn)
			c->want_fn(c->ctx, want);
	} else if (c->busy && worker_symbols_valid(msg, size, &c->window, c->nr_symbols, c->last_symbols)) {
		take_symbols(c, msg);
	} else if (c->busy && worker_done_valid(done, size, &c->window) &&
		   c->nr_sent == c->window.nr_objects) {
		struct worker_outcome o = {
			.result = done->status ? WORKER_REFUSED : WORKER_WRITTEN,
			.done = *done,
			.parsing = WORKER_PARSING_NONE,
		};

		worker_process_worked(&c->process);
		finish(c, &o);
	} else {
		lose(c, WORKER_DIED, "an answer that makes no sense");
	}
}

static void channel_ready(struct loop_watch *w, uint32_t events)
{
	struct worker_client *c = w->ctx;
	union {
		struct worker_parsing parsing;
		struct worker_done done;
		struct worker_index index;
		struct worker_want want;
		struct worker_symbols symbols;
	} msg = { 0 };

	while (c->process.pid) {
		unsigned nr_fds = 1;
		int fds[1];
		ssize_t size = channel_recv(w->fd, &msg, sizeof(msg), fds, &nr_fds);

		if (size == -EAGAIN)
			break;
		if (size > 0)
			take_message(c, &msg, (size_t)size, fds, nr_fds);
		else
			lose(c, WORKER_DIED, size ? "a message that is too long" : "it has died");
	}
	if (events & EPOLLOUT && c->process.pid && c->busy)
		send_job(c);
}

static void deadline_passed(struct loop_timer *t)
{
	struct worker_client *c = t->ctx;

	if (c->busy)
		lose(c, WORKER_LATE, "it takes too long");
}

static void retry_send(struct loop_timer *t)
{
	struct worker_client *c = t->ctx;

	if (c->busy)
		send_job(c);
}

int worker_client_new(struct worker_client **out, struct loop *l, worker_outcome_fn fn, void *ctx)
{
	struct worker_client *c = xcalloc(1, sizeof(*c));
	int err;

	c->loop = l;
	c->fn = fn;
	c->ctx = ctx;
	c->fds[2] = -1;
	worker_process_init(&c->process, l, channel_ready, c);
	c->deadline_ms = WORKER_DEADLINE_MS;
	c->deadline.fn = deadline_passed;
	c->retry.fn = retry_send;
	c->deadline.ctx = c->retry.ctx = c;
	err = loop_timer_init(l, &c->deadline, CLOCK_MONOTONIC);
	if (!err)
		err = loop_timer_init(l, &c->retry, CLOCK_MONOTONIC);
	if (err) {
		worker_client_free(c);
		return err;
	}
	*out = c;
	return 0;
}

void worker_client_free(struct worker_client *c)
{
	if (!c)
		return;
	worker_process_fini(&c->process);
	loop_timer_fini(c->loop, &c->deadline);
	loop_timer_fini(c->loop, &c->retry);
	close_kallsyms(c);
	free(c->objects);
	free(c->object_fds);
	free(c->files);
	free(c);
}

static void take_job(struct worker_client *c, const struct worker_job *job)
{
	uint32_t nr = job->nr_objects < WORKER_OBJECTS_MAX ? job->nr_objects : WORKER_OBJECTS_MAX;

	c->fds[0] = job->profile_fd;
	c->fds[1] = job->output_fd;
	c->fds[2] = job->kallsyms_fd < 0 ? -1 : fcntl(job->kallsyms_fd, F_DUPFD_CLOEXEC, 0);
	c->window = (struct worker_window){
		.type = WORKER_WINDOW,
		.symbolize = job->symbolize,
		.cookie = job->cookie,
		.profile_size = job->profile_size,
		.nr_mappings = job->nr_mappings,
		.nr_objects = nr,
		.compress_level = job->compress_level,
		.has_kallsyms = c->fds[2] >= 0,
		.kernel_relative = job->kernel_relative,
		.kernel_blind = job->kernel_blind,
		.sync = job->sync,
		.cache_size = job->cache_size,
	};
	c->objects = xreallocarray(NULL, nr + 1u, sizeof(*c->objects));
	c->object_fds = xreallocarray(NULL, nr + 1u, sizeof(*c->object_fds));
	if (nr) {
		memcpy(c->objects, job->objects, nr * sizeof(*c->objects));
		memcpy(c->object_fds, job->object_fds, nr * sizeof(*c->object_fds));
	}
	if (nr && job->files) {
		c->files = xreallocarray(NULL, nr, sizeof(*c->files));
		memcpy(c->files, job->files, nr * sizeof(*c->files));
	}
	c->busy = true;
	c->window_sent = false;
	c->nr_sent = 0;
	c->nr_symbols = c->last_symbols = 0;
	c->parsing = WORKER_PARSING_NONE;
}

bool worker_client_start(struct worker_client *c, const struct worker_job *job)
{
	if (c->busy || !worker_process_ready(&c->process))
		return false;
	take_job(c, job);
	c->start_ns = clock_ns(CLOCK_MONOTONIC);
	c->start_runnable_ns = worker_process_runnable_ns(&c->process);
	loop_timer_in(&c->deadline, c->deadline_ms * UINT64_C(1000000), 0);
	send_job(c);
	return true;
}

bool worker_client_busy(const struct worker_client *c)
{
	return c->busy;
}

int worker_client_pid(const struct worker_client *c)
{
	return c->process.pid;
}

uint64_t worker_client_nr_deaths(const struct worker_client *c)
{
	return c->process.nr_deaths;
}

void worker_client_set_index(struct worker_client *c, worker_index_fn fn)
{
	c->index_fn = fn;
}

void worker_client_set_want(struct worker_client *c, worker_want_fn fn)
{
	c->want_fn = fn;
}

void worker_client_set_symbols(struct worker_client *c, worker_symbols_fn fn)
{
	c->symbols_fn = fn;
}

void worker_client_set_deadline(struct worker_client *c, unsigned ms)
{
	c->deadline_ms = ms;
	if (c->busy)
		loop_timer_in(&c->deadline, ms * UINT64_C(1000000), 0);
}
