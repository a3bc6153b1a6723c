#include "attach/hotspot.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"

#define MAPS_MAX      (32u << 20)
#define STATUS_MAX    65536
#define FIRST_WAIT_MS 5
#define LAST_WAIT_MS  200

/* One life of a process: DIR and PIDFD are never another's. */
struct machine {
	int dir, pidfd, tmp; /* /proc/PID, itself, /tmp below its root; −1: not opened */
	struct hotspot_status status;
	bool triggered; /* the file is ours to remove */
	unsigned patience_ms;
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* DIR/NAME into B, with a NUL that its size does not count. */
static int read_text(int dir, const char *name, struct buf *b, size_t limit)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	err = io_read_all(fd, b, limit);
	close(fd);
	buf_add(b, "", 1);
	b->size--;
	return err;
}

static int read_status(const struct machine *m, struct hotspot_status *status)
{
	struct buf b = { 0 };
	int err = read_text(m->dir, "status", &b, STATUS_MAX);

	if (!err && !hotspot_status((const char *)b.data, status))
		err = -ESRCH;
	buf_fini(&b);
	return err;
}

/* To a process that is no such machine, or does not listen to it (-Xrs), SIGQUIT is deadly. */
static int check_machine(struct machine *m)
{
	struct buf b = { 0 };
	int err = read_text(m->dir, "maps", &b, MAPS_MAX);

	if (!err && (!m->status.catches_quit || !hotspot_is_mapped((const char *)b.data, b.size)))
		err = -EINVAL;
	buf_fini(&b);
	return err;
}

static int open_tmp(struct machine *m)
{
	int root = openat(m->dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC), fd;

	if (root < 0)
		return -errno;
	fd = io_open_below(root, "tmp", O_DIRECTORY);
	close(root);
	if (fd < 0)
		return fd;
	m->tmp = fd;
	return 0;
}

static int drop_caps(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 } };

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

/* From now on nothing is done that the process's user could not do. Only the effective ids are its: they are what files and
 * the other end of a socket go by, while signals and ptrace(2) go by the others, so that its other processes cannot lay hands
 * on this one, and our parent can end it. */
static int become_user(const struct machine *m)
{
	bool other = geteuid() != m->status.uid || getegid() != m->status.gid;
	const uid_t same_uid = (uid_t)-1;
	const gid_t same_gid = (gid_t)-1;

	if (other && (setgroups(0, NULL) < 0 || setresgid(same_gid, m->status.gid, same_gid) < 0 ||
		      setresuid(same_uid, m->status.uid, same_uid) < 0))
		return -errno;
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* changing ids has cleared it */
	return drop_caps();
}

/* An O_PATH descriptor of its socket, which no link may stand for. */
static int find_socket(const struct machine *m)
{
	char name[64];
	struct stat st;
	int fd;

	snprintf(name, sizeof(name), ".java_pid%lu", m->status.number);
	fd = openat(m->tmp, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISSOCK(st.st_mode) || st.st_uid != m->status.uid) {
		close(fd);
		return -EPERM;
	}
	return fd;
}

