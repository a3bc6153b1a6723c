#include "object/debuglink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/io.h"
#include "base/reader.h"
#include "object/elf.h"

#define LINK_SIZE_MAX (DEBUG_LINK_MAX + 8) /* name, padding, checksum */
#define PIECE_SIZE (256u << 10)

_Static_assert(DEBUG_BUILD_ID_MAX == ELF_BUILD_ID_MAX, "one size of build ids");

/* The section: the name, zeros up to a multiple of four, the checksum. */
static int read_link(const struct elf *e, struct debuglink *l)
{
	uint8_t bytes[LINK_SIZE_MAX];
	ssize_t n = elf_read_section(e, ".gnu_debuglink", bytes, sizeof(bytes));
	struct reader r;
	const char *name;
	size_t size;

	if (n < 0)
		return (int)n;
	r = reader_of(bytes, (size_t)n);
	r.swap = elf_swap(e);
	name = reader_str(&r);
	size = name ? strlen(name) + 1 : 0;
	reader_skip(&r, -size & 3);
	l->crc = reader_u32(&r);
	if (r.failed || size > sizeof(l->names.link) || !debug_link_valid(name))
		return -EBADMSG;
	memcpy(l->names.link, name, size);
	return 0;
}

int debuglink_read(struct elf *e, struct debuglink *l)
{
	struct debuglink link = { 0 };
	int err = read_link(e, &link);
	unsigned size = elf_build_id(e, link.names.build_id);

	/* One byte names a folder, but no file in it. */
	if (size > 1)
		link.names.build_id_size = (uint8_t)size;
	else
		memset(link.names.build_id, 0, sizeof(link.names.build_id));
	if (!link.names.build_id_size && err)
		return err;
	*l = link;
	return 0;
}

int debuglink_check_build_id(int fd, const uint8_t *id, unsigned size)
{
	uint8_t found[ELF_BUILD_ID_MAX];
	struct elf *e;
	int err = elf_open(&e, fd);

	if (err)
		return err;
	if (elf_build_id(e, found) != size || memcmp(found, id, size))
		err = -ENOENT;
	elf_close(e);
	return err;
}

static int check_crc(uint32_t crc, int fd, uint64_t size)
{
	uint8_t *piece;
	uLong sum = crc32(0, NULL, 0);
	ssize_t n = 0;

	if (size > DEBUGLINK_SIZE_MAX)
		return -EFBIG;
	piece = malloc(PIECE_SIZE);
	if (!piece)
		return -ENOMEM;
	for (uint64_t at = 0; at < size; at += (uint64_t)n) {
		n = io_pread(fd, piece, PIECE_SIZE, at);
		if (n <= 0)
			break;
		sum = crc32(sum, piece, (uInt)n);
	}
	free(piece);
	if (n < 0)
		return (int)n;
	return (uint32_t)sum == crc ? 0 : -ENOENT;
}

int debuglink_check(const struct debuglink *l, int object_fd, int fd)
{
	struct stat object, st;

	if (fstat(object_fd, &object) < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || (st.st_dev == object.st_dev && st.st_ino == object.st_ino))
		return -ENOENT;
	if (l->names.build_id_size)
		return debuglink_check_build_id(fd, l->names.build_id, l->names.build_id_size);
	return check_crc(l->crc, fd, (uint64_t)st.st_size);
}
