/* object/jitdump: what programs write of the code that they make, in binary, with lines. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "tests/jitgen.h"

struct fixture {
	struct jitgen gen;
	int fd;
	struct jitdump *d;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	jitgen_init(&f->gen, false);
	f->fd = -1;
	*state = f;
	return 0;
}

static void close_dump(struct fixture *f)
{
	jitdump_free(f->d);
	f->d = NULL;
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	close_dump(f);
	buf_fini(&f->gen.out);
	free(f);
	return 0;
}

static int open_dump(struct fixture *f)
{
	close_dump(f);
	f->fd = io_memfd("dump", f->gen.out.data, f->gen.out.size);
	return jitdump_open(&f->d, f->fd);
}

static void assert_name(struct fixture *f, uint64_t address, const char *want)
{
	char name[JITDUMP_NAME_MAX];
	uint32_t function;
	int err = jitdump_find(f->d, address, &function);

	assert_int_equal(err, want ? 0 : -ENOENT);
	if (!want)
		return;
	assert_int_equal(jitdump_name(f->d, f->fd, function, name, sizeof(name)), strlen(want));
	assert_string_equal(name, want);
}

static void assert_line(struct fixture *f, uint64_t address, const char *file, uint32_t line)
{
	struct jit_line l;
	char name[64];

	assert_int_equal(jitdump_line(f->d, f->fd, address, &l), line ? 0 : -ENOENT);
	if (!line)
		return;
	assert_int_equal(l.line, line);
	assert_int_equal(jitdump_file(f->d, f->fd, l.file, name, sizeof(name)), strlen(file));
	assert_string_equal(name, file);
}

static void functions_have_names(void **state)
{
	struct fixture *f = *state;

	jitgen_load(&f->gen, 0x1000, 0x20, 1, "first");
	jitgen_load(&f->gen, 0x7f0000000000, 0x100, 2, "LazyCompile:~f /a b.js:1");
	jitgen_load(&f->gen, 0x3000, 0, 3, "no code");
	assert_int_equal(open_dump(f), 0);
	assert_true(jitdump_is(f->fd));
	assert_int_equal(jitdump_nr(f->d), 2);
	assert_name(f, 0xfff, NULL);
	assert_name(f, 0x1000, "first");
	assert_name(f, 0x101f, "first");
	assert_name(f, 0x1020, NULL);
	assert_name(f, 0x3000, NULL);
	assert_name(f, 0x7f00000000ff, "LazyCompile:~f /a b.js:1");
	assert_line(f, 0x1000, NULL, 0);
}

static void the_later_function_counts(void **state)
{
	struct fixture *f = *state;

	f->gen.time = 100;
	jitgen_load(&f->gen, 0x1000, 0x100, 1, "old");
	f->gen.time = 300;
	jitgen_load(&f->gen, 0x1040, 0x20, 2, "newest"); /* written before what came before it */
	f->gen.time = 200;
	jitgen_load(&f->gen, 0x1000, 0x80, 3, "new");
	assert_int_equal(open_dump(f), 0);
	assert_name(f, 0x1000, "new");
	assert_name(f, 0x1040, "newest");
	assert_name(f, 0x1060, "new");
	assert_name(f, 0x1080, "old");
	/* Without times the file's order is theirs. */
	f->gen.time = 300;
	jitgen_load(&f->gen, 0x1040, 0x10, 4, "last");
	assert_int_equal(open_dump(f), 0);
	assert_name(f, 0x1040, "last");
	assert_name(f, 0x1050, "newest");
}

static const struct jitgen_row rows[] = { { 0x1000, 10, "/a.js" }, { 0x1008, 11, "\xff" }, { 0x1010, 5, "/b.js" }, { 0x1018, 12, "/a.js" } };

static void moved_code_keeps_name_and_lines(void **state)
{
	struct fixture *f = *state;

	jitgen_info(&f->gen, 0x1000, rows, 4);
	jitgen_load(&f->gen, 0x1000, 0x20, 7, "wanderer");
	jitgen_load(&f->gen, 0x2000, 0x20, 8, "other");
	jitgen_move(&f->gen, 0x1000, 0x5000, 0x20, 7);
	jitgen_load(&f->gen, 0x1000, 0x20, 9, "heir");
	jitgen_move(&f->gen, 0x5000, 0x9000, 0x20, 7);
	jitgen_move(&f->gen, 0x5000, 0xa000, 0x20, 99); /* nobody knows it */
	assert_int_equal(open_dump(f), 0);
	assert_name(f, 0x1000, "heir");
	assert_line(f, 0x1000, NULL, 0);
	assert_name(f, 0x5010, "wanderer"); /* nothing else has come there */
	assert_name(f, 0x9010, "wanderer");
	assert_line(f, 0x9010, "/b.js", 5);
	assert_name(f, 0xa000, NULL);
	/* A number that is given anew is the new one's. */
	jitgen_load(&f->gen, 0x3000, 0x20, 7, "namesake");
	jitgen_move(&f->gen, 0x3000, 0xb000, 0x20, 7);
	assert_int_equal(open_dump(f), 0);
	assert_name(f, 0xb000, "namesake");
}

