#include "opener/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"
#include "opener/mapped.h"
#include "opener/mounts.h"

#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x00004000u /* since 6.8; older kernels do not set it in stx_mask */
#endif
#define OVERLAYFS_MAGIC 0x794c7630

void target_fini(struct target *t)
{
	buf_fini(&t->maps);
	buf_fini(&t->mounts);
}

static int read_below(int dir, const char *name, struct buf *b)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = io_read_all(fd, b, OPENER_MAPS_MAX);
	if (err)
		b->size = 0;
	close(fd);
	return err;
}

static const char *target_root(struct target *t)
{
	if (!t->has_root) {
		ssize_t n = readlinkat(t->dir, "root", t->root, sizeof(t->root) - 1);

		t->root[n < 0 ? 0 : n] = 0;
		t->has_root = true;
	}
	return t->root;
}

/* NAME is as we see it; what was recorded is as the target saw it, which differs in a chroot. */
static const char *name_in_root(struct target *t, const char *name)
{
	const char *root = target_root(t);
	size_t n = strlen(root);

	return n > 1 && text_has_prefix(name, root) && name[n] == '/' ? name + n : name;
}

static bool same_name(struct target *t, const char *found, const char *recorded)
{
	char clean[TEXT_MAX];

	if (!*recorded)
		return true;
	text_clean(clean, sizeof(clean), found, strlen(found));
	if (!strcmp(clean, recorded))
		return true;
	found = name_in_root(t, found);
	text_clean(clean, sizeof(clean), found, strlen(found));
	return !strcmp(clean, recorded);
}

/* By the kernel's own link to the mapped file, which needs CAP_CHECKPOINT_RESTORE, no path and no
 * luck. */
static int open_mapped(struct target *t, uint64_t start, uint64_t end, const char *recorded)
{
	char link[64], name[PATH_MAX];
	ssize_t n;
	int fd;

	snprintf(link, sizeof(link), "map_files/%" PRIx64 "-%" PRIx64, start, end);
	fd = openat(t->dir, link, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = readlinkat(t->dir, link, name, sizeof(name) - 1);
	if (n < 0) {
		n = -errno;
		close(fd);
		return (int)n;
	}
	name[n] = 0;
	mapped_strip_deleted(name);
	if (!same_name(t, name, recorded)) {
		close(fd);
		return -ESTALE;
	}
	return fd;
}

/* What is mapped at R's start now: the range may have been split or merged since. */
static int find_mapped(struct target *t, const struct opener_range *r, struct mapped *m)
{
	int err;

	if (!t->has_maps) {
		err = read_below(t->dir, "maps", &t->maps);
		if (err)
			return err;
		t->has_maps = true;
	}
	if (!mapped_find((const char *)t->maps.data, t->maps.size, r->start, m))
		return -ENOENT;
	if (r->start - m->start != r->pgoff - m->pgoff || !same_name(t, m->name, r->path))
		return -ESTALE;
	return 0;
}

static const char *target_mounts(struct target *t)
{
	if (!t->has_mounts) {
		read_below(t->dir, "mountinfo", &t->mounts);
		t->has_mounts = true;
	}
	return (const char *)t->mounts.data;
}

/* Overlayfs numbers its inodes in another way than the mapping's, which may be the lower file's. */
static int check_inode(int fd, uint64_t inode)
{
	struct statfs fs;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_ino == inode)
		return 0;
	return !fstatfs(fd, &fs) && (uint32_t)fs.f_type == OVERLAYFS_MAGIC ? 0 : -ESTALE;
}

/* By the mapping's name below the target's root. The name may lead to another file by now: the
 * inode tells. */