/* The descriptor, or negative errno. */
static int connect_to(int socket_fd)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		return -errno;
	/* This very socket, whatever its name is by now. */
	snprintf(to.sun_path, sizeof(to.sun_path), "/proc/self/fd/%d", socket_fd);
	if (!connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* NAME is there already: somebody else attaches too. By what another user has left there the machine would not be told to open
 * its socket, but to print the stacks of all its threads. */
static int check_trigger(const struct machine *m, const char *name)
{
	struct stat st;

	if (fstatat(m->tmp, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return S_ISREG(st.st_mode) && (st.st_uid == m->status.uid || !st.st_uid) ? 0 : -EPERM;
}

static int make_trigger(struct machine *m)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), ".attach_pid%lu", m->status.number);
	fd = openat(m->tmp, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno == EEXIST ? check_trigger(m, name) : -errno;
	close(fd);
	m->triggered = true;
	return 0;
}

static void remove_trigger(struct machine *m)
{
	char name[64];

	snprintf(name, sizeof(name), ".attach_pid%lu", m->status.number);
	if (m->triggered)
		unlinkat(m->tmp, name, 0);
	m->triggered = false;
}

/* By the socket that is there now: connected, or negative errno. -ENOENT: there is none, or one of another life. */
static int try_socket(const struct machine *m, enum attach_stage *stage)
{
	int socket_fd = find_socket(m), fd;

	if (socket_fd == -ENOENT)
		return -ENOENT;
	*stage = ATTACH_CONNECT;
	if (socket_fd < 0)
		return socket_fd;
	fd = connect_to(socket_fd);
	close(socket_fd);
	return fd == -ECONNREFUSED ? -ENOENT : fd;
}

static int wait_for_socket(const struct machine *m, enum attach_stage *stage)
{
	uint64_t end = now_ms() + m->patience_ms;

	for (int wait_ms = FIRST_WAIT_MS;; wait_ms = wait_ms * 2 < LAST_WAIT_MS ? wait_ms * 2 : LAST_WAIT_MS) {
		struct pollfd p = { .fd = m->pidfd, .events = POLLIN };
		int fd = try_socket(m, stage);

		if (fd != -ENOENT)
			return fd;
		*stage = ATTACH_SOCKET;
		if (now_ms() >= end)
			return -ETIMEDOUT;
		if (poll(&p, 1, wait_ms) > 0)
			return -ESRCH;
	}
}

/* Makes it open its socket. Connected, or negative errno. */
static int trigger(struct machine *m, enum attach_stage *stage)
{
	struct hotspot_status now;
	int err;

	*stage = ATTACH_TRIGGER;
	err = make_trigger(m);
	if (err)
		return err;
	*stage = ATTACH_SIGNAL;
	err = read_status(m, &now); /* once more, right before: another program has other handlers, and another user perhaps */
	if (!err && (!now.catches_quit || now.uid != m->status.uid || now.gid != m->status.gid))
		err = -EINVAL;
	if (!err && syscall(SYS_pidfd_send_signal, m->pidfd, SIGQUIT, NULL, 0) < 0)
		err = -errno;
	if (err)
		return err;
	return wait_for_socket(m, stage);
}

/* By the socket that it has opened for whoever was there before, or a new one. */
static int connect_machine(struct machine *m, enum attach_stage *stage)
{
	int fd = try_socket(m, stage);

	if (fd != -ENOENT)
		return fd;
	fd = trigger(m, stage);
	remove_trigger(m);
	return fd;
}

/* Until it says EVENTS. */
static int wait_io(int fd, short events, uint64_t end)
{
	struct pollfd p = { .fd = fd, .events = events };
	uint64_t now = now_ms();

	if (now >= end || poll(&p, 1, (int)(end - now)) <= 0)
		return -ETIMEDOUT;
	return 0;
}

/* Version, command, three arguments; it answers with a number and a newline, then words, and closes. */
static int command(int fd, unsigned patience_ms)
{
	static const char request[] = "1\0jcmd\0Compiler.perfmap\0\0";
	uint64_t end = now_ms() + patience_ms;
	char text[256];
	size_t size = 0;
	int err = wait_io(fd, POLLOUT, end);

	if (!err && send(fd, request, sizeof(request), MSG_NOSIGNAL) != (ssize_t)sizeof(request))
		err = -EPIPE;
	while (!err && size < sizeof(text)) {
		ssize_t n;

		err = wait_io(fd, POLLIN, end);
		n = err ? 0 : recv(fd, text + size, sizeof(text) - size, 0);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			err = -errno;
		if (!err && !n)
			break;
		size += n > 0 ? (size_t)n : 0;
	}
	return err ? err : hotspot_answer(text, size);
}

static int ask(struct machine *m, pid_t pid, enum attach_stage *stage)
{
	char path[32];
	int fd, err;

	*stage = ATTACH_PROCESS;
	snprintf(path, sizeof(path), "/proc/%d", pid);
	m->dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	m->pidfd = m->dir < 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
	if (m->pidfd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	err = read_status(m, &m->status); /* of DIR: while that can be read, PIDFD is of the same process */
	if (err)
		return err;
	*stage = ATTACH_HOTSPOT;
	err = check_machine(m);
	if (err)
		return err;
	*stage = ATTACH_ROOT;
	err = open_tmp(m);
	if (err)
		return err;
	*stage = ATTACH_USER;
	err = become_user(m);
	if (err)
		return err;
	fd = connect_machine(m, stage);
	if (fd < 0)
		return fd;
	*stage = ATTACH_COMMAND;
	err = command(fd, m->patience_ms);
	close(fd);
	if (!err)
		*stage = ATTACH_DONE;
	return err;
}

int hotspot_ask(pid_t pid, unsigned patience_ms, enum attach_stage *stage)
{
	struct machine m = { .dir = -1, .pidfd = -1, .tmp = -1, .patience_ms = patience_ms };
	int err = ask(&m, pid, stage);

	if (m.dir >= 0)
		close(m.dir);
	if (m.pidfd >= 0)
		close(m.pidfd);
	if (m.tmp >= 0)
		close(m.tmp);
	return err;
}
