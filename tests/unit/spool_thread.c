/* spool/thread: jobs in order, their ends in the loop, leaving in time. */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/gzip.h"
#include "base/io.h"
#include "base/mem.h"
#include "spool/thread.h"

#define START INT64_C(1795370400) /* 20261122T180000Z */

struct fixture {
	char dir[64];
	struct loop *loop;
	struct spool_thread *t;
	struct spool_job ended[200];
	unsigned nr_ended;
	unsigned resubmit; /* WRITE jobs that the callback submits */
	int data_fd;
};

static struct spool_job job(enum spool_job_what what, uint64_t cookie)
{
	return (struct spool_job){
		.what = what,
		.cookie = cookie,
		.name = { .kind = "cpu", .start = START, .seconds = 60 },
		.fd = -1,
		.data_fd = -1,
		.compress_level = 6,
		.now = START + 60,
	};
}

static void done(void *ctx, struct spool_job *j)
{
	struct fixture *f = ctx;

	assert_true(f->nr_ended < 200);
	f->ended[f->nr_ended++] = *j;
	if (f->resubmit) {
		struct spool_job again = job(SPOOL_PRUNE, 1000 + f->resubmit--);

		assert_int_equal(spool_thread_submit(f->t, &again), 0);
	}
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/pprofd-thread.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(spool_thread_new(&f->t, f->dir, f->loop, done, f), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	spool_thread_free(f->t, PATIENCE_MS);
	loop_free(f->loop);
	snprintf(command, sizeof(command), "rm -rf %s", f->dir);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static void wait_for(struct fixture *f, unsigned nr)
{
	for (uint64_t end = now_ms() + PATIENCE_MS; now_ms() < end && f->nr_ended < nr;)
		assert_int_equal(loop_step(f->loop, 10), 0);
	assert_int_equal(f->nr_ended, nr);
}

static void check_file(struct fixture *f, const char *name, const char *want, size_t size)
{
	struct buf packed = { 0 }, plain = { 0 };
	char path[4096 + SPOOL_NAME_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(io_read_all(fd, &packed, 1 << 24), 0);
	assert_int_equal(gzip_inflate(packed.data, packed.size, 1 << 24, &plain), 0);
	assert_int_equal(plain.size, size);
	assert_memory_equal(plain.data, want, size);
	buf_fini(&packed);
	buf_fini(&plain);
	close(fd);
}

static void create_publish_discard(void **state)
{
	struct fixture *f = *state;
	struct spool_job j = job(SPOOL_CREATE, 1);
	int fd;

	assert_int_equal(spool_thread_submit(f->t, &j), 0);
	j.cookie = 2;
	assert_int_equal(spool_thread_submit(f->t, &j), 0);
	wait_for(f, 2);
	assert_int_equal(f->ended[0].cookie, 1);
	assert_int_equal(f->ended[1].cookie, 2);
	fd = f->ended[0].fd;
	assert_int_equal(gzip_to_fd(fd, "profile", 7, 6, NULL), 0);
	j = job(SPOOL_PUBLISH, 3);
	j.fd = fd;
	j.sync = true;
	assert_int_equal(spool_thread_submit(f->t, &j), 0);
	j = job(SPOOL_DISCARD, 4);
	j.fd = f->ended[1].fd;
	assert_int_equal(spool_thread_submit(f->t, &j), 0);
	wait_for(f, 4);
	assert_int_equal(f->ended[2].status, 0);
	assert_string_equal(f->ended[2].final, "cpu-20261122T180000Z-60s.pb.gz");
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(f->ended[3].status, 0);
	assert_int_equal(fcntl(j.fd, F_GETFD), -1);
	check_file(f, f->ended[2].final, "profile", 7);
	assert_true(f->ended[2].written > 7);
	assert_int_equal(f->ended[2].pruned.nr_files, 0);

	/* What the limits cost is told with the file that they made room for. */
	j = job(SPOOL_WRITE, 5);
	j.name.start += 60;
	j.limits.max_files = 1;
	j.data_fd = io_memfd("data", "next", 4);
	j.data_size = 4;
	assert_int_equal(spool_thread_submit(f->t, &j), 0);
	wait_for(f, 5);
	assert_int_equal(f->ended[4].status, 0);
	assert_int_equal(f->ended[4].pruned.nr_files, 1);
	assert_int_equal(spool_thread_nr_waiting(f->t), 0);
}

static void write_compresses(void **state)
{
	struct fixture *f = *state;
	struct spool_job j = job(SPOOL_WRITE, 1);
	size_t size = 300001; /* several pieces, the last a single byte */
	char *data = xmalloc(size);
	struct stat st;
	char path[4096 + SPOOL_NAME_MAX];

	for (size_t i = 0; i < size; i++)
		data[i] = (char)(i * i >> 9);
	j.data_fd = io_memfd("data", data, size);
	j.data_size = size;
	assert_int_equal(spool_thread_submit(f->t, &j), 0);
	wait_for(f, 1);
	assert_int_equal(f->ended[0].status, 0);
	assert_int_equal(fcntl(j.data_fd, F_GETFD), -1);
	check_file(f, f->ended[0].final, data, size);
	snprintf(path, sizeof(path), "%s/%s", f->dir, f->ended[0].final);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, f->ended[0].written);

	/* Another process has cut what we were to write: an error, no file, no SIGBUS. */
	j.data_fd = io_memfd("data", data, 100);
	assert_int_equal(spool_thread_submit(f->t, &j), 0);
	j.data_fd = io_memfd("data", data, 0);
	j.data_size = 0;
	assert_int_equal(spool_thread_submit(f->t, &j), 0);
	wait_for(f, 3);
	assert_int_equal(f->ended[1].status, -EBADMSG);
	assert_string_equal(f->ended[1].final, "");
	assert_int_equal(f->ended[2].status, 0);
	assert_string_equal(f->ended[2].final, "cpu-20261122T180000Z-60s-1.pb.gz");
	check_file(f, f->ended[2].final, "", 0);
	free(data);
}

static void the_queue_is_bounded_and_in_order(void **state)
{
	struct fixture *f = *state;
	struct spool_job j = job(SPOOL_PRUNE, 0);

	for (unsigned round = 0; round < 2; round++) {
		f->nr_ended = 0;
		for (unsigned i = 0; i < SPOOL_THREAD_JOBS; i++) {
			j.cookie = i;
			assert_int_equal(spool_thread_submit(f->t, &j), 0);
		}
		assert_int_equal(spool_thread_nr_waiting(f->t), SPOOL_THREAD_JOBS);
		assert_int_equal(spool_thread_submit(f->t, &j), -EAGAIN);
		wait_for(f, SPOOL_THREAD_JOBS);
		for (unsigned i = 0; i < SPOOL_THREAD_JOBS; i++)
			assert_int_equal(f->ended[i].cookie, i);
	}
}

static void the_end_finishes_all_jobs(void **state)
{
	struct fixture *f = *state;
	struct spool_job j = job(SPOOL_PRUNE, 0);

	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(spool_thread_submit(f->t, &j), 0);
	f->resubmit = 100; /* one by each end, those of the new ones too */
	assert_true(spool_thread_free(f->t, 5000));
	f->t = NULL;
	assert_int_equal(f->nr_ended, 110);
	assert_true(spool_thread_free(NULL, 0));
}

/* The spool's threads in this process, by name, and the signals that one of them blocks. A
 * sanitizer may have threads of its own. */
static unsigned nr_threads(unsigned long long *blocked)
{
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;
	unsigned nr = 0;

	assert_non_null(d);
	while ((e = readdir(d))) {
		char path[64], line[256], name[32] = "";
		FILE *status;

		snprintf(path, sizeof(path), "/proc/self/task/%.20s/status", e->d_name);
		status = e->d_name[0] == '.' ? NULL : fopen(path, "r");
		if (!status) /* it ended meanwhile */
			continue;
		while (fgets(line, sizeof(line), status)) {
			sscanf(line, "Name: %31s", name);
			if (!strcmp(name, "pprofd-spool") &&
			    sscanf(line, "SigBlk: %llx", blocked) == 1)
				nr++;
		}
		fclose(status);
	}
	closedir(d);
	return nr;
}

/* Instead of a disk that never answers: more zeros than can be compressed in the time of this test,
 * until they are cut short. */
static void a_thread_that_hangs_is_left_behind(void **state)
{
	struct fixture *f = *state;
	struct spool_job j = job(SPOOL_WRITE, 1);
	unsigned long long blocked;
	uint64_t began;
	int data = io_memfd("zeros", "", 0);

	j.data_size = UINT64_C(1) << 40;
	assert_int_equal(ftruncate(data, 1LL << 40), 0);
	j.data_fd = dup(data);
	assert_int_equal(spool_thread_submit(f->t, &j), 0);
	began = now_ms();
	assert_false(spool_thread_free(f->t, 100));
	f->t = NULL;
	assert_true(now_ms() - began >= 99);
	assert_int_equal(f->nr_ended, 0);
	assert_int_equal(nr_threads(&blocked), 1);
	assert_int_equal(ftruncate(data, 0), 0);
	for (uint64_t end = now_ms() + PATIENCE_MS; now_ms() < end && nr_threads(&blocked) > 0;)
		usleep(10000);
	assert_int_equal(nr_threads(&blocked),
			 0); /* it has freed what it held: ASan's leak check looks */
	close(data);
}

static void signals_are_the_loops(void **state)
{
	unsigned long long blocked = 0;

	assert_int_equal(nr_threads(&blocked), 1);
	for (int sig = 1; sig < 32; sig++)
		if (sig != SIGKILL && sig != SIGSTOP)
			assert_true(blocked >> (sig - 1) & 1);
}

static void what_cannot_be_opened(void **state)
{
	struct fixture *f = *state;
	struct spool_thread *t;

	assert_int_equal(spool_thread_new(&t, f->dir, f->loop, done, f), -EWOULDBLOCK);
	assert_int_equal(spool_thread_new(&t, "/nonexistent", f->loop, done, f), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(create_publish_discard),
		TEST(write_compresses),
		TEST(the_queue_is_bounded_and_in_order),
		TEST(the_end_finishes_all_jobs),
		TEST(a_thread_that_hangs_is_left_behind),
		TEST(signals_are_the_loops),
		TEST(what_cannot_be_opened),
	};

	return cmocka_run_group_tests_name("spool_thread", tests, NULL, NULL);
}
