#include "opener/debug.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* An object is shared by all who map it: whoever cannot change it shall not say what it calls its functions either. And we
 * may read more than its owner may: names of what he cannot read shall not get into profiles. */
static int check(int path_fd, const struct opener_debug *d, bool ours)
{
	struct stat st;

	if (fstat(path_fd, &st) < 0)
		return -errno;
	if (st.st_dev == d->dev && st.st_ino == d->inode)
		return -ENOENT;
	if (ours || st.st_uid == d->uid)
		return 0;
	return !st.st_uid && (st.st_mode & S_IROTH) ? 0 : -EPERM;
}

/* SKIP: of files that could be opened so many are not to be. */
static int open_at(struct target *t, const char *path, const struct opener_debug *d, bool ours, uint32_t *skip)
{
	int path_fd = target_find(t, path, true), fd;

	if (path_fd < 0)
		return path_fd;
	fd = check(path_fd, d, ours);
	if (!fd && *skip) {
		(*skip)--;
		fd = -ENOENT;
	}
	if (!fd)
		fd = file_reopen(path_fd);
	close(path_fd);
	return fd;
}

int debug_open(struct target *process, struct target *us, const struct opener_debug *d)
{
	uint32_t skip = d->skip;
	char path[PATH_MAX];
	int fd = -ENOENT;

	for (int place = 0; process && place < DEBUG_NR_PLACES; place++) {
		if (!debug_path(&d->names, (enum debug_place)place, d->object, d->folder, path))
			continue;
		fd = open_at(process, path, d, false, &skip);
		if (fd >= 0)
			return fd;
	}
	/* Beside what is called so here is another object perhaps. */
	for (int place = 0; place < DEBUG_NR_PLACES; place++) {
		if (place == DEBUG_BESIDE || place == DEBUG_BELOW ||
		    !debug_path(&d->names, (enum debug_place)place, d->object, d->folder, path))
			continue;
		fd = open_at(us, path, d, true, &skip);
		if (fd >= 0)
			return fd;
	}
	return fd;
}
