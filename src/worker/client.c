#include "worker/client.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/channel.h"
#include "base/child.h"
#include "base/log.h"
#include "base/mem.h"

#define BACKOFF_MIN_NS 10000000u
#define BACKOFF_MAX_NS 10000000000u
#define RETRY_NS       10000000u

struct worker_client {
	struct loop *loop;
	worker_outcome_fn fn;
	void *ctx;
	pid_t pid;               /* 0: no process */
	struct loop_watch watch; /* of its channel */
	pid_t *dying;            /* killed, not collected yet */
	uint32_t nr_dying, dying_cap;
	uint64_t nr_deaths, backoff_ns, not_before_ns;
	unsigned deadline_ms;

	bool busy;
	struct worker_window window; /* as sent */
	int fds[3]; /* kallsyms, the last, is ours until the window is sent; -1: none */
	bool window_sent;
	uint32_t nr_sent; /* objects */
	struct worker_object *objects;
	int *object_fds;
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

/* Time that the worker has computed, or would have, had it got a CPU (proc_pid_schedstat(5)): what
 * is left of its life it slept, for a disk or for us. 0 when it cannot be told. */
static uint64_t worker_runnable_ns(const struct worker_client *c)
{
	unsigned long long on_cpu, queued;
	uint64_t ns = 0;
	char path[32];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", c->pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%llu %llu", &on_cpu, &queued) == 2)
		ns = on_cpu + queued;
	fclose(f);
	return ns;
}

static void collect(struct worker_client *c)
{
	for (uint32_t i = 0; i < c->nr_dying;) {
		if (child_reap(c->dying[i]))
			c->dying[i] = c->dying[--c->nr_dying];
		else
			i++;
	}
}

/* One that waits for a disk dies when the disk has answered: nobody waits for it here. */
static void end_process(struct worker_client *c)
{
	if (!c->pid)
		return;
	loop_del(c->loop, &c->watch);
	close(c->watch.fd);
	c->watch.fd = -1;
	kill(c->pid, SIGKILL);
	*array_push(c->dying, c->nr_dying, c->dying_cap) = c->pid;
	c->pid = 0;
	collect(c);
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
	c->objects = NULL;
	c->object_fds = NULL;
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
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	if (c->busy && result == WORKER_LATE) {
		uint64_t runnable = worker_runnable_ns(c);

		o.cpu_bound = runnable > c->start_runnable_ns &&
			      2 * (runnable - c->start_runnable_ns) >= now - c->start_ns;
	}
	/* With a job, the outcome says it to the caller, who knows what it costs. */
	if (c->busy)
		log_debug("worker: %s", why);
	else
		log_warnx("worker: %s", why);
	end_process(c);
	c->nr_deaths++;
	c->backoff_ns = c->backoff_ns ? 2 * c->backoff_ns : BACKOFF_MIN_NS;
	if (c->backoff_ns > BACKOFF_MAX_NS)
		c->backoff_ns = BACKOFF_MAX_NS;
	c->not_before_ns = now + c->backoff_ns;
	if (c->busy)
		finish(c, &o);
}

static int send_objects(struct worker_client *c)
{
	struct worker_objects o = { .type = WORKER_OBJECTS, .cookie = c->window.cookie };
	uint32_t left = c->window.nr_objects - c->nr_sent;
	int err;

	o.nr = left < WORKER_OBJECTS_PER_MESSAGE ? left : WORKER_OBJECTS_PER_MESSAGE;
	memcpy(o.objects, c->objects + c->nr_sent, o.nr * sizeof(o.objects[0]));
	err = channel_send(c->watch.fd, &o, worker_objects_size(&o), c->object_fds + c->nr_sent,
			   o.nr);
	if (!err)
		c->nr_sent += o.nr;
	return err;
}

