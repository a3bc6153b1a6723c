#include "daemon/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/array.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"
#include "daemon/debug_files.h"
#include "daemon/line_cache.h"
#include "profile/bracket.h"
#include "profile/decode.h"
#include "profile/encode.h"

/* Objects of P's mappings, and the table of them that follows the profile in the memfd. */
static void add_objects(struct bundle *b, struct objects *o, const struct profile *p, uint32_t *table)
{
	uint32_t cap_objects = 0, cap_fds = 0, cap_numbers = 0, cap_paths = 0, nr_fds = 0, nr_numbers = 0, nr_paths = 0;

	for (uint32_t m = 0; m < p->nr_mappings; m++) {
		uint32_t number = p->mappings[m].object, i;
		struct worker_object w;
		int fd;

		table[m] = 0;
		if (number < OBJECT_FIRST)
			continue;
		for (i = 0; i < b->nr_objects && b->object_numbers[i] != number; i++)
			;
		if (i == b->nr_objects) {
			if (i == WORKER_OBJECTS_MAX || !objects_pin(o, number, &w, &fd))
				continue;
			*array_push(b->objects, b->nr_objects, cap_objects) = w;
			*array_push(b->object_fds, nr_fds, cap_fds) = fd;
			*array_push(b->object_numbers, nr_numbers, cap_numbers) = number;
			*array_push(b->object_paths, nr_paths, cap_paths) = xstrdup(profile_str(p, p->mappings[m].filename));
		}
		table[m] = i + 1;
	}
}

int bundle_make(struct bundle *b, struct objects *o, const struct profile *p)
{
	uint32_t *table = xcalloc(p->nr_mappings + 1, sizeof(*table));
	struct buf out = { 0 };
	int err;

	*b = (struct bundle){ .profile_fd = -1, .nr_mappings = p->nr_mappings };
	profile_encode(p, &out);
	b->profile_size = out.size;
	add_objects(b, o, p, table);
	buf_add(&out, table, p->nr_mappings * sizeof(*table));
	b->profile_fd = io_memfd("pprofd-window", out.data, out.size);
	buf_fini(&out);
	free(table);
	/* Should the worker fail, this is what is published: it gets it, but cannot change it. */
	err = b->profile_fd < 0 ? b->profile_fd : io_seal(b->profile_fd);
	if (err)
		bundle_fini(b, o);
	return err;
}

void bundle_bracket(struct bundle *b)
{
	struct profile *p = NULL;
	struct buf out = { 0 };
	void *data = malloc(b->profile_size + 1);
	ssize_t n = data ? io_pread(b->profile_fd, data, b->profile_size, 0) : -1;
	int fd = -1;

	if (n >= 0 && (uint64_t)n == b->profile_size && !profile_decode(data, b->profile_size, &p, NULL, 0)) {
		profile_bracket_all(p);
		profile_encode(p, &out);
		fd = io_memfd("pprofd-window", out.data, out.size);
	}
	if (fd >= 0) {
		close(b->profile_fd);
		b->profile_fd = fd;
		b->profile_size = out.size;
	}
	profile_free(p);
	buf_fini(&out);
	free(data);
}

static void close_files(struct bundle *b)
{
	for (uint32_t i = 0; b->files && i < b->nr_objects; i++)
		for (unsigned k = 0; k < WORKER_NR_FILES; k++)
			if (b->files[i][k] >= 0)
				close(b->files[i][k]);
	free(b->files);
	b->files = NULL;
}

static int keep(int fd)
{
	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

void bundle_take_files(struct bundle *b, struct debug_files *d, struct line_cache *c)
{
	close_files(b);
	if (!b->nr_objects)
		return;
	b->files = xreallocarray(NULL, b->nr_objects, sizeof(*b->files));
	for (uint32_t i = 0; i < b->nr_objects; i++) {
		bool jit = b->objects[i].flags & WORKER_JIT_MAP;
		int index = jit || !c ? -ENOENT : line_cache_get(c, &b->objects[i].id);

		b->objects[i].flags &= (uint8_t)~WORKER_INDEX_COMING;
		if (index == -EAGAIN)
			b->objects[i].flags |= WORKER_INDEX_COMING;
		b->files[i][WORKER_INDEX_FILE] = keep(index);
		for (unsigned k = WORKER_DEBUG_FILE; k < WORKER_NR_FILES; k++)
			b->files[i][k] = keep(debug_files_get(d, b->object_numbers[i], (enum worker_file)k));
	}
}

bool bundle_is_identified(const struct bundle *b)
{
	for (uint32_t i = 0; i < b->nr_objects; i++)
		if (!b->objects[i].build_id_size)
			return false;
	return true;
}

void bundle_unpin(struct bundle *b, struct objects *o)
{
	close_files(b);
	for (uint32_t i = 0; i < b->nr_objects; i++) {
		objects_unpin(o, b->object_numbers[i]);
		free(b->object_paths[i]);
	}
	b->nr_objects = 0;
}

void bundle_fini(struct bundle *b, struct objects *o)
{
	bundle_unpin(b, o);
	if (b->profile_fd >= 0)
		close(b->profile_fd);
	free(b->objects);
	free(b->object_fds);
	free(b->object_numbers);
	free(b->object_paths);
	*b = (struct bundle){ .profile_fd = -1 };
}
