#include "base/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/mem.h"

#define LOOP_EVENTS 64

struct loop {
	int fd;
	int nr_ready, next; /* of the running loop_step */
	struct epoll_event ready[LOOP_EVENTS];
};

int loop_new(struct loop **out)
{
	struct loop *l;
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0)
		return -errno;
	l = xcalloc(1, sizeof(*l));
	l->fd = fd;
	*out = l;
	return 0;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	close(l->fd);
	free(l);
}

static int loop_ctl(struct loop *l, int op, struct loop_watch *w, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = w };

	return epoll_ctl(l->fd, op, w->fd, &e) < 0 ? -errno : 0;
}

int loop_add(struct loop *l, struct loop_watch *w, uint32_t events)
{
	return loop_ctl(l, EPOLL_CTL_ADD, w, events);
}

int loop_mod(struct loop *l, struct loop_watch *w, uint32_t events)
{
	return loop_ctl(l, EPOLL_CTL_MOD, w, events);
}

void loop_del(struct loop *l, struct loop_watch *w)
{
	if (w->fd < 0)
		return;
	loop_ctl(l, EPOLL_CTL_DEL, w, 0);
	/* An event of this watch may be waiting further on in the running step. */
	for (int i = l->next; i < l->nr_ready; i++)
		if (l->ready[i].data.ptr == w)
			l->ready[i].data.ptr = NULL;
}

static void timer_ready(struct loop_watch *w, uint32_t events)
{
	struct loop_timer *t = w->ctx;
	uint64_t nr;

	/* ECANCELED: the clock was stepped (timerfd_create(2)); anything else unread was a spurious wake-up. */
	if (read(w->fd, &nr, sizeof(nr)) != sizeof(nr) && errno != ECANCELED)
		return;
	t->fn(t);
}

int loop_timer_init(struct loop *l, struct loop_timer *t, int clock)
{
	int err;

	t->watch = (struct loop_watch){ .fn = timer_ready, .ctx = t };
	t->watch.fd = timerfd_create(clock, TFD_NONBLOCK | TFD_CLOEXEC);
	if (t->watch.fd < 0)
		return -errno;
	err = loop_add(l, &t->watch, EPOLLIN);
	if (err) {
		close(t->watch.fd);
		t->watch.fd = -1;
	}
	return err;
}

void loop_timer_fini(struct loop *l, struct loop_timer *t)
{
	if (!t->watch.fn || t->watch.fd < 0)
		return;
	loop_del(l, &t->watch);
	close(t->watch.fd);
	t->watch.fd = -1;
}

static struct timespec ns_timespec(uint64_t ns)
{
	return (struct timespec){ .tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000) };
}

void loop_timer_at(struct loop_timer *t, uint64_t when_ns, uint64_t every_ns)
{
	struct itimerspec its = { .it_value = ns_timespec(when_ns), .it_interval = ns_timespec(every_ns) };

	/* TFD_TIMER_CANCEL_ON_SET concerns CLOCK_REALTIME only and is refused for no other clock. */
	timerfd_settime(t->watch.fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &its, NULL);
}

void loop_timer_in(struct loop_timer *t, uint64_t delay_ns, uint64_t every_ns)
{
	struct itimerspec its = { .it_value = ns_timespec(delay_ns ? delay_ns : 1), .it_interval = ns_timespec(every_ns) };

	timerfd_settime(t->watch.fd, 0, &its, NULL);
}

int loop_step(struct loop *l, int timeout_ms)
{
	int n = epoll_wait(l->fd, l->ready, LOOP_EVENTS, timeout_ms);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	l->nr_ready = n;
	for (l->next = 0; l->next < l->nr_ready;) {
		struct epoll_event *e = &l->ready[l->next++];
		struct loop_watch *w = e->data.ptr;

		if (w)
			w->fn(w, e->events);
	}
	l->nr_ready = 0;
	return 0;
}
