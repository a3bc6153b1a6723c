/* What the tests of both workers share: how far a worker has come, told by its process. */
#ifndef TESTS_UNIT_WORKER_TEST_H
#define TESTS_UNIT_WORKER_TEST_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/types.h>

#include "base/loop.h"

#define AT_IT "at it"

/* A worker that misbehaves: all has been sent that will be before it does. */
static inline void worker_test_say_at_it(void)
{
	prctl(PR_SET_NAME, AT_IT);
}

/* The name and the state in /proc/PID/stat. */
static inline void worker_test_look(pid_t pid, char name[17], char *state)
{
	char path[32];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%*d (%16[^)]) %c", name, state), 2);
	fclose(f);
}

/* Waits until PID has that name or, NAME being NULL, that state; what it sends is taken meanwhile. */
static inline void worker_test_wait(pid_t pid, const char *name, char state, struct loop *l)
{
	uint64_t end = now_ms() + PATIENCE_MS;
	char now[17], state_now;

	do {
		assert_true(now_ms() < end);
		loop_step(l, 1);
		worker_test_look(pid, now, &state_now);
	} while (name ? strcmp(now, name) : state_now != state);
}

/* Waits until PID has said so, and what it sent has been taken. */
static inline void worker_test_at_it(pid_t pid, struct loop *l)
{
	worker_test_wait(pid, AT_IT, 0, l);
	loop_step(l, 0);
}

static inline void worker_test_state(pid_t pid, char wanted, struct loop *l)
{
	worker_test_wait(pid, NULL, wanted, l);
}

#endif
