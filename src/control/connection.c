#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "control/internal.h"

uint64_t control_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

struct buf *control_answer(struct control_client *c)
{
	return &c->out;
}

void control_value(struct control_client *c, const char *key, const char *fmt, ...)
{
	char *text, clean[TEXT_MAX];
	va_list ap;
	int length;

	va_start(ap, fmt);
	length = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (length < 0)
		abort();
	text_clean(clean, sizeof(clean), text, (size_t)length);
	buf_printf(&c->out, "%s=%s\n", key, clean);
	free(text);
}

static void watch(struct control_client *c, uint32_t events)
{
	/* Nothing else to wait for, yet a hang-up is reported always. */
	if (loop_mod(c->server->loop, &c->watch, events) < 0)
		c->broken = true;
}

void control_end(struct control_client *c, int err, const char *why)
{
	if (c->out.size > CONTROL_ANSWER_MAX) {
		c->out.size = 0;
		err = -EMSGSIZE;
		why = "the answer is too long";
	}
	if (err)
		control_value(c, "error", "%s", why ? why : strerror(-err));
	buf_printf(&c->out, "errno=%d\n\n", -err);
	c->busy = false;
	c->active_ms = control_now_ms();
	if (!c->asking) /* late: sent from the loop, so that the caller is not called meanwhile */
		watch(c, EPOLLOUT);
}

bool control_may_change(const struct control_client *c)
{
	return c->may_change;
}

void control_give(struct control_client *c, int fd)
{
	if (c->given_fd >= 0)
		close(c->given_fd);
	c->given_fd = fd;
}

size_t control_flush(struct control_client *c)
{
	c->flushing = true;
	if (!c->asking)
		watch(c, EPOLLOUT);
	return c->out.size - c->sent;
}

/* The descriptor goes with the first byte that is sent after it was given (unix(7), SCM_RIGHTS). */
static ssize_t send_some(struct control_client *c)
{
	struct iovec part = { c->out.data + c->sent, c->out.size - c->sent };
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };
	struct cmsghdr *h;
	ssize_t n;

	if (c->given_fd >= 0) {
		m.msg_control = control.bytes;
		m.msg_controllen = sizeof(control.bytes);
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &c->given_fd, sizeof(int));
	}
	n = sendmsg(c->watch.fd, &m, MSG_NOSIGNAL);
	if (n > 0 && c->given_fd >= 0) {
		close(c->given_fd);
		c->given_fd = -1;
	}
	return n;
}

static void send_answer(struct control_client *c)
{
	while (c->sent < c->out.size) {
		ssize_t n = send_some(c);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			c->broken = errno != EAGAIN;
			return;
		}
		c->sent += (size_t)n;
		c->active_ms = control_now_ms();
	}
	buf_fini(&c->out); /* an idle client holds no memory */
	c->sent = 0;
}

static void ask(struct control_client *c, char *line)
{
	struct control_server *s = c->server;
	char *argv[CONTROL_WORDS_MAX + 1];
	int argc = control_split(line, argv, CONTROL_WORDS_MAX + 1);

	if (!argc)
		return;
	c->busy = true;
	c->asking = true;
	c->active_ms = control_now_ms();
	if (argc == -E2BIG)
		control_end(c, argc, "too many words");
	else if (argc < 0)
		control_end(c, argc, "control bytes in the request, or not UTF-8");
	else
		s->fn(s->ctx, c, argc, argv);
	c->asking = false;
}

/* Asks the first line received. False when there is none that is whole. */
static bool ask_next(struct control_client *c)
{
	char line[CONTROL_LINE_MAX], *newline = memchr(c->in, '\n', c->in_size);
	size_t length;

	if (!newline) {
		if (c->in_size == sizeof(c->in)) {
			c->in_size = 0;
			c->ending = true; /* where the next begins is not known */
			control_end(c, -EMSGSIZE, "the request is too long");
			return true;
		}
		return false;
	}
	length = (size_t)(newline - c->in);
	memcpy(line, c->in, length);
	line[length] = '\0';
	c->in_size -= length + 1;
	memmove(c->in, newline + 1, c->in_size);
	if (strlen(line) != length) /* a NUL: not text */
		line[0] = '\x01';
	ask(c, line);
	return true;
}

/* Everything that can be done now; may free C. */
static void progress(struct control_client *c)
{
	for (;;) {
		if (!c->busy || c->flushing)
			send_answer(c);
		if (c->broken) {
			control_client_free(c);
			return;
		}
		if (c->out.size && (!c->busy || c->flushing)) {
			watch(c, EPOLLOUT);
			break;
		}
		c->flushing = false;
		if (c->busy) {
			watch(c, 0);
			break;
		}
		if (ask_next(c))
			continue;
		if (c->ending) {
			control_client_free(c);
			return;
		}
		watch(c, EPOLLIN);
		break;
	}
	if (c->broken)
		control_client_free(c);
}

static void receive(struct control_client *c)
{
	ssize_t n = recv(c->watch.fd, c->in + c->in_size, sizeof(c->in) - c->in_size, 0);

	if (n > 0)
		c->in_size += (size_t)n;
	else if (!n)
		c->ending = true;
	else if (errno != EAGAIN && errno != EINTR)
		c->broken = true;
}

static void client_ready(struct loop_watch *w, uint32_t events)
{
	struct control_client *c = w->ctx;

	if (events & EPOLLIN && !c->ending && c->in_size < sizeof(c->in))
		receive(c);
	else if (events & (EPOLLHUP | EPOLLERR))
		c->broken = true;
	progress(c);
}

void control_client_new(struct control_server *s, int fd, bool may_change)
{
	struct control_client *c = xcalloc(1, sizeof(*c));

	c->server = s;
	c->given_fd = -1;
	c->watch = (struct loop_watch){ .fn = client_ready, .ctx = c, .fd = fd };
	c->may_change = may_change;
	c->active_ms = control_now_ms();
	if (loop_add(s->loop, &c->watch, EPOLLIN) < 0) {
		close(fd);
		free(c);
		return;
	}
	s->clients[s->nr_clients++] = c;
}

void control_client_finish(struct control_client *c)
{
	if (!c->busy && !c->broken)
		send_answer(c);
	control_client_free(c);
}

void control_client_free(struct control_client *c)
{
	struct control_server *s = c->server;

	for (unsigned i = 0; i < s->nr_clients; i++)
		if (s->clients[i] == c) {
			s->clients[i] = s->clients[--s->nr_clients];
			break;
		}
	loop_del(s->loop, &c->watch);
	close(c->watch.fd);
	if (c->given_fd >= 0)
		close(c->given_fd);
	if (c->busy && s->gone)
		s->gone(s->ctx, c);
	buf_fini(&c->out);
	free(c);
}
