/* symbolize: files, lines and inlined functions, from an index that is built, and from one that was. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"
#include "profile/profile.h"
#include "symbolize/symbolize.h"
#include "tests/jitgen.h"

/* The text of fuzz/seeds/dwarf/gcc5, whose contents are not in the file: debug files are so. */
#define START 0x1000
#define END 0x1099
#define OFFSET 0x200
#define SEGMENT_SIZE_AT (64 + 32) /* p_filesz of the first program header */

struct fixture {
	struct symbolize_object object;
	struct symbolize_lines lines;
	struct symbolize_stats stats;
	int built_fd; /* of the index built last, ours; −1 */
	unsigned nr_built;
};

static void built(void *ctx, const struct object_id *id, int fd, uint64_t size)
{
	struct fixture *f = ctx;

	assert_memory_equal(id, &f->object.id, sizeof(*id));
	assert_int_equal(lseek(fd, 0, SEEK_END), size);
	if (f->built_fd >= 0)
		close(f->built_fd);
	f->built_fd = dup(fd);
	f->nr_built++;
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	const char *top = getenv("top_srcdir");
	char *path = xasprintf("%s/fuzz/seeds/dwarf/gcc5", top ? top : ".");
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct buf b = { 0 };

	assert_int_equal(io_read_all(fd, &b, 1 << 20), 0);
	close(fd);
	b.data[SEGMENT_SIZE_AT + 1] = 3; /* 0x3e8: now they are */
	f->object = (struct symbolize_object){ .id = { 1, 2, 3, 4, 5 }, .fd = io_memfd("object", b.data, b.size) };
	buf_fini(&b);
	f->lines = (struct symbolize_lines){ .size = 1 << 20, .earned = 5, .now = true, .built = built, .ctx = f };
	f->built_fd = -1;
	free(path);
	*state = f;
	return f->object.fd < 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	close(f->object.fd);
	if (f->built_fd >= 0)
		close(f->built_fd);
	free(f);
	return 0;
}

/* A window in which every address of the text was sampled once; the number of locations with three functions. */
static unsigned window(struct fixture *f, struct symbolizer *s)
{
	struct profile *p = profile_new();
	unsigned nr = 0;

	profile_add_type(p, "samples", "count");
	profile_mapping(p, &(struct profile_mapping){ .start = START, .limit = END, .offset = OFFSET, .object = 1,
						      .filename = profile_string(p, "/a/object") });
	for (uint64_t at = START; at < END; at++) {
		uint32_t location = profile_location(p, 0, at);

		profile_add(p, profile_stack(p, &location, 1), 0, &(int64_t){ 1 });
	}
	symbolizer_set_lines(s, &f->lines);
	symbolize(s, p, &f->object, 1, NULL, NULL, &f->stats);
	for (uint32_t i = 0; i < p->nr_locations; i++) {
		const struct profile_location *l = &p->locations[i];
		const struct profile_line *line = &p->lines[l->first_line];

		if (l->nr_lines != 3)
			continue;
		nr++;
		assert_string_equal(profile_str(p, p->functions[line[0].function].name), "g");
		assert_string_equal(profile_str(p, p->functions[line[1].function].name), "h");
		assert_true(line[0].line > 0 && line[1].line > 0 && line[2].line > 0);
		assert_true(*profile_str(p, p->functions[line[0].function].filename));
		assert_int_equal(p->functions[line[0].function].start_line, 2);
	}
	profile_free(p);
	return nr;
}

static void an_index_is_built_once(void **state)
{
	struct fixture *f = *state;
	struct symbolizer *s = symbolizer_new(1 << 20);
	unsigned nr;

	nr = window(f, s);
	assert_true(nr > 0);
	assert_true(f->stats.nr_lined >= nr);
	assert_int_equal(window(f, s), nr);
	assert_int_equal(f->nr_built, 1);
	assert_int_equal(f->stats.nr_indexes, 1);
	symbolizer_free(s);
}

static void one_that_is_there_need_not_be_built(void **state)
{
	struct fixture *f = *state;
	struct symbolizer *s = symbolizer_new(1 << 20);
	unsigned nr = window(f, s);

	symbolizer_free(s);
	s = symbolizer_new(1 << 20);
	f->lines.earned = UINT64_MAX;
	assert_int_equal(window(f, s), 0);
	f->object.index_fd = f->built_fd;
	assert_int_equal(window(f, s), nr);
	/* It stays when it is not given again. */
	f->object.index_fd = -1;
	assert_int_equal(window(f, s), nr);
	assert_int_equal(f->nr_built, 1);
	symbolizer_free(s);
}

