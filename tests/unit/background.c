/* base/background: jobs in order, all told at the end, and one that hangs left behind with what it
 * will need. */
#include "tests/unit/unit.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/background.h"
#include "base/mem.h"

struct fixture {
	struct loop *loop;
	struct background *b;
	unsigned nr_told, nr_more; /* jobs that the next DONEs submit */
	int hold[2];               /* a job that reads here hangs until it is written to */
	atomic_uint nr_run, nr_dropped, nr_ended;
};

struct job {
	struct background_job job;
	struct fixture *f;
	unsigned number;
	bool hangs;
};

static void run(struct background_job *job)
{
	struct job *j = (struct job *)job;
	char byte;

	if (j->hangs)
		assert_int_equal(read(j->f->hold[0], &byte, 1), 1);
	assert_int_equal(j->number, j->f->nr_run++);
}

static void drop(struct background_job *job)
{
	struct job *j = (struct job *)job;

	j->f->nr_dropped++;
	free(j);
}

static void done(struct background_job *job);

static void submit(struct fixture *f, unsigned number, bool hangs)
{
	struct job *j = xcalloc(1, sizeof(*j));

	*j = (struct job){ { run, done, drop, NULL }, f, number, hangs };
	background_submit(f->b, &j->job);
}

static void done(struct background_job *job)
{
	struct job *j = (struct job *)job;

	assert_int_equal(j->number, j->f->nr_told++);
	assert_int_equal(j->f->nr_ended, 0);
	if (j->f->nr_more) {
		j->f->nr_more--;
		submit(j->f, j->number + 1, false);
	}
}

static void ended(void *ctx)
{
	struct fixture *f = ctx;

	f->nr_ended++;
}

static void setup(struct fixture *f)
{
	*f = (struct fixture){ .loop = NULL };
	assert_int_equal(pipe(f->hold), 0);
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(background_new(&f->b, f->loop, "pprofd-test", ended, f), 0);
}

static void teardown(struct fixture *f)
{
	loop_free(f->loop);
	close(f->hold[0]);
	close(f->hold[1]);
}

static void jobs_are_told_in_order(void **state)
{
	struct fixture f;

	setup(&f);
	for (unsigned i = 0; i < 100; i++)
		submit(&f, i, false);
	for (uint64_t end = now_ms() + PATIENCE_MS; f.nr_told < 100 && now_ms() < end;)
		loop_step(f.loop, 10);
	assert_int_equal(f.nr_told, 100);
	assert_int_equal(f.nr_dropped, 100);
	assert_int_equal(background_nr_waiting(f.b), 0);
	assert_true(background_free(f.b, 0));
	assert_int_equal(f.nr_ended, 1);
	assert_true(background_free(NULL, 0));
	teardown(&f);
}

static void the_end_waits_for_what_the_last_ones_submit(void **state)
{
	struct fixture f;

	setup(&f);
	f.nr_more = 50;
	submit(&f, 0, false);
	assert_true(background_free(f.b, PATIENCE_MS));
	assert_int_equal(f.nr_told, 51);
	assert_int_equal(f.nr_dropped, 51);
	assert_int_equal(f.nr_ended, 1);
	teardown(&f);
}

static void what_hangs_is_left_behind_and_ends_by_itself(void **state)
{
	struct fixture f;

	setup(&f);
	submit(&f, 0, true);
	for (unsigned i = 1; i < 5; i++)
		submit(&f, i, false);
	assert_false(background_free(f.b, 50));
	assert_int_equal(f.nr_ended, 0);
	assert_int_equal(write(f.hold[1], "", 1), 1);
	for (uint64_t end = now_ms() + PATIENCE_MS; !f.nr_ended && now_ms() < end;)
		usleep(1000);
	assert_int_equal(f.nr_ended, 1);
	assert_int_equal(f.nr_run, 5); /* whoever waits for nothing has his file written nonetheless */
	assert_int_equal(f.nr_dropped, 5);
	assert_int_equal(f.nr_told, 0);
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jobs_are_told_in_order),
		cmocka_unit_test(the_end_waits_for_what_the_last_ones_submit),
		cmocka_unit_test(what_hangs_is_left_behind_and_ends_by_itself),
	};

	return cmocka_run_group_tests_name("background", tests, NULL, NULL);
}
