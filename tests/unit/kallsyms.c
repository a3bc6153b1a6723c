/* object/kallsyms: the kernel's functions from text. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "object/kallsyms.h"

#define TEXT 0xffffffff81000000

static const char sample[] = "0000000000000000 A fixed_percpu_data\n"
			     "ffffffff81000000 T _stext\n"
			     "ffffffff81000000 T _text\n"
			     "ffffffff81000000 t startup\n"
			     "ffffffff81000030 T __pfx_schedule\n"
			     "ffffffff81000040 T schedule\n"
			     "ffffffff81000100 t helper\n"
			     "ffffffff81000100 W weak_one\n"
			     "ffffffff81000100 T __strong\n"
			     "ffffffff81000200 t last_function\n"
			     "ffffffff81000300 T _etext\n"
			     "ffffffff81001000 D some_data\n"
			     "ffffffff81001008 d more_data\n"
			     "ffffffff81002000 t init_function\n"
			     "ffffffffc0202000 t mod_b\t[second]\n"
			     "ffffffffc0202100 d mod_data\t[second]\n"
			     "ffffffffc0201000 t mod_a\t[first]\n"
			     "ffffffffc0201800 T __pfx_mod_c\t[first]\n"
			     "ffffffffc0201810 T mod_c\t[first]\n"
			     "ffffffffc0100000 t bpf_prog_6deef7357e7b4530_filter\t[bpf]\n";

static struct kallsyms *parse(const char *text)
{
	struct kallsyms *k = NULL;

	assert_int_equal(kallsyms_parse(&k, text, strlen(text)), 0);
	return k;
}

static void assert_symbol(struct kallsyms *k, int64_t relative, const char *name, int64_t start,
			  const char *module)
{
	struct kallsyms_symbol s;
	int err = kallsyms_find(k, relative, &s);

	if (!name) {
		assert_int_equal(err, -ENOENT);
		return;
	}
	assert_int_equal(err, 0);
	assert_string_equal(s.name, name);
	assert_int_equal(s.start, start);
	assert_string_equal(s.module, module);
}

static void finds_functions(void **state)
{
	struct kallsyms *k = parse(sample);

	assert_true(kallsyms_text(k) == TEXT);
	assert_true(kallsyms_size(k) > 0 && kallsyms_nr(k) > 8);
	assert_symbol(k, 0, "_text", 0, ""); /* global over local, then the shortest */
	assert_symbol(k, 0x2f, "_text", 0, "");
	assert_symbol(k, 0x30, "__pfx_schedule", 0x30, "");
	assert_symbol(k, 0x40, "schedule", 0x40, "");
	assert_symbol(k, 0x100, "__strong", 0x100, "");
	assert_symbol(k, 0x2ff, "last_function", 0x200, "");
	assert_symbol(k, 0x300, NULL, 0, NULL); /* past _etext */
	assert_symbol(k, 0x1004, NULL, 0, NULL);
	assert_symbol(k, 0x2001, "init_function", 0x2000, "");
	assert_symbol(k, -1, NULL, 0, NULL);
	assert_symbol(k, INT64_MAX, NULL, 0, NULL);
	assert_symbol(k, INT64_MIN, NULL, 0, NULL);
	kallsyms_free(k);
}

static void modules_come_unsorted(void **state)
{
	struct kallsyms *k = parse(sample);

	assert_symbol(k, 0x3f201004, "mod_a", 0x3f201000, "first");
	assert_symbol(k, 0x3f201801, "__pfx_mod_c", 0x3f201800, "first");
	assert_symbol(k, 0x3f201811, "mod_c", 0x3f201810, "first");
	assert_symbol(k, 0x3f202004, "mod_b", 0x3f202000, "second");
	assert_symbol(k, 0x3f202104, NULL, 0, NULL);
	assert_symbol(k, 0x3f100010, "bpf_prog_6deef7357e7b4530_filter", 0x3f100000, "bpf");
	assert_symbol(k, 0x3f100000 + KALLSYMS_FUNCTION_MAX - 1, "bpf_prog_6deef7357e7b4530_filter",
		      0x3f100000, "bpf");
	assert_symbol(k, 0x3f100000 + KALLSYMS_FUNCTION_MAX, NULL, 0, NULL);
	kallsyms_free(k);
}

/* As it is on arm64. */
static void modules_below_the_kernel(void **state)
{
	struct kallsyms *k = parse(
		"ffff800080000000 T _text\nffff800080000100 T f\nffff80007a000000 t g\t[m]\n");

	assert_symbol(k, 0x180, "f", 0x100, "");
	assert_symbol(k, -0x5fffffe, "g", -0x6000000, "m");
	kallsyms_free(k);
}

