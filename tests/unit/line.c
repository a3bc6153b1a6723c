/* object/line: indexes of real debugging information; damaged indexes and objects are refused. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"
#include "object/elf.h"
#include "object/line.h"
#include "object/line_build.h"

static const struct object_id id = { .dev = 1, .inode = 2, .size = 3, .mtime_ns = 4, .ctime_ns = 5 };

/* Small objects that the fuzz targets have too: fuzz/seeds/make_dwarf.py. */
static void read_seed(const char *name, struct buf *b)
{
	const char *top = getenv("top_srcdir");
	char *path = xasprintf("%s/fuzz/seeds/dwarf/%s", top ? top : ".", name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	free(path);
	assert_true(fd >= 0);
	assert_int_equal(io_read_all(fd, b, 1 << 20), 0);
	close(fd);
}

static int build(const void *bytes, size_t size, void **image, size_t *image_size)
{
	int fd = io_memfd("object", bytes, size);
	struct line_source src = { .fd = fd };
	int err = line_build(&src, &(struct line_limits){ 1 << 24, 1 << 24 }, &id, image, image_size);

	close(fd);
	return err;
}

static void *build_seed(const char *name, size_t *size)
{
	struct buf b = { 0 };
	void *image;

	read_seed(name, &b);
	assert_int_equal(build(b.data, b.size, &image, size), 0);
	buf_fini(&b);
	return image;
}

static void assert_string(struct line_index *x, uint32_t number, const char *want)
{
	char text[256];

	assert_true(line_string(x, number, text, sizeof(text)) >= 0);
	assert_string_equal(text, want);
}

static void finds_inlined_functions(void **state)
{
	static const char *const seeds[] = { "gcc5", "gcc4", "gcc3", "gcc64", "zlib", "zlib-gnu" };
	static const char *const names[] = { "g", "h", "f" };
	static const uint32_t start_lines[] = { 2, 3, 5 };

	for (unsigned i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++) {
		struct line_frame frames[LINE_DEPTH_MAX];
		struct line_index *x;
		size_t size;
		void *image = build_seed(seeds[i], &size);
		bool found = false;
		unsigned nr;

		assert_int_equal(line_open_memory(&x, image, size, &id), 0);
		for (uint64_t at = 0x1000; at < 0x1100 && !found; at++) {
			if (line_find(x, at, frames, &nr) || nr != 3)
				continue;
			found = true;
			for (unsigned k = 0; k < nr; k++) {
				assert_int_equal(frames[k].start_line, start_lines[k]);
				assert_true(frames[k].file);
				assert_string(x, frames[k].function, names[k]);
			}
			assert_int_equal(frames[1].line, 3);
			assert_int_equal(frames[2].line, 5);
		}
		assert_true(found);
		assert_int_equal(line_find(x, 0xfff, frames, &nr), -ENOENT);
		assert_int_equal(line_find(x, 0x9000, frames, &nr), -ENOENT);
		assert_int_equal(line_find(x, UINT64_MAX, frames, &nr), -ENOENT);
		line_close(x);
	}
}

static int open_copy(const void *image, size_t size, const struct object_id *of, bool file)
{
	struct line_index *x = NULL;
	int fd = -1, err;

	if (file) {
		fd = io_memfd("index", image, size);
		err = line_open(&x, fd, of);
	} else {
		void *copy = malloc(size ? size : 1);

		memcpy(copy, image, size);
		err = line_open_memory(&x, copy, size, of);
	}
	if (!err)
		line_close(x);
	close(fd);
	return err;
}

static void refuses_damaged_indexes(void **state)
{
	size_t size;
	uint8_t *image = build_seed("gcc5", &size);
	struct object_id other = id;

	for (unsigned file = 0; file < 2; file++) {
		assert_int_equal(open_copy(image, size, &id, file), 0);
		assert_int_equal(open_copy(image, size, NULL, file), 0);
		other.ctime_ns = 6;
		assert_int_equal(open_copy(image, size, &other, file), -ESTALE);
		for (size_t i = 0; i < size; i++) {
			image[i] ^= 1;
			assert_true(open_copy(image, size, &id, file) < 0);
			image[i] ^= 1;
		}
		for (size_t i = 0; i < size; i++)
			assert_true(open_copy(image, i, &id, file) < 0);
	}
	free(image);
}

static void survives_cut_objects(void **state)
{
	struct buf b = { 0 };
	size_t size;
	void *image;

	read_seed("gcc5", &b);
	for (size_t i = 0; i < b.size; i++)
		if (!build(b.data, i, &image, &size))
			free(image);
	buf_fini(&b);
}

/* Section .debug_info claims SIZE bytes. */
static int build_claiming(uint64_t size)
{
	struct buf b = { 0 };
	const struct elf_section *s;
	uint64_t offset;
	size_t image_size;
	struct elf *e;
	void *image;
	int fd, err;

	read_seed("zlib", &b);
	fd = io_memfd("object", b.data, b.size);
	assert_int_equal(elf_open(&e, fd), 0);
	s = elf_find_section(e, ".debug_info");
	assert_non_null(s);
	assert_true(s->flags & 0x800); /* SHF_COMPRESSED */
	offset = s->offset;
	elf_close(e);
	close(fd);
	memcpy(b.data + offset + 8, &size, sizeof(size)); /* Elf64_Chdr.ch_size */
	err = build(b.data, b.size, &image, &image_size);
	if (!err)
		free(image);
	buf_fini(&b);
	return err;
}

static void refuses_bombs(void **state)
{
	assert_int_equal(build_claiming(UINT64_MAX), -EFBIG);
	assert_int_equal(build_claiming(4ull << 30), -EFBIG);
	assert_int_equal(build_claiming((1 << 24) + 1), -EFBIG); /* over the limit */
	/* More than its stream yields: the units that are there count. */
	assert_int_equal(build_claiming(100000), 0);
	assert_int_equal(build_claiming(20), -ENODATA); /* less than a unit */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_inlined_functions),
		cmocka_unit_test(refuses_damaged_indexes),
		cmocka_unit_test(survives_cut_objects),
		cmocka_unit_test(refuses_bombs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
