#include "daemon/line_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/io.h"

#define NAME_SIZE 128
#define SUFFIX ".lines"
#define TEMPORARY ".new" SUFFIX
#define PIECE_SIZE (256u << 10)

static void format_name(const struct worker_identity *id, char name[NAME_SIZE])
{
	snprintf(name, NAME_SIZE, "%" PRIx64 "-%" PRIx64 "-%" PRIx64 "-%" PRIx64 "-%" PRIx64 SUFFIX, id->dev, id->inode,
		 id->size, (uint64_t)id->mtime_ns, (uint64_t)id->ctime_ns);
}

/* Only what format_name would have written is ours. */
static bool parse_name(const char *name, struct worker_identity *id)
{
	uint64_t mtime, ctime;
	char again[NAME_SIZE];

	if (sscanf(name, "%" SCNx64 "-%" SCNx64 "-%" SCNx64 "-%" SCNx64 "-%" SCNx64, &id->dev, &id->inode, &id->size, &mtime,
		   &ctime) != 5)
		return false;
	id->mtime_ns = (int64_t)mtime;
	id->ctime_ns = (int64_t)ctime;
	format_name(id, again);
	return !strcmp(name, again);
}

static void list_file(DIR *d, const char *name, struct line_store_file **files, uint32_t *nr, uint32_t *cap)
{
	struct line_store_file f;
	struct stat st;

	if (!parse_name(name, &f.id) || fstatat(dirfd(d), name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return;
	if (*nr == LINE_STORE_FILES_MAX) { /* what is not known is not below the limit */
		unlinkat(dirfd(d), name, 0);
		return;
	}
	f.size = (uint64_t)st.st_blocks * 512;
	f.used_ns = st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	*array_push(*files, *nr, *cap) = f;
}

int line_store_scan(const char *directory, struct line_store_file **files, uint32_t *nr)
{
	int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd, err;
	struct line_store_file *found = NULL;
	uint32_t nr_found = 0, cap = 0;
	struct dirent *e;
	DIR *d;

	if (dir < 0)
		return -errno;
	/* NFS wants a descriptor open for writing, which a folder cannot be: a cache can do without. */
	if (flock(dir, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		close(dir);
		return -EWOULDBLOCK;
	}
	fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		close(dir);
		return err;
	}
	unlinkat(dir, TEMPORARY, 0);
	while ((e = readdir(d)))
		list_file(d, e->d_name, &found, &nr_found, &cap);
	closedir(d);
	*files = found;
	*nr = nr_found;
	return dir;
}

/* Its time of modification says when it was used: indexes are never changed. */
int line_store_open(int dir, const struct worker_identity *id)
{
	char name[NAME_SIZE];
	struct stat st;
	int fd;

	format_name(id, name);
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return -ENXIO;
	}
	futimens(fd, NULL);
	return fd;
}

static int copy(int to, int from, uint64_t size)
{
	char *piece = malloc(PIECE_SIZE);
	int err = piece ? 0 : -ENOMEM;

	for (uint64_t at = 0; at < size && !err;) {
		size_t want = size - at < PIECE_SIZE ? size - at : PIECE_SIZE;
		ssize_t n = io_pread(from, piece, want, at);

		err = n < 0 ? (int)n : (size_t)n < want ? -EBADMSG : io_write(to, piece, want);
		at += want;
	}
	free(piece);
	return err;
}

/* A file without a name, or, where the file system has none, under the temporary's. */
static int create(int dir, bool *named)
{
	int fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	*named = false;
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL && errno != ENOSYS))
		return fd < 0 ? -errno : fd;
	unlinkat(dir, TEMPORARY, 0);
	fd = openat(dir, TEMPORARY, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	*named = fd >= 0;
	return fd < 0 ? -errno : fd;
}

/* linkat(2) replaces nothing, rename(2) does, at one blow. */
static int name_file(int dir, int fd, bool named, const char *name)
{
	char self[32];

	if (!named) {
		snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
		unlinkat(dir, TEMPORARY, 0);
		if (linkat(AT_FDCWD, self, dir, TEMPORARY, AT_SYMLINK_FOLLOW) < 0)
			return -errno;
	}
	return renameat(dir, TEMPORARY, dir, name) < 0 ? -errno : 0;
}

int line_store_write(int dir, const struct worker_identity *id, int fd, uint64_t size, uint64_t *disk_size)
{
	char name[NAME_SIZE];
	struct stat st;
	bool named;
	int out = create(dir, &named), kept, err;

	if (out < 0)
		return out;
	format_name(id, name);
	err = copy(out, fd, size);
	if (!err && fsync(out) < 0)
		err = -errno;
	if (!err)
		err = name_file(dir, out, named, name);
	if (err)
		unlinkat(dir, TEMPORARY, 0);
	/* What we hand to others they cannot write to. */
	kept = err ? err : line_store_open(dir, id);
	*disk_size = !fstat(out, &st) ? (uint64_t)st.st_blocks * 512 : size;
	close(out);
	return kept;
}

int line_store_remove(int dir, const struct worker_identity *id)
{
	char name[NAME_SIZE];

	format_name(id, name);
	return unlinkat(dir, name, 0) < 0 ? -errno : 0;
}
