#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "replay/impl.h"

static int64_t nanoseconds(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

static int identify(int fd, struct object_id *id)
{
	struct stat st;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return -ENOENT;
	*id = (struct object_id){
		.dev = st.st_dev, .inode = st.st_ino, .size = (uint64_t)st.st_size,
		.mtime_ns = nanoseconds(&st.st_mtim), .ctime_ns = nanoseconds(&st.st_ctim),
	};
	return 0;
}

static bool same(const struct symbolize_object *a, const struct symbolize_object *b)
{
	return a->id.dev == b->id.dev && a->id.inode == b->id.inode && a->id.size == b->id.size &&
	       a->id.mtime_ns == b->id.mtime_ns && a->id.ctime_ns == b->id.ctime_ns &&
	       a->build_id_size == b->build_id_size &&
	       !memcmp(a->build_id, b->build_id, a->build_id_size);
}

int replay_files_add(struct replay_files *f, int fd, const char *path, const uint8_t *build_id,
		     uint8_t size, uint32_t *number)
{
	struct symbolize_object o = { .fd = fd, .build_id_size = size };
	uint32_t pos, i, hash;
	int err = identify(fd, &o.id);

	if (err) {
		close(fd);
		return err;
	}
	memcpy(o.build_id, build_id, size);
	hash = hash_2u64(o.id.dev, o.id.inode);
	for (i = hash_first(&f->hash, hash, &pos); i != HASH_NONE;
	     i = hash_next(&f->hash, hash, &pos)) {
		if (same(&f->objects[i], &o)) {
			close(fd);
			*number = i;
			return 0;
		}
	}
	*number = f->nr_objects;
	hash_add(&f->hash, hash, f->nr_objects);
	*array_push(f->objects, f->nr_objects, f->objects_cap) = o;
	*array_push(f->paths, f->nr_paths, f->paths_cap) = path ? xstrdup(path) : NULL;
	return 0;
}

int replay_files_open(struct replay_files *f, const char *path, const uint8_t *build_id,
		      uint8_t size, uint32_t *number)
{
	char *full;
	int fd;

	if (path[0] != '/')
		return -ENOENT;
	full = xasprintf("%s%s", f->root ? f->root : "", path);
	/* O_NONBLOCK: a FIFO or a device of that name must not hold us up. */
	fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	free(full);
	return fd < 0 ? -errno : replay_files_add(f, fd, path, build_id, size, number);
}

void replay_files_fini(struct replay_files *f)
{
	for (uint32_t i = 0; i < f->nr_objects; i++) {
		close(f->objects[i].fd);
		if (f->objects[i].debug_fd > 0)
			close(f->objects[i].debug_fd);
	}
	for (uint32_t i = 0; i < f->nr_paths; i++)
		free(f->paths[i]);
	free(f->paths);
	free(f->objects);
	hash_fini(&f->hash);
}
