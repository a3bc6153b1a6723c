#include "opener/client.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/child.h"
#include "base/log.h"
#include "base/mem.h"

#define NR_OPENERS 2
#define QUEUE_MAX 1024
#define QUEUE_SIZE_MAX (4u << 20)
/* The opener's parent answers within OPENER_DEADLINE_MS; one that has not by now hangs itself. */
#define HANGS_NS 5000000000u
#define WAIT_MAX_NS 10000000000u
#define SLOW_NS 60000000000u
#define NR_SLOW 16
/* A new spare comes after so long; after twice as long when it has not lived for a second, and so on. */
#define SPARE_NS 20000000u
#define SPARE_MAX_NS 60000000000u
#define SPARE_LIVES_NS 1000000000u

struct queued {
	struct queued *next;
	uint64_t since_ns;
	uint64_t cookie; /* the caller's; the request has ours */
	size_t size;
	struct opener_request request; /* only SIZE bytes of it are there */
};

#define QUEUED_SIZE(request_size) (offsetof(struct queued, request) + (request_size))

struct opener_process {
	struct opener_client *client;
	struct loop_watch watch; /* of the channel; fd -1: it is gone */
	pid_t pid;               /* 0: collected, or not our child */
	uint64_t started_ns;
	unsigned nr_stuck;
	bool paused;
};

struct opener_client {
	struct loop *loop;
	opener_answer_fn fn;
	void *ctx;
	/* The first that is alive, from first_serving on, serves, the other is the spare. */
	struct opener_process openers[NR_OPENERS];
	unsigned first_serving;
	struct queued *first, **last;
	struct queued *sent; /* under way */
	size_t queue_size;
	unsigned nr_queued;
	uint64_t next_cookie;
	struct loop_timer timer; /* of `sent` */
	struct loop_timer respawn;
	uint64_t spare_wait_ns;
	struct {
		uint32_t pid;
		uint64_t until_ns;
	} slow[NR_SLOW]; /* the last that overran the deadline */
	unsigned next_slow;
	struct opener_status counts;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static const struct opener_process *serving(const struct opener_client *c)
{
	for (unsigned i = 0; i < NR_OPENERS; i++) {
		const struct opener_process *p = &c->openers[(c->first_serving + i) % NR_OPENERS];

		if (p->watch.fd >= 0)
			return p;
	}
	return NULL;
}

/* Tells the caller; Q is freed. */
static void finish(struct opener_client *c, struct queued *q, struct opener_answer *a, int *fds,
		   unsigned nr)
{
	a->cookie = q->request.cookie = q->cookie;
	if (a->status)
		c->counts.nr_failed++;
	c->fn(c->ctx, &q->request, a, fds, nr);
	free(q);
}

static void finish_failed(struct opener_client *c, struct queued *q, int status)
{
	const struct opener_process *p = serving(c);
	struct opener_answer a = { .status = status };
	int none = -1;

	if (p) {
		a.nr_stuck = p->nr_stuck;
		a.paused = p->paused;
	}
	finish(c, q, &a, &none, 0);
}

static struct queued *queue_pop(struct opener_client *c)
{
	struct queued *q = c->first;

