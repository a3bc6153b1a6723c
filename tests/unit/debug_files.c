/* daemon/debug_files: what is asked of the opener, and what becomes of its answers, which are made up here. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/loop.h"
#include "daemon/debug_files.h"
#include "daemon/objects.h"
#include "fetch/client.h"
#include "opener/client.h"
#include "opener/opener.h"

#define NR_OBJECTS  200
#define ASKED_MAX   256 /* debug_files.c's */
#define FILES_MAX   256
#define WANTS_MAX   1024
#define FOLDER      "/nowhere/debug"

struct world {
	struct loop *loop;
	struct opener_client *opener;
	struct objects *objects;
	struct debug_files *files;
	unsigned nr_answers;
	struct opener_request *last; /* that was answered */
	/* What the next answers say. */
	int status;
	unsigned nr_fds;
	int fds[2]; /* those of the last one */
};

static void opener_answers(void *ctx, const struct opener_request *q, const struct opener_answer *a, int *fds, unsigned nr)
{
	struct opener_answer made_up = *a;
	struct world *w = ctx;

	while (nr)
		close(fds[--nr]);
	memcpy(w->last, q, opener_request_size(q));
	w->nr_answers++;
	made_up.status = w->status;
	for (; nr < w->nr_fds; nr++)
		fds[nr] = w->fds[nr] = io_memfd("x", "x", 1);
	debug_files_answer(w->files, q, &made_up, fds, nr);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->last = calloc(1, sizeof(*w->last));
	w->status = -ENOENT;
	assert_int_equal(loop_new(&w->loop), 0);
	assert_int_equal(opener_client_new(&w->opener, w->loop, opener_answers, w), 0);
	w->objects = objects_new(2 * NR_OBJECTS);
	w->files = debug_files_new(w->objects, FOLDER);
	debug_files_set_opener(w->files, w->opener);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	opener_client_free(w->opener);
	debug_files_free(w->files);
	objects_free(w->objects);
	loop_free(w->loop);
	free(w->last);
	free(w);
	return 0;
}

static uint32_t object_new(struct world *w, const char *path)
{
	uint32_t object = objects_add(w->objects, io_memfd("object", path, strlen(path)), NULL, 0);
	struct object_user user = { .fork_ns = 5, .start_time = 6 }; /* gone: the opener looks below its own root alone */

	assert_true(object >= OBJECT_FIRST);
	objects_used_by(w->objects, object, &user, path);
	return object;
}

static void want(struct world *w, uint32_t object, enum worker_file file)
{
	const struct worker_want want = { .file = file, .names = { .link = "x.debug" } };

	debug_files_want(w->files, object, &want);
}

static unsigned nr_asked(const struct world *w)
{
	struct opener_status s;

	opener_client_status(w->opener, &s);
	return (unsigned)s.nr_requests;
}

