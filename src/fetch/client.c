#include "fetch/client.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/child.h"
#include "base/hash.h"
#include "base/mem.h"

#define IDLE_NS    60000000000ull   /* then it is ended */
#define MISSING_NS 3600000000000ull /* before a file that nobody has is asked for again */
#define PAUSE_NS   600000000000ull
#define FAILURES   3                /* one after the other: then a pause */
#define LATE_NS    30000000000ull   /* beyond what it may take for all servers */
#define NR_MISSING 4096             /* remembered, by hash; a forgotten one is asked for again */
#define DYING_MAX  4                /* killed, not gone yet: they wait for a disk, and a new one would too */
#define COLLECT_NS 1000000000ull    /* then these are looked at again */

struct id {
	uint8_t size, bytes[FETCH_BUILD_ID_MAX];
};

struct fetch_client {
	struct loop *loop;
	struct loop_watch watch; /* fd −1: it does not run */
	struct loop_timer timer; /* of what is under way, of idling, or of who is dying */
	pid_t pid, dying[DYING_MAX];
	unsigned nr_dying;
	struct fetch_setup setup;
	int dir;
	fetch_answer_fn fn;
	void *ctx;
	struct id queue[FETCH_QUEUE_MAX]; /* the first is under way when busy */
	bool busy;
	uint64_t cookie, paused_until_ns;
	unsigned nr_failures;
	struct {
		struct id id;
		uint64_t until_ns;
	} *missing; /* NULL: nobody is asked */
	struct fetch_status counts;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void collect(struct fetch_client *c)
{
	for (unsigned i = 0; i < c->nr_dying;) {
		if (child_reap(c->dying[i]))
			c->dying[i] = c->dying[--c->nr_dying];
		else
			i++;
	}
}

/* Nobody waits for it to die. */
static void end(struct fetch_client *c)
{
	if (c->watch.fd < 0)
		return;
	loop_del(c->loop, &c->watch);
	close(c->watch.fd);
	c->watch.fd = -1;
	kill(c->pid, SIGKILL);
	c->dying[c->nr_dying++] = c->pid; /* start() has seen to it that there is room */
	collect(c);
}

static size_t slot_of(const struct id *id)
{
	return hash_bytes(id, sizeof(*id)) % NR_MISSING;
}

static bool is_missing(const struct fetch_client *c, const struct id *id, uint64_t now)
{
	size_t i = slot_of(id);

	return !memcmp(&c->missing[i].id, id, sizeof(*id)) && now < c->missing[i].until_ns;
}

/* What became of the first: its place is free. */
static void finish(struct fetch_client *c, int status, int fd)
{
	struct id id = c->queue[0];
	uint64_t now = now_ns();

	c->busy = false;
	memmove(c->queue, c->queue + 1, --c->counts.nr_queued * sizeof(*c->queue));
	if (!status) {
		c->counts.nr_found++;
		c->nr_failures = 0;
	} else if (status == -ENOENT || status == -EFBIG) {
		c->counts.nr_missing++;
		c->nr_failures = 0;
		c->missing[slot_of(&id)].id = id;
		c->missing[slot_of(&id)].until_ns = now + MISSING_NS;
	} else {
		c->counts.nr_failed++;
		if (status != -EAGAIN) /* it waited while another could not be had */
			c->counts.last_error = status;
		c->missing[slot_of(&id)].id = id;
		c->missing[slot_of(&id)].until_ns = now + PAUSE_NS;
		if (++c->nr_failures >= FAILURES)
			c->paused_until_ns = now + PAUSE_NS;
	}
	c->fn(c->ctx, id.bytes, id.size, status ? status : fd);
}

static void next(struct fetch_client *c); /* what is asked for may be over at once */

static void ready(struct loop_watch *w, uint32_t events)
{
	struct fetch_client *c = w->ctx;
	struct fetch_answer a;
	int fd = -1;
	unsigned nr = 1;
	ssize_t size = channel_recv(w->fd, &a, sizeof(a), &fd, &nr);

	if (size == -EAGAIN)
		return;
	if (size > 0 && c->busy && fetch_answer_valid(&a, (size_t)size, nr, c->cookie)) {
		finish(c, a.status, fd);
		next(c);
		return;
	}
	if (size > 0 && nr)
		close(fd);
	end(c);
	if (c->busy)
		finish(c, -EPIPE, -1);
	next(c);
}

/* It is late, or has had nothing to do, or is dying. */
static void timed_out(struct loop_timer *t)
{
	struct fetch_client *c = t->ctx;

	end(c);
	collect(c);
	if (c->busy)
		finish(c, -ETIMEDOUT, -1);
	next(c);
}

static int start(struct fetch_client *c)
{
	int pair[2], err;

	collect(c);
	err = c->nr_dying == DYING_MAX ? -EBUSY : channel_pair(pair);
	if (err)
		return err;
	c->pid = child_start("--debuginfod", pair[1], 0);
	close(pair[1]);
	if (c->pid < 0) {
		close(pair[0]);
		return c->pid;
	}
	c->watch = (struct loop_watch){ .fd = pair[0], .fn = ready, .ctx = c };
	err = loop_add(c->loop, &c->watch, EPOLLIN);
	return err ? err : channel_send(pair[0], &c->setup, sizeof(c->setup), &c->dir, 1);
}

/* Asks for the first that waits. 0 or negative errno. */
static int ask_first(struct fetch_client *c)
{
	struct fetch_request q = { .cookie = c->cookie + 1, .build_id_size = c->queue[0].size };
	int err = c->watch.fd < 0 ? start(c) : 0;

	memcpy(q.build_id, c->queue[0].bytes, sizeof(q.build_id));
	if (!err)
		err = channel_send(c->watch.fd, &q, sizeof(q), NULL, 0);
	if (err) {
		end(c);
		return err;
	}
	c->cookie++;
	c->busy = true;
	loop_timer_in(&c->timer, (uint64_t)c->setup.timeout_ms * 1000000 * c->counts.nr_servers + LATE_NS, 0);
	return 0;
}

static void next(struct fetch_client *c)
{
	while (!c->busy && c->counts.nr_queued) {
		int err = now_ns() < c->paused_until_ns ? -EAGAIN : ask_first(c);

		if (err)
			finish(c, err, -1);
	}
	if (!c->busy && (c->watch.fd >= 0 || c->nr_dying))
		loop_timer_in(&c->timer, c->watch.fd >= 0 ? IDLE_NS : COLLECT_NS, 0);
}

static unsigned count_urls(const char *urls)
{
	unsigned nr = 0;
	size_t size;

	for (const char *url = fetch_url(urls, &size); url; url = fetch_url(url + size, &size))
		nr++;
	return nr;
}

struct fetch_client *fetch_client_new(struct loop *l, fetch_answer_fn fn, void *ctx)
{
	struct fetch_client *c = xcalloc(1, sizeof(*c));

