/* spool/: names, publishing, retention. Kills, full disks and file systems of other kinds are
 * tests/spool_faults.test's. */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "spool/spool.h"

#define START INT64_C(1795370400) /* 20261122T180000Z */
#define SECOND UINT64_C(1000000000)

static const struct spool_limits no_limits;

static char *make_dir(void)
{
	char *dir = xstrdup("/tmp/pprofd-spool.XXXXXX");

	assert_non_null(mkdtemp(dir));
	return dir;
}

static void remove_dir(char *dir)
{
	char *command = xasprintf("rm -rf %s", dir);

	assert_int_equal(system(command), 0);
	free(command);
	free(dir);
}

static void put(const char *dir, const char *name, size_t size)
{
	char *path = xasprintf("%s/%s", dir, name), *data = xcalloc(1, size + 1);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_int_equal(io_write(fd, data, size), 0);
	close(fd);
	free(path);
	free(data);
}

static bool has(const char *dir, const char *name)
{
	char *path = xasprintf("%s/%s", dir, name);
	bool there = !access(path, F_OK);

	free(path);
	return there;
}

/* Everything in the folder, hidden files too. */
static unsigned count(const char *dir)
{
	DIR *d = opendir(dir);
	unsigned nr = 0;

	assert_non_null(d);
	while (readdir(d))
		nr++;
	closedir(d);
	return nr - 2;
}

static struct spool_name name_at(int64_t start)
{
	return (struct spool_name){ .kind = "cpu", .start = start, .seconds = 60 };
}

static int publish(struct spool *s, int64_t start, size_t size, const struct spool_limits *limits,
		   char *final)
{
	struct spool_name n = name_at(start);
	struct spool_published out;
	char *data = xcalloc(1, size);
	int fd = spool_create(s, &n), err;

	assert_true(fd >= 0);
	assert_int_equal(io_write(fd, data, size), 0);
	err = spool_publish(s, fd, &n, limits, false, &out);
	if (!err)
		assert_int_equal(out.size, size);
	strcpy(final, out.name);
	close(fd);
	free(data);
	return err;
}

static void names_go_both_ways(void **state)
{
	static const struct {
		const char *text;
		struct spool_name n;
	} cases[] = {
		{ "cpu-20261122T180000Z-60s.pb.gz", { "cpu", "", START, 60, 0, "" } },
		{ "cpu-20261122T180000Z-60s-1.pb.gz", { "cpu", "", START, 60, 1, "" } },
		{ "cycles@web-20261122T180000Z-5s.pb.gz", { "cycles", "web", START, 5, 0, "" } },
		{ "off_cpu@a-b_C-9-20261122T180000Z-0s-4294967295.pb.gz",
		  { "off_cpu", "a-b_C-9", START, 0, UINT32_MAX, "" } },
		{ "cpu@x-20261122T180000Z-60s-20261122T180000Z-60s.pb.gz",
		  { "cpu", "x-20261122T180000Z-60s", START, 60, 0, "" } },
		{ "cpu@--19700101T000000Z-4294967295s.pb.gz", { "cpu", "-", 0, UINT32_MAX, 0, "" } },
		{ "cpu-99991231T235959Z-60s.pb.gz", { "cpu", "", 253402300799, 60, 0, "" } },
		{ "cpu-20240229T000000Z-60s.pb.gz", { "cpu", "", 1709164800, 60, 0, "" } },
		{ "abcdefghijklmnopqrstuvwxyz_____@abcdefghijklmnopqrstuvwxyzABCDEF-"
		  "99991231T235959Z-4294967295s-4294967295.pb.gz",
		  { "abcdefghijklmnopqrstuvwxyz_____", "abcdefghijklmnopqrstuvwxyzABCDEF",
		    253402300799, UINT32_MAX, UINT32_MAX, "" } },
	};
	char out[SPOOL_NAME_MAX];
	struct spool_name n;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(spool_parse_name(cases[i].text, &n));
		assert_string_equal(n.kind, cases[i].n.kind);
		assert_string_equal(n.target, cases[i].n.target);
		assert_int_equal(n.start, cases[i].n.start);
		assert_int_equal(n.seconds, cases[i].n.seconds);
		assert_int_equal(n.seq, cases[i].n.seq);
		assert_int_equal(spool_format_name(&n, out, sizeof(out)), 0);
		assert_string_equal(out, cases[i].text);
		assert_int_equal(spool_format_name(&n, out, strlen(cases[i].text)), -ENAMETOOLONG);
	}
}

