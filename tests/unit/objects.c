/* daemon/objects: identity by fstat, recall by name, descriptors that live as long as windows use them. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "daemon/bundle.h"
#include "daemon/objects.h"
#include "profile/decode.h"

struct world {
	struct objects *o;
	char dir[64];
};

static int setup(void **state)
{
	static struct world w;

	strcpy(w.dir, "/tmp/pprofd-objects-XXXXXX");
	assert_non_null(mkdtemp(w.dir));
	w.o = objects_new(4);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	char command[128];

	objects_free(w->o);
	snprintf(command, sizeof(command), "rm -rf %s", w->dir);
	return system(command);
}

static int file_open(struct world *w, const char *name, const char *contents)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	if (contents)
		assert_int_equal(write(fd, contents, strlen(contents)), strlen(contents));
	return fd;
}

static struct process_file named(const char *path, uint8_t build_id)
{
	return (struct process_file){ .path = path, .build_id_size = 20, .build_id = { build_id } };
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void one_file_is_one_object(void **state)
{
	struct world *w = *state;
	int a = file_open(w, "a", "a"), again = file_open(w, "a", NULL), b = file_open(w, "b", "b");
	uint32_t first = objects_add(w->o, a, NULL, 0);

	assert_true(first >= OBJECT_FIRST);
	assert_int_equal(objects_add(w->o, again, NULL, 0), first);
	assert_false(is_open(again)); /* one descriptor is enough */
	assert_int_not_equal(objects_add(w->o, b, NULL, 0), first);
}

static void a_build_id_makes_no_identity(void **state)
{
	struct world *w = *state;
	struct process_file file = named("/lib/x", 1);
	uint32_t a = objects_add(w->o, file_open(w, "a", "a"), &file, 7);
	uint32_t b = objects_add(w->o, file_open(w, "b", "b"), &file, 7);

	assert_int_not_equal(a, b);
	/* And a name that two objects had tells nothing of a third process. */
	assert_int_equal(objects_recall(w->o, &file, 7), OBJECT_MISSING);
}

static void a_changed_file_is_another_object(void **state)
{
	struct world *w = *state;
	uint32_t before = objects_add(w->o, file_open(w, "a", "a"), NULL, 0);

	assert_int_not_equal(objects_add(w->o, file_open(w, "a", "longer"), NULL, 0), before);
}

static void what_is_no_regular_file_is_refused(void **state)
{
	struct world *w = *state;
	int dir = open(w->dir, O_RDONLY | O_DIRECTORY);

	assert_int_equal(objects_add(w->o, dir, NULL, 0), OBJECT_MISSING);
	assert_false(is_open(dir));
}

static void recall_is_by_path_build_id_and_cgroup(void **state)
{
	struct world *w = *state;
	struct process_file file = named("/lib/x", 1), other = named("/lib/x", 2), elsewhere = named("/lib/y", 1);
	uint32_t x = objects_add(w->o, file_open(w, "x", "x"), &file, 7);

	assert_int_equal(objects_recall(w->o, &file, 7), x);
	assert_int_equal(objects_recall(w->o, &file, 8), OBJECT_MISSING);
	assert_int_equal(objects_recall(w->o, &other, 7), OBJECT_MISSING);
	assert_int_equal(objects_recall(w->o, &elsewhere, 7), OBJECT_MISSING);
}

static void what_was_looked_at_lately_is_known(void **state)
{
	struct world *w = *state;
	struct process_file file = { .path = "/lib/x", .inode = 5 }, other = { .path = "/lib/x", .inode = 6 };
	struct process_file by_build_id = named("/lib/z", 1);
	uint32_t x = objects_add(w->o, file_open(w, "x", "x"), &file, 0), known = OBJECT_NONE;

	objects_add(w->o, file_open(w, "z", "z"), &by_build_id, 0);
	for (int i = 0; i < 20 && known != x; i++) { /* a second may pass between two lines */
		assert_int_equal(objects_recall(w->o, &file, 0), x);
		known = objects_known(w->o, &file, 0);
	}
	assert_int_equal(known, x);
	assert_int_equal(objects_known(w->o, &file, 1), OBJECT_NONE);
	assert_int_equal(objects_known(w->o, &other, 0), OBJECT_NONE);
	assert_int_equal(objects_known(w->o, &by_build_id, 0), OBJECT_NONE); /* anybody can write one */
}

static void what_has_changed_in_place_is_not_recalled(void **state)
{
	struct world *w = *state;
	struct process_file file = { .path = "/lib/x", .inode = 5 };
	uint32_t x = objects_add(w->o, file_open(w, "x", "x"), &file, 0);

	assert_int_equal(objects_recall(w->o, &file, 0), x);
	close(file_open(w, "x", "longer"));
	assert_int_equal(objects_recall(w->o, &file, 0), OBJECT_MISSING);
}

static void recall_by_inode_takes_every_part_of_it(void **state)
{
	struct world *w = *state;
	struct process_file file = { .path = "/lib/x", .inode = 5, .inode_generation = 6, .dev_major = 7, .dev_minor = 8 };
	uint32_t x = objects_add(w->o, file_open(w, "x", "x"), &file, 0);

	assert_int_equal(objects_recall(w->o, &file, 0), x);
	for (int part = 0; part < 4; part++) {
		struct process_file other = file;

		other.inode += part == 0;
		other.inode_generation += part == 1;
		other.dev_major += part == 2;
		other.dev_minor += part == 3;
		assert_int_equal(objects_recall(w->o, &other, 0), OBJECT_MISSING);
	}
}

