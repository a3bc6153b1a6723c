/* view/: tables, trees and folded stacks of hand-made profiles; cli/select: times and selectors of
 * labels. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/select.h"
#include "profile/profile.h"
#include "view/view.h"

static uint32_t function(struct profile *p, const char *name, const char *file)
{
	uint32_t s = profile_string(p, name);

	return profile_function(p, &(struct profile_function){ s, s, profile_string(p, file), 0 });
}

static uint32_t mapping(struct profile *p, const char *file, uint64_t limit)
{
	return profile_mapping(p, &(struct profile_mapping){
					  .limit = limit, .filename = profile_string(p, file) });
}

static uint32_t label(struct profile *p, const char *comm)
{
	struct profile_label l = { .key = profile_string(p, "comm"),
				   .str = profile_string(p, comm) };

	return profile_label_set(p, &l, 1);
}

/* a: main → f → leaf (inlined into f's address), 3 s; main → main → [lib.so], 1 s. b: [lost], 2 s.
 * The first mapping names the file only. */
static struct profile *example(void)
{
	struct profile *p = profile_new();
	struct profile_line main_line, inlined[2];
	uint32_t exe, lib, main_at, f_at, lib_at, lost;

	profile_add_type(p, "samples", "count");
	profile_add_type(p, "cpu", "nanoseconds");
	p->default_type = profile_string(p, "samples");
	p->time_nanos = 1795370400000000000;
	p->duration_nanos = 60000000000;
	mapping(p, "[host h]", 0);
	exe = mapping(p, "/bin/a", UINT64_MAX);
	lib = mapping(p, "/lib/lib.so", UINT64_MAX);
	main_line = (struct profile_line){ function(p, "main", "/src/main.c"), 1 };
	inlined[0] = (struct profile_line){ function(p, "leaf", "/src/leaf.c"), 2 };
	inlined[1] = (struct profile_line){ function(p, "f;g", "/src/main.c"), 3 };
	main_at = profile_location_lines(p, exe, 0x10, &main_line, 1);
	f_at = profile_location_lines(p, exe, 0x20, inlined, 2);
	lib_at = profile_location(p, lib, 0x30);
	lost = profile_pseudo(p, "[lost]");
	function(p, "unused", "/src/unused.c");
	profile_add(p, profile_stack(p, (uint32_t[]){ f_at, main_at }, 2), label(p, "a"),
		    (int64_t[]){ 3, 3000000000 });
	profile_add(p, profile_stack(p, (uint32_t[]){ lib_at, main_at, main_at }, 3), label(p, "a"),
		    (int64_t[]){ 1, 1000000000 });
	profile_add(p, profile_stack(p, &lost, 1), label(p, "b"), (int64_t[]){ 2, 2000000000 });
	return p;
}

typedef void (*view_fn)(const struct profile *p, const struct view_options *o, FILE *out);

static void shows(view_fn view, const struct profile *p, const struct view_options *o,
		  const char *expected)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	view(p, o, f);
	fclose(f);
	assert_string_equal(text, expected);
	free(text);
}

static void types_are_found_by_name(void **state)
{
	struct profile *p = example();

	assert_int_equal(view_type(p, "cpu"), 1);
	assert_int_equal(view_type(p, NULL), 0);
	assert_int_equal(view_type(p, "cycles"), -1);
	p->default_type = 0;
	assert_int_equal(view_type(p, NULL), 1);
	profile_free(p);
}

static void header_tells_what_is_shown(void **state)
{
	struct profile *p = example();

	shows(view_header, p, &(struct view_options){ .type = 1 },
	      "File: [host h]\n"
	      "Type: cpu\n"
	      "Time: 2026-11-22 18:00:00 UTC\n"
	      "Duration: 60.00s, Total: 6.00s (10.00%)\n");
	profile_free(p);
}

#define TOP_HEAD "      flat   flat%    sum%        cum    cum%\n"

