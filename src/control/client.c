#include "control/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "control/protocol.h"

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

/* Waits for EVENTS until DEADLINE. 0 or negative errno. */
static int wait_until(int fd, short events, int64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = events };
	int64_t left;
	int n;

	do {
		left = deadline - now_ms();
		n = left > 0 ? poll(&p, 1, left > 1000 ? 1000 : (int)left) : 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	} while (n <= 0 && left > 0);
	return n > 0 ? 0 : -ETIMEDOUT;
}

static int connect_to(const char *path, int64_t deadline)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	static const struct timespec pause = { .tv_nsec = 20000000 };
	int fd, err;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* EAGAIN: the daemon's queue is full. poll(2) does not tell when it is no longer. */
	for (;;) {
		err = connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ? -errno : 0;
		if (err != -EAGAIN)
			break;
		err = -ETIMEDOUT;
		if (now_ms() >= deadline)
			break;
		nanosleep(&pause, NULL);
	}
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

static int send_request(int fd, const char *request, int64_t deadline)
{
	struct buf line = { 0 };
	size_t sent = 0;
	int err = 0;

	buf_printf(&line, "%s\n", request);
	while (sent < line.size && !err) {
		ssize_t n = send(fd, line.data + sent, line.size - sent, MSG_NOSIGNAL);

		if (n >= 0)
			sent += (size_t)n;
		else if (errno == EAGAIN)
			err = wait_until(fd, POLLOUT, deadline);
		else if (errno == EPIPE || errno == ECONNRESET)
			break; /* refused: the answer says why */
		else if (errno != EINTR)
			err = -errno;
	}
	buf_fini(&line);
	return err;
}

/* Up to the empty line. 0 or negative errno. */
static int receive_answer(int fd, struct buf *answer, int64_t deadline)
{
	for (;;) {
		ssize_t n = recv(fd, buf_reserve(answer, 4096), 4096, 0);
		int err;

		if (n > 0) {
			answer->size += (size_t)n;
			if (answer->size >= 2 &&
			    !memcmp(answer->data + answer->size - 2, "\n\n", 2))
				return 0;
			if (answer->size > CONTROL_ANSWER_MAX + CONTROL_ANSWER_MAX / 8)
				return -EMSGSIZE;
			continue;
		}
		if (!n || errno == ECONNRESET)
			return -EPIPE;
		if (errno == EINTR)
			continue;
		err = errno == EAGAIN ? wait_until(fd, POLLIN, deadline) : -errno;
		if (err)
			return err;
	}
}

/* Where the last line of TEXT's first SIZE bytes begins; their last is a newline. */
static size_t last_line(const char *text, size_t size)
{
	size_t at = size ? size - 1 : 0;

	while (at && text[at - 1] != '\n')
		at--;
	return at;
}

/* Takes errno= and error= off the ANSWER's end. 0 or the daemon's negative errno; -EBADMSG. */
static int take_status(struct buf *answer, char *error, size_t error_size)
{
	char *text = (char *)answer->data, *end;
	size_t size = answer->size - 1, line; /* without the empty line */
	long nr;

	if (memchr(text, '\0', answer->size))
		return -EBADMSG;
	line = last_line(text, size);
	if (strncmp(text + line, "errno=", 6))
		return -EBADMSG;
	nr = strtol(text + line + 6, &end, 10);
	if (end == text + line + 6 || *end != '\n' || nr < 0 || nr > 4095)
		return -EBADMSG;
	answer->size = line;
	if (!nr)
		return 0;
	line = last_line(text, answer->size);
	if (answer->size && !strncmp(text + line, "error=", 6))
		snprintf(error, error_size, "%.*s", (int)(answer->size - line - 7),
			 text + line + 6);
	else
		snprintf(error, error_size, "%s", strerror((int)nr));
	return -(int)nr;
}

static int connection_failed(const char *path, int err, char *error, size_t error_size)
{
	const char *why = strerror(-err);

	if (err == -ENOENT || err == -ECONNREFUSED)
		why = "no daemon listens there";
	else if (err == -ETIMEDOUT)
		why = "the daemon does not answer";
	else if (err == -EPIPE)
		why = "the daemon closed the connection";
	else if (err == -EBADMSG || err == -EMSGSIZE)
		why = "that is no answer of pprofd's";
	snprintf(error, error_size, "%s: %s", path, why);
	return err;
}

/* A connection on which REQUEST has been sent by DEADLINE, or negative errno and ERROR. */
static int ask(const char *socket, const char *request, int64_t deadline, char *error, size_t error_size)
{
	int fd, err;

	if (strchr(request, '\n') || strlen(request) + 1 > CONTROL_LINE_MAX) {
		snprintf(error, error_size, "the request is too long, or not one line");
		return -EINVAL;
	}
	fd = connect_to(socket, deadline);
	if (fd < 0)
		return connection_failed(socket, fd, error, error_size);
	err = send_request(fd, request, deadline);
	if (!err)
		return fd;
	close(fd);
	return connection_failed(socket, err, error, error_size);
}

/* --- Answers that come in parts --- */

struct control_stream {
	int fd, given_fd;
	struct buf in;
	char *socket, words[512]; /* error= */
};

int control_open(struct control_stream **out, const char *socket, const char *request,
		 int timeout_ms, char *error, size_t error_size)
{
	int fd = ask(socket, request, now_ms() + timeout_ms, error, error_size);
	struct control_stream *s;

	if (fd < 0)
		return fd;
	s = xcalloc(1, sizeof(*s));
	s->fd = fd;
	s->given_fd = -1;
	s->socket = xstrdup(socket);
	*out = s;
	return 0;
}