	c->loop = l;
	c->fn = fn;
	c->ctx = ctx;
	c->watch.fd = -1;
	c->dir = -1;
	c->timer = (struct loop_timer){ .fn = timed_out, .ctx = c };
	if (!loop_timer_init(l, &c->timer, CLOCK_MONOTONIC))
		return c;
	free(c);
	return NULL;
}

static void forget(struct fetch_client *c)
{
	end(c);
	c->busy = false;
	c->nr_failures = 0;
	c->paused_until_ns = 0;
	c->counts = (struct fetch_status){ 0 };
	if (c->dir >= 0)
		close(c->dir);
	c->dir = -1;
	free(c->missing);
	c->missing = NULL;
}

int fetch_client_configure(struct fetch_client *c, const struct fetch_options *o)
{
	forget(c);
	next(c); /* who was at it is dying */
	if (!o || strlen(o->urls) >= sizeof(c->setup.urls))
		return o ? -E2BIG : 0;
	c->dir = fcntl(o->dir, F_DUPFD_CLOEXEC, 3);
	if (c->dir < 0)
		return -errno;
	memset(&c->setup, 0, sizeof(c->setup));
	strcpy(c->setup.urls, o->urls);
	c->setup.max_use = o->max_use;
	c->setup.max_size = o->max_size;
	c->setup.timeout_ms = o->timeout_ms;
	c->counts.nr_servers = count_urls(o->urls);
	c->missing = xcalloc(NR_MISSING, sizeof(*c->missing));
	return 0;
}

void fetch_client_free(struct fetch_client *c)
{
	if (!c)
		return;
	forget(c);
	loop_timer_fini(c->loop, &c->timer);
	free(c);
}

bool fetch_client_want(struct fetch_client *c, const uint8_t *build_id, unsigned size)
{
	struct id id = { .size = (uint8_t)size };
	uint64_t now = now_ns();

	if (!c->counts.nr_servers || size < 2 || size > sizeof(id.bytes) || c->counts.nr_queued == FETCH_QUEUE_MAX)
		return false;
	memcpy(id.bytes, build_id, size);
	if (now < c->paused_until_ns || is_missing(c, &id, now))
		return false;
	for (unsigned i = 0; i < c->counts.nr_queued; i++)
		if (!memcmp(&c->queue[i], &id, sizeof(id)))
			return false;
	c->queue[c->counts.nr_queued++] = id;
	c->counts.nr_wanted++;
	next(c);
	return true;
}

void fetch_client_status(const struct fetch_client *c, struct fetch_status *s)
{
	*s = c->counts;
	s->paused = now_ns() < c->paused_until_ns;
}
