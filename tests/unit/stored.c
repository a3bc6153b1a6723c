/* replay/search, replay/stored: files found by build id, and names for profiles that are files already. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "replay/impl.h"
#include "replay/stored.h"
#include "tests/elfgen.h"

#define FUNC ELF64_ST_INFO(STB_GLOBAL, STT_FUNC)
#define ID "0102030405060708090a0b0c0d0e0f1011121314"
#define OTHER "ff02030405060708090a0b0c0d0e0f1011121314"
#define START 0x7f0000001000 /* of the text, at offset 0x1000, address 0x401000 */

static const struct elfgen_symbol symbols[] = {
	{ "_ZN3foo3barEi", 0x401000, 0x40, FUNC, 0, 0 },
	{ "plain", 0x401100, 0x40, FUNC, 0, 0 },
};

struct fixture {
	char dir[32];
	struct stored_options options;
	struct profile *p;
	char told[512]; /* lines "object: why" */
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/stored.XXXXXX");
	*state = f;
	return mkdtemp(f->dir) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	return remove(path);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	profile_free(f->p);
	free(f);
	return 0;
}

static char *path_of(const struct fixture *f, const char *name)
{
	return xasprintf("%s/%s", f->dir, name);
}

static void add_folder(const struct fixture *f, const char *name)
{
	char *path = path_of(f, name);

	assert_int_equal(mkdir(path, 0755), 0);
	free(path);
}

static void add_bytes(const struct fixture *f, const char *name, const void *data, size_t size)
{
	char *path = path_of(f, name);
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(data, 1, size, out), size);
	fclose(out);
	free(path);
}

/* The first ID_SIZE bytes of ID. */
static void add_object(const struct fixture *f, const char *name, unsigned id_size)
{
	struct elfgen g = { .symbols = symbols, .nr_symbols = 2, .build_id_size = id_size };

	for (unsigned i = 0; i < id_size; i++)
		g.build_id[i] = (uint8_t)(i + 1);
	elfgen_make(&g);
	add_bytes(f, name, g.bytes, g.size);
}

/* --- search --- */

