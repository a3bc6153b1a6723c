#include "worker/client.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "base/channel.h"
#include "base/log.h"
#include "base/mem.h"
#include "worker/process.h"

struct worker_pages_client {
	struct worker_process process;
	worker_page_fn page;
	worker_pages_fn done;
	worker_want_fn want;
	void *ctx;
	unsigned deadline_ms;

	bool busy, parsing, wanted;
	struct worker_pages request; /* under way */
	uint32_t nr_answered;
	struct loop_timer deadline;
	uint64_t start_ns, start_runnable_ns;
	union {
		struct worker_page page;
		struct worker_parsing parsing;
		struct worker_want want;
	} answer;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) < 0)
		return 0;
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void finish(struct worker_pages_client *c, struct worker_pages_outcome *o)
{
	o->cookie = c->request.cookie;
	o->nr_answered = c->nr_answered;
	c->busy = false;
	loop_timer_at(&c->deadline, 0, 0);
	c->done(c->ctx, o);
}

/* The process is gone, or must go; the job with it. */
static void lose(struct worker_pages_client *c, enum worker_result result, const char *why)
{
	struct worker_pages_outcome o = { .result = result, .parsing = c->parsing };

	if (c->busy && result == WORKER_LATE) {
		uint64_t runnable = worker_process_runnable_ns(&c->process);

		o.cpu_bound = runnable > c->start_runnable_ns &&
			      2 * (runnable - c->start_runnable_ns) >= now_ns() - c->start_ns;
	}
	/* With a job, the outcome says it to the caller, who knows what it costs. */
	if (c->busy)
		log_debug("worker of unwind tables: %s", why);
	else
		log_warnx("worker of unwind tables: %s", why);
	worker_process_lose(&c->process);
	if (c->busy)
		finish(c, &o);
}

static void take_page(struct worker_pages_client *c, const struct worker_page *p)
{
	struct unwind_page page = {
		.offset = p->offset,
		.nr_rows = p->nr_rows,
		.nr_rules = p->nr_rules,
		.rules = (const struct unwind_rule *)p->data,
		.rows = (const uint32_t *)(p->data + p->nr_rules), /* a rule has 8 bytes */
	};

	c->page(c->ctx, p->cookie, p->offset, p->status, p->status ? NULL : &page);
	if (++c->nr_answered == c->request.nr) {
		struct worker_pages_outcome o = { .result = WORKER_WRITTEN };

		worker_process_worked(&c->process);
		finish(c, &o);
	}
}

static void take_message(struct worker_pages_client *c, size_t size)
{
	const struct worker_page *page = &c->answer.page;

	if (c->busy && worker_pages_parsing_valid(&c->answer.parsing, size, &c->request)) {
		c->parsing = c->answer.parsing.object != WORKER_PARSING_NONE;
	} else if (c->busy && worker_page_valid(page, size, &c->request, c->nr_answered)) {
		take_page(c, page);
	} else if (c->busy && c->want && !c->wanted &&
		   worker_pages_want_valid(&c->answer.want, size, &c->request)) {
		c->wanted = true;
		c->want(c->ctx, &c->answer.want);
	} else {
		lose(c, WORKER_DIED, "an answer that makes no sense");
	}
}

static void channel_ready(struct loop_watch *w, uint32_t events)
{
	struct worker_pages_client *c = w->ctx;

	while (c->process.pid) {
		ssize_t size = channel_recv(w->fd, &c->answer, sizeof(c->answer), NULL, NULL);

		if (size == -EAGAIN)
			break;
		if (size > 0)
			take_message(c, (size_t)size);
		else
			lose(c, WORKER_DIED, size ? "a message that is too long" : "it has died");
	}
}

static void deadline_passed(struct loop_timer *t)
{
	struct worker_pages_client *c = t->ctx;

	if (c->busy)
		lose(c, WORKER_LATE, "it takes too long");
}

int worker_pages_client_new(struct worker_pages_client **out, struct loop *l, worker_page_fn page,
			    worker_pages_fn done, void *ctx)
{
	struct worker_pages_client *c = xcalloc(1, sizeof(*c));
	int err;

	c->page = page;
	c->done = done;
	c->ctx = ctx;
	c->deadline_ms = WORKER_PAGES_DEADLINE_MS;
	c->deadline.fn = deadline_passed;
	c->deadline.ctx = c;
	worker_process_init(&c->process, l, channel_ready, c);
	err = loop_timer_init(l, &c->deadline, CLOCK_MONOTONIC);
	if (err) {
		free(c);
		return err;
	}
	*out = c;
	return 0;
}

void worker_pages_client_free(struct worker_pages_client *c)
{
	if (!c)
		return;
	loop_timer_fini(c->process.loop, &c->deadline);
	worker_process_fini(&c->process);
	free(c);
}

bool worker_pages_client_start(struct worker_pages_client *c, const struct worker_pages_job *job)
{
	const int fds[] = { job->fd, job->debug_fd };
	bool has_debug = job->fd >= 0 && job->debug_fd > 0;
	struct worker_pages *q = &c->request;
	int err;

	if (c->busy || !worker_process_ready(&c->process))
		return false;
	*q = (struct worker_pages){ .type = WORKER_PAGES, .nr = job->nr, .cookie = job->cookie };
	if (job->object)
		q->object = *job->object;
	q->object.files = has_debug ? 1u << WORKER_DEBUG_FILE : 0;
	q->object.flags = !c->want || job->no_files ? WORKER_NO_FILES : 0;
	memcpy(q->offsets, job->offsets, job->nr * sizeof(q->offsets[0]));
	err = channel_send(c->process.watch.fd, q, worker_pages_size(q), fds,
			   (unsigned)(job->fd >= 0) + has_debug);
	/* Full: of the descriptors of all of a user's messages (unix(7)), as we wait for none. */
	if (err == -EAGAIN || err == -ETOOMANYREFS)
		return false;
	if (err) {
		kill(c->process.pid, SIGKILL); /* the loop will find the channel closed */
		return false;
	}
	c->busy = true;
	c->parsing = c->wanted = false;
	c->nr_answered = 0;
	c->start_ns = now_ns();
	c->start_runnable_ns = worker_process_runnable_ns(&c->process);
	loop_timer_in(&c->deadline, c->deadline_ms * UINT64_C(1000000), 0);
	return true;
}

bool worker_pages_client_busy(const struct worker_pages_client *c)
{
	return c->busy;
}

int worker_pages_client_pid(const struct worker_pages_client *c)
{
	return c->process.pid;
}

uint64_t worker_pages_client_nr_deaths(const struct worker_pages_client *c)
{
	return c->process.nr_deaths;
}

void worker_pages_client_set_want(struct worker_pages_client *c, worker_want_fn fn)
{
	c->want = fn;
}

void worker_pages_client_set_deadline(struct worker_pages_client *c, unsigned ms)
{
	c->deadline_ms = ms;
	if (c->busy)
		loop_timer_in(&c->deadline, ms * UINT64_C(1000000), 0);
}