static void other_names_are_not_ours(void **state)
{
	static const char *const bad[] = {
		"",
		".",
		"..",
		".pb.gz",
		"x.pb.gz",
		"cpu.pb.gz",
		"-.pb.gz",
		"--.pb.gz",
		"---.pb.gz",
		"cpu-20261122T180000Z-60s",
		"cpu-20261122T180000Z-60s.pb",
		"cpu-20261122T180000Z-60s.pb.gz~",
		".cpu-20261122T180000Z-60s.pb.gz",
		".cpu-20261122T180000Z-60s.pb.gz.tmp",
		"CPU-20261122T180000Z-60s.pb.gz",
		"cpu2-20261122T180000Z-60s.pb.gz",
		"-20261122T180000Z-60s.pb.gz",
		"@web-20261122T180000Z-60s.pb.gz",
		"cpu@-20261122T180000Z-60s.pb.gz",
		"cpu@a@b-20261122T180000Z-60s.pb.gz",
		"cpu@a.b-20261122T180000Z-60s.pb.gz",
		"cpu@a/b-20261122T180000Z-60s.pb.gz",
		"cpu-20261122T180000-60s.pb.gz",
		"cpu-20261122 180000Z-60s.pb.gz",
		"cpu-20261322T180000Z-60s.pb.gz",
		"cpu-20260230T180000Z-60s.pb.gz",
		"cpu-20230229T000000Z-60s.pb.gz",
		"cpu-20261122T240000Z-60s.pb.gz",
		"cpu-20261122T186000Z-60s.pb.gz",
		"cpu-20261122T180060Z-60s.pb.gz",
		"cpu-19691231T235959Z-60s.pb.gz",
		"cpu-00000000T000000Z-60s.pb.gz",
		"cpu-20261122T180000Z-s.pb.gz",
		"cpu-20261122T180000Z-60.pb.gz",
		"cpu-20261122T180000Z-060s.pb.gz",
		"cpu-20261122T180000Z-+60s.pb.gz",
		"cpu-20261122T180000Z-4294967296s.pb.gz",
		"cpu-20261122T180000Z-60s-0.pb.gz",
		"cpu-20261122T180000Z-60s-01.pb.gz",
		"cpu-20261122T180000Z-60s-4294967296.pb.gz",
		"cpu-20261122T180000Z-60s-.pb.gz",
		"cpu-20261122T180000Z-60s-1-2.pb.gz",
		"cpu-20261122T180000Z-60s-x.pb.gz",
		"cpu-20261122T180000Z-60s\n.pb.gz",
		"abcdefghijklmnopqrstuvwxyz______-20261122T180000Z-60s.pb.gz",
		"cpu@abcdefghijklmnopqrstuvwxyzABCDEFG-20261122T180000Z-60s.pb.gz",
	};
	struct spool_name n = name_at(START);
	char out[SPOOL_NAME_MAX];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (spool_parse_name(bad[i], &n))
			fail_msg("taken for ours: %s", bad[i]);
	assert_int_equal(n.start, START); /* written on success only */
	n.start = -1;
	assert_int_equal(spool_format_name(&n, out, sizeof(out)), -EINVAL);
	n = name_at(INT64_C(253402300800));
	assert_int_equal(spool_format_name(&n, out, sizeof(out)), -EINVAL);
	n = name_at(START);
	strcpy(n.kind, "../x");
	assert_int_equal(spool_format_name(&n, out, sizeof(out)), -EINVAL);
	strcpy(n.kind, "cpu");
	strcpy(n.target, "a/b");
	assert_int_equal(spool_format_name(&n, out, sizeof(out)), -EINVAL);
}