static int find(struct fixture *f, const char *name, const char *hex)
{
	char *path = path_of(f, name);
	uint8_t id[20];
	unsigned size = search_build_id(hex, id);
	int fd = search_object(&f->options.search, path, id, size);

	assert_int_not_equal(size, 0);
	free(path);
	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

static void build_ids_are_hexadecimal(void **state)
{
	uint8_t id[20] = { 0 };

	assert_int_equal(search_build_id(ID, id), 20);
	assert_int_equal(id[0], 1);
	assert_int_equal(id[19], 0x14);
	assert_int_equal(search_build_id("0aff", id), 2);
	assert_int_equal(id[1], 0xff);
	assert_int_equal(search_build_id("", id), 0);
	assert_int_equal(search_build_id("0a", id), 0);
	assert_int_equal(search_build_id("0aff1", id), 0);
	assert_int_equal(search_build_id("0aFFxx", id), 0);
	assert_int_equal(search_build_id("../../etc/passwd", id), 0);
	assert_int_equal(search_build_id(ID "15", id), 0);
}

static void a_path_is_not_enough(void **state)
{
	struct fixture *f = *state;

	add_object(f, "a", 20);
	assert_int_equal(find(f, "a", ID), 0);
	assert_int_equal(find(f, "a", OTHER), -ESTALE);
	assert_int_equal(find(f, "b", ID), -ENOENT);
	add_object(f, "none", 0);
	assert_int_equal(find(f, "none", ID), -ESTALE);
	add_bytes(f, "text", "#!/bin/sh\n", 10);
	assert_int_equal(find(f, "text", ID), -ESTALE);
	add_folder(f, "folder");
	assert_int_equal(find(f, "folder", ID), -ENOENT);
}

static void what_is_no_file_holds_nobody_up(void **state)
{
	struct fixture *f = *state;
	char *path = path_of(f, "fifo");

	assert_int_equal(mkfifo(path, 0644), 0);
	assert_int_equal(find(f, "fifo", ID), -ENOENT);
	free(path);
}

static void debug_paths_serve_by_id_path_or_name(void **state)
{
	struct fixture *f = *state;
	char *debug = path_of(f, "debug"), *named = path_of(f, "named"), *root = path_of(f, "root"), *whole;

	f->options.search = (struct search){ { debug, named, root }, 3 };
	add_folder(f, "debug");
	add_folder(f, "named");
	add_folder(f, "root");
	add_object(f, "named/other", 20);
	assert_int_equal(find(f, "b", ID), -ENOENT);
	add_object(f, "named/b", 20);
	assert_int_equal(find(f, "b", ID), 0);
	assert_int_equal(find(f, "c", ID), -ENOENT);
	/* A copy of the other host's files. */
	whole = xasprintf("%s/root/tmp", f->dir);
	assert_int_equal(mkdir(whole, 0755), 0);
	free(whole);
	whole = xasprintf("root%s", f->dir);
	add_folder(f, whole);
	free(whole);
	whole = xasprintf("root%s/c", f->dir);
	add_object(f, whole, 20);
	free(whole);
	assert_int_equal(find(f, "c", ID), 0);
	assert_int_equal(find(f, "d", ID), -ENOENT);
	add_folder(f, "debug/.build-id");
	add_folder(f, "debug/.build-id/01");
	add_object(f, "debug/.build-id/01/02030405060708090a0b0c0d0e0f1011121314", 20);
	assert_int_equal(find(f, "d", ID), 0);
	assert_int_equal(find(f, "d", OTHER), -ENOENT);
	free(debug);
	free(named);
	free(root);
}

static void zeros_may_pad_an_id(void **state)
{
	struct fixture *f = *state;
	char *debug = path_of(f, "debug");

	f->options.search = (struct search){ { debug }, 1 };
	add_folder(f, "debug");
	add_folder(f, "debug/.build-id");
	add_folder(f, "debug/.build-id/01");
	add_object(f, "debug/.build-id/01/02030405060708", 8);
	assert_int_equal(find(f, "d", "0102030405060708"), 0);
	assert_int_equal(find(f, "d", "0102030405060708000000000000000000000000"), 0);
	assert_int_equal(find(f, "d", "0102030405060708000000000000000000000001"), -ENOENT);
	assert_int_equal(find(f, "d", "01020304050607"), -ENOENT);
	free(debug);
}

/* --- stored --- */

static void tell(void *ctx, const char *object, const char *why)
{
	struct fixture *f = ctx;
	size_t n = strlen(f->told);

	snprintf(f->told + n, sizeof(f->told) - n, "%s: %s\n", object, why);
}

static uint32_t add_mapping(struct fixture *f, uint64_t start, uint64_t offset, const char *file, const char *build_id)
{
	return profile_mapping(f->p, &(struct profile_mapping){ .start = start, .limit = start + 0x1000, .offset = offset,
								 .filename = profile_string(f->p, file),
								 .build_id = profile_string(f->p, build_id) });
}

/* A sample of one frame. */
static void add_sample(struct fixture *f, uint32_t mapping, uint64_t address, const char *function)
{
	uint32_t location = profile_location(f->p, mapping, address), name = function ? profile_string(f->p, function) : 0;
	struct profile_line line = { .function = profile_function(f->p, &(struct profile_function){ name, name, 0, 0 }) };

	if (function)
		profile_set_lines(f->p, location, &line, 1);
	profile_add(f->p, profile_stack(f->p, &location, 1), profile_label_set(f->p, NULL, 0), &(int64_t){ 1 });
}

static void new_profile(struct fixture *f)
{
	f->p = profile_new();
	profile_add_type(f->p, "samples", "count");
}

/* The name at ADDRESS; "": it has no line. */
static const char *name_at(const struct fixture *f, uint64_t address)
{
	const struct profile *p = f->p;

	for (uint32_t i = 0; i < p->nr_locations; i++)
		if (p->locations[i].address == address)
			return !p->locations[i].nr_lines ? "" :
			       profile_str(p, p->functions[p->lines[p->locations[i].first_line].function].name);
	return "no such location";
}

static void symbolize_it(struct fixture *f)
{
	f->told[0] = 0;
	assert_int_equal(stored_symbolize(&f->p, &f->options, tell, f), 0);
}

static void what_has_no_names_gets_them(void **state)
{
	struct fixture *f = *state;
	char *path = path_of(f, "a");
	uint32_t m;

	add_object(f, "a", 20);
	new_profile(f);
	m = add_mapping(f, START, 0x1000, path, ID);
	add_sample(f, m, START + 0x110, NULL);
	add_sample(f, m, START + 8, "[a]");
	symbolize_it(f);
	assert_string_equal(name_at(f, START + 0x110), "plain");
	assert_string_not_equal(name_at(f, START + 8), "[a]");
	assert_string_equal(f->told, "");
	assert_true(f->p->mappings[0].has_functions);
	assert_int_equal(f->p->nr_functions, 2); /* "[a]" has gone */
	assert_int_equal(f->p->nr_samples, 2);
	free(path);
}

static void what_is_not_here_stays_and_is_told_once(void **state)
{
	struct fixture *f = *state;
	char *path = path_of(f, "a"), *want;

	add_object(f, "a", 20);
	new_profile(f);
	add_sample(f, add_mapping(f, START, 0x1000, path, OTHER), START + 0x110, NULL);
	add_sample(f, add_mapping(f, 0x2000, 0x1000, path, OTHER), 0x2110, "[a]");
	add_sample(f, add_mapping(f, 0x4000, 0, "/nowhere/b", OTHER), 0x4110, "known");
	add_sample(f, add_mapping(f, 0x6000, 0, "/nowhere/c", ""), 0x6110, NULL);
	add_sample(f, add_mapping(f, 0x8000, 0, "//anon", ""), 0x8110, "LazyCompile:f");
	add_mapping(f, 0xa000, 0, "/nowhere/unused", "");
	symbolize_it(f);
	want = xasprintf("%s: the file here has another build id than " OTHER "\n"
			 "/nowhere/b: no file of build id " OTHER " (No such file or directory)\n"
			 "/nowhere/c: the profile has no build id of it\n", path);
	assert_string_equal(f->told, want);
	assert_string_equal(name_at(f, START + 0x110), "");
	assert_string_equal(name_at(f, 0x2110), "[a]");
	assert_string_equal(name_at(f, 0x4110), "known");
	assert_string_equal(name_at(f, 0x6110), "");
	assert_string_equal(name_at(f, 0x8110), "LazyCompile:f");
	assert_int_equal(f->p->nr_mappings, 5);
	free(want);
	free(path);
}

static void what_was_known_better_stays(void **state)
{
	struct fixture *f = *state;
	char *path = path_of(f, "a");
	uint32_t m;

	add_object(f, "a", 20);
	new_profile(f);
	m = add_mapping(f, START, 0x1000, path, ID);
	f->p->mappings[m].has_functions = true;
	add_sample(f, m, START + 0x110, "stale");    /* the file knows it: plain */
	add_sample(f, m, START + 0x800, "from_dwz"); /* it does not */
	symbolize_it(f);
	assert_string_equal(name_at(f, START + 0x110), "plain");
	assert_string_equal(name_at(f, START + 0x800), "from_dwz");
	assert_true(f->p->mappings[0].has_functions);
	add_sample(f, 0, START + 0x900, "[a]");
	add_sample(f, 0, START + 0x120, "a+0x401000");
	symbolize_it(f);
	assert_string_equal(name_at(f, START + 0x120), "plain");
	assert_string_equal(name_at(f, START + 0x800), "from_dwz");
	assert_false(f->p->mappings[0].has_functions);
	free(path);
}

/* --- the kernel --- */

#define TEXT 0xffffffff9a000000 /* of the profile's boot; that of the file below is another */

static const char kallsyms[] = "ffffffff81000000 T _text\n"
			       "ffffffff81000100 T schedule\n"
			       "ffffffff81000200 T _etext\n"
			       "ffffffffc0000000 t probe\t[e1000]\n";

static void add_kernel(struct fixture *f, uint64_t text, const char *build_id)
{
	uint32_t m = profile_mapping(f->p, &(struct profile_mapping){ .start = text, .limit = UINT64_MAX, .offset = text,
								       .filename = profile_string(f->p, "[kernel.kallsyms]"),
								       .build_id = profile_string(f->p, build_id) });

	add_sample(f, m, text + 0x110, NULL);
	add_sample(f, m, text + 0xffffffffc0000000 - 0xffffffff81000000, NULL);
}

static void a_given_kallsyms_is_of_the_profiles_kernel(void **state)
{
	struct fixture *f = *state;
	char *path = path_of(f, "kallsyms");

	add_bytes(f, "kallsyms", kallsyms, strlen(kallsyms));
	f->options.kallsyms = path;
	new_profile(f);
	add_kernel(f, TEXT, OTHER);
	symbolize_it(f);
	assert_string_equal(name_at(f, TEXT + 0x110), "schedule");
	/* Modules are elsewhere in another boot. */
	assert_string_equal(name_at(f, TEXT + 0x3f000000), "[kernel.kallsyms]");
	assert_string_equal(f->told, "");
	profile_free(f->p);
	new_profile(f);
	add_kernel(f, 0, OTHER); /* where it lies was a secret */
	symbolize_it(f);
	assert_string_equal(name_at(f, 0x110), "schedule");
	assert_string_equal(name_at(f, 0x3f000000), "[kernel.kallsyms]");
	f->options.kallsyms = "/nowhere/kallsyms";
	assert_int_equal(stored_symbolize(&f->p, &f->options, tell, f), -ENOENT);
	assert_string_equal(name_at(f, 0x110), "schedule");
	free(path);
}

static void another_kernel_is_left_alone(void **state)
{
	struct fixture *f = *state;

	new_profile(f);
	add_kernel(f, TEXT, OTHER);
	symbolize_it(f);
	assert_string_equal(name_at(f, TEXT + 0x110), "");
	assert_string_equal(f->told, "[kernel.kallsyms]: it was another kernel than the running one\n");
	profile_free(f->p);
	new_profile(f);
	add_kernel(f, TEXT, "");
	symbolize_it(f);
	assert_string_equal(f->told, "[kernel.kallsyms]: the profile does not say which kernel it was\n");
}

static void this_kernel_names_its_own(void **state)
{
	struct fixture *f = *state;
	char hex[41] = "";
	uint8_t id[20];
	unsigned size = replay_kernel_build_id(id);
	struct replay_kernel k = { .build_id_size = (uint8_t)size };
	bool hidden;

	memcpy(k.build_id, id, size);
	hidden = !size || replay_kernel_open(&k, NULL) || !k.kallsyms; /* it has no build id, or hides its symbols */
	for (unsigned i = 0; i < size; i++)
		snprintf(hex + 2 * i, 3, "%02x", id[i]);
	new_profile(f);
	add_kernel(f, TEXT, hex); /* of another boot */
	symbolize_it(f);
	if (!hidden)
		assert_string_equal(f->told, "");
	assert_int_equal(!strcmp(name_at(f, TEXT + 0x110), ""), hidden);
	replay_kernel_fini(&k);
}

int main(void)
{
#define TEST(x) cmocka_unit_test_setup_teardown(x, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(build_ids_are_hexadecimal),
		TEST(a_path_is_not_enough),
		TEST(what_is_no_file_holds_nobody_up),
		TEST(debug_paths_serve_by_id_path_or_name),
		TEST(zeros_may_pad_an_id),
		TEST(what_has_no_names_gets_them),
		TEST(what_is_not_here_stays_and_is_told_once),
		TEST(what_was_known_better_stays),
		TEST(a_given_kallsyms_is_of_the_profiles_kernel),
		TEST(another_kernel_is_left_alone),
		TEST(this_kernel_names_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
