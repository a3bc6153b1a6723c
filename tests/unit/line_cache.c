/* daemon/line_cache: what is built once is there after a restart, below its limit, and whole. */
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
#include "daemon/line_cache.h"
#include "daemon/line_store.h"

struct fixture {
	char dir[64];
	struct loop *loop;
	struct line_cache *cache;
};

static void start(struct fixture *f, uint64_t limit)
{
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(line_cache_new(&f->cache, f->loop, f->dir, limit), 0);
}

static void stop(struct fixture *f)
{
	line_cache_free(f->cache, 10000);
	loop_free(f->loop);
}

static void setup(struct fixture *f, uint64_t limit)
{
	strcpy(f->dir, "/tmp/pprofd-line-cache.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	start(f, limit);
}

static void teardown(struct fixture *f)
{
	char *command = xasprintf("rm -rf %s", f->dir);

	stop(f);
	assert_int_equal(system(command), 0);
	free(command);
}

static struct worker_identity identity(uint64_t inode)
{
	return (struct worker_identity){ .dev = 0x801, .inode = inode, .size = 100, .mtime_ns = -5, .ctime_ns = 7 };
}

/* Its index, waited for; -ENOENT: there is none. */
static int get(struct fixture *f, uint64_t inode, unsigned tries)
{
	struct worker_identity id = identity(inode);
	int fd = -EAGAIN;

	for (unsigned i = 0; i < tries && fd == -EAGAIN; i++) {
		fd = line_cache_get(f->cache, &id);
		if (fd == -EAGAIN)
			loop_step(f->loop, 20);
	}
	return fd;
}

static void put(struct fixture *f, uint64_t inode, size_t size, int byte)
{
	struct worker_identity id = identity(inode);
	struct line_cache_status before, now;
	char *bytes = malloc(size);
	int fd;

	memset(bytes, byte, size);
	fd = io_memfd("index", bytes, size);
	free(bytes);
	line_cache_get(f->cache, &id);
	line_cache_status(f->cache, &before);
	line_cache_put(f->cache, &id, fd, size);
	for (unsigned i = 0; i < 500; i++) {
		line_cache_status(f->cache, &now);
		if (now.nr_written > before.nr_written || now.err)
			break;
		loop_step(f->loop, 20);
	}
	assert_int_equal(now.err, 0);
	assert_int_equal(now.nr_written, before.nr_written + 1);
}

/* The folder has been read, and what was submitted before is done. */
static void settle(struct fixture *f)
{
	get(f, 9999, 500);
}

static unsigned nr_files(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	unsigned nr = 0;

	while ((e = readdir(d)))
		nr += e->d_name[0] != '.';
	closedir(d);
	return nr;
}

static void what_is_put_is_there_after_a_restart(void **state)
{
	char bytes[5000];
	struct fixture f;
	int fd;

	setup(&f, 1 << 20);
	settle(&f);
	put(&f, 1, sizeof(bytes), 'a');
	stop(&f);
	start(&f, 1 << 20);
	fd = get(&f, 1, 500);
	assert_true(fd >= 0);
	assert_int_equal(io_pread(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
	assert_int_equal(bytes[0], 'a');
	assert_int_equal(bytes[sizeof(bytes) - 1], 'a');
	assert_true(write(fd, "x", 1) < 0); /* whoever gets it cannot change it */
	assert_int_equal(get(&f, 2, 500), -ENOENT);
	teardown(&f);
}

static void a_new_one_replaces_an_old_one(void **state)
{
	struct fixture f;
	char byte;
	int fd;

	setup(&f, 1 << 20);
	settle(&f);
	put(&f, 1, 100, 'a');
	put(&f, 1, 50, 'b');
	fd = get(&f, 1, 500);
	assert_int_equal(io_pread(fd, &byte, 1, 0), 1);
	assert_int_equal(byte, 'b');
	assert_int_equal(lseek(fd, 0, SEEK_END), 50);
	assert_int_equal(nr_files(f.dir), 1);
	teardown(&f);
}

static void the_longest_unused_go_first(void **state)
{
	struct line_cache_status s;
	struct fixture f;

	setup(&f, 100 << 10);
	settle(&f);
	put(&f, 1, 40 << 10, 'a');
	put(&f, 2, 40 << 10, 'b');
	assert_true(get(&f, 1, 500) >= 0); /* used after 2 */
	put(&f, 3, 40 << 10, 'c');
	line_cache_status(f.cache, &s);
	assert_true(s.size <= 100 << 10);
	assert_int_equal(s.nr, 2);
	assert_int_equal(s.nr_removed, 1);
	stop(&f);
	start(&f, 100 << 10);
	assert_true(get(&f, 1, 500) >= 0);
	assert_true(get(&f, 3, 500) >= 0);
	assert_int_equal(get(&f, 2, 500), -ENOENT);
	assert_int_equal(nr_files(f.dir), 2);
	line_cache_set_limit(f.cache, 0);
	line_cache_status(f.cache, &s);
	assert_int_equal(s.nr, 0);
	teardown(&f);
}

static void what_is_too_large_or_was_not_asked_for_is_refused(void **state)
{
	struct worker_identity id = identity(5);
	struct line_cache_status s;
	struct fixture f;

	setup(&f, 100 << 10);
	settle(&f);
	line_cache_put(f.cache, &id, io_memfd("index", "x", 1), 1);
	get(&f, 5, 1);
	line_cache_put(f.cache, &id, io_memfd("index", "x", 1), 60 << 10);
	loop_step(f.loop, 100);
	line_cache_status(f.cache, &s);
	assert_int_equal(s.nr_written, 0);
	/* It says that it is longer than it is: nothing is left of it. */
	line_cache_put(f.cache, &id, io_memfd("index", "x", 1), 2);
	for (unsigned i = 0; i < 500 && !s.err; i++) {
		loop_step(f.loop, 20);
		line_cache_status(f.cache, &s);
	}
	assert_int_equal(s.err, -EBADMSG);
	assert_int_equal(nr_files(f.dir), 0);
	assert_int_equal(get(&f, 5, 500), -ENOENT);
	teardown(&f);
}

/* Files of others in the folder, links, and half-written ones of a killed daemon. */
static void what_is_not_ours_stays(void **state)
{
	static const char *const others[] = { "notes", "1-2-3-4-5.line", "1-2-3-4.lines", "01-2-3-4-5.lines",
					      "1-2-3-4-5.lines.bak", "g-2-3-4-5.lines" };
	struct line_cache_status s;
	struct fixture f;
	char *path;

	setup(&f, 100 << 10);
	settle(&f);
	put(&f, 1, 100, 'a');
	stop(&f);
	for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		path = xasprintf("%s/%s", f.dir, others[i]);
		close(open(path, O_CREAT | O_WRONLY, 0600));
		free(path);
	}
	path = xasprintf("%s/1-2-3-4-5.lines", f.dir);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	free(path);
	path = xasprintf("%s/.new.lines", f.dir);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	start(&f, 100 << 10);
	assert_true(get(&f, 1, 500) >= 0);
	line_cache_status(f.cache, &s);
	assert_int_equal(s.nr, 1);
	assert_int_equal(access(path, F_OK), -1);
	free(path);
	line_cache_set_limit(f.cache, 0);
	for (unsigned i = 0; i < 500 && nr_files(f.dir) > sizeof(others) / sizeof(others[0]) + 1; i++)
		loop_step(f.loop, 20);
	assert_int_equal(nr_files(f.dir), sizeof(others) / sizeof(others[0]) + 1);
	teardown(&f);
}

/* Somebody else's by now, or the disk's fault: it is not counted any more, and can be written anew. */
static void what_cannot_be_opened_goes(void **state)
{
	struct line_cache_status s;
	struct fixture f;
	char *path;

	setup(&f, 1 << 20);
	settle(&f);
	put(&f, 1, 5000, 'a');
	stop(&f);
	path = xasprintf("%s/801-1-64-fffffffffffffffb-7.lines", f.dir);
	start(&f, 1 << 20);
	settle(&f);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(get(&f, 1, 500), -ENOENT);
	line_cache_status(f.cache, &s);
	assert_int_equal(s.nr, 0);
	assert_int_equal(s.size, 0);
	put(&f, 1, 100, 'b');
	assert_true(get(&f, 1, 500) >= 0);
	assert_int_equal(nr_files(f.dir), 1);
	free(path);
	teardown(&f);
}

/* What the last jobs lead to is done too, before it is free. */
static void the_end_finishes_what_began(void **state)
{
	struct worker_identity id = identity(3);
	struct fixture f;
	char *bytes = xcalloc(1, 40 << 10);

	setup(&f, 100 << 10);
	settle(&f);
	put(&f, 1, 40 << 10, 'a');
	put(&f, 2, 40 << 10, 'b');
	get(&f, 3, 1);
	line_cache_put(f.cache, &id, io_memfd("index", bytes, 40 << 10), 40 << 10);
	stop(&f); /* the third is written, and the first removed for it */
	assert_int_equal(nr_files(f.dir), 2);
	start(&f, 100 << 10);
	settle(&f);
	assert_int_equal(get(&f, 1, 500), -ENOENT);
	assert_true(get(&f, 3, 500) >= 0);
	free(bytes);
	teardown(&f);
}

static void a_second_daemon_and_a_missing_folder_do_without(void **state)
{
	struct line_cache_status s = { 0 };
	struct fixture f, second;

	setup(&f, 1 << 20);
	settle(&f);
	second = f;
	start(&second, 1 << 20);
	for (unsigned i = 0; i < 500 && !s.err; i++) {
		loop_step(second.loop, 20);
		line_cache_status(second.cache, &s);
	}
	assert_int_equal(s.err, -EWOULDBLOCK);
	assert_int_equal(get(&second, 1, 500), -ENOENT);
	line_cache_put(second.cache, &(struct worker_identity){ .dev = 0x801, .inode = 1, .size = 100, .mtime_ns = -5, .ctime_ns = 7 },
		       io_memfd("index", "x", 1), 1);
	stop(&second);
	strcpy(second.dir, "/nonexistent/pprofd");
	start(&second, 1 << 20);
	settle(&second);
	assert_int_equal(get(&second, 1, 500), -ENOENT);
	stop(&second);
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_is_there_after_a_restart),
		cmocka_unit_test(a_new_one_replaces_an_old_one),
		cmocka_unit_test(the_longest_unused_go_first),
		cmocka_unit_test(what_is_too_large_or_was_not_asked_for_is_refused),
		cmocka_unit_test(what_is_not_ours_stays),
		cmocka_unit_test(what_cannot_be_opened_goes),
		cmocka_unit_test(the_end_finishes_what_began),
		cmocka_unit_test(a_second_daemon_and_a_missing_folder_do_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