static void top_counts_leaves_and_recursion_once(void **state)
{
	struct profile *p = example();

	shows(view_top, p, &(struct view_options){ .type = 0 },
	      "Showing 5 of 5 rows, 6 (100.00%) of the total\n" TOP_HEAD
	      "         3  50.00%  50.00%          3  50.00%  leaf\n"
	      "         2  33.33%  83.33%          2  33.33%  [lost]\n"
	      "         1  16.67% 100.00%          1  16.67%  [lib.so]\n"
	      "         0   0.00% 100.00%          4  66.67%  main\n"
	      "         0   0.00% 100.00%          3  50.00%  f;g\n");
	shows(view_top, p, &(struct view_options){ .type = 1, .nr = 2, .cumulative = true },
	      "Showing 2 of 5 rows, 3.00s (50.00%) of the total\n" TOP_HEAD
	      "     0.00s   0.00%   0.00%      4.00s  66.67%  main\n"
	      "     3.00s  50.00%  50.00%      3.00s  50.00%  leaf\n");
	profile_free(p);
}

static void top_goes_by_file_and_label(void **state)
{
	struct profile *p = example();

	shows(view_top, p, &(struct view_options){ .by = VIEW_FILE },
	      "Showing 4 of 4 rows, 6 (100.00%) of the total\n" TOP_HEAD
	      "         3  50.00%  50.00%          3  50.00%  /src/leaf.c\n"
	      "         2  33.33%  83.33%          2  33.33%  [lost]\n"
	      "         1  16.67% 100.00%          1  16.67%  /lib/lib.so\n"
	      "         0   0.00% 100.00%          4  66.67%  /src/main.c\n");
	shows(view_top, p, &(struct view_options){ .by = VIEW_LABEL, .label = "comm" },
	      "Showing 2 of 2 rows, 6 (100.00%) of the total\n" TOP_HEAD
	      "         4  66.67%  66.67%          4  66.67%  a\n"
	      "         2  33.33% 100.00%          2  33.33%  b\n");
	shows(view_top, p, &(struct view_options){ .by = VIEW_LABEL, .label = "unit" },
	      "Showing 1 of 1 rows, 6 (100.00%) of the total\n" TOP_HEAD
	      "         6 100.00% 100.00%          6 100.00%  <none>\n");
	profile_free(p);
}

#define TREE_HEAD "     total  total%       self  calls\n"

static void tree_is_cut_and_says_so(void **state)
{
	struct profile *p = example();

	shows(view_tree, p, &(struct view_options){ .by = VIEW_LABEL, .label = "comm" },
	      TREE_HEAD "         4  66.67%          0  a\n"
			"         4  66.67%          0    main\n"
			"         3  50.00%          0      f;g\n"
			"         3  50.00%          3        leaf\n"
			"         1  16.67%          0      main\n"
			"         1  16.67%          1        [lib.so]\n"
			"         2  33.33%          0  b\n"
			"         2  33.33%          2    [lost]\n");
	shows(view_tree, p, &(struct view_options){ .min_fraction = 0.4 },
	      TREE_HEAD "         4  66.67%          0  main\n"
			"         3  50.00%          0    f;g\n"
			"         3  50.00%          3      leaf\n"
			"         1  16.67%               ... 1 more\n"
			"         2  33.33%             ... 1 more\n");
	shows(view_tree, p, &(struct view_options){ .nr = 1, .type = 1 },
	      TREE_HEAD "     4.00s  66.67%      0.00s  main\n"
			"     3.00s  50.00%      0.00s    f;g\n"
			"     3.00s  50.00%      3.00s      leaf\n"
			"     1.00s  16.67%               ... 1 more\n"
			"     2.00s  33.33%             ... 1 more\n");
	profile_free(p);
}

static void folded_expands_inlined_calls(void **state)
{
	struct profile *p = example();

	shows(view_folded, p, &(struct view_options){ .type = 0 },
	      "a;main;f:g;leaf 3\n"
	      "a;main;main;[lib.so] 1\n"
	      "b;[lost] 2\n");
	profile_free(p);
}

static void an_empty_profile_is_shown(void **state)
{
	struct profile *p = profile_new();

	profile_add_type(p, "cpu", "nanoseconds");
	shows(view_top, p, &(struct view_options){ 0 },
	      "Showing 0 of 0 rows, 0ns (0.00%) of the total\n" TOP_HEAD);
	shows(view_tree, p, &(struct view_options){ 0 }, TREE_HEAD);
	shows(view_folded, p, &(struct view_options){ 0 }, "");
	profile_free(p);
}