static void lines(void **state)
{
	static const struct jitgen_row others[] = { { 0x2010, 3, "/c.js" }, { 0x2018, 4, "/c.js" }, { 0x2018, 5, "/c.js" } };
	struct fixture *f = *state;

	jitgen_info(&f->gen, 0x1000, rows, 4);
	jitgen_load(&f->gen, 0x1000, 0x20, 1, "f");
	jitgen_info(&f->gen, 0x2000, others, 3);
	jitgen_load(&f->gen, 0x2100, 0x20, 2, "not what the lines are of");
	jitgen_load(&f->gen, 0x2000, 0x20, 3, "too late");
	jitgen_info(&f->gen, 0x2000, others, 3);
	jitgen_load(&f->gen, 0x2000, 0x20, 4, "g");
	assert_int_equal(open_dump(f), 0);
	assert_line(f, 0x1000, "/a.js", 10);
	assert_line(f, 0x1007, "/a.js", 10);
	assert_line(f, 0x1008, "/a.js", 11);
	assert_line(f, 0x1017, "/b.js", 5);
	assert_line(f, 0x101f, "/a.js", 12);
	assert_line(f, 0x2100, NULL, 0);
	assert_line(f, 0x2000, NULL, 0); /* before its first row */
	assert_line(f, 0x2017, "/c.js", 3);
	assert_line(f, 0x201f, "/c.js", 5);
}

/* One program counts from before the code. */
static void lines_that_begin_64_bytes_too_far(void **state)
{
	static const struct jitgen_row far[] = { { 0x1040, 10, "/a.js" }, { 0x1058, 11, "/a.js" } };
	static const struct jitgen_row near[] = { { 0x2040, 20, "/a.js" }, { 0x2044, 21, "/a.js" } };
	static const struct jitgen_row first[] = { { 0x3000, 30, "/a.js" } };
	struct fixture *f = *state;

	jitgen_info(&f->gen, 0x2000, near, 2);
	jitgen_load(&f->gen, 0x2000, 0x100, 2, "could be either");
	assert_int_equal(open_dump(f), 0);
	assert_line(f, 0x2000, NULL, 0);
	assert_line(f, 0x2040, "/a.js", 20);
	/* So many that it is no chance. */
	for (int i = 1; i < 8; i++) {
		jitgen_info(&f->gen, 0x2000, near, 2);
		jitgen_load(&f->gen, 0x2000, 0x100, 2, "could be either");
	}
	assert_int_equal(open_dump(f), 0);
	assert_line(f, 0x2000, "/a.js", 20);
	buf_fini(&f->gen.out);
	jitgen_init(&f->gen, false);
	jitgen_info(&f->gen, 0x2000, near, 2);
	jitgen_load(&f->gen, 0x2000, 0x100, 2, "could be either");
	jitgen_info(&f->gen, 0x1000, far, 2);
	jitgen_load(&f->gen, 0x1000, 0x20, 1, "shows it");
	assert_int_equal(open_dump(f), 0);
	assert_line(f, 0x1000, "/a.js", 10);
	assert_line(f, 0x1018, "/a.js", 11);
	assert_line(f, 0x2000, "/a.js", 20);
	assert_line(f, 0x2010, "/a.js", 21);
	jitgen_info(&f->gen, 0x3000, first, 1);
	jitgen_load(&f->gen, 0x3000, 0x20, 3, "refutes it");
	assert_int_equal(open_dump(f), 0);
	assert_line(f, 0x3000, "/a.js", 30);
	assert_line(f, 0x2040, "/a.js", 20);
}

