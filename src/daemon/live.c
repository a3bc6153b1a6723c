#include "daemon/live.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "daemon/clock.h"
#include "daemon/daemon.h"
#include "daemon/naming.h"
#include "daemon/rotate.h"

struct view {
	struct live *live;
	enum event_kind kind;
	bool busy;     /* being named */
	uint64_t made_ns;
	int fd;        /* the last one; −1: none */
	uint64_t size, window_ns;
	int64_t window_start;
	struct control_client *clients[CONTROL_CLIENTS_MAX]; /* who waits */
	unsigned nr_clients;
};

struct live {
	struct daemon *d;
	struct view views[EVENT_NR_KINDS];
};

static void answer(struct view *v, struct control_client *c, int err)
{
	int fd = err ? err : io_reopen(v->fd);

	if (!err && fd < 0)
		err = fd;
	if (err) {
		control_end(c, err, err == -ENODATA ? "no sample in this window yet" : NULL);
		return;
	}
	control_value(c, "window_start", "%lld", (long long)v->window_start);
	control_value(c, "window_seconds", "%.3f", (double)v->window_ns / 1e9);
	control_value(c, "size", "%llu", (unsigned long long)v->size);
	control_give(c, fd);
	control_end(c, 0, NULL);
}

static void answer_all(struct view *v, int err)
{
	while (v->nr_clients)
		answer(v, v->clients[--v->nr_clients], err);
}

static void named(void *ctx, int fd, uint64_t size)
{
	struct view *v = ctx;

	v->busy = false;
	if (fd >= 0) {
		if (v->fd >= 0)
			close(v->fd);
		v->fd = fd;
		v->size = size;
	}
	answer_all(v, fd < 0 ? fd : 0);
}

static int snapshot(struct view *v)
{
	struct daemon *d = v->live->d;
	struct rotate_status s;
	struct profile *p;
	int err;

	if (d->sampler)
		sampler_drain(d->sampler, false);
	rotate_status(d->rotate, &s);
	v->window_start = s.window_start;
	v->window_ns = s.window_ns;
	p = collect_snapshot(d->collect, d->kinds[v->kind], s.window_start * 1000000000, (int64_t)s.window_ns);
	if (!p)
		return -ENODATA;
	err = naming_submit(d->naming, p, named, v);
	profile_free(p);
	return err;
}

void live_ask(struct live *l, struct control_client *client, enum event_kind kind)
{
	struct view *v = &l->views[kind];
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	int err = 0;

	if (!v->busy && v->fd >= 0 && now - v->made_ns < LIVE_EVERY_NS) {
		answer(v, client, 0);
		return;
	}
	if (v->nr_clients == CONTROL_CLIENTS_MAX) { /* cannot be: there are no more */
		control_end(client, -EBUSY, NULL);
		return;
	}
	v->clients[v->nr_clients++] = client;
	if (v->busy)
		return;
	v->made_ns = now;
	err = snapshot(v);
	if (err)
		answer_all(v, err);
	else
		v->busy = true;
}

void live_gone(struct live *l, const struct control_client *client)
{
	for (unsigned k = 0; k < EVENT_NR_KINDS; k++) {
		struct view *v = &l->views[k];

		for (unsigned i = 0; i < v->nr_clients; i++)
			if (v->clients[i] == client)
				v->clients[i--] = v->clients[--v->nr_clients];
	}
}

struct live *live_new(struct daemon *d)
{
	struct live *l = xcalloc(1, sizeof(*l));

	l->d = d;
	for (unsigned k = 0; k < EVENT_NR_KINDS; k++)
		l->views[k] = (struct view){ .live = l, .kind = k, .fd = -1 };
	return l;
}

void live_free(struct live *l)
{
	if (!l)
		return;
	for (unsigned k = 0; k < EVENT_NR_KINDS; k++)
		if (l->views[k].fd >= 0)
			close(l->views[k].fd);
	free(l);
}