static void a_file_appears_whole_and_replaces_none(void **state)
{
	struct spool_published out;
	char *dir = make_dir(), final[SPOOL_NAME_MAX], path[4096 + SPOOL_NAME_MAX];
	struct spool_name n = name_at(START);
	struct spool *s;
	struct stat st;
	mode_t before = umask(077);
	int fd;

	assert_int_equal(spool_open(&s, dir, true), 0);
	fd = spool_create(s, &n);
	assert_true(fd >= 0);
	assert_int_equal(io_write(fd, "first", 5), 0);
	assert_int_equal(count(dir), 0);
	assert_int_equal(spool_publish(s, fd, &n, &no_limits, true, &out), 0);
	assert_string_equal(out.name, "cpu-20261122T180000Z-60s.pb.gz");
	assert_int_equal(out.size, 5);
	assert_int_equal(out.pruned.nr_files, 0);
	snprintf(path, sizeof(path), "%s/%s", dir, out.name);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(st.st_size, 5);
	close(fd);

	assert_int_equal(publish(s, START, 9, &no_limits, final), 0);
	assert_string_equal(final, "cpu-20261122T180000Z-60s-1.pb.gz");
	assert_int_equal(publish(s, START, 9, &no_limits, final), 0);
	assert_string_equal(final, "cpu-20261122T180000Z-60s-2.pb.gz");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 5);

	fd = spool_create(s, &n);
	spool_discard(s, fd);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	spool_discard(s, -1);
	assert_int_equal(count(dir), 3);
	n.kind[0] = '\0';
	assert_int_equal(spool_create(s, &n), -EINVAL);
	spool_close(s);
	umask(before);
	remove_dir(dir);
}

static void opening_takes_the_lock_and_sweeps_own_temporaries(void **state)
{
	static const char *const foreign[] = {
		".tmp",
		".x.tmp",
		".cpu-20261122T180000Z-60s.pb.gz",
		".cpu-20261122T180000Z-60s.pb.gz.tmp2",
		"cpu-20261122T180000Z-60s.pb.gz.tmp",
		"..cpu-20261122T180000Z-60s.pb.gz.tmp",
	};
	static const char stale[] = ".cpu-20261122T180000Z-60s-3.pb.gz.tmp";
	char *dir = make_dir();
	struct spool *s, *second, *reader;

	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		put(dir, foreign[i], 1);
	put(dir, stale, 1);
	assert_int_equal(spool_open(&reader, dir, false), 0); /* who reads may not sweep */
	assert_true(has(dir, stale));
	assert_int_equal(spool_open(&s, dir, true), 0);
	assert_false(has(dir, stale));
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		assert_true(has(dir, foreign[i]));
	assert_int_equal(spool_open(&second, dir, true), -EWOULDBLOCK);
	spool_close(reader);
	assert_int_equal(spool_open(&second, dir, true), -EWOULDBLOCK);
	spool_close(s);
	assert_int_equal(spool_open(&second, dir, true), 0);
	spool_close(second);
	spool_close(NULL);
	assert_int_equal(spool_open(&s, "/nonexistent/spool", true), -ENOENT);
	assert_int_equal(spool_open(&s, "/dev/null", true), -ENOTDIR);
	remove_dir(dir);
}

