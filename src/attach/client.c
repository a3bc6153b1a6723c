#include "attach/client.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/child.h"
#include "base/log.h"
#include "base/mem.h"

struct attach_client {
	struct loop *loop;
	struct loop_watch watch; /* fd −1: it is gone */
	pid_t pid;
	uint32_t asked; /* pid, 0: nothing is under way */
	uint64_t cookie;
	attach_answer_fn fn;
	void *ctx;
};

static void finish(struct attach_client *c, int status, enum attach_stage stage)
{
	uint32_t pid = c->asked;

	c->asked = 0;
	if (pid)
		c->fn(c->ctx, pid, status, stage);
}

static void end(struct attach_client *c)
{
	if (c->watch.fd < 0)
		return;
	loop_del(c->loop, &c->watch);
	close(c->watch.fd);
	c->watch.fd = -1;
	kill(c->pid, SIGKILL);
}

static void ready(struct loop_watch *w, uint32_t events)
{
	struct attach_client *c = w->ctx;
	struct attach_answer a;
	ssize_t size = channel_recv(w->fd, &a, sizeof(a), NULL, NULL);

	if (size == -EAGAIN)
		return;
	if (size > 0 && c->asked && attach_answer_valid(&a, (size_t)size, c->cookie)) {
		finish(c, a.status, a.stage);
		return;
	}
	log_warnx("attacher: it has %s; no virtual machine is asked any more", size > 0 ? "talked nonsense" : "died");
	end(c);
	finish(c, -EPIPE, ATTACH_SERVICE);
}

int attach_client_new(struct attach_client **out, struct loop *l, attach_answer_fn fn, void *ctx)
{
	struct attach_client *c = xcalloc(1, sizeof(*c));
	int pair[2], err = channel_pair(pair);

	if (err)
		goto out;
	*c = (struct attach_client){ .loop = l, .fn = fn, .ctx = ctx };
	c->watch = (struct loop_watch){ .fd = pair[0], .fn = ready, .ctx = c };
	c->pid = child_start("--attach", pair[1], ATTACH_CAPS);
	close(pair[1]);
	err = c->pid < 0 ? c->pid : loop_add(l, &c->watch, EPOLLIN);
	if (err) {
		close(pair[0]);
		if (c->pid > 0)
			kill(c->pid, SIGKILL);
		goto out;
	}
	*out = c;
	return 0;
out:
	free(c);
	return err;
}

void attach_client_free(struct attach_client *c)
{
	if (!c)
		return;
	end(c);
	child_reap(c->pid);
	free(c);
}

bool attach_client_ask(struct attach_client *c, uint32_t pid)
{
	struct attach_request q = { .cookie = c->cookie + 1, .pid = pid };

	if (c->watch.fd < 0 || c->asked || channel_send(c->watch.fd, &q, sizeof(q), NULL, 0))
		return false;
	c->cookie++;
	c->asked = pid;
	return true;
}

bool attach_client_over(const struct attach_client *c)
{
	return c->watch.fd < 0;
}
