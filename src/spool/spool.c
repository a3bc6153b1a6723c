#include "spool/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/array.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "spool/internal.h"

#define FILE_MODE 0640
#define FOLDER_MODE 02750
#define SEQ_TRIES 10000
#define ROOM_FILES 16 /* more of them fit when a disk that was full is not any more */

static int spool_lock(struct spool *s, int dir)
{
	if (!flock(dir, LOCK_EX | LOCK_NB))
		return 0;
	if (errno == EWOULDBLOCK)
		return -EWOULDBLOCK;
	/* NFS wants a descriptor open for writing, which a folder cannot be; some know no locks. */
	if (!s->lock_refused)
		log_warn("spool: no lock on %s, a second daemon would not be noticed", s->path);
	s->lock_refused = true;
	return 0;
}

/* ".NAME.tmp" with a NAME of ours. */
static bool is_temporary(const char *name)
{
	char inner[SPOOL_NAME_MAX];
	struct spool_name n;
	size_t length = strlen(name);

	if (name[0] != '.' || !text_has_suffix(name, ".tmp") || length - 5 >= sizeof(inner))
		return false;
	memcpy(inner, name + 1, length - 5);
	inner[length - 5] = '\0';
	return spool_parse_name(inner, &n);
}

static int remove_stale(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), err;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	while (errno = 0, (e = readdir(d)))
		if (is_temporary(e->d_name) && unlinkat(fd, e->d_name, 0) < 0 && errno != ENOENT)
			break;
	err = -errno;
	closedir(d);
	return err;
}

/* Opens, locks and cleans S's folder. The descriptor or negative errno. */
static int open_folder(struct spool *s)
{
	int dir = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;

	if (dir < 0)
		return -errno;
	if (s->lock)
		err = spool_lock(s, dir);
	if (!err && s->lock)
		err = remove_stale(dir);
	if (err) {
		close(dir);
		return err;
	}
	return dir;
}

int spool_open(struct spool **out, const char *directory, bool lock)
{
	struct spool *s = xcalloc(1, sizeof(*s));

	s->path = xstrdup(directory);
	s->lock = lock;
	s->dir = open_folder(s);
	if (s->dir < 0) {
		int err = s->dir;

		spool_close(s);
		return err;
	}
	*out = s;
	return 0;
}

void spool_close(struct spool *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->nr_temporaries; i++)
		unlinkat(s->dir, s->temporaries[i].name, 0);
	if (s->dir >= 0)
		close(s->dir);
	free(s->temporaries);
	free(s->path);
	free(s);
}

int spool_refresh(struct spool *s)
{
	struct stat open_now, there;
	int dir;

	if (stat(s->path, &there) < 0)
		return -errno;
	if (!fstat(s->dir, &open_now) && open_now.st_dev == there.st_dev &&
	    open_now.st_ino == there.st_ino)
		return 0;
	dir = open_folder(s);
	if (dir < 0)
		return dir;
	close(s->dir);
	s->dir = dir;
	s->nr_temporaries = 0; /* they stayed in the other folder */
	return 0;
}

int spool_failed(struct spool *s, const char *what, int err)
{
	if (err != s->failing) {
		errno = -err;
		log_warn("spool: %s %s", what, s->path);
	}
	s->failing = err;
	s->squeezed = false;
	return err;
}

static int create_temporary(struct spool *s, const struct spool_name *n)
{
	struct spool_temporary *t;
	struct spool_name free_one = *n;
	char name[SPOOL_NAME_MAX], hidden[sizeof(t->name)];
	struct stat st;
	int fd = -1, err;

	free_one.folder[0] = '\0'; /* hidden ones are in the spool itself */
	for (int i = 0; i < SEQ_TRIES && fd < 0; i++, free_one.seq++) {
		err = spool_format_name(&free_one, name, sizeof(name));
		if (err)
			return err;
		snprintf(hidden, sizeof(hidden), ".%s.tmp", name);
		fd = openat(s->dir, hidden, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			    FILE_MODE);
		if (fd < 0 && errno != EEXIST)
			return -errno;
	}
	if (fd < 0)
		return -EEXIST;
	if (fstat(fd, &st) < 0) {
		err = -errno;
		unlinkat(s->dir, hidden, 0);
		close(fd);
		return err;
	}
	t = array_push(s->temporaries, s->nr_temporaries, s->temporaries_cap);
	t->dev = st.st_dev;
	t->ino = st.st_ino;
	memcpy(t->name, hidden, sizeof(hidden));
	return fd;
}