static void a_folder_that_went_away_is_opened_again(void **state)
{
	struct spool_published out;
	char *dir = make_dir(), *moved = xasprintf("%s.moved", dir), final[SPOOL_NAME_MAX];
	struct spool_name n = name_at(START);
	struct spool *s, *second;
	int fd;

	assert_int_equal(spool_open(&s, dir, true), 0);
	fd = spool_create(s, &n);
	assert_true(fd >= 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(spool_publish(s, fd, &n, &no_limits, false, &out), -ENOENT);
	close(fd);
	assert_int_equal(spool_create(s, &n), -ENOENT);
	assert_int_equal(mkdir(dir, 0750), 0);
	assert_int_equal(publish(s, START, 1, &no_limits, final), 0);
	assert_int_equal(count(dir), 1);
	assert_int_equal(spool_open(&second, dir, true), -EWOULDBLOCK); /* the lock came along */

	assert_int_equal(rename(dir, moved), 0);
	assert_int_equal(mkdir(dir, 0750), 0);
	assert_int_equal(spool_open(&second, dir, true), 0); /* another daemon was faster */
	assert_int_equal(spool_create(s, &n), -EWOULDBLOCK);
	spool_close(second);
	assert_int_equal(publish(s, START, 1, &no_limits, final), 0);
	assert_int_equal(count(dir), 1);
	assert_int_equal(count(moved), 1);
	spool_close(s);
	remove_dir(dir);
	remove_dir(moved);
}

static void lists_own_files_by_time(void **state)
{
	static const char *const want[] = {
		"cycles-20261122T175900Z-60s.pb.gz", "cpu-20261122T180000Z-60s.pb.gz",
		"cycles-20261122T180000Z-60s.pb.gz", "cpu-20261122T180000Z-60s-2.pb.gz",
		"cpu-20261122T180000Z-60s-10.pb.gz", "alloc@web-20261122T180100Z-60s.pb.gz",
	};
	char *dir = make_dir(), path[4096 + SPOOL_NAME_MAX];
	struct spool_entry *e = NULL;

	assert_int_equal(spool_list(dir, &e), 0);
	free(e);
	for (size_t i = 6; i--;)
		put(dir, want[i], i * 1000);
	put(dir, "README", 1);
	put(dir, ".cpu-20261122T180000Z-60s.pb.gz.tmp", 1);
	snprintf(path, sizeof(path), "%s/cpu-20261122T170000Z-60s.pb.gz", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/cpu-20261122T160000Z-60s.pb.gz", dir);
	assert_int_equal(symlink("README", path), 0);
	assert_int_equal(spool_list(dir, &e), 6);
	for (size_t i = 0; i < 6; i++) {
		assert_string_equal(e[i].name, want[i]);
		assert_int_equal(e[i].size, i * 1000);
		assert_true(e[i].disk_size >= e[i].size);
	}
	assert_string_equal(e[5].parsed.target, "web");
	free(e);
	assert_int_equal(spool_list("/nonexistent", &e), -ENOENT);
	remove_dir(dir);
}

/* Ten minutes of files of 8192 bytes, and what is not ours. */
static struct spool *ten_files(const char *dir)
{
	struct spool *s;
	struct spool_name n;
	char name[SPOOL_NAME_MAX];

	for (int i = 0; i < 10; i++) {
		n = name_at(START + i * 60);
		assert_int_equal(spool_format_name(&n, name, sizeof(name)), 0);
		put(dir, name, 8192);
	}
	put(dir, "aaa", 100000);
	put(dir, "cpu-20000101T000000Z-60s.pb", 100000);
	assert_int_equal(spool_open(&s, dir, false), 0);
	return s;
}

/* That those of our ten files are left which are in LEFT, and the foreign ones. */
static void check_left(const char *dir, const char *left)
{
	struct spool_name n;
	char name[SPOOL_NAME_MAX];

	for (int i = 0; i < 10; i++) {
		n = name_at(START + i * 60);
		spool_format_name(&n, name, sizeof(name));
		assert_int_equal(has(dir, name), strchr(left, '0' + i) != NULL);
	}
	assert_true(has(dir, "aaa"));
	assert_true(has(dir, "cpu-20000101T000000Z-60s.pb"));
}

static void each_limit_takes_the_oldest(void **state)
{
	static const struct {
		struct spool_limits limits;
		uint64_t room;
		int64_t now;
		const char *left;
		uint64_t nr;
	} cases[] = {
		{ { 0 }, 0, START + 600, "0123456789", 0 },
		{ { .max_use = 81920 }, 0, START + 600, "0123456789", 0 },
		{ { .max_use = 81919 }, 0, START + 600, "123456789", 1 },
		{ { .max_use = 30000 }, 0, START + 600, "789", 7 },
		{ { .max_use = 81920 }, 1, START + 600, "123456789", 1 },
		{ { .max_use = 81920 }, 16384, START + 600, "23456789", 2 },
		{ { .max_use = 1 }, 1, START + 600, "9", 9 }, /* never the newest */
		{ { .max_files = 10 }, 0, START + 600, "0123456789", 0 },
		{ { .max_files = 10 }, 1, START + 600, "123456789", 1 },
		{ { .max_files = 4 }, 0, START + 600, "6789", 6 },
		/* File 0 ended 540 s ago. */
		{ { .max_retention_ns = 540 * SECOND }, 0, START + 600, "0123456789", 0 },
		{ { .max_retention_ns = 539 * SECOND }, 0, START + 600, "123456789", 1 },
		{ { .max_retention_ns = 1 }, 0, START + 86400, "9", 9 },
		/* The clock went back. */
		{ { .max_retention_ns = 1 }, 0, START - 86400, "0123456789", 0 },
		{ { .keep_free = UINT64_MAX / 4 }, 0, START + 600, "9", 9 },
		{ { .keep_free_percent = 100 }, 0, START + 600, "9", 9 },
		{ { .max_use_percent = 100 }, 0, START + 600, "0123456789", 0 },
		{ { .max_use = 40960, .max_files = 7 }, 0, START + 600, "56789", 5 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *dir = make_dir();
		struct spool *s = ten_files(dir);
		struct spool_pruned p = { 99, 99 };

		assert_int_equal(spool_prune(s, &cases[i].limits, cases[i].room, cases[i].now, &p),
				 0);
		check_left(dir, cases[i].left);
		assert_int_equal(p.nr_files, cases[i].nr);
		assert_int_equal(p.bytes, cases[i].nr * 8192);
		spool_close(s);
		remove_dir(dir);
	}
}

static void what_comes_from_the_future_goes_first(void **state)
{
	char *dir = make_dir();
	struct spool *s = ten_files(dir);
	struct spool_limits limits = { .max_files = 4 };

	/* Files 4 to 9 were written before the clock was stepped back by many hours. */
	assert_int_equal(spool_prune(s, &limits, 0, START + 200 - SPOOL_CLOCK_SLACK, NULL), 0);
	check_left(dir, "0123");
	spool_close(s);
	remove_dir(dir);
	dir = make_dir();
	s = ten_files(dir);
	assert_int_equal(spool_prune(s, &limits, 0, START + 200, NULL), 0); /* within the slack */
	check_left(dir, "6789");
	spool_close(s);
	remove_dir(dir);
}

static void sacrifice_frees_what_is_asked(void **state)
{
	char *dir = make_dir();
	struct spool *s = ten_files(dir);
	struct spool_pruned p;

	assert_int_equal(spool_sacrifice(s, 8193, START + 600, &p), 0);
	check_left(dir, "23456789");
	assert_int_equal(p.nr_files, 2);
	assert_int_equal(spool_sacrifice(s, UINT64_MAX, START + 600, NULL), 0);
	check_left(dir, "9");
	spool_close(s);
	remove_dir(dir);
}

static void publishing_keeps_the_limits_at_every_moment(void **state)
{
	char *dir = make_dir(), final[SPOOL_NAME_MAX];
	struct spool_limits limits = { .max_use = 100 << 10, .max_files = 20 };
	struct spool *s;
	struct spool_entry *e;
	uint64_t use;
	long nr;

	put(dir, "foreign", 500000);
	assert_int_equal(spool_open(&s, dir, true), 0);
	for (int i = 0; i < 60; i++) {
		assert_int_equal(
			publish(s, START + i * 60, (size_t)(i * 977 % 20000), &limits, final), 0);
		assert_true(has(dir, final));
		nr = spool_list(dir, &e);
		use = 0;
		for (long j = 0; j < nr; j++)
			use += e[j].disk_size;
		free(e);
		assert_true(nr > 0 && nr <= 20);
		assert_true(use <= limits.max_use);
	}
	/* A file larger than the limit is kept, alone: it is the newest. */
	assert_int_equal(publish(s, START + 6000, 200000, &limits, final), 0);
	assert_int_equal(spool_list(dir, &e), 1);
	assert_string_equal(e[0].name, final);
	free(e);
	/* An older window that was late is not pruned by its own publishing. */
	assert_int_equal(publish(s, START + 5940, 1000, &limits, final), 0);
	assert_true(has(dir, final));
	assert_int_equal(count(dir), 3);
	spool_close(s);
	remove_dir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_go_both_ways),
		cmocka_unit_test(other_names_are_not_ours),
		cmocka_unit_test(a_file_appears_whole_and_replaces_none),
		cmocka_unit_test(opening_takes_the_lock_and_sweeps_own_temporaries),
		cmocka_unit_test(a_folder_that_went_away_is_opened_again),
		cmocka_unit_test(lists_own_files_by_time),
		cmocka_unit_test(each_limit_takes_the_oldest),
		cmocka_unit_test(what_comes_from_the_future_goes_first),
		cmocka_unit_test(sacrifice_frees_what_is_asked),
		cmocka_unit_test(publishing_keeps_the_limits_at_every_moment),
	};

	return cmocka_run_group_tests_name("spool", tests, NULL, NULL);
}