	c->first = q->next;
	if (!c->first)
		c->last = &c->first;
	c->queue_size -= QUEUED_SIZE(q->size);
	c->nr_queued--;
	return q;
}

static bool is_slow(const struct opener_client *c, uint32_t pid, uint64_t now)
{
	for (int i = 0; i < NR_SLOW; i++)
		if (c->slow[i].pid == pid && now < c->slow[i].until_ns)
			return true;
	return false;
}

static void add_slow(struct opener_client *c, uint32_t pid)
{
	unsigned i = c->next_slow++ % NR_SLOW;

	c->slow[i].pid = pid;
	c->slow[i].until_ns = now_ns() + SLOW_NS;
}

/* Why Q will not be served: 0 or negative errno. */
static int drop_reason(const struct opener_client *c, const struct queued *q, uint64_t now)
{
	const struct opener_process *p = serving(c);

	if (!p)
		return -EPIPE;
	if (p->paused)
		return -EAGAIN;
	if (now > q->since_ns + WAIT_MAX_NS || is_slow(c, q->request.pid, now))
		return -ETIMEDOUT;
	return 0;
}

/* What is next and cannot be served any more is answered. */
static void drop_queued(struct opener_client *c)
{
	uint64_t now = now_ns();
	int status;

	while (c->first && (status = drop_reason(c, c->first, now))) {
		c->counts.nr_dropped++;
		finish_failed(c, queue_pop(c), status);
	}
}

static void end_process(struct opener_client *c, struct opener_process *p)
{
	if (p->watch.fd >= 0) {
		loop_del(c->loop, &p->watch);
		close(p->watch.fd);
		p->watch.fd = -1;
	}
	/* It opens nothing, so it dies at once; should it be late, it is collected with the
	 * client's next step. */
	if (p->pid) {
		kill(p->pid, SIGKILL);
		if (child_reap(p->pid))
			p->pid = 0;
	}
}

static void send_next(struct opener_client *c);

/* One of two is gone: the other starts a new one, a little later. */
static void want_spare(struct opener_client *c, const struct opener_process *gone)
{
	if (now_ns() - gone->started_ns > SPARE_LIVES_NS)
		c->spare_wait_ns = SPARE_NS;
	loop_timer_in(&c->respawn, c->spare_wait_ns, 0);
	if (c->spare_wait_ns < SPARE_MAX_NS / 2)
		c->spare_wait_ns *= 2;
}

/* P is gone or not to be trusted: the spare takes over. */
static void lose(struct opener_client *c, struct opener_process *p, const char *why)
{
	bool was_serving = p == serving(c);
	struct queued *q = was_serving ? c->sent : NULL;

	end_process(c, p);
	if (was_serving && serving(c)) /* until it is lost too: a new one in P's place is its spare */
		c->first_serving = (unsigned)(serving(c) - c->openers);
	log_warnx("opener: %s; %s", why, serving(c) ? "one is left" : "none is left");
	if (serving(c))
		want_spare(c, p);
	if (q) {
		c->sent = NULL;
		finish_failed(c, q, serving(c) ? -EIO : -EPIPE);
	}
	send_next(c);
}

static void send_first(struct opener_client *c, const struct opener_process *p)
{
	c->sent = queue_pop(c);
	c->sent->request.cookie = ++c->next_cookie;
	loop_timer_in(&c->timer, HANGS_NS, 0);
	/* The channel is empty, so it can only fail because the opener has died or hangs, which the
	 * loop will find. */
	channel_send(p->watch.fd, &c->sent->request, c->sent->size, NULL, 0);
}

static void send_next(struct opener_client *c)
{
	const struct opener_process *p;

	for (int i = 0; i < NR_OPENERS; i++) {
		struct opener_process *o = &c->openers[i];

		if (o->watch.fd < 0 && o->pid && child_reap(o->pid))
			o->pid = 0;
	}
	if (!c->sent)
		drop_queued(c);
	p = serving(c);
	if (!c->sent && c->first && p)
		send_first(c, p);
	if (!c->sent)
		loop_timer_at(&c->timer, 0, 0);
}

static void take_answer(struct opener_client *c, struct opener_process *p, struct opener_answer *a,
			size_t size, int *fds, unsigned nr)
{
	struct queued *q = a->cookie && p == serving(c) ? c->sent : NULL;

	if (size < sizeof(a->cookie) || !opener_answer_valid(a, size, nr, q ? &q->request : NULL)) {
		while (nr)
			close(fds[--nr]);
		lose(c, p, "an answer that makes no sense");
		return;
	}
	if (a->paused != p->paused)
		log_warnx(a->paused ? "opener: paused, %u files do not open"
				    : "opener: goes on, %u files do not open",
			  a->nr_stuck);
	p->nr_stuck = a->nr_stuck;
	p->paused = a->paused;
	if (q) {
		c->sent = NULL;
		if (a->status == -ETIMEDOUT) {
			c->counts.nr_timeouts++;
			add_slow(c, q->request.pid);
		}
		finish(c, q, a, fds, nr);
	}
	send_next(c);
}

static void readable(struct loop_watch *w, uint32_t events)
{
	struct opener_process *p = w->ctx;
	struct opener_client *c = p->client;

	while (w->fd >= 0) {
		struct opener_answer a = { 0 };
		int fds[OPENER_RANGES_MAX];
		unsigned nr = OPENER_RANGES_MAX;
		ssize_t size = channel_recv(w->fd, &a, sizeof(a), fds, &nr);

		if (size == -EAGAIN)
			return;
		if (size > 0)
			take_answer(c, p, &a, (size_t)size, fds, nr);
		else
			lose(c, p, size ? "an answer that cannot be read" : "it has died");
	}
}

static void timed_out(struct loop_timer *t)
{
	struct opener_client *c = t->ctx;
	if (c->sent && serving(c))
		lose(c, &c->openers[serving(c) - c->openers], "it hangs");
}

static int watch_process(struct opener_client *c, struct opener_process *p, int channel)
{
	p->client = c;
	p->started_ns = now_ns();
	p->watch = (struct loop_watch){ .fn = readable, .ctx = p, .fd = channel };
	return loop_add(c->loop, &p->watch, EPOLLIN);
}

static void ask_spare(struct opener_client *c, struct opener_process *p)
{
	struct opener_request q = { .cookie = 1, .what = OPENER_SPARE };
	int pair[2];

	if (channel_pair(pair) < 0)
		return want_spare(c, p);
	/* It may wait there behind a request: the opener reads the next when it has answered the last. */
	if (channel_send(serving(c)->watch.fd, &q, opener_request_size(&q), &pair[1], 1) < 0) {
		close(pair[0]);
		want_spare(c, p);
	} else if (watch_process(c, p, pair[0]) < 0) {
		close(pair[0]);
		p->watch.fd = -1;
		want_spare(c, p);
	}
	close(pair[1]);
}

static void respawn(struct loop_timer *t)
{
	struct opener_client *c = t->ctx;

	for (int i = 0; i < NR_OPENERS; i++)
		if (c->openers[i].watch.fd < 0 && serving(c))
			ask_spare(c, &c->openers[i]);
}

static int start_process(struct opener_client *c, struct opener_process *p)
{
	int pair[2], err = channel_pair(pair);

	if (err)
		return err;
	p->pid = child_start("--opener", pair[1], OPENER_CAPS);
	close(pair[1]);
	if (p->pid < 0) {
		err = p->pid;
		p->pid = 0;
		close(pair[0]);
		return err;
	}
	return watch_process(c, p, pair[0]);
}

int opener_client_new(struct opener_client **out, struct loop *l, opener_answer_fn fn, void *ctx)
{
	struct opener_client *c = xcalloc(1, sizeof(*c));
	int err;

	c->loop = l;
	c->fn = fn;
	c->ctx = ctx;
	c->last = &c->first;
	for (int i = 0; i < NR_OPENERS; i++)
		c->openers[i].watch.fd = -1;
	c->timer.fn = timed_out;
	c->timer.ctx = c;
	c->respawn = (struct loop_timer){ .fn = respawn, .ctx = c, .watch.fd = -1 };
	c->spare_wait_ns = SPARE_NS;
	err = loop_timer_init(l, &c->timer, CLOCK_MONOTONIC);
	if (!err)
		err = loop_timer_init(l, &c->respawn, CLOCK_MONOTONIC);
	for (int i = 0; i < NR_OPENERS && !err; i++)
		err = start_process(c, &c->openers[i]);
	if (err) {
		opener_client_free(c);
		return err;
	}
	*out = c;
	return 0;
}

void opener_client_free(struct opener_client *c)
{
	if (!c)
		return;
	for (int i = 0; i < NR_OPENERS; i++)
		end_process(c, &c->openers[i]);
	loop_timer_fini(c->loop, &c->timer);
	loop_timer_fini(c->loop, &c->respawn);
	while (c->first)
		free(queue_pop(c));
	free(c->sent);
	free(c);
}

bool opener_client_ask(struct opener_client *c, const struct opener_request *request)
{
	const struct opener_process *p = serving(c);
	uint64_t now = now_ns();
	struct queued *q;
	size_t size;

	if (!p || p->paused || c->nr_queued >= QUEUE_MAX || request->nr_ranges > OPENER_RANGES_MAX)
		return false;
	size = QUEUED_SIZE(opener_request_size(request));
	if (c->queue_size + size > QUEUE_SIZE_MAX || is_slow(c, request->pid, now))
		return false;
	q = xmalloc(size);
	q->next = NULL;
	q->since_ns = now;
	q->cookie = request->cookie;
	q->size = opener_request_size(request);
	memcpy(&q->request, request, q->size);
	q->request.cookie = 1;
	if (!opener_request_valid(&q->request, q->size)) {
		free(q);
		return false;
	}
	*c->last = q;
	c->last = &q->next;
	c->queue_size += size;
	c->nr_queued++;
	c->counts.nr_requests++;
	/* Nothing that waits means that nothing has to be dropped first: no callback from here. */
	if (!c->sent && c->first == q)
		send_first(c, p);
	return true;
}

void opener_client_status(const struct opener_client *c, struct opener_status *status)
{
	const struct opener_process *p = serving(c);

	*status = c->counts;
	for (int i = 0; i < NR_OPENERS; i++)
		status->nr_alive += c->openers[i].watch.fd >= 0;
	status->nr_queued = c->nr_queued;
	status->nr_stuck = p ? p->nr_stuck : 0;
	status->paused = p && p->paused;
}

bool opener_client_over(const struct opener_client *c)
{
	return !serving(c);
}