void control_close(struct control_stream *s)
{
	if (!s)
		return;
	close(s->fd);
	if (s->given_fd >= 0)
		close(s->given_fd);
	buf_fini(&s->in);
	free(s->socket);
	free(s);
}

int control_fd(const struct control_stream *s)
{
	return s->fd;
}

/* As recv(2); a descriptor that comes along is kept, in place of one that came before. */
static ssize_t receive_some(struct control_stream *s)
{
	struct iovec part = { buf_reserve(&s->in, 4096), 4096 };
	union {
		char bytes[CMSG_SPACE(8 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes) };
	ssize_t n = recvmsg(s->fd, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	if (n < 0)
		return -errno;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		size_t nr = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < nr; i++) {
			if (s->given_fd >= 0)
				close(s->given_fd);
			memcpy(&s->given_fd, CMSG_DATA(h) + i * sizeof(int), sizeof(int));
		}
	}
	s->in.size += (size_t)n;
	return n;
}

/* LINE of the answer: 1, or at its end 0 or the daemon's negative errno. */
static int take_line(struct control_stream *s, char *line, int *status, control_line_fn fn, void *ctx)
{
	char *value = strchr(line, '=');

	if (!*line)
		return *status <= 0 ? 0 : -EBADMSG;
	if (!value || *status <= 0)
		return -EBADMSG;
	*value++ = 0;
	if (!strcmp(line, "errno")) {
		int nr = atoi(value);

		if (nr < 0 || nr > 4095)
			return -EBADMSG;
		*status = -nr;
	} else if (!strcmp(line, "error")) {
		snprintf(s->words, sizeof(s->words), "%s", value);
	} else {
		fn(ctx, line, value);
	}
	return 1;
}

/* All whole lines that are there. 1: more will come. */
static int take_lines(struct control_stream *s, control_line_fn fn, void *ctx)
{
	char *text = (char *)s->in.data, *newline;
	size_t at = 0;
	int more = 1, status = 1;

	while (more == 1 && (newline = memchr(text + at, '\n', s->in.size - at))) {
		*newline = 0;
		/* errno= and the empty line behind it are taken together. */
		if (!strncmp(text + at, "errno=", 6) &&
		    (size_t)(newline + 1 - text) >= s->in.size) {
			*newline = '\n';
			break;
		}
		more = take_line(s, text + at, &status, fn, ctx);
		at = (size_t)(newline + 1 - text);
	}
	memmove(text, text + at, s->in.size - at);
	s->in.size -= at;
	return more ? more : status;
}

int control_read(struct control_stream *s, control_line_fn fn, void *ctx, char *error,
		 size_t error_size)
{
	ssize_t n = receive_some(s);
	int status;

	if (n == -EAGAIN || n == -EINTR)
		return 1;
	if (n <= 0)
		return connection_failed(s->socket, n ? (int)n : -EPIPE, error, error_size);
	status = take_lines(s, fn, ctx);
	if (status == 1 && s->in.size > CONTROL_ANSWER_MAX)
		status = -EBADMSG;
	if (status == -EBADMSG)
		return connection_failed(s->socket, status, error, error_size);
	if (status < 0)
		snprintf(error, error_size, "%s", s->words[0] ? s->words : strerror(-status));
	return status;
}

int control_take_file(struct control_stream *s, uint64_t size)
{
	const int wanted = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	int fd = s->given_fd, seals = fd < 0 ? -1 : fcntl(fd, F_GET_SEALS);
	struct stat st;

	if (fd < 0)
		return -ENOENT;
	s->given_fd = -1;
	/* What can still change is nothing to read from. */
	if (seals >= 0 && (seals & wanted) == wanted && !fstat(fd, &st) && S_ISREG(st.st_mode) &&
	    (uint64_t)st.st_size == size)
		return fd;
	close(fd);
	return -EBADMSG;
}

/* --- Answers that come at once --- */

int control_ask(const char *socket, const char *request, int timeout_ms, struct buf *out,
		char *error, size_t error_size)
{
	int64_t deadline = now_ms() + timeout_ms;
	int fd = ask(socket, request, deadline, error, error_size), err;
	struct buf answer = { 0 };

	if (fd < 0)
		return fd;
	err = receive_answer(fd, &answer, deadline);
	if (err) {
		connection_failed(socket, err, error, error_size);
		goto out;
	}
	snprintf(error, error_size, "%s", "");
	err = take_status(&answer, error, error_size);
	if (err == -EBADMSG && !error[0])
		connection_failed(socket, err, error, error_size);
	if (!err) {
		buf_add(out, answer.data, answer.size);
		*buf_reserve(out, 1) = '\0';
	}
out:
	buf_fini(&answer);
	close(fd);
	return err;
}

const char *control_get(const struct buf *answer, const char *key, char *value, size_t size)
{
	const char *line = (const char *)answer->data, *newline;
	const char *end = line ? line + answer->size : NULL;
	size_t length = strlen(key);

	for (; line && line < end; line = newline + 1) {
		newline = memchr(line, '\n', (size_t)(end - line));
		if (!newline)
			break;
		if ((size_t)(newline - line) > length && !memcmp(line, key, length) &&
		    line[length] == '=') {
			line += length + 1;
			snprintf(value, size, "%.*s", (int)(newline - line), line);
			return value;
		}
	}
	return NULL;
}