static struct spool_temporary *find_temporary(struct spool *s, int fd)
{
	struct stat st;

	if (!s->nr_temporaries || fstat(fd, &st) < 0)
		return NULL;
	for (uint32_t i = 0; i < s->nr_temporaries; i++)
		if (s->temporaries[i].dev == st.st_dev && s->temporaries[i].ino == st.st_ino)
			return &s->temporaries[i];
	return NULL;
}

static void forget_temporary(struct spool *s, struct spool_temporary *t)
{
	unlinkat(s->dir, t->name, 0);
	*t = s->temporaries[--s->nr_temporaries];
}

static bool has_no_tmpfile(int err)
{
	/* EISDIR: a kernel that does not know the flag; ENOENT is left: there it means a removed
	 * folder. */
	return err == EOPNOTSUPP || err == EISDIR || err == EINVAL || err == ENOSYS;
}

int spool_create(struct spool *s, const struct spool_name *n)
{
	char name[SPOOL_NAME_MAX];
	int err = spool_format_name(n, name, sizeof(name)), fd;

	if (err)
		return err;
	err = spool_refresh(s);
	if (err)
		return spool_failed(s, "opening", err);
	fd = openat(s->dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, FILE_MODE);
	if (fd < 0)
		fd = has_no_tmpfile(errno) ? create_temporary(s, n) : -errno;
	if (fd < 0)
		return spool_failed(s, "creating a file in", fd);
	if (fchmod(fd, FILE_MODE) < 0) { /* whatever the umask left of it */
		err = -errno;
		spool_discard(s, fd);
		return spool_failed(s, "changing the mode of a file in", err);
	}
	return fd;
}

void spool_discard(struct spool *s, int fd)
{
	struct spool_temporary *t;

	if (fd < 0)
		return;
	t = find_temporary(s, fd);
	if (t)
		forget_temporary(s, t);
	close(fd);
}

