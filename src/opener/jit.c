#include "opener/jit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/status.h"

#define STATUS_MAX    65536
#define JITDUMP_EMPTY 40 /* bytes of a jitdump's header, which tells of no code */

/* Its own number of itself, and its user. */
static int read_status(struct target *t, uint64_t *pid, uint64_t *uid)
{
	struct buf b = { 0 };
	int fd = openat(t->dir, "status", O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = io_read_all(fd, &b, STATUS_MAX);
	close(fd);
	buf_add(&b, "", 1);
	if (!err && (!status_number((const char *)b.data, "NSpid", -1, 10, pid) ||
		     !status_number((const char *)b.data, "Uid", 1, 10, uid)))
		err = -ESRCH;
	buf_fini(&b);
	return err;
}

/* We may read more than T may, and what is in the file ends in profiles: only what its own user has written, or root has for
 * all to read. */
static int check_owner(int path_fd, uint64_t uid)
{
	struct stat st;

	if (fstat(path_fd, &st) < 0)
		return -errno;
	return st.st_uid == uid || (!st.st_uid && (st.st_mode & S_IROTH)) ? 0 : -EPERM;
}

/* PATH_FD, which it closes, made one for reading, if it is the user UID's to tell by. */
static int open_own(int path_fd, uint64_t uid)
{
	int fd = check_owner(path_fd, uid);

	if (!fd)
		fd = file_reopen(path_fd);
	close(path_fd);
	return fd;
}

/* A child has its parent's mapping too, but not its number, and other code from then on. */
static int open_jitdump(struct target *t, const struct opener_range *r, uint64_t pid, uint64_t uid)
{
	const char *slash = strrchr(r->path, '/');
	char name[64];
	int path_fd;

	snprintf(name, sizeof(name), "/jit-%" PRIu64 ".dump", pid);
	if (!slash || strcmp(slash, name))
		return -ENOENT;
	path_fd = target_find_range(t, r);
	return path_fd < 0 ? path_fd : open_own(path_fd, uid);
}

static int open_jitmap(struct target *t, uint64_t pid, uint64_t uid)
{
	char path[64];
	int path_fd;

	snprintf(path, sizeof(path), "/tmp/perf-%" PRIu64 ".map", pid);
	path_fd = target_find(t, path, false); /* a link may lead to what others have written */
	return path_fd < 0 ? path_fd : open_own(path_fd, uid);
}

static bool tells_something(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && st.st_size > JITDUMP_EMPTY;
}

int jit_open(struct target *t, const struct opener_range *dump)
{
	uint64_t pid, uid;
	int err = read_status(t, &pid, &uid), fd, map_fd;

	if (err)
		return err;
	fd = dump ? open_jitdump(t, dump, pid, uid) : -ENOENT;
	if (fd >= 0 && tells_something(fd))
		return fd;
	/* Some programs write a dump only when they have gathered much of it, or end: it will be read then, unless there is
	 * something now. */
	map_fd = open_jitmap(t, pid, uid);
	if (fd < 0)
		return map_fd;
	if (map_fd < 0)
		return fd;
	close(fd);
	return map_fd;
}