static void either_byte_order(void **state)
{
	struct fixture *f = *state;

	buf_fini(&f->gen.out);
	jitgen_init(&f->gen, true);
	jitgen_info(&f->gen, 0x1000, rows, 4);
	jitgen_load(&f->gen, 0x1000, 0x20, 1, "swapped");
	jitgen_move(&f->gen, 0x1000, 0x8000, 0x20, 1);
	assert_int_equal(open_dump(f), 0);
	assert_true(jitdump_is(f->fd));
	assert_name(f, 0x1000, "swapped");
	assert_line(f, 0x8010, "/b.js", 5);
}

static void what_is_not_whole_is_left_out(void **state)
{
	struct fixture *f = *state;
	size_t whole, all;

	assert_int_equal(open_dump(f), -ENODATA);
	jitgen_load(&f->gen, 0x1000, 0x20, 1, "whole");
	whole = f->gen.out.size;
	jitgen_load(&f->gen, 0x2000, 0x20, 2, "being written");
	all = f->gen.out.size;
	for (f->gen.out.size = whole; f->gen.out.size < all; f->gen.out.size++) {
		assert_int_equal(open_dump(f), 0);
		assert_int_equal(jitdump_nr(f->d), 1);
		assert_name(f, 0x1000, "whole");
	}
	assert_int_equal(open_dump(f), 0);
	assert_int_equal(jitdump_nr(f->d), 2);
	f->gen.out.size = 39;
	assert_int_equal(open_dump(f), -ENODATA);
}

static void what_is_none_is_refused(void **state)
{
	struct fixture *f = *state;
	uint32_t *header;

	jitgen_load(&f->gen, 0x1000, 0x20, 1, "name");
	header = (uint32_t *)(void *)f->gen.out.data;
	header[1] = 3; /* version */
	assert_int_equal(open_dump(f), -EBADMSG);
	header[1] = 1;
	header[2] = 39; /* its own size */
	assert_int_equal(open_dump(f), -EBADMSG);
	header[2] = UINT32_MAX;
	assert_int_equal(open_dump(f), -ENODATA);
	header[2] = 40;
	assert_int_equal(open_dump(f), 0);
	header[0]++;
	assert_int_equal(open_dump(f), -EBADMSG);
	assert_false(jitdump_is(f->fd));
	close_dump(f);
	f->fd = io_memfd("dump", "", 0);
	assert_false(jitdump_is(f->fd));
	assert_int_equal(ftruncate(f->fd, (off_t)JITDUMP_SIZE_MAX + 1), 0);
	assert_int_equal(jitdump_open(&f->d, f->fd), -EFBIG);
}

static void a_file_that_shrinks_is_no_crash(void **state)
{
	struct fixture *f = *state;
	struct jit_line line;
	char name[16];

	jitgen_info(&f->gen, 0x1000, rows, 4);
	jitgen_load(&f->gen, 0x1000, 0x20, 1, "name");
	assert_int_equal(open_dump(f), 0);
	assert_int_equal(ftruncate(f->fd, 50), 0);
	assert_true(jitdump_name(f->d, f->fd, 0, name, sizeof(name)) < 0);
	assert_true(jitdump_line(f->d, f->fd, 0x1000, &line) < 0);
	assert_int_equal(jitdump_name(f->d, f->fd, 1, name, sizeof(name)), -ENOENT);
}

/* Rows without end, and the same asked again and again: there is a limit to it. */
static void looking_for_lines_has_an_end(void **state)
{
	struct fixture *f = *state;
	struct jitgen_row *many = xcalloc(100000, sizeof(*many));
	struct jit_line line;
	unsigned nr = 0;
	int err;

	for (unsigned i = 0; i < 100000; i++)
		many[i] = (struct jitgen_row){ 0x1000, i + 1, "/some/where.js" };
	jitgen_info(&f->gen, 0x1000, many, 100000);
	jitgen_load(&f->gen, 0x1000, 0x20, 1, "f");
	free(many);
	assert_int_equal(open_dump(f), 0);
	while (!(err = jitdump_line(f->d, f->fd, 0x1000, &line)))
		assert_true(++nr < 1000);
	assert_int_equal(err, -EFBIG);
	assert_true(nr > 1);
	jitdump_trim(f->d);
	assert_int_equal(jitdump_line(f->d, f->fd, 0x1000, &line), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(functions_have_names),
		TEST(the_later_function_counts),
		TEST(moved_code_keeps_name_and_lines),
		TEST(lines),
		TEST(lines_that_begin_64_bytes_too_far),
		TEST(either_byte_order),
		TEST(what_is_not_whole_is_left_out),
		TEST(what_is_none_is_refused),
		TEST(a_file_that_shrinks_is_no_crash),
		TEST(looking_for_lines_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