/* All that was asked is answered, with STATUS and NR_FDS descriptors each. */
static void answer(struct world *w, int status, unsigned nr_fds)
{
	uint64_t end = now_ms() + PATIENCE_MS;

	w->status = status;
	w->nr_fds = nr_fds;
	while (w->nr_answers < nr_asked(w) && now_ms() < end)
		loop_step(w->loop, 100);
	assert_int_equal(w->nr_answers, nr_asked(w));
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void the_opener_is_told_where_the_object_is(void **state)
{
	struct world *w = *state;
	const struct opener_debug *debug = &w->last->debug;
	struct object_place place;
	uint32_t a = object_new(w, "/usr/bin/a"), relative = object_new(w, "[a]");

	want(w, a, WORKER_DEBUG_FILE);
	answer(w, -ENOENT, 0);
	assert_true(objects_place(w->objects, a, &place));
	assert_int_equal(w->last->what, OPENER_DEBUG);
	assert_int_equal(w->last->pid, 0);
	assert_int_equal(w->last->fork_ns, 5);
	assert_int_equal(w->last->start_time, 6);
	assert_int_equal(debug->dev, place.dev);
	assert_int_equal(debug->inode, place.inode);
	assert_int_equal(debug->uid, geteuid());
	assert_string_equal(debug->object, "/usr/bin/a");
	assert_string_equal(debug->folder, FOLDER);
	assert_string_equal(debug->names.link, "x.debug");
	want(w, relative, WORKER_DEBUG_FILE);
	answer(w, -ENOENT, 0);
	assert_string_equal(debug->object, "");
}

static void what_comes_is_given(void **state)
{
	struct world *w = *state;
	uint32_t a = object_new(w, "/a");

	assert_int_equal(debug_files_get(w->files, a, WORKER_DEBUG_FILE), -1);
	want(w, a, WORKER_DEBUG_FILE);
	want(w, a, WORKER_DEBUG_FILE); /* it is under way */
	assert_int_equal(nr_asked(w), 1);
	assert_int_equal(debug_files_get(w->files, a, WORKER_DEBUG_FILE), -1);
	answer(w, 0, 1);
	assert_int_equal(debug_files_get(w->files, a, WORKER_DEBUG_FILE), w->fds[0]);
	assert_int_equal(debug_files_get(w->files, a, WORKER_ALT_FILE), -1);
	want(w, a, WORKER_DEBUG_FILE);
	assert_int_equal(nr_asked(w), 1);
	want(w, a, WORKER_ALT_FILE);
	answer(w, 0, 1);
	assert_int_equal(debug_files_get(w->files, a, WORKER_ALT_FILE), w->fds[0]);
	assert_int_equal(debug_files_nr(w->files), 2);
}

static void wrong_answers_give_nothing(void **state)
{
	struct world *w = *state;
	uint32_t a = object_new(w, "/a");
	struct opener_answer ok = { .cookie = 1 };
	int fd = io_memfd("x", "x", 1);

	want(w, a, WORKER_DEBUG_FILE);
	answer(w, 0, 2);
	assert_false(is_open(w->fds[0]) || is_open(w->fds[1]));
	want(w, a, WORKER_DEBUG_FILE); /* there may be one by now */
	answer(w, 0, 0);
	want(w, a, WORKER_DEBUG_FILE);
	answer(w, -EIO, 1);
	assert_false(is_open(w->fds[0]));
	assert_int_equal(nr_asked(w), 3);
	assert_int_equal(debug_files_nr(w->files), 0);
	assert_int_equal(debug_files_get(w->files, a, WORKER_DEBUG_FILE), -1);
	/* A second one, and one of what nobody knows. */
	want(w, a, WORKER_DEBUG_FILE);
	answer(w, 0, 1);
	debug_files_answer(w->files, w->last, &ok, &fd, 1);
	assert_false(is_open(fd));
	assert_int_equal(debug_files_get(w->files, a, WORKER_DEBUG_FILE), w->fds[0]);
	w->last->cookie = UINT64_MAX;
	fd = io_memfd("x", "x", 1);
	debug_files_answer(w->files, w->last, &ok, &fd, 1);
	assert_false(is_open(fd));
	assert_int_equal(debug_files_nr(w->files), 1);
}

/* The worker has refused what WAS. */
static void refuse(struct world *w, uint32_t object, const struct stat *was)
{
	const struct worker_want want = { .file = WORKER_DEBUG_FILE, .names = { .link = "x.debug" },
					  .refused = { was->st_dev, was->st_ino } };

	debug_files_want(w->files, object, &want);
}

static void of_one_that_is_refused_comes_the_next(void **state)
{
	struct world *w = *state;
	uint32_t a = object_new(w, "/a");
	struct stat first, second;

	want(w, a, WORKER_DEBUG_FILE);
	answer(w, 0, 1);
	assert_int_equal(w->last->debug.skip, 0);
	assert_int_equal(fstat(w->fds[0], &first), 0);
	refuse(w, a, &first);
	assert_false(is_open(w->fds[0]));
	answer(w, 0, 1);
	assert_int_equal(w->last->debug.skip, 1);
	assert_int_equal(fstat(w->fds[0], &second), 0);
	assert_int_not_equal(second.st_ino, first.st_ino);
	/* Another worker was given the first one too. */
	refuse(w, a, &first);
	assert_int_equal(debug_files_get(w->files, a, WORKER_DEBUG_FILE), w->fds[0]);
	assert_int_equal(nr_asked(w), 2);
	/* While it cannot be looked for it is not given up. */
	refuse(w, a, &second);
	answer(w, -ETIMEDOUT, 0);
	want(w, a, WORKER_DEBUG_FILE);
	answer(w, -ENOENT, 0);
	assert_int_equal(w->last->debug.skip, 2);
	assert_int_equal(nr_asked(w), 4);
	/* There is none: that is not asked again and again, but at last from the beginning. */
	for (unsigned i = 0; nr_asked(w) == 4; i++) {
		assert_in_range(i, 0, 1000);
		assert_int_equal(debug_files_get(w->files, a, WORKER_DEBUG_FILE), -1); /* in use */
		want(w, a, WORKER_DEBUG_FILE);
		if (i < 10)
			assert_int_equal(nr_asked(w), 4);
		debug_files_next_window(w->files);
	}
	answer(w, 0, 1);
	assert_int_equal(w->last->debug.skip, 0);
}

static void an_object_that_is_closed_has_none(void **state)
{
	struct world *w = *state;
	uint32_t a = object_new(w, "/a");

	objects_next_window(w->objects); /* its use */
	objects_next_window(w->objects);
	want(w, a, WORKER_DEBUG_FILE);
	want(w, a + 1, WORKER_DEBUG_FILE);
	assert_int_equal(nr_asked(w), 0);
}

static void what_is_not_given_for_a_while_goes(void **state)
{
	struct world *w = *state;
	uint32_t a = object_new(w, "/a"), b = object_new(w, "/b");
	int of_a, of_b;

	want(w, a, WORKER_DEBUG_FILE);
	answer(w, 0, 1);
	of_a = w->fds[0];
	want(w, b, WORKER_DEBUG_FILE);
	answer(w, 0, 1);
	of_b = w->fds[0];
	for (int i = 0; i < 10; i++) {
		assert_int_equal(debug_files_get(w->files, b, WORKER_DEBUG_FILE), of_b);
		debug_files_next_window(w->files);
	}
	assert_false(is_open(of_a));
	assert_int_equal(debug_files_nr(w->files), 1);
	assert_int_equal(debug_files_get(w->files, a, WORKER_DEBUG_FILE), -1);
	assert_int_equal(debug_files_get(w->files, b, WORKER_DEBUG_FILE), of_b);
	want(w, a, WORKER_DEBUG_FILE);
	/* Not while it is on its way. */
	for (int i = 0; i < 10; i++)
		debug_files_next_window(w->files);
	answer(w, 0, 1);
	assert_int_equal(debug_files_get(w->files, a, WORKER_DEBUG_FILE), w->fds[0]);
}

static void what_a_worker_died_of_is_not_given_again(void **state)
{
	struct world *w = *state;
	uint32_t a = object_new(w, "/a"), b = object_new(w, "/b");

	debug_files_blame(w->files, b); /* that had none */
	want(w, a, WORKER_DEBUG_FILE);
	answer(w, 0, 1);
	want(w, a, WORKER_ALT_FILE);
	debug_files_blame(w->files, a);
	assert_false(is_open(w->fds[0]));
	answer(w, 0, 1);
	assert_false(is_open(w->fds[0])); /* that came too late */
	for (int i = 0; i < 10; i++)
		debug_files_next_window(w->files);
	want(w, a, WORKER_DEBUG_FILE);
	assert_int_equal(nr_asked(w), 2);
	assert_int_equal(debug_files_nr(w->files), 0);
	want(w, b, WORKER_DEBUG_FILE);
	assert_int_equal(nr_asked(w), 3);
}

static void another_folder_has_other_files(void **state)
{
	struct world *w = *state;
	uint32_t a = object_new(w, "/a");
	int of_old;

	want(w, a, WORKER_DEBUG_FILE);
	answer(w, 0, 1);
	of_old = w->fds[0];
	debug_files_set_folder(w->files, FOLDER);
	assert_true(is_open(of_old));
	want(w, a, WORKER_ALT_FILE);
	debug_files_set_folder(w->files, "/elsewhere");
	assert_false(is_open(of_old));
	answer(w, 0, 1);
	assert_false(is_open(w->fds[0])); /* of the old one */
	assert_int_equal(debug_files_nr(w->files), 0);
	want(w, a, WORKER_DEBUG_FILE);
	answer(w, 0, 1);
	assert_string_equal(w->last->debug.folder, "/elsewhere");
	assert_int_equal(debug_files_nr(w->files), 1);
}

static void want_by_id(struct world *w, uint32_t object, enum worker_file file)
{
	const struct worker_want want = { .file = file, .names = { .build_id = { 1, 2, 3 }, .build_id_size = 3 } };

	debug_files_want(w->files, object, &want);
}

static uint64_t nr_fetched(const struct fetch_client *c)
{
	struct fetch_status s;

	fetch_client_status(c, &s);
	return s.nr_wanted;
}

static void what_is_nowhere_is_fetched(void **state)
{
	struct world *w = *state;
	struct fetch_client *c = fetch_client_new(w->loop, debug_files_fetched, w->files);
	const struct fetch_options o = {
		.urls = "http://127.0.0.1:1", .dir = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC),
		.max_use = 1, .max_size = 1, .timeout_ms = 1,
	};
	uint32_t a = object_new(w, "/a"), b = object_new(w, "/b");
	int fd = io_memfd("x", "x", 1), of_a;

	debug_files_set_fetch(w->files, c);
	want_by_id(w, a, WORKER_DEBUG_FILE);
	answer(w, -ENOENT, 0); /* nobody is asked as it is */
	assert_int_equal(fetch_client_configure(c, &o), 0);
	want(w, a, WORKER_DEBUG_FILE);
	answer(w, -ENOENT, 0); /* it has no build id */
	want_by_id(w, a, WORKER_DEBUG_FILE);
	answer(w, -ETIMEDOUT, 0); /* it may be here */
	assert_int_equal(nr_fetched(c), 0);
	want_by_id(w, a, WORKER_DEBUG_FILE);
	want_by_id(w, b, WORKER_ALT_FILE);
	answer(w, -ENOENT, 0);
	assert_int_equal(nr_fetched(c), 1); /* for both */
	debug_files_fetched(w->files, (const uint8_t[]){ 1, 2, 4 }, 3, -ENOENT);
	want_by_id(w, a, WORKER_DEBUG_FILE); /* it is under way */
	debug_files_fetched(w->files, (const uint8_t[]){ 1, 2, 3 }, 3, fd);
	of_a = debug_files_get(w->files, a, WORKER_DEBUG_FILE);
	assert_true(of_a >= 0 && is_open(of_a));
	assert_true(debug_files_get(w->files, b, WORKER_ALT_FILE) >= 0);
	assert_int_equal(debug_files_nr(w->files), 2);
	/* Late, and once more. */
	debug_files_fetched(w->files, (const uint8_t[]){ 1, 2, 3 }, 3, io_memfd("x", "x", 1));
	assert_int_equal(debug_files_get(w->files, a, WORKER_DEBUG_FILE), of_a);
	debug_files_set_fetch(w->files, NULL);
	fetch_client_free(c);
	close(o.dir);
}

