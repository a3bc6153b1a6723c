/* load: what the mixed load runs besides other people's programs (bench/mixed). Built without frame pointers.
 *   load deep       a 30 calls deep computation, for ever
 *   load pingpong   two processes passing a byte over a pipe, for ever
 *   load exec N     N times a second: fork and exec /bin/true
 *   load fixed N    N rounds of the deep computation, then exits: for slowdowns */
#include <spawn.h>
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

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	int n = argc > 2 ? atoi(argv[2]) : 50;

	if (!strcmp(what, "deep"))
		for (;;)
			sink += deep(30, sink);
	else if (!strcmp(what, "pingpong"))
		pingpong();
	else if (!strcmp(what, "exec"))
		exec_some(n > 0 ? n : 50);
	else if (!strcmp(what, "fixed"))
		while (n-- > 0)
			sink += deep(30, sink);
	else
		return fprintf(stderr, "usage: load deep | pingpong | exec N | fixed N\n"), 2;
	return 0;
}
