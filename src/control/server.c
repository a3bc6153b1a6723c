#include "control/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "control/internal.h"

#define TICK_NS UINT64_C(1000000000)

/* The group of our socket's file, which an administrator may have changed. */
static bool socket_group(const struct control_server *s, gid_t *gid)
{
	struct stat st;

	if (lstat(s->path, &st) < 0 || st.st_dev != s->dev || st.st_ino != s->ino)
		return false;
	*gid = st.st_gid;
	return true;
}

static bool has_group(int fd, const struct ucred *peer, gid_t gid)
{
	socklen_t size = 0;
	gid_t *groups;
	bool found = peer->gid == gid;

	/* The first call only tells the size. */
	if (found || !getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) || errno != ERANGE)
		return found;
	groups = xmalloc(size);
	if (!getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size))
		for (size_t i = 0; i < size / sizeof(*groups); i++)
			found |= groups[i] == gid;
	free(groups);
	return found;
}

/* 0 or negative errno: then nothing is known about the peer. */
static int judge_peer(const struct control_server *s, int fd, bool *may_change)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	gid_t gid;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	*may_change = peer.uid == 0 || peer.uid == geteuid() ||
		      (socket_group(s, &gid) && has_group(fd, &peer, gid));
	return 0;
}

static void refuse(int fd)
{
	static const char words[] = "error=too many clients\nerrno=16\n\n"; /* EBUSY */

	if (send(fd, words, sizeof(words) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		/* it does not wait for it either */
	}
	close(fd);
}

static void tick_on(struct control_server *s)
{
	loop_timer_in(&s->tick, TICK_NS, TICK_NS);
}

static void accept_client(struct loop_watch *w, uint32_t events)
{
	struct control_server *s = w->ctx;
	bool may_change = false;
	int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0) {
		/* Without a free descriptor the socket stays readable: wait for the tick. */
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
			s->paused = !loop_mod(s->loop, &s->watch, 0);
			tick_on(s);
		}
		return;
	}
	if (s->nr_clients == CONTROL_CLIENTS_MAX) {
		refuse(fd);
	} else if (judge_peer(s, fd, &may_change) < 0) {
		close(fd);
	} else {
		if (!s->nr_clients)
			tick_on(s);
		control_client_new(s, fd, may_change);
	}
}

static void tick(struct loop_timer *t)
{
	struct control_server *s = t->ctx;
	uint64_t now = control_now_ms();

	if (s->paused)
		s->paused = loop_mod(s->loop, &s->watch, EPOLLIN) < 0;
	/* Backwards: freeing moves the last into the gap. Who waits for an answer is not idle. */
	for (unsigned i = s->nr_clients; i--;)
		if (!s->clients[i]->busy && now - s->clients[i]->active_ms > CONTROL_IDLE_MS)
			control_client_free(s->clients[i]);
	if (!s->nr_clients && !s->paused)
		loop_timer_at(t, 0, 0);
}

static int make_parent(const char *path)
{
	char *dir = xstrdup(path), *slash = strrchr(dir, '/');
	int err = 0;

	if (slash && slash != dir) {
		*slash = '\0';
		if (mkdir(dir, 0755) < 0)
			err = errno == EEXIST ? 0 : -errno;
		else if (chmod(dir, 0755) < 0) /* whatever the umask left of it */
			err = -errno;
	}
	free(dir);
	return err;
}

/* Makes room at ADDR: removes a socket that nobody listens on. 0 or negative errno. */
static int clear_stale(const struct sockaddr_un *addr)
{
	struct stat st;
	int fd, err;

	if (lstat(addr->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	err = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 ? errno : 0;
	close(fd);
	if (!err || err == EAGAIN) /* EAGAIN: it listens, its queue is full */
		return -EADDRINUSE;
	if (err != ECONNREFUSED)
		return -err;
	return unlink(addr->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

/* Nobody can connect between bind(2) and listen(2), so the mode is there first. */
static int listen_on(struct control_server *s)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct stat st;
	int err;

	if (strlen(s->path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, s->path, strlen(s->path));
	err = make_parent(s->path);
	if (!err)
		err = clear_stale(&addr);
	if (err)
		return err;
	s->watch.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->watch.fd < 0 || bind(s->watch.fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	if (lstat(s->path, &st) < 0)
		return -errno;
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	s->bound = true;
	if (chmod(s->path, 0660) < 0 || listen(s->watch.fd, CONTROL_CLIENTS_MAX) < 0)
		return -errno;
	return loop_add(s->loop, &s->watch, EPOLLIN);
}

int control_server_new(struct control_server **out, struct loop *l, const char *path,
		       control_request_fn fn, control_gone_fn gone, void *ctx)
{
	struct control_server *s = xcalloc(1, sizeof(*s));
	int err;

	s->loop = l;
	s->path = xstrdup(path);
	s->fn = fn;
	s->gone = gone;
	s->ctx = ctx;
	s->watch = (struct loop_watch){ .fn = accept_client, .ctx = s, .fd = -1 };
	err = loop_timer_init(l, &s->tick, CLOCK_MONOTONIC);
	if (!err) {
		s->tick.fn = tick;
		s->tick.ctx = s;
		err = listen_on(s);
	}
	if (err) {
		control_server_free(s);
		return err;
	}
	*out = s;
	return 0;
}

void control_server_free(struct control_server *s)
{
	gid_t gid;

	if (!s)
		return;
	while (s->nr_clients)
		control_client_finish(s->clients[s->nr_clients - 1]);
	if (s->watch.fd >= 0) {
		loop_del(s->loop, &s->watch);
		close(s->watch.fd);
	}
	if (s->bound && socket_group(s, &gid))
		unlink(s->path);
	loop_timer_fini(s->loop, &s->tick);
	free(s->path);
	free(s);
}