/* As much of the job as the channel takes. */
static void send_job(struct worker_client *c)
{
	int err = 0;

	if (!c->window_sent) {
		err = channel_send(c->watch.fd, &c->window, sizeof(c->window), c->fds,
				   2u + c->window.has_kallsyms);
		c->window_sent = !err;
		if (!err)
			close_kallsyms(c);
	}
	while (!err && c->nr_sent < c->window.nr_objects)
		err = send_objects(c);
	loop_mod(c->loop, &c->watch, err == -EAGAIN ? EPOLLIN | EPOLLOUT : EPOLLIN);
	/* Descriptors under way are limited for all of a user's processes (unix(7)): later. */
	if (err == -ETOOMANYREFS)
		loop_timer_in(&c->retry, RETRY_NS, 0);
	else if (err && err != -EAGAIN)
		kill(c->pid, SIGKILL); /* the loop will find the channel closed */
}

static void take_message(struct worker_client *c, const void *msg, size_t size)
{
	const struct worker_done *done = msg;
	const struct worker_parsing *parsing = msg;

	if (c->busy && worker_parsing_valid(parsing, size, &c->window)) {
		c->parsing = parsing->object;
	} else if (c->busy && worker_done_valid(done, size, &c->window) &&
		   c->nr_sent == c->window.nr_objects) {
		struct worker_outcome o = {
			.result = done->status ? WORKER_REFUSED : WORKER_WRITTEN,
			.done = *done,
			.parsing = WORKER_PARSING_NONE,
		};

		c->backoff_ns = 0;
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
	} msg = { 0 };

	while (c->pid) {
		ssize_t size = channel_recv(w->fd, &msg, sizeof(msg), NULL, NULL);

		if (size == -EAGAIN)
			break;
		if (size > 0)
			take_message(c, &msg, (size_t)size);
		else
			lose(c, WORKER_DIED, size ? "a message that is too long" : "it has died");
	}
	if (events & EPOLLOUT && c->pid && c->busy)
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

static int start_process(struct worker_client *c)
{
	int pair[2], err = channel_pair(pair);
	pid_t pid;

	if (err)
		return err;
	pid = child_start("--worker", pair[1], 0);
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return pid;
	}
	c->pid = pid;
	c->watch.fd = pair[0];
	err = loop_add(c->loop, &c->watch, EPOLLIN);
	if (err)
		end_process(c);
	return err;
}

int worker_client_new(struct worker_client **out, struct loop *l, worker_outcome_fn fn, void *ctx)
{
	struct worker_client *c = xcalloc(1, sizeof(*c));
	int err;

	c->loop = l;
	c->fn = fn;
	c->ctx = ctx;
	c->fds[2] = -1;
	c->watch = (struct loop_watch){ .fn = channel_ready, .ctx = c, .fd = -1 };
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
	end_process(c);
	loop_timer_fini(c->loop, &c->deadline);
	loop_timer_fini(c->loop, &c->retry);
	close_kallsyms(c);
	free(c->objects);
	free(c->object_fds);
	free(c->dying);
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
	c->busy = true;
	c->window_sent = false;
	c->nr_sent = 0;
	c->parsing = WORKER_PARSING_NONE;
}

bool worker_client_start(struct worker_client *c, const struct worker_job *job)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	int err;

	collect(c);
	if (c->busy)
		return false;
	if (!c->pid) {
		if (now < c->not_before_ns)
			return false;
		err = start_process(c);
		if (err) {
			errno = -err;
			log_warn("worker: start");
			c->not_before_ns = now + BACKOFF_MAX_NS / 10;
			return false;
		}
	}
	take_job(c, job);
	c->start_ns = now;
	c->start_runnable_ns = worker_runnable_ns(c);
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
	return c->pid;
}

uint64_t worker_client_nr_deaths(const struct worker_client *c)
{
	return c->nr_deaths;
}

void worker_client_set_deadline(struct worker_client *c, unsigned ms)
{
	c->deadline_ms = ms;
}