/* Whatever a worker says. */
static void what_is_asked_and_kept_is_bounded(void **state)
{
	struct world *w = *state;
	uint32_t objects[NR_OBJECTS];
	unsigned before;
	char path[16];

	for (unsigned i = 0; i < NR_OBJECTS; i++) {
		snprintf(path, sizeof(path), "/%u", i);
		objects[i] = object_new(w, path);
	}
	for (unsigned i = 0; i < 2 * NR_OBJECTS; i++)
		want(w, objects[i / 2], i & 1 ? WORKER_ALT_FILE : WORKER_DEBUG_FILE);
	assert_int_equal(nr_asked(w), ASKED_MAX);
	answer(w, -ENOENT, 0);
	for (unsigned i = 0; i < 8 * ASKED_MAX; i++) {
		want(w, objects[i % NR_OBJECTS], WORKER_DEBUG_FILE);
		if (i % NR_OBJECTS == NR_OBJECTS - 1)
			answer(w, -ENOENT, 0);
	}
	answer(w, -ENOENT, 0);
	assert_int_equal(nr_asked(w), WANTS_MAX);
	debug_files_next_window(w->files);
	before = nr_asked(w);
	for (unsigned i = 0; i < 2 * NR_OBJECTS; i++) {
		want(w, objects[i / 2], i & 1 ? WORKER_ALT_FILE : WORKER_DEBUG_FILE);
		if (i % 100 == 99)
			answer(w, 0, 1);
	}
	assert_in_range(nr_asked(w) - before, FILES_MAX, FILES_MAX + 100);
	answer(w, 0, 1);
	assert_in_range(debug_files_nr(w->files), FILES_MAX, FILES_MAX + 100);
}

int main(int argc, char **argv)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_opener_is_told_where_the_object_is),
		TEST(what_comes_is_given),
		TEST(wrong_answers_give_nothing),
		TEST(of_one_that_is_refused_comes_the_next),
		TEST(an_object_that_is_closed_has_none),
		TEST(what_is_not_given_for_a_while_goes),
		TEST(what_a_worker_died_of_is_not_given_again),
		TEST(another_folder_has_other_files),
		TEST(what_is_nowhere_is_fetched),
		TEST(what_is_asked_and_kept_is_bounded),
	};

	if (argc > 1 && !strcmp(argv[1], "--opener"))
		return opener_main();
	while (argc > 1 && !strcmp(argv[1], "--debuginfod")) /* one that never answers */
		pause();
	return cmocka_run_group_tests_name("debug_files", tests, NULL, NULL);
}
