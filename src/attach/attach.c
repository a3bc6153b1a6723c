#include "attach/attach.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attach/hotspot.h"
#include "attach/protocol.h"
#include "base/channel.h"
#include "base/child.h"

/* One child at a time: whoever does not even die, since a file system holds it, keeps the others out until it has. */
struct attacher {
	pid_t child; /* 0: none */
	bool killed;
	int inner;   /* from the child: its answer */
	int signals;
	uint64_t cookie, deadline_ms;
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* False: nobody is there to take it. */
static bool answer(const struct attacher *a, int status, enum attach_stage stage)
{
	struct attach_answer answer = { .cookie = a->cookie, .status = status, .stage = stage };

	return !channel_send(CHILD_CHANNEL_FD, &answer, sizeof(answer), NULL, 0);
}

/* It has become another user's process: it must hold nothing of ours. */
static void run_child(const struct attacher *a, pid_t pid, int channel, pid_t parent)
{
	struct attach_answer answer = { .cookie = a->cookie };
	enum attach_stage stage = ATTACH_SERVICE;
	sigset_t none;

	close(CHILD_CHANNEL_FD);
	close(a->signals);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	answer.status = hotspot_ask(pid, ATTACH_PATIENCE_MS, &stage);
	answer.stage = stage;
	channel_send(channel, &answer, sizeof(answer), NULL, 0);
	_exit(0);
}

static int start_child(struct attacher *a, pid_t pid)
{
	pid_t parent = getpid();
	int pair[2], err = channel_pair(pair);

	if (err)
		return err;
	a->child = fork();
	if (!a->child) {
		close(pair[0]);
		run_child(a, pid, pair[1], parent);
	}
	close(pair[1]);
	if (a->child < 0) {
		err = -errno;
		a->child = 0;
		close(pair[0]);
		return err;
	}
	a->inner = pair[0];
	a->killed = false;
	a->deadline_ms = now_ms() + ATTACH_DEADLINE_MS;
	return 0;
}

static bool take_request(struct attacher *a)
{
	struct attach_request q;
	ssize_t size = channel_recv(CHILD_CHANNEL_FD, &q, sizeof(q), NULL, NULL);
	int err;

	if (size == -EAGAIN)
		return true;
	if (size <= 0 || !attach_request_valid(&q, (size_t)size))
		return false;
	a->cookie = q.cookie;
	err = a->child ? -EBUSY : start_child(a, (pid_t)q.pid);
	return !err || answer(a, err, ATTACH_SERVICE);
}

/* The child says what came of it, or has ended without a word. */
static bool take_answer(struct attacher *a)
{
	struct attach_answer got;
	ssize_t size = channel_recv(a->inner, &got, sizeof(got), NULL, NULL);

	if (size == -EAGAIN)
		return true;
	close(a->inner);
	a->inner = -1;
	if (size <= 0 || !attach_answer_valid(&got, (size_t)size, a->cookie))
		return answer(a, -EIO, ATTACH_SERVICE);
	return answer(a, got.status, got.stage);
}

/* Its child is late: nobody waits for it. */
static bool give_up(struct attacher *a)
{
	bool answered = a->inner < 0;

	kill(a->child, SIGKILL);
	a->killed = true;
	if (answered)
		return true;
	close(a->inner);
	a->inner = -1;
	return answer(a, -ETIMEDOUT, ATTACH_SERVICE);
}

static void reap(struct attacher *a)
{
	struct signalfd_siginfo info;

	while (read(a->signals, &info, sizeof(info)) == sizeof(info))
		;
	if (a->child && child_reap(a->child))
		a->child = 0;
}

static int time_left(const struct attacher *a)
{
	uint64_t now = now_ms();

	if (!a->child || a->killed)
		return -1;
	return now < a->deadline_ms ? (int)(a->deadline_ms - now) : 0;
}

/* One round. False: the client has gone. */
static bool step(struct attacher *a)
{
	struct pollfd p[] = {
		/* A child that has answered ends in a moment; one that was killed perhaps never. */
		{ .fd = CHILD_CHANNEL_FD, .events = !a->child || a->killed ? POLLIN : 0 },
		{ .fd = a->inner, .events = POLLIN },
		{ .fd = a->signals, .events = POLLIN },
	};

	if (poll(p, 3, time_left(a)) < 0)
		return errno == EINTR;
	if (p[0].revents & (POLLHUP | POLLERR | POLLNVAL))
		return false;
	if (p[1].revents && !take_answer(a))
		return false;
	if (p[2].revents)
		reap(a);
	if (a->child && !a->killed && !time_left(a) && !give_up(a))
		return false;
	return !(p[0].revents & POLLIN) || take_request(a);
}

int attach_main(void)
{
	struct attacher a = { .inner = -1 };
	sigset_t chld;

	child_init(true);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	a.signals = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
	if (a.signals < 0)
		return 1;
	while (step(&a))
		;
	if (a.child)
		kill(a.child, SIGKILL);
	return 0;
}