/* The names for it, most wanted first: a system call each, none of which replaces a file. */
static int link_nameless(struct spool *s, int fd, const char *name)
{
	char self[32];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, self, s->dir, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

static int link_temporary(struct spool *s, const struct spool_temporary *t, const char *name)
{
	if (!renameat2(s->dir, t->name, s->dir, name, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (linkat(s->dir, t->name, s->dir, name, 0) < 0)
		return -errno;
	return 0; /* forget_temporary removes the other name */
}

/* Links FD under the first free name from N's on. */
static int link_file(struct spool *s, int fd, const struct spool_name *n, char *name)
{
	struct spool_temporary *t = find_temporary(s, fd);
	struct spool_name free_one = *n;
	int err = -EEXIST;

	for (int i = 0; i < SEQ_TRIES && err == -EEXIST; i++, free_one.seq++) {
		err = spool_format_name(&free_one, name, SPOOL_NAME_MAX);
		if (!err)
			err = t ? link_temporary(s, t, name) : link_nameless(s, fd, name);
	}
	if (!err && t)
		forget_temporary(s, t);
	return err;
}

/* File systems that cannot sync such a descriptor say EINVAL. */
static int sync_fd(int fd)
{
	int ret = TEMP_FAILURE_RETRY(fsync(fd));

	return ret < 0 && errno != EINVAL && errno != ENOTSUP ? -errno : 0;
}

static bool limits_any(const struct spool_limits *l)
{
	return l->max_use || l->max_use_percent || l->keep_free || l->keep_free_percent ||
	       l->max_files || l->max_retention_ns;
}

/* N's folder, made when it is not there; empty ones go when files are pruned. A descriptor of it, or
 * S's own, or negative errno. */
static int open_below(struct spool *s, const struct spool_name *n)
{
	int dir;

	if (!n->folder[0])
		return s->dir;
	if (!mkdirat(s->dir, n->folder, FOLDER_MODE))
		fchmodat(s->dir, n->folder, FOLDER_MODE, 0); /* whatever the umask left of it */
	else if (errno != EEXIST)
		return -errno;
	dir = openat(s->dir, n->folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return dir < 0 ? -errno : dir;
}

static int link_and_sync(struct spool *s, int fd, const struct spool_name *n, bool sync, char *name)
{
	int dir = open_below(s, n), err = dir < 0 ? dir : link_file(s, fd, n, name);

	if (err == -ENOENT && n->folder[0] && dir >= 0) { /* pruned empty meanwhile */
		close(dir);
		dir = open_below(s, n);
		err = dir < 0 ? dir : link_file(s, fd, n, name);
	}
	if (err) {
		spool_failed(s, "linking a file in", err);
		goto out;
	}
	err = sync ? sync_fd(dir) : 0;
	if (!err && sync && dir != s->dir)
		err = sync_fd(s->dir);
	if (err) { /* the name may or may not survive a crash: not what "stored" promises */
		unlinkat(s->dir, name, 0);
		spool_failed(s, "fsync of", err);
	}
out:
	if (dir >= 0 && dir != s->dir)
		close(dir);
	return err;
}

static int store(struct spool *s, int fd, const struct spool_name *n, bool sync, char *name)
{
	int err = sync ? sync_fd(fd) : 0;

	if (err)
		return spool_failed(s, "fsync of a file in", err);
	return link_and_sync(s, fd, n, sync, name);
}

/* A disk that takes one file and refuses the next is still the full one that has been told of. */
static bool has_room(const struct spool *s, uint64_t disk_size)
{
	struct statvfs fs;

	return fstatvfs(s->dir, &fs) < 0 || fs.f_bavail >= ROOM_FILES * disk_size / fs.f_frsize;
}

/* A file of DISK_SIZE has been stored. */
static void spool_stored(struct spool *s, uint64_t disk_size)
{
	bool full = s->failing == -ENOSPC || s->failing == -EDQUOT;

	if (s->failing && !(full && (s->squeezed || !has_room(s, disk_size)))) {
		log_info("spool: storing in %s again", s->path);
		s->failing = 0;
	}
	s->squeezed = false;
}

int spool_publish(struct spool *s, int fd, const struct spool_name *n,
		  const struct spool_limits *limits, bool sync, struct spool_published *out)
{
	struct spool_inventory *inv = NULL; /* one look through the folder serves both prunings */
	struct spool_temporary *t;
	char name[SPOOL_NAME_MAX];
	uint64_t disk_size = 0;
	int err, prune_err = 0;
	struct stat st = { 0 };

	*out = (struct spool_published){ 0 };
	if (!fstat(fd, &st)) {
		disk_size = (uint64_t)st.st_blocks * 512;
		if (disk_size < (uint64_t)st.st_size) /* not allocated yet */
			disk_size = (uint64_t)st.st_size;
	}
	if (limits_any(limits))
		prune_err = spool_inventory_new(&inv, s, n->start + n->seconds);
	if (inv)
		prune_err = spool_inventory_prune(inv, limits, disk_size, 0, &out->pruned);
	err = store(s, fd, n, sync, name);
	if (err) {
		t = find_temporary(s, fd);
		if (t)
			forget_temporary(s, t);
		goto out;
	}
	spool_stored(s, disk_size);
	if (inv) {
		spool_inventory_add(inv, name, disk_size);
		err = spool_inventory_prune(inv, limits, 0, 0, &out->pruned);
		prune_err = prune_err ? prune_err : err;
		err = 0;
	}
	out->size = (uint64_t)st.st_size;
	memcpy(out->name, name, sizeof(out->name));
out:
	spool_tell_pruning(s, prune_err);
	spool_inventory_free(inv);
	return err;
}