static void unused_descriptors_are_closed_after_a_window(void **state)
{
	struct world *w = *state;
	int fd = file_open(w, "a", "a"), got;
	struct process_file file = named("/lib/a", 1);
	struct worker_object id;
	uint32_t a = objects_add(w->o, fd, &file, 0);

	assert_true(objects_pin(w->o, a, &id, &got));
	assert_int_equal(got, fd);
	assert_int_equal(id.id.size, 1);
	assert_int_equal(id.build_id[0], 1);
	objects_next_window(w->o);
	assert_true(is_open(fd)); /* used in the window that ended */
	objects_next_window(w->o);
	assert_true(is_open(fd)); /* not used, but the worker has it */
	objects_unpin(w->o, a);
	objects_next_window(w->o);
	assert_false(is_open(fd));
	assert_false(objects_use(w->o, a));  /* has to be asked for again, */
	assert_int_equal(objects_add(w->o, file_open(w, "a", NULL), &file, 0), a); /* and is the same then */
	assert_true(objects_use(w->o, a));
}

static void descriptors_are_limited(void **state)
{
	struct world *w = *state;
	struct worker_object id;
	uint32_t last = 0;
	char name[8];
	int fd;

	for (int i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		last = objects_add(w->o, file_open(w, name, name), NULL, 0);
		assert_true(last >= OBJECT_FIRST);
	}
	assert_false(objects_pin(w->o, last, &id, &fd));
	assert_true(objects_use(w->o, last)); /* asking again would not help */
}

static void quarantine_is_told_to_the_worker(void **state)
{
	struct world *w = *state;
	struct objects_status s;
	struct worker_object id;
	uint32_t a = objects_add(w->o, file_open(w, "a", "a"), NULL, 0);
	int fd;

	assert_false(objects_blame(w->o, a)); /* once may have been chance */
	assert_true(objects_pin(w->o, a, &id, &fd));
	assert_int_equal(id.quarantined, 0);
	assert_true(objects_blame(w->o, a));
	assert_true(objects_pin(w->o, a, &id, &fd));
	assert_int_equal(id.quarantined, 1);
	objects_status(w->o, &s);
	assert_int_equal(s.nr_quarantined, 1);
	assert_int_equal(s.nr_open, 1);
}

/* It grows while it is held. */
static void a_jits_map_is_what_it_is_by_then(void **state)
{
	struct world *w = *state;
	struct worker_object before, after;
	int fd = io_memfd("map", "1000 10 a\n", 10), writer = dup(fd), pinned;
	uint32_t object = objects_add_jit(w->o, fd);

	assert_true(object >= OBJECT_FIRST);
	assert_true(objects_use(w->o, object));
	assert_true(objects_pin(w->o, object, &before, &pinned));
	objects_unpin(w->o, object);
	assert_int_equal(before.flags, WORKER_JIT_MAP);
	assert_int_equal(before.id.size, 10);
	assert_int_equal(pwrite(writer, "2000 10 b\n", 10, 10), 10);
	assert_true(objects_pin(w->o, object, &after, &pinned));
	assert_int_equal(after.id.size, 20);
	assert_int_equal(objects_add_jit(w->o, dup(writer)), object); /* the same file again */
	objects_unpin(w->o, object);
	close(writer);
}

/* A window that no worker will name. */
static void a_bundle_gets_frames_by_files(void **state)
{
	struct objects *o = objects_new(8);
	struct profile *p = profile_new(), *read;
	struct bundle b;
	char *bytes;
	uint32_t location;

	profile_add_type(p, "samples", "count");
	profile_mapping(p, &(struct profile_mapping){ .start = 0x1000, .limit = 0x2000,
						      .filename = profile_string(p, "/usr/lib/libfoo.so") });
	location = profile_location(p, 0, 0x1010);
	profile_add(p, profile_stack(p, &location, 1), profile_label_set(p, NULL, 0), &(int64_t){ 7 });
	assert_int_equal(bundle_make(&b, o, p), 0);
	profile_free(p);
	assert_int_equal(pwrite(b.profile_fd, "\xff", 1, 0), -1); /* by the worker, say */
	bundle_bracket(&b);
	bytes = malloc(b.profile_size);
	assert_int_equal(io_pread(b.profile_fd, bytes, b.profile_size, 0), b.profile_size);
	assert_int_equal(profile_decode(bytes, b.profile_size, &read, NULL, 0), 0);
	assert_int_equal(read->nr_samples, 1);
	assert_int_equal(read->locations[0].address, 0x1010);
	assert_string_equal(profile_str(read, read->functions[read->lines[0].function].name), "[libfoo.so]");
	profile_free(read);
	free(bytes);

	/* What cannot be read stays as it is. */
	assert_int_equal(pwrite(b.profile_fd, "\xff\xff\xff\xff", 4, 0), 4);
	bundle_bracket(&b);
	assert_int_equal(lseek(b.profile_fd, 0, SEEK_END), b.profile_size);
	bundle_fini(&b, o);
	objects_free(o);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(one_file_is_one_object),
		TEST(a_build_id_makes_no_identity),
		TEST(a_changed_file_is_another_object),
		TEST(what_is_no_regular_file_is_refused),
		TEST(recall_is_by_path_build_id_and_cgroup),
		TEST(what_was_looked_at_lately_is_known),
		TEST(what_has_changed_in_place_is_not_recalled),
		TEST(recall_by_inode_takes_every_part_of_it),
		TEST(unused_descriptors_are_closed_after_a_window),
		TEST(descriptors_are_limited),
		TEST(quarantine_is_told_to_the_worker),
		TEST(a_jits_map_is_what_it_is_by_then),
		cmocka_unit_test(a_bundle_gets_frames_by_files),
	};

	return cmocka_run_group_tests_name("objects", tests, NULL, NULL);
}
