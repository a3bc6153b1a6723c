/* Separate debug files, by the caller's own rights: below the root of the data, then here. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "object/debuglink.h"
#include "object/elf.h"
#include "replay/impl.h"

static int open_file(const char *root, const char *path)
{
	char full[PATH_MAX];
	int fd;

	if (snprintf(full, sizeof(full), "%s%s", root, path) >= (int)sizeof(full))
		return -ENAMETOOLONG;
	/* O_NONBLOCK: a FIFO or a device of that name must not hold us up. */
	fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}

/* The first that is there below ROOT. HERE: what is beside the object is below another root. */
static int find(const struct replay_names *n, const char *root, bool here, const char *object,
		const struct debug_names *names)
{
	char path[PATH_MAX];
	int fd = -ENOENT;

	for (int place = 0; place < DEBUG_NR_PLACES && fd < 0; place++) {
		if (here && (place == DEBUG_BESIDE || place == DEBUG_BELOW))
			continue;
		if (debug_path(names, (enum debug_place)place, object, n->o->debug_path, path))
			fd = open_file(root, path);
	}
	return fd;
}

static int find_below_roots(const struct replay_names *n, const char *object,
			    const struct debug_names *names)
{
	const char *root = n->o->root ? n->o->root : "";
	int fd = -ENOENT;

	if (!n->o->debug_path)
		return -ENOENT;
	if (*root)
		fd = find(n, root, false, object, names);
	return fd < 0 ? find(n, "", *root, object, names) : fd;
}

int replay_debug_want(void *ctx, uint32_t object, enum symbolize_file file,
		      const struct debug_names *names)
{
	const struct replay_names *n = ctx;
	const char *path = n->files.paths[object];

	(void)file; /* dwz's are asked for by replay_debug_open */
	return find_below_roots(n, path ? path : "", names);
}

int replay_debug_find(const struct replay_names *n, uint32_t object, struct elf *e)
{
	const char *path = n->files.paths[object];
	struct debuglink link;
	int fd, err = debuglink_read(e, &link);

	fd = err ? err : find_below_roots(n, path ? path : "", &link.names);
	if (fd < 0)
		return fd;
	err = debuglink_check(&link, elf_fd(e), fd);
	if (err)
		close(fd);
	return err ? err : fd;
}

/* dwz's shared files of relative path are found by build id, others by path. */
int replay_debug_open(void *ctx, const char *name, const uint8_t *id, unsigned id_size)
{
	const struct replay_names *n = ctx;
	struct debug_names names = { 0 };

	if (*name == '/')
		return open_file(n->o->root ? n->o->root : "", name);
	if (!*name || id_size < 2 || id_size > sizeof(names.build_id))
		return -ENOENT;
	memcpy(names.build_id, id, id_size);
	names.build_id_size = (uint8_t)id_size;
	return find_below_roots(n, "", &names);
}
