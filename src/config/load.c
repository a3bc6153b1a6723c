#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/text.h"
#include "config/config.h"

#define FILE_SIZE_MAX (1 << 20)

static int fail(const char *file, int err, const char *why, char *error, size_t error_size)
{
	char name[512];

	text_clean(name, sizeof(name), file, strlen(file));
	snprintf(error, error_size, "%s: %s", name, why ? why : strerror(-err));
	return err;
}

/* /dev/null is an empty file to many. */
static bool is_readable_kind(const struct stat *st)
{
	return S_ISREG(st->st_mode) || (S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3));
}

/* Adds FILE to C. A reload happens in the daemon's loop: nothing here may wait for a writer. */
static int load_file(struct config *c, const char *file, char *error, size_t error_size)
{
	struct buf text = { 0 };
	struct stat st;
	int fd = open(file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), err;

	if (fd < 0)
		return fail(file, -errno, NULL, error, error_size);
	if (fstat(fd, &st) < 0) {
		err = fail(file, -errno, NULL, error, error_size);
		goto out;
	}
	if (!is_readable_kind(&st)) {
		err = fail(file, -EINVAL, "not a regular file", error, error_size);
		goto out;
	}
	err = io_read_all(fd, &text, FILE_SIZE_MAX);
	if (err) {
		err = fail(file, err, err == -EFBIG ? "larger than 1 MiB" : NULL, error,
			   error_size);
		goto out;
	}
	err = config_parse(c, file, text.size ? (const char *)text.data : "", text.size, error,
			   error_size);
out:
	buf_fini(&text);
	close(fd);
	return err;
}

static int is_drop_in(const struct dirent *e)
{
	return e->d_name[0] != '.' && text_has_suffix(e->d_name, ".conf");
}

/* In the order of bytes, whatever the locale. */
static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int load_drop_ins(struct config *c, const char *dir, char *error, size_t error_size)
{
	struct dirent **found = NULL;
	int nr = scandir(dir, &found, is_drop_in, by_bytes), err = 0;

	if (nr < 0)
		return errno == ENOENT ? 0 : fail(dir, -errno, NULL, error, error_size);
	for (int i = 0; i < nr; i++) {
		if (!err) {
			char *file = xasprintf("%s/%s", dir, found[i]->d_name);

			err = load_file(c, file, error, error_size);
			free(file);
		}
		free(found[i]);
	}
	free(found);
	return err;
}

int config_load(struct config *c, const char *file, bool required, char *error, size_t error_size)
{
	char *dir = xasprintf("%s.d", file);
	struct config loaded;
	int err;

	config_defaults(&loaded);
	err = load_file(&loaded, file, error, error_size);
	if (err == -ENOENT && !required)
		err = 0;
	if (!err)
		err = load_drop_ins(&loaded, dir, error, error_size);
	free(dir);
	if (!err)
		err = config_check(&loaded, error, error_size);
	if (!err)
		*c = loaded;
	return err;
}