static void a_damaged_or_foreign_one_is_built_anew(void **state)
{
	struct fixture *f = *state;
	struct symbolizer *s = symbolizer_new(1 << 20);
	unsigned nr = window(f, s);
	off_t size = lseek(f->built_fd, 0, SEEK_END);
	char *bytes = malloc((size_t)size);

	symbolizer_free(s);
	assert_int_equal(io_pread(f->built_fd, bytes, (size_t)size, 0), size);
	for (int what = 0; what < 4; what++) {
		int damaged;

		s = symbolizer_new(1 << 20);
		if (what == 0) /* one bit, anywhere */
			bytes[size / 2] ^= 4;
		else if (what == 1)
			bytes[size / 2] ^= 4;
		damaged = what == 1 ? io_memfd("index", bytes, (size_t)size - 1)
			  : what == 2 ? io_memfd("index", "", 0)
				      : io_memfd("index", bytes, (size_t)size);
		if (what == 3)
			f->object.id.mtime_ns++; /* the file was changed since */
		f->object.index_fd = damaged;
		f->nr_built = 0;
		assert_int_equal(window(f, s), nr);
		assert_int_equal(f->nr_built, 1);
		f->object.index_fd = f->built_fd; /* now it takes the place of that in memory */
		assert_int_equal(window(f, s), nr);
		assert_int_equal(f->nr_built, 1);
		close(damaged);
		symbolizer_free(s);
	}
	free(bytes);
}

static void without_debugging_information_names_stay(void **state)
{
	struct fixture *f = *state;
	struct symbolizer *s = symbolizer_new(1 << 20);
	int debug = f->object.fd;

	f->object.fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	f->lines.earned = UINT64_MAX;
	assert_int_equal(window(f, s), 0);
	assert_int_equal(f->stats.nr_lined, 0);
	close(f->object.fd);
	f->object.fd = debug;
	symbolizer_free(s);
}

/* The function, file and line of location I, "f a.js:1". */
static void assert_place(const struct profile *p, uint32_t i, const char *want)
{
	const struct profile_line *line = &p->lines[p->locations[i].first_line];
	const struct profile_function *f = &p->functions[line->function];
	char *text = xasprintf("%s %s:%d", profile_str(p, f->name), profile_str(p, f->filename), (int)line->line);

	assert_int_equal(p->locations[i].nr_lines, 1);
	assert_string_equal(text, want);
	free(text);
}

static void code_made_at_run_time_has_lines_as_it_grows(void **state)
{
	static const struct jitgen_row rows[] = { { 0x7000, 1, "a.js" }, { 0x7010, 2, "\xff" } };
	struct jitgen g;
	struct symbolizer *s = symbolizer_new(1 << 20);
	struct symbolize_object o = { .id = { 1, 2, 3, 4, 5 }, .jit_map = true };
	struct symbolize_lines lines = { .size = 1 << 20 };
	struct symbolize_stats stats = { 0 };

	jitgen_init(&g, false);
	jitgen_info(&g, 0x7000, rows, 2);
	jitgen_load(&g, 0x7000, 0x20, 1, "f");
	for (int window = 0; window < 3; window++) {
		struct profile *p = profile_new();
		uint32_t at[3];

		if (window == 1) {
			jitgen_load(&g, 0x8000, 0x20, 2, "g");
			o.id.size++;
		}
		symbolizer_set_lines(s, window == 2 ? &(struct symbolize_lines){ 0 } : &lines);
		o.fd = io_memfd("dump", g.out.data, g.out.size);
		profile_add_type(p, "samples", "count");
		profile_mapping(p, &(struct profile_mapping){ .start = 0x7000, .limit = 0x9000, .offset = 0x7000, .object = 1,
							      .filename = profile_string(p, "//anon") });
		for (int i = 0; i < 3; i++) {
			at[i] = profile_location(p, 0, 0x7000 + (i == 1 ? 0x1f : i * 0x800u));
			profile_add(p, profile_stack(p, &at[i], 1), 0, &(int64_t){ 1 });
		}
		symbolize(s, p, &o, 1, NULL, NULL, &stats);
		assert_place(p, at[0], window == 2 ? "f :0" : "f a.js:1");
		assert_place(p, at[1], window == 2 ? "f :0" : "f a.js:2");
		assert_place(p, at[2], window ? "g :0" : "[anon] :0");
		assert_int_equal(stats.nr_lined, window == 2 ? 0 : 2);
		assert_int_equal(stats.nr_waiting + stats.nr_refused, 0);
		assert_false(p->mappings[0].has_line_numbers);
		assert_false(p->mappings[0].has_inline_frames);
		close(o.fd);
		profile_free(p);
	}
	buf_fini(&g.out);
	symbolizer_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_index_is_built_once, setup, teardown),
		cmocka_unit_test_setup_teardown(one_that_is_there_need_not_be_built, setup, teardown),
		cmocka_unit_test_setup_teardown(a_damaged_or_foreign_one_is_built_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(without_debugging_information_names_stay, setup, teardown),
		cmocka_unit_test(code_made_at_run_time_has_lines_as_it_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
