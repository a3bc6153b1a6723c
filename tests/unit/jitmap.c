/* object/jitmap: what programs write of the code that they make. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "object/jitmap.h"

struct fixture {
	int fd;
	struct jitmap *m;
};

static int open_text(struct fixture *f, const char *text, size_t size)
{
	f->fd = io_memfd("map", text, size);
	f->m = NULL;
	return jitmap_open(&f->m, f->fd);
}

static void close_text(struct fixture *f)
{
	jitmap_free(f->m);
	close(f->fd);
}

static void assert_name(struct fixture *f, uint64_t address, const char *want)
{
	char name[JITMAP_NAME_MAX];
	uint32_t function;
	int err = jitmap_find(f->m, address, &function);

	if (!want) {
		assert_int_equal(err, -ENOENT);
		return;
	}
	assert_int_equal(err, 0);
	assert_int_equal(jitmap_name(f->m, f->fd, function, name, sizeof(name)), strlen(want));
	assert_string_equal(name, want);
}

static void functions_have_names(void **state)
{
	static const char text[] = "1000 20 first\n0x2000 0x10 LazyCompile:~f /a b.js:1\n7F00000000 FF third\n";
	struct fixture f;

	assert_int_equal(open_text(&f, text, sizeof(text) - 1), 0);
	assert_int_equal(jitmap_nr(f.m), 3);
	assert_name(&f, 0xfff, NULL);
	assert_name(&f, 0x1000, "first");
	assert_name(&f, 0x101f, "first");
	assert_name(&f, 0x1020, NULL);
	assert_name(&f, 0x2008, "LazyCompile:~f /a b.js:1");
	assert_name(&f, 0x7f00000010, "third");
	close_text(&f);
}

static void the_last_entry_wins(void **state)
{
	static const char text[] = "1000 100 old\n2000 10 other\n1040 20 inside\n1000 100 new\n1080 10 newest\n";
	struct fixture f;

	assert_int_equal(open_text(&f, text, sizeof(text) - 1), 0);
	assert_name(&f, 0x1000, "new");
	assert_name(&f, 0x1050, "new"); /* what was inside the old one has gone */
	assert_name(&f, 0x1088, "newest");
	assert_name(&f, 0x1090, "new");
	assert_name(&f, 0x2000, "other");
	close_text(&f);
}

/* However many short ones were there before. */
static void what_is_left_of_an_old_entry_keeps_its_name(void **state)
{
	char text[16384];
	size_t n = 0;
	struct fixture f;

	n += (size_t)sprintf(text, "1000 10000 large\n");
	for (unsigned i = 0; i < 500; i++)
		n += (size_t)sprintf(text + n, "%x 10 small%u\n", 0x2000 + 16 * i, i);
	n += (size_t)sprintf(text + n, "1000 10 first\n");
	assert_int_equal(open_text(&f, text, n), 0);
	assert_name(&f, 0x1000, "first");
	assert_name(&f, 0x1010, "large");
	assert_name(&f, 0x2010, "small1");
	assert_name(&f, 0x8000, "large");
	assert_name(&f, 0x10fff, "large");
	assert_name(&f, 0x11000, NULL);
	close_text(&f);
	/* The last of all is over the others. */
	n += (size_t)sprintf(text + n, "1800 f000 last\n");
	assert_int_equal(open_text(&f, text, n), 0);
	assert_name(&f, 0x2010, "last");
	assert_name(&f, 0x17ff, "large");
	assert_name(&f, 0x10800, "large");
	close_text(&f);
}

static void lines_without_sense_are_left_out(void **state)
{
	static const char text[] = "\n \nzz 10 a\n1000\n1000 \n1000 10\n1000 10 \n0x 10 b\n1000 0 c\n"
				   "11111111111111111 10 d\nffffffffffffffff 10 e\n1000 g f\n3000 10 good\n4000 10 unfinished";
	struct fixture f;

	assert_int_equal(open_text(&f, text, sizeof(text) - 1), 0);
	assert_int_equal(jitmap_nr(f.m), 1);
	assert_name(&f, 0x3000, "good");
	close_text(&f);
	assert_int_equal(open_text(&f, "", 0), -ENODATA);
	close_text(&f);
	assert_int_equal(open_text(&f, "1000 10 unfinished", 18), -ENODATA);
	close_text(&f);
}

/* A name larger than what is read at once, and what follows it. */
static void long_lines(void **state)
{
	size_t size = 200000;
	char *text = malloc(size + 64), want[JITMAP_NAME_MAX];
	int n = sprintf(text, "1000 10 ");
	struct fixture f;

	memset(text + n, 'x', size);
	n = sprintf(text + n + size, "\n2000 10 next\n") + n + (int)size;
	memset(want, 'x', sizeof(want));
	want[sizeof(want) - 1] = 0;
	assert_int_equal(open_text(&f, text, (size_t)n), 0);
	assert_int_equal(jitmap_nr(f.m), 2);
	assert_name(&f, 0x1000, want);
	assert_name(&f, 0x2000, "next");
	close_text(&f);
	free(text);
}

static void too_large_is_refused_and_truncated_is_no_crash(void **state)
{
	static const char text[] = "1000 10 a name\n";
	struct fixture f;
	uint32_t function;
	char name[16];

	assert_int_equal(open_text(&f, text, sizeof(text) - 1), 0);
	assert_int_equal(jitmap_find(f.m, 0x1000, &function), 0);
	assert_int_equal(ftruncate(f.fd, 3), 0);
	assert_true(jitmap_name(f.m, f.fd, function, name, sizeof(name)) <= 0);
	close_text(&f);
	f.fd = io_memfd("map", "", 0);
	assert_int_equal(ftruncate(f.fd, JITMAP_SIZE_MAX + 1), 0);
	assert_int_equal(jitmap_open(&f.m, f.fd), -EFBIG);
	close(f.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_have_names),
		cmocka_unit_test(the_last_entry_wins),
		cmocka_unit_test(what_is_left_of_an_old_entry_keeps_its_name),
		cmocka_unit_test(lines_without_sense_are_left_out),
		cmocka_unit_test(long_lines),
		cmocka_unit_test(too_large_is_refused_and_truncated_is_no_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
