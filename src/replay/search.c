#include "replay/search.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "object/elf.h"

/* O_NONBLOCK: a FIFO or a device of that name must not hold us up. */
static int open_regular(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), err = 0;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = -ENOENT;
	if (err)
		close(fd);
	return err ? err : fd;
}

/* Kernels differ in whether they count the zeros that pad a short id. */
static bool has_build_id(int fd, const uint8_t *id, unsigned id_size)
{
	uint8_t found[ELF_BUILD_ID_MAX] = { 0 }, padded[ELF_BUILD_ID_MAX] = { 0 };
	struct elf *e;
	bool has;

	if (elf_open(&e, fd))
		return false;
	memcpy(padded, id, id_size);
	has = elf_build_id(e, found) && !memcmp(found, padded, sizeof(padded));
	elf_close(e);
	return has;
}

static int open_verified(const char *path, const uint8_t *id, unsigned id_size)
{
	int fd = open_regular(path);

	if (fd < 0 || has_build_id(fd, id, id_size))
		return fd;
	close(fd);
	return -ESTALE;
}

/* FOLDER/.build-id/xx/yyyySUFFIX; of an id that was padded, by its shorter forms too. */
static int open_by_id(const char *folder, const uint8_t *id, unsigned id_size, const char *suffix)
{
	char path[PATH_MAX], hex[2 * ELF_BUILD_ID_MAX + 1];
	int fd = -ENOENT, n;

	for (unsigned size = id_size; size > 1 && fd < 0; size--) {
		if (size < id_size && id[size])
			break; /* it is no padding */
		elf_build_id_hex(id, size, hex);
		n = snprintf(path, sizeof(path), "%s/.build-id/%.2s/%s%s", folder, hex, hex + 2, suffix);
		if (n < (int)sizeof(path))
			fd = open_verified(path, id, id_size);
	}
	return fd;
}

static int open_below(const char *folder, const char *path, const uint8_t *id, unsigned id_size)
{
	const char *slash = strrchr(path, '/'), *names[] = { path, slash };
	char below[PATH_MAX];
	int fd = open_by_id(folder, id, id_size, "");

	for (unsigned i = 0; i < 2 && fd < 0 && slash; i++)
		if (snprintf(below, sizeof(below), "%s%s", folder, names[i]) < (int)sizeof(below))
			fd = open_verified(below, id, id_size);
	return fd;
}

int search_object(const struct search *s, const char *path, const uint8_t *id, unsigned id_size)
{
	int err = open_verified(path, id, id_size), fd = err;

	for (unsigned i = 0; i < s->nr_paths && fd < 0; i++)
		fd = open_below(s->paths[i], path, id, id_size);
	return fd < 0 ? err : fd;
}

int search_debug_file(const struct search *s, const uint8_t *id, unsigned id_size)
{
	int fd = -ENOENT;

	for (unsigned i = 0; i < s->nr_paths && fd < 0; i++)
		fd = open_by_id(s->paths[i], id, id_size, ".debug");
	return fd < 0 ? -ENOENT : fd;
}

/* Whether it is the right one is for the caller to see: a .dwo file has an id of another kind. */
int search_named(void *ctx, const char *name, const uint8_t *id, unsigned id_size)
{
	const struct search *s = ctx;

	if (*name == '/')
		return open_regular(name);
	return id_size > 1 && id_size <= ELF_BUILD_ID_MAX ? search_debug_file(s, id, id_size) : -ENOENT;
}

static int digit(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

unsigned search_build_id(const char *hex, uint8_t id[20])
{
	size_t size = strlen(hex) / 2;
	uint8_t bytes[ELF_BUILD_ID_MAX];

	if (strlen(hex) % 2 || size < 2 || size > sizeof(bytes))
		return 0;
	for (size_t i = 0; i < size; i++) {
		int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return 0;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(id, bytes, size);
	return (unsigned)size;
}