static int open_named(struct target *t, const struct mapped *m)
{
	int root, fd, err;

	if (m->deleted || m->name[0] != '/')
		return -ENOENT;
	if (!t->remote) {
		const char *mounts = target_mounts(t);

		if (mount_kind_of_dev(mounts, t->mounts.size, m->major, m->minor) == MOUNT_REMOTE)
			return -EREMOTE;
	}
	root = openat(t->dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -errno;
	fd = io_open_below(root, name_in_root(t, m->name), 0);
	close(root);
	if (fd < 0)
		return fd;
	err = check_inode(fd, m->inode);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

/* DONT_SYNC: what the kernel knows already, without asking a server. */
static int stat_path(int path_fd, unsigned mask, struct statx *stx)
{
	if (statx(path_fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE | mask, stx) < 0)
		return -errno;
	return S_ISREG(stx->stx_mode) ? 0 : -ENXIO;
}

/* Of the mount that PATH_FD is on, asked of the target's mountinfo. */
static enum mount_kind find_mount_kind(struct target *t, int path_fd)
{
	enum mount_kind kind = MOUNT_UNKNOWN;
	struct statx stx;
	struct statfs fs;

	if (!stat_path(path_fd, STATX_MNT_ID, &stx) && (stx.stx_mask & STATX_MNT_ID)) {
		const char *mounts = target_mounts(t);

		kind = mount_kind_of_id(mounts, t->mounts.size, stx.stx_mnt_id);
	}
	/* Detached, outside the target's root, or one of the kernel's own (memfd). */
	if (kind == MOUNT_UNKNOWN && !fstatfs(path_fd, &fs))
		kind = mount_kind_of_magic((uint64_t)fs.f_type);
	return kind;
}

/* Whether the file at PATH_FD may be opened. */
static int check_file(struct target *t, int path_fd)
{
	enum mount_kind kind = MOUNT_UNKNOWN;
	struct statx stx;
	uint64_t id = 0;
	int err = stat_path(path_fd, STATX_MNT_ID_UNIQUE, &stx);

	if (err || t->remote)
		return err;
	if (t->mounts_known && (stx.stx_mask & STATX_MNT_ID_UNIQUE)) {
		id = stx.stx_mnt_id;
		kind = mount_cache_find(t->mounts_known, id);
	}
	if (kind == MOUNT_UNKNOWN) {
		kind = find_mount_kind(t, path_fd);
		if (id && kind != MOUNT_UNKNOWN)
			mount_cache_add(t->mounts_known, id, kind);
	}
	return kind == MOUNT_LOCAL ? 0 : -EREMOTE;
}

int file_reopen(int path_fd)
{
	char link[32];
	int fd;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", path_fd);
	/* Non-blocking: a lease is not waited for. */
	fd = open(link, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* An O_PATH descriptor of what is mapped at R. */
static int find_range(struct target *t, const struct opener_range *r)
{
	int path_fd = open_mapped(t, r->start, r->end, r->path);

	if (path_fd < 0 && path_fd != -ESTALE) {
		struct mapped m;
		int err = find_mapped(t, r, &m);

		if (err)
			return err;
		if (m.start != r->start || m.end != r->end)
			path_fd = open_mapped(t, m.start, m.end, r->path);
		if (path_fd < 0 && path_fd != -ESTALE)
			path_fd = open_named(t, &m);
	}
	return path_fd;
}

int target_find_range(struct target *t, const struct opener_range *r)
{
	int fd = find_range(t, r), err = fd < 0 ? fd : check_file(t, fd);

	if (err < 0 && fd >= 0)
		close(fd);
	return err < 0 ? err : fd;
}

int target_open_range(struct target *t, const struct opener_range *r)
{
	int path_fd = target_find_range(t, r), fd;

	if (path_fd < 0)
		return path_fd;
	fd = file_reopen(path_fd);
	close(path_fd);
	return fd;
}

int target_find(struct target *t, const char *path, bool follow)
{
	int root = openat(t->dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC), fd, err;

	if (root < 0)
		return -errno;
	fd = io_open_below(root, path, follow ? 0 : O_NOFOLLOW);
	close(root);
	err = fd < 0 ? fd : check_file(t, fd);
	if (err < 0 && fd >= 0)
		close(fd);
	return err < 0 ? err : fd;
}
