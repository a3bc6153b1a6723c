#include "opener/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/io.h"
#include "opener/debug.h"
#include "opener/file.h"
#include "opener/jit.h"
#include "opener/protocol.h"

#define FORK_TOLERANCE_NS 40000000

static int64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t opener_boot_offset(void)
{
	return clock_ns(CLOCK_BOOTTIME) - clock_ns(CLOCK_MONOTONIC);
}

/* Field 22 of DIR's stat (proc_pid_stat(5)); the command before it may hold anything, ')' too. */
static int read_start_time(int dir, uint64_t *start_time)
{
	char text[1024], *p;
	ssize_t n;
	int fd = openat(dir, "stat", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	n = io_pread(fd, text, sizeof(text) - 1, 0);
	close(fd);
	if (n < 0)
		return (int)n;
	text[n] = 0;
	p = strrchr(text, ')');
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	if (!p)
		return -ESRCH;
	*start_time = strtoull(p, NULL, 10);
	return 0;
}

/* START_TIME is in ticks of the clock that goes on in suspend, FORK_NS of the one that does not. */
static bool same_start(const struct opener_request *q, uint64_t start_time, int64_t boot_offset_ns)
{
	int64_t tick_ns = 1000000000 / sysconf(_SC_CLK_TCK), start = (int64_t)start_time * tick_ns;
	int64_t fork_ns = (int64_t)q->fork_ns;

	if (q->start_time)
		return q->start_time == start_time;
	if (!q->fork_ns)
		return true;
	return start + tick_ns > fork_ns + boot_offset_ns - FORK_TOLERANCE_NS &&
	       start < fork_ns + opener_boot_offset() + FORK_TOLERANCE_NS;
}

static int copy_maps(int dir)
{
	int fd = openat(dir, "maps", O_RDONLY | O_CLOEXEC), copy = -1, err = 0;
	size_t size = 0;
	char piece[65536];
	ssize_t n = 0;

	if (fd < 0)
		return -errno;
	copy = io_memfd_new("maps");
	if (copy < 0) {
		err = copy;
		goto out;
	}
	while (!err && (n = read(fd, piece, sizeof(piece))) > 0) {
		size += (size_t)n;
		err = size > OPENER_MAPS_MAX ? -EFBIG : io_write(copy, piece, (size_t)n);
	}
	if (!err && n < 0)
		err = -errno;
	if (!err)
		err = io_seal(copy);
out:
	close(fd);
	if (err && copy >= 0)
		close(copy);
	return err ? err : copy;
}

static void open_ranges(const struct opener_request *q, int dir, struct mount_cache *mounts,
			struct opener_answer *a, int *fds, unsigned *nr)
{
	struct target t = { .dir = dir, .remote = q->flags & OPENER_REMOTE, .mounts_known = mounts };

	a->nr_ranges = q->nr_ranges;
	for (uint32_t i = 0; i < q->nr_ranges; i++) {
		int fd = target_open_range(&t, &q->ranges[i]);

		a->range_status[i] = fd < 0 ? fd : 0;
		if (fd >= 0)
			fds[(*nr)++] = fd;
	}
	target_fini(&t);
}

static int open_jit(const struct opener_request *q, int dir, struct mount_cache *mounts)
{
	struct target t = { .dir = dir, .remote = q->flags & OPENER_REMOTE, .mounts_known = mounts };
	int fd = jit_open(&t, q->nr_ranges ? &q->ranges[0] : NULL);

	target_fini(&t);
	return fd;
}

/* The process of Q: a descriptor of its folder in /proc. Negative errno: it has gone. */
static int find_process(const struct opener_request *q, int64_t boot_offset_ns, uint64_t *start_time)
{
	char path[32];
	int dir, err;

	snprintf(path, sizeof(path), "/proc/%u", q->pid);
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	err = read_start_time(dir, start_time);
	if (!err && !same_start(q, *start_time, boot_offset_ns))
		err = -ESRCH;
	if (!err)
		return dir;
	close(dir);
	return err;
}

static int serve_debug(const struct opener_request *q, int64_t boot_offset_ns,
		       struct mount_cache *mounts, struct opener_answer *a)
{
	struct target us = { .mounts_known = mounts }, process = { .mounts_known = mounts };
	int fd;

	us.dir = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (us.dir < 0)
		return -errno;
	process.dir = q->pid ? find_process(q, boot_offset_ns, &a->start_time) : -1;
	us.remote = process.remote = q->flags & OPENER_REMOTE;
	fd = debug_open(process.dir >= 0 ? &process : NULL, &us, &q->debug);
	target_fini(&us);
	target_fini(&process);
	close(us.dir);
	if (process.dir >= 0)
		close(process.dir);
	return fd;
}

/* DIR pins the process: after its death files below it say ESRCH, whoever has its number then. */
static int serve(const struct opener_request *q, int64_t boot_offset_ns, struct mount_cache *mounts,
		 struct opener_answer *a, int *fds, unsigned *nr)
{
	uint64_t again;
	int dir, err = 0;

	if (q->what == OPENER_DEBUG) {
		int fd = serve_debug(q, boot_offset_ns, mounts, a);

		if (fd >= 0)
			fds[(*nr)++] = fd;
		return fd < 0 ? fd : 0;
	}
	dir = find_process(q, boot_offset_ns, &a->start_time);
	if (dir < 0)
		return dir;
	if (q->what == OPENER_MAPS || q->what == OPENER_JIT) {
		int fd = q->what == OPENER_MAPS ? copy_maps(dir) : open_jit(q, dir, mounts);

		err = fd < 0 ? fd : 0;
		if (fd >= 0)
			fds[(*nr)++] = fd;
	} else {
		open_ranges(q, dir, mounts, a, fds, nr);
	}
	if (!err)
		err = read_start_time(dir, &again);
	close(dir);
	return err;
}

void opener_serve(int channel, int64_t boot_offset_ns)
{
	struct mount_cache mounts = { 0 };
	struct opener_request q;
	ssize_t size;

	while (!channel_wait(channel, POLLIN, -1)) {
		struct opener_answer a = { 0 };
		int fds[OPENER_RANGES_MAX];
		unsigned nr = 0;

		size = channel_recv(channel, &q, sizeof(q), NULL, NULL);
		if (size == -EAGAIN)
			continue;
		if (size <= 0)
			return;
		if (opener_request_valid(&q, (size_t)size))
			a.status = serve(&q, boot_offset_ns, &mounts, &a, fds, &nr);
		else
			a.status = -EINVAL;
		memcpy(&a.cookie, &q, sizeof(a.cookie));
		if (a.status) {
			a.nr_ranges = 0;
			while (nr)
				close(fds[--nr]);
		}
		if (channel_send(channel, &a, opener_answer_size(&a), fds, nr) < 0)
			return;
		while (nr)
			close(fds[--nr]);
	}
}