static void says_when_it_is_restricted(void **state)
{
	struct kallsyms *k;
	char zeros[sizeof(sample)];

	memcpy(zeros, sample, sizeof(sample));
	for (char *line = zeros; line && *line;
	     line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		memset(line, '0', 16);
	assert_int_equal(kallsyms_parse(&k, zeros, sizeof(zeros) - 1), -EACCES);
}

static void refuses_other_texts(void **state)
{
	static const char *const bad[] = {
		"",
		"\n",
		"hello\n",
		"ffffffff81000000 T f\n",
		"ffffffff81000000 T\n",
		"ffffffff81000000 T \n",
		"ffffffff81000000  _text\n",
		"fffffffff81000000 T _text\n",
		"ffffffff81000000 T _text x\n",
		"ffffffff81000000 T _text [\n",
		"ffffffff81000000 T _text [m\n",
		"ffffffff81000000 T a\001b\n",
		" T _text\n",
		"fffffffg81000000 T _text\n",
		"0 T _text\n1 T x\n",
	};
	struct kallsyms *k;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(kallsyms_parse(&k, bad[i], strlen(bad[i])), -EBADMSG);
	assert_int_equal(kallsyms_open(&k, -1), -EBADF);
}

static void names_that_look_like_pairs(void **state)
{
	struct kallsyms *k = parse("ffffffff81000000 T _text\n"
				   "ffffffff81000010 T __pfx___pfx_f\n"
				   "ffffffff81000020 T __pfx_f\n"
				   "ffffffff81000030 T f\n"
				   "ffffffff81000040 T __pfx_\n"
				   "ffffffff81000050 T __pfx_g\n"
				   "ffffffff81000060 T h\n");

	assert_symbol(k, 0x10, "__pfx___pfx_f", 0x10, "");
	assert_symbol(k, 0x20, "__pfx_f", 0x20, "");
	assert_symbol(k, 0x30, "f", 0x30, "");
	assert_symbol(k, 0x40, "__pfx_", 0x40, "");
	assert_symbol(k, 0x50, "__pfx_g", 0x50, "");
	assert_symbol(k, 0x60, "h", 0x60, "");
	kallsyms_free(k);
}

/* A file larger than a piece, lines across pieces; the same out of order; long names are cut. */
static void reads_descriptors_in_pieces(void **state)
{
	struct buf b = { 0 }, c = { 0 };
	struct kallsyms *k;
	char name[32], long_name[700];
	int fd;

	buf_str(&b, "ffffffff81000000 T _text\n");
	buf_str(&c, "ffffffff81000000 T _text\n");
	for (unsigned i = 1; i < 20000; i++) {
		buf_printf(&b, "%llx t function_%u\n", TEXT + 0x20ull * i, i);
		buf_printf(&c, "%llx t function_%u\n", TEXT + 0x20ull * (20000 - i), 20000 - i);
	}
	memset(long_name, 'n', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = 0;
	buf_printf(&b, "ffffffff82000000 t %s", long_name); /* and no newline */
	for (unsigned turn = 0; turn < 2; turn++) {
		struct buf *text = turn ? &c : &b;

		fd = io_memfd("kallsyms", text->data, text->size);
		assert_int_equal(kallsyms_open(&k, fd), 0);
		for (unsigned i = 1; i < 20000; i++) {
			snprintf(name, sizeof(name), "function_%u", i);
			assert_symbol(k, 0x20 * i + 5, name, 0x20 * i, "");
		}
		if (!turn) {
			struct kallsyms_symbol s;

			assert_int_equal(kallsyms_find(k, 0x1000000, &s), 0);
			assert_int_equal(strlen(s.name), KALLSYMS_NAME_MAX - 1);
		}
		kallsyms_free(k);
		close(fd);
	}
	/* A line that no piece holds. */
	b.size = 0;
	for (unsigned i = 0; i < 200000; i++)
		buf_str(&b, "x");
	fd = io_memfd("kallsyms", b.data, b.size);
	assert_int_equal(kallsyms_open(&k, fd), -EBADMSG);
	close(fd);
	buf_fini(&b);
	buf_fini(&c);
	kallsyms_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_functions),
		cmocka_unit_test(modules_come_unsorted),
		cmocka_unit_test(modules_below_the_kernel),
		cmocka_unit_test(says_when_it_is_restricted),
		cmocka_unit_test(refuses_other_texts),
		cmocka_unit_test(names_that_look_like_pairs),
		cmocka_unit_test(reads_descriptors_in_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
