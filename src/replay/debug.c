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

/* Whose debug file is looked for: a file whose descriptor is FD, by LINK. */
struct search_for {
	const struct replay_names *n;
	const char *object; /* its path; "": not known */
	const struct debuglink *link;
	int fd; /* −1: any file of the right build id does */
};

static bool is_right(const struct search_for *s, int fd)
{
	const struct debug_names *names = &s->link->names;

	return !(s->fd < 0 ? debuglink_check_build_id(fd, names->build_id, names->build_id_size)
			   : debuglink_check(s->link, s->fd, fd));
}

/* The right one below ROOT. HERE: what is beside the object is below another root. */
static int find(const struct search_for *s, const char *root, bool here)
{
	const struct debug_names *names = &s->link->names;
	const char *folder = s->n->o->debug_path;
	char path[PATH_MAX];
	int fd;

	for (int place = 0; place < DEBUG_NR_PLACES; place++) {
		if (here && (place == DEBUG_BESIDE || place == DEBUG_BELOW))
			continue;
		if (!debug_path(names, (enum debug_place)place, s->object, folder, path))
			continue;
		fd = open_file(root, path);
		if (fd >= 0 && is_right(s, fd))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -ENOENT;
}

static int find_below_roots(const struct search_for *s)
{
	const char *root = s->n->o->root ? s->n->o->root : "";
	int fd = -ENOENT;

	if (!s->n->o->debug_path)
		return -ENOENT;
	if (*root)
		fd = find(s, root, false);
	return fd < 0 ? find(s, "", *root) : fd;
}

int replay_debug_find(const struct replay_names *n, uint32_t object, struct elf *e)
{
	const char *path = n->files.paths[object];
	struct debuglink link;
	struct search_for s = { .n = n, .object = path ? path : "", .link = &link,
				.fd = elf_fd(e) };
	int err = debuglink_read(e, &link);

	return err ? err : find_below_roots(&s);
}

int replay_debug_want(void *ctx, uint32_t object, enum symbolize_file file, bool another,
		      const struct debug_names *names)
{
	const struct replay_names *n = ctx;
	struct elf *e;
	int fd, err;

	/* dwz's are asked for by replay_debug_open */
	if (file != SYMBOLIZE_DEBUG_FILE || another)
		return -ENOENT;
	err = elf_open(&e, n->files.objects[object].fd);
	if (err)
		return err;
	fd = replay_debug_find(n, object, e);
	elf_close(e);
	return fd;
}

/* dwz's files: as their path says when it is absolute, else where distributions have them. */
int replay_debug_open(void *ctx, const char *name, const uint8_t *id, unsigned id_size)
{
	const struct replay_names *n = ctx;
	struct debuglink link = { .crc = 0 };
	struct search_for s = { .n = n, .object = "", .link = &link, .fd = -1 };

	int fd = *name == '/' ? open_file(n->o->root ? n->o->root : "", name) : -ENOENT;

	if (fd >= 0 || !*name || id_size < 2 || id_size > sizeof(link.names.build_id))
		return fd;
	memcpy(link.names.build_id, id, id_size);
	link.names.build_id_size = (uint8_t)id_size;
	debug_dwz_link(name, link.names.link);
	return find_below_roots(&s);
}
