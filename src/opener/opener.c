#include "opener/opener.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/child.h"
#include "opener/protocol.h"
#include "opener/serve.h"

#define SPARES_MAX 8

/* The parent. It touches nothing but channels and its children, so that it can always answer and
 * always end. */
struct opener {
	pid_t child;  /* 0: none */
	int inner;    /* to the child */
	pid_t stuck[OPENER_STUCK_MAX];
	unsigned nr_stuck;
	pid_t spares[SPARES_MAX]; /* openers that we have started and that have not ended */
	unsigned nr_spares;
	int signals;  /* signalfd of SIGCHLD */
	bool busy;    /* a request is with the child */
	uint64_t cookie, deadline_ms;
	int64_t boot_offset_ns;
	struct opener_request request;
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* A child keeps nothing of the parent's: a stuck one would hold the sampler's channel open. */
static void run_child(struct opener *o, int channel, pid_t parent)
{
	sigset_t none;

	close(CHILD_CHANNEL_FD);
	close(o->signals);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (!prctl(PR_SET_PDEATHSIG, SIGKILL) && getppid() == parent)
		opener_serve(channel, o->boot_offset_ns);
	_exit(0);
}

static int start_child(struct opener *o)
{
	pid_t parent = getpid();
	int pair[2], err = channel_pair(pair);

	if (err)
		return err;
	o->child = fork();
	if (o->child < 0) {
		err = -errno;
		o->child = 0;
		close(pair[0]);
		close(pair[1]);
		return err;
	}
	if (!o->child) {
		close(pair[0]);
		run_child(o, pair[1], parent);
	}
	close(pair[1]);
	o->inner = pair[0];
	return 0;
}

/* The child is not served any more. It ends when it can: at once, or with whatever holds it up. */
static void leave_child(struct opener *o)
{
	if (!o->child)
		return;
	kill(o->child, SIGKILL);
	close(o->inner);
	o->inner = -1;
	o->stuck[o->nr_stuck++] = o->child;
	o->child = 0;
}

/* Hands the answer A on. False: nobody is there to take it. */
static bool answer(struct opener *o, struct opener_answer *a, const int *fds, unsigned nr)
{
	int err;

	a->nr_stuck = o->nr_stuck;
	a->paused = o->nr_stuck == OPENER_STUCK_MAX;
	/* ETOOMANYREFS: descriptors under way between all processes of our user, the sampler's to
	 * the worker among them, are as many as RLIMIT_NOFILE allows (unix(7)). That passes. */
	for (;;) {
		struct pollfd p = { .fd = CHILD_CHANNEL_FD };

		err = channel_send(CHILD_CHANNEL_FD, a, opener_answer_size(a), fds, nr);
		if (err != -EAGAIN && err != -ETOOMANYREFS)
			return !err;
		if (err == -EAGAIN)
			p.events = POLLOUT;
		if (poll(&p, 1, 10) > 0 && p.revents & (POLLHUP | POLLERR))
			return false;
	}
}

static bool answer_status(struct opener *o, int status)
{
	struct opener_answer a = { .cookie = o->cookie, .status = status };

	o->busy = false;
	return answer(o, &a, NULL, 0);
}

/* Collects left children that have ended, and tells the client. False: it has gone. */
static bool reap(struct opener *o)
{
	struct signalfd_siginfo info;
	unsigned before = o->nr_stuck;

	while (read(o->signals, &info, sizeof(info)) == sizeof(info))
		;
	for (unsigned i = 0; i < o->nr_spares;) {
		if (child_reap(o->spares[i]))
			o->spares[i] = o->spares[--o->nr_spares];
		else
			i++;
	}
	for (unsigned i = 0; i < o->nr_stuck;) {
		if (waitpid(o->stuck[i], NULL, WNOHANG))
			o->stuck[i] = o->stuck[--o->nr_stuck];
		else
			i++;
	}
	if (o->nr_stuck == before)
		return true;
	return answer(o, &(struct opener_answer){ 0 }, NULL, 0);
}

/* Another opener, at the other end of the client's CHANNEL. What fails closes that. */
static void start_spare(struct opener *o, int channel)
{
	pid_t pid = o->nr_spares < SPARES_MAX ? child_start_for_another("--opener", channel, OPENER_CAPS) : -1;

	if (pid > 0)
		o->spares[o->nr_spares++] = pid;
}

/* A request of the client: to the child, as it is. */
static bool take_request(struct opener *o)
{
	int err, channel = -1;
	unsigned nr = 1;
	ssize_t size = channel_recv(CHILD_CHANNEL_FD, &o->request, sizeof(o->request), &channel, &nr);

	if (size == -EAGAIN)
		return true;
	if (nr && size > 0) {
		if (size >= (ssize_t)offsetof(struct opener_request, ranges) && o->request.what == OPENER_SPARE)
			start_spare(o, channel);
		close(channel);
		return true;
	}
	if (size < (ssize_t)offsetof(struct opener_request, ranges))
		return false;
	o->cookie = o->request.cookie;
	if (!o->child) {
		if (o->nr_stuck == OPENER_STUCK_MAX)
			return answer_status(o, -EAGAIN);
		err = start_child(o);
		if (err)
			return answer_status(o, err);
	}
	err = channel_send(o->inner, &o->request, (size_t)size, NULL, 0);
	if (err) {
		leave_child(o);
		return answer_status(o, -EIO);
	}
	o->busy = true;
	o->deadline_ms = now_ms() + OPENER_DEADLINE_MS;
	return true;
}

/* The child has answered, or died. */
static bool take_answer(struct opener *o)
{
	struct opener_answer a;
	int fds[OPENER_RANGES_MAX];
	unsigned nr = OPENER_RANGES_MAX;
	ssize_t size = channel_recv(o->inner, &a, sizeof(a), fds, &nr);
	bool alive;

	if (size == -EAGAIN)
		return true;
	if (size < (ssize_t)offsetof(struct opener_answer, range_status) || !o->busy ||
	    a.cookie != o->cookie || a.nr_ranges > OPENER_RANGES_MAX ||
	    (size_t)size != opener_answer_size(&a)) {
		while (size > 0 && nr)
			close(fds[--nr]);
		leave_child(o);
		return o->busy ? answer_status(o, -EIO) : true;
	}
	o->busy = false;
	alive = answer(o, &a, fds, nr);
	while (nr)
		close(fds[--nr]);
	return alive;
}

static int time_left(const struct opener *o)
{
	uint64_t now = now_ms();

	if (!o->busy)
		return -1;
	return now < o->deadline_ms ? (int)(o->deadline_ms - now) : 0;
}

/* One round. False: the client has gone. */
static bool step(struct opener *o)
{
	struct pollfd p[] = {
		{ .fd = CHILD_CHANNEL_FD, .events = o->busy ? 0 : POLLIN },
		{ .fd = o->inner, .events = POLLIN },
		{ .fd = o->signals, .events = POLLIN },
	};

	if (poll(p, 3, time_left(o)) < 0)
		return errno == EINTR;
	if (p[0].revents & (POLLHUP | POLLERR | POLLNVAL))
		return false;
	if (p[1].revents && !take_answer(o))
		return false;
	/* After that: a child that has died is among those left behind by now, and its signal comes once. */
	if (p[2].revents && !reap(o))
		return false;
	if (o->busy && !time_left(o)) {
		leave_child(o);
		return answer_status(o, -ETIMEDOUT);
	}
	return !(p[0].revents & POLLIN) || take_request(o);
}

int opener_main(void)
{
	struct opener *o = calloc(1, sizeof(*o));
	sigset_t chld;

	child_init(false); /* it may have been started by another opener, whose end is not its own */
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	if (!o)
		return 1;
	o->inner = -1;
	o->boot_offset_ns = opener_boot_offset();
	o->signals = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
	if (o->signals < 0) {
		free(o);
		return 1;
	}
	while (step(o))
		;
	/* Nobody is waited for: one that is stuck ends when its kernel call does. */
	if (o->child)
		kill(o->child, SIGKILL);
	close(o->signals);
	free(o);
	return 0;
}