/* A file may say that a stack is a million calls deep, its values as large as can be. */
static void monstrous_stacks_are_shown(void **state)
{
	struct profile *p = profile_new();
	uint32_t nr = 300000, *stack = malloc(nr * sizeof(*stack));
	char *text = NULL;
	size_t size;
	FILE *f;

	profile_add_type(p, "cpu", "nanoseconds");
	stack[0] = profile_pseudo(p, "[a]");
	for (uint32_t i = 1; i < nr; i++)
		stack[i] = stack[0];
	for (uint32_t i = 0; i < 2; i++)
		profile_add(p, profile_stack(p, stack, nr - i), profile_label_set(p, NULL, 0),
			    (int64_t[]){ INT64_MAX });
	f = open_memstream(&text, &size);
	view_tree(p, &(struct view_options){ 0 }, f);
	view_top(p, &(struct view_options){ 0 }, f);
	fclose(f);
	assert_non_null(strstr(text, "100.00%"));
	free(text);
	free(stack);
	profile_free(p);
}

static void times_are_read_as_people_write_them(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds; /* -1: refused */
	} cases[] = {
		{ "@1795370400", 1795370400 },
		{ "2026-11-22 20:00", 1795370400 },
		{ "2026-11-22 20:00:01", 1795370401 },
		{ "2026-11-22T18:00:00Z", 1795370400 },
		{ "20261122T180000Z", 1795370400 },
		{ "2026-11-22", 1795298400 },
		{ "20:00", 1795370400 },
		{ "now", 1795374000 },
		{ "1h", 1795370400 },
		{ "90s", 1795373910 },
		{ "1h 30min", 1795368600 },
		{ "", -1 },
		{ "yesterday", -1 },
		{ "2026-11-22 18:00 or so", -1 },
		{ "@", -1 },
		{ "@-5", -1 },
		{ "1x", -1 },
		{ "9999999w", -1 },
	};

	setenv("TZ", "LOC-2", 1); /* two hours east of Greenwich */
	tzset();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t seconds = -1;
		int err = select_parse_time(cases[i].text, 1795374000, &seconds);

		if (seconds != cases[i].seconds || (err != 0) != (cases[i].seconds < 0))
			fail_msg("%s: %lld", cases[i].text, (long long)seconds);
	}
	setenv("TZ", "UTC", 1);
	tzset();
}

static void selectors_of_one_label_are_alternatives(void **state)
{
	struct profile *p = profile_new();
	struct profile_label l[2] = {
		{ .key = profile_string(p, "comm"), .str = profile_string(p, "nginx") },
		{ .key = profile_string(p, "pid"), .str = profile_string(p, "7") },
	};
	uint32_t both = profile_label_set(p, l, 2), one = profile_label_set(p, l, 1);
	struct select s = { .nr_labels = 2,
			    .labels = { { "comm", "bash", false }, { "comm", "ng*", false } } };

	assert_true(select_keeps(&s, p, both));
	assert_true(select_keeps(&s, p, one));
	s.labels[s.nr_labels++] = (struct select_label){ "pid", "7", true };
	assert_true(select_keeps(&s, p, both));
	assert_false(select_keeps(&s, p, one));
	s.labels[2].pattern = "*"; /* no glob for numbers */
	assert_false(select_keeps(&s, p, both));
	s.nr_labels = 0;
	assert_true(select_keeps(&s, p, one));
	profile_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_are_found_by_name),
		cmocka_unit_test(header_tells_what_is_shown),
		cmocka_unit_test(top_counts_leaves_and_recursion_once),
		cmocka_unit_test(top_goes_by_file_and_label),
		cmocka_unit_test(tree_is_cut_and_says_so),
		cmocka_unit_test(folded_expands_inlined_calls),
		cmocka_unit_test(an_empty_profile_is_shown),
		cmocka_unit_test(monstrous_stacks_are_shown),
		cmocka_unit_test(times_are_read_as_people_write_them),
		cmocka_unit_test(selectors_of_one_label_are_alternatives),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
