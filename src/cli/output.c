#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/gzip.h"
#include "base/log.h"
#include "base/mem.h"
#include "profile/encode.h"

#define LEVEL 6

static int write_profile(int fd, const struct profile *p)
{
	struct buf b = { 0 };
	int err;

	profile_encode(p, &b);
	err = gzip_to_fd(fd, b.data, b.size, LEVEL, NULL);
	buf_fini(&b);
	return err;
}

/* Whatever else the directory holds, the temporary file's name is new, and no pattern of profiles
 * matches it. */
static int temporary(const char *path, char **name)
{
	const char *slash = strrchr(path, '/');
	int dir_size = slash ? (int)(slash + 1 - path) : 0, fd, err;
	mode_t mask = umask(0);

	umask(mask);
	*name = xasprintf("%.*s.%s.XXXXXX", dir_size, path, path + dir_size);
	fd = mkostemp(*name, O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		free(*name);
		*name = NULL;
		return err;
	}
	fchmod(fd, 0666 & ~mask);
	return fd;
}

/* A group that cannot be kept must not read by another's rights. */
static int keep_mode(int fd, const struct stat *st)
{
	mode_t mode = st->st_mode & 0777;

	if (fchown(fd, st->st_uid, st->st_gid) < 0 && fchown(fd, (uid_t)-1, st->st_gid) < 0)
		mode &= ~(mode_t)070;
	return fchmod(fd, mode) < 0 ? -errno : 0;
}

/* BEFORE: the file that keeps its mode; NULL: as new files have it. */
static int replace(const char *path, const struct profile *p, const struct stat *before)
{
	char *name = NULL;
	int fd = temporary(path, &name), err;

	if (fd < 0)
		return fd;
	err = before ? keep_mode(fd, before) : 0;
	if (!err)
		err = write_profile(fd, p);
	if (!err && fsync(fd) < 0)
		err = -errno;
	if (close(fd) < 0 && !err)
		err = -errno;
	if (!err && rename(name, path) < 0)
		err = -errno;
	if (err)
		unlink(name);
	free(name);
	return err;
}

static int output(const char *path, const struct profile *p, bool in_place)
{
	struct stat st = { 0 };
	int fd, err;

	if (!strcmp(path, "-")) {
		path = "standard output";
		err = write_profile(STDOUT_FILENO, p);
	} else if (!stat(path, &st) && !S_ISREG(st.st_mode)) {
		fd = open(path, O_WRONLY | O_CLOEXEC);
		err = fd < 0 ? -errno : write_profile(fd, p);
		if (fd >= 0)
			close(fd);
	} else {
		err = replace(path, p, in_place && st.st_mode ? &st : NULL);
	}
	if (err)
		log_warnx("%s: %s", path, strerror(-err));
	return err;
}

int output_profile(const char *path, const struct profile *p)
{
	return output(path, p, false);
}

int output_in_place(const char *path, const struct profile *p)
{
	return output(path, p, true);
}
