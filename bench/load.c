/* load: what the mixed load runs besides other people's programs (bench/mixed). Built without frame pointers.
 *   load deep [N]   a 30 (N) calls deep computation, for ever
 *   load pingpong   two processes passing a byte over a pipe, for ever
 *   load exec N     N times a second: fork and exec /bin/true
 *   load nap S W    sleeps S and works W microseconds, for ever
 *   load step P W   works W microseconds at every multiple of P nanoseconds: in step with a timer of that period
 *   load fixed N    N rounds of the deep computation, then exits: for slowdowns */
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;
static volatile unsigned long sink;

__attribute__((noinline)) static unsigned long deep(unsigned depth, unsigned long x)
{
	if (!depth) {
		for (int i = 0; i < 20000; i++)
			x = x * 6364136223846793005ul + 1442695040888963407ul;
		return x;
	}
	x = deep(depth - 1, x + depth);
	return x ^ depth; /* no tail call */
}

static void pingpong(void)
{
	int a[2], b[2];
	char c = 0;

	if (pipe(a) || pipe(b))
		exit(1);
	if (!fork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (read(a[0], &c, 1) == 1 && write(b[1], &c, 1) == 1)
			;
		exit(0);
	}
	while (write(a[1], &c, 1) == 1 && read(b[0], &c, 1) == 1)
		;
}

static void exec_some(int a_second)
{
	char *argv[] = { (char *)"true", NULL };
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	for (;;) {
		pid_t pid;

		if (!posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ))
			waitpid(pid, NULL, 0);
		next.tv_nsec += 1000000000 / a_second;
		if (next.tv_nsec >= 1000000000) {
			next.tv_nsec -= 1000000000;
			next.tv_sec++;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
	}
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void work(uint64_t ns)
{
	uint64_t end = now_ns() + ns;

	while (now_ns() < end)
		for (int i = 0; i < 200; i++)
			sink = sink * 6364136223846793005ul + 1442695040888963407ul;
}

static void nap(unsigned sleep_us, unsigned work_us)
{
	for (;;) {
		usleep(sleep_us);
		work(work_us * 1000ull);
	}
}

static void step(uint64_t period_ns, unsigned work_us)
{
	for (uint64_t next = now_ns();;) {
		struct timespec at;

		next += period_ns;
		at = (struct timespec){ .tv_sec = (time_t)(next / 1000000000), .tv_nsec = (long)(next % 1000000000) };
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
		work(work_us * 1000ull);
	}
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	int n = argc > 2 ? atoi(argv[2]) : 50, m = argc > 3 ? atoi(argv[3]) : 200;

	if (!strcmp(what, "deep"))
		for (;;)
			sink += deep(argc > 2 && n > 0 ? (unsigned)n : 30, sink);
	else if (!strcmp(what, "pingpong"))
		pingpong();
	else if (!strcmp(what, "exec"))
		exec_some(n > 0 ? n : 50);
	else if (!strcmp(what, "nap") && n > 0 && m > 0)
		nap((unsigned)n, (unsigned)m);
	else if (!strcmp(what, "step") && n > 0 && m > 0)
		step((uint64_t)n, (unsigned)m);
	else if (!strcmp(what, "fixed"))
		while (n-- > 0)
			sink += deep(30, sink);
	else
		return fprintf(stderr, "usage: load deep [N] | pingpong | exec N | nap S W | step P W | fixed N\n"), 2;
	return 0;
}
