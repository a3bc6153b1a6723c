/* minidebug: what is compressed is inflated within limits, or not at all. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "object/elf.h"
#include "object/minidebug.h"
#include "tests/elfgen.h"

/* A file whose .gnu_debugdata are SIZE bytes of DATA. */
static int make(const void *data, size_t size)
{
	static const char old[] = ".note.gnu.build-id";
	struct elfgen g = { .build_id_size = 4 };
	int fd;

	elfgen_make(&g);
	for (uint8_t *p = g.bytes; p < g.bytes + g.size - sizeof(old); p++)
		if (!memcmp(p, old, sizeof(old)))
			strcpy((char *)p, ".gnu_debugdata");
	g.p = g.bytes + elfgen_shdr_at(&g, ELFGEN_NOTE) + 4;
	elfgen_uint(&g, SHT_PROGBITS, 4);
	g.p = g.bytes + elfgen_shdr_at(&g, ELFGEN_NOTE) + 24;
	elfgen_word(&g, ELFGEN_SIZE);
	elfgen_word(&g, size);
	fd = io_memfd("object", g.bytes, g.size);
	assert_int_equal(ftruncate(fd, ELFGEN_SIZE), 0);
	assert_int_equal(pwrite(fd, data, size, ELFGEN_SIZE), size);
	return fd;
}

/* What opening says: a memfd, or the error. */
static int open_it(int fd, size_t *size)
{
	struct elf *e;
	int mini;

	assert_int_equal(elf_open(&e, fd), 0);
	mini = minidebug_open(e, size);
	elf_close(e);
	close(fd);
	return mini;
}

/* xz of SIZE bytes that are 'x'; the caller frees. */
static uint8_t *compress(size_t size, uint32_t preset, size_t *out_size)
{
	size_t room = size / 16 + 4096;
	uint8_t *in = malloc(size), *out = malloc(room);

	memset(in, 'x', size);
	*out_size = 0;
	assert_int_equal(lzma_easy_buffer_encode(preset, LZMA_CHECK_CRC32, NULL, in, size, out,
						 out_size, room),
			 LZMA_OK);
	free(in);
	return out;
}

static void inflates(void **state)
{
	size_t size, xz_size;
	uint8_t *xz = compress(300000, 6, &xz_size);
	int mini = open_it(make(xz, xz_size), &size);
	char end[8];

	assert_true(mini >= 0);
	assert_int_equal(size, 300000);
	assert_int_equal(pread(mini, end, 8, 299995), 5);
	assert_memory_equal(end, "xxxxx", 5);
	close(mini);
	free(xz);
}

static void refuses(void **state)
{
	size_t size, xz_size;
	uint8_t *xz = compress(100000, 6, &xz_size);

	assert_int_equal(open_it(make(xz, xz_size - 1), &size), -EBADMSG);
	assert_int_equal(open_it(make(xz, 5), &size), -EBADMSG);
	assert_int_equal(open_it(make("", 0), &size), -ENODATA);
	assert_int_equal(open_it(make("no xz at all", 12), &size), -EBADMSG);
	xz[xz_size / 2] ^= 1;
	assert_int_equal(open_it(make(xz, xz_size), &size), -EBADMSG);
	free(xz);
}

static void bombs(void **state)
{
	size_t size, xz_size;
	uint8_t *xz = compress(MINIDEBUG_SIZE_MAX + 1, 0, &xz_size);

	assert_true(xz_size < 1 << 20);
	assert_int_equal(open_it(make(xz, xz_size), &size), -EFBIG);
	free(xz);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inflates),
		cmocka_unit_test(refuses),
		cmocka_unit_test(bombs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
