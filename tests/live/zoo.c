/* zoo MODE [ARG]: programs that live as threads do. Each prints what it used by its own clock, in ms, and where it says so
 * waits until there is a file called by $GO: the test that looks on says when. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define AMID_MS 60
#define AMID_AFTER 50 /* births after $GO */
#define AMID_MAX 1500

static volatile unsigned long n;
static volatile int go;
static int ended;

static double clock_ms(clockid_t c)
{
	struct timespec t;

	clock_gettime(c, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int may_go(void)
{
	return !access(getenv("GO"), F_OK);
}

static void wait_go(void)
{
	while (!may_go())
		usleep(10000);
}

__attribute__((noinline)) static void burn(double ms)
{
	double end = clock_ms(CLOCK_THREAD_CPUTIME_ID) + ms;

	while (clock_ms(CLOCK_THREAD_CPUTIME_ID) < end)
		for (int i = 0; i < 10000; i++)
			n++;
}

static void done(void)
{
	printf("%.0f\n", clock_ms(CLOCK_PROCESS_CPUTIME_ID));
	fflush(stdout);
}

/* Threads. */

static pthread_t begin(void *(*fn)(void *), long arg)
{
	pthread_attr_t a;
	pthread_t t;

	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, 65536);
	if (pthread_create(&t, &a, fn, (void *)arg))
		abort();
	pthread_attr_destroy(&a);
	return t;
}

static void *burner(void *p)
{
	burn((double)(long)p);
	return p;
}

static void *waiter(void *p)
{
	while (!go)
		usleep(20000);
	burn((double)(long)p);
	__atomic_add_fetch(&ended, 1, __ATOMIC_SEQ_CST);
	pause(); /* its number is nobody else's until all are counted */
	return p;
}

static void *sleeper(void *p)
{
	pause();
	return p;
}

static void *forever(void *p)
{
	for (;;)
		burn(1000);
	return p;
}

static void *renamer(void *p)
{
	prctl(PR_SET_NAME, "first");
	burn(600);
	prctl(PR_SET_NAME, "second");
	burn(600);
	return p;
}

static void *executes(void *p)
{
	burn(300);
	execl("/proc/self/exe", "zoo", "burn", p, NULL);
	abort();
}

static void *survivor(void *p)
{
	usleep(300000);
	burn(1000);
	done();
	exit(0);
	return p;
}

static void *named(void *name)
{
	prctl(PR_SET_NAME, name);
	burn(200);
	return name;
}

static int to[2], fro[2];

static void *pong(void *p)
{
	char c;

	while (read(to[0], &c, 1) == 1 && write(fro[1], &c, 1) == 1)
		;
	return p;
}

/* Modes. */

static void mode_burn(long ms)
{
	burn((double)ms);
	done();
}

static void mode_idle(long nr)
{
	while (nr--)
		begin(sleeper, 0);
	pause();
}

static void mode_forever(long nr)
{
	while (nr--)
		begin(forever, 0);
	pause();
}

static void mode_rename(long arg)
{
	pthread_join(begin(renamer, arg), NULL);
	done();
}

/* NR threads, two at a time. */
static void mode_churn(long nr)
{
	for (long i = 0; i < nr; i += 2) {
		pthread_t a = begin(burner, 40), b = begin(burner, 40);

		pthread_join(a, NULL);
		pthread_join(b, NULL);
	}
	done();
}

/* Threads are born from before its name makes it a target until some time after it is one. */
static void mode_amid(long arg)
{
	int after = 0, nr = 0;

	prctl(PR_SET_NAME, getenv("AMID"));
	for (; nr < AMID_MAX && after < AMID_AFTER; nr++) {
		begin(waiter, AMID_MS);
		after += may_go();
		usleep(1000);
	}
	for (go = 1; __atomic_load_n(&ended, __ATOMIC_SEQ_CST) < nr;)
		usleep(10000);
	printf("%d\n", nr);
	fflush(stdout);
	pause();
}

static void mode_births(long nr)
{
	while (nr--)
		pthread_join(begin(burner, 0), NULL);
	done();
	pause();
}

static void mode_exec(long arg)
{
	begin(executes, (long)"700");
	pause();
}

static void mode_leader(long arg)
{
	begin(survivor, arg);
	pthread_exit(NULL);
}

/* A child that forks and executes others. */
static void mode_fork(long arg)
{
	if (!fork()) {
		if (!fork()) {
			execl("/proc/self/exe", "other", "burn", "700", NULL);
			abort();
		}
		burn(300);
		wait(NULL);
		done();
		_exit(0);
	}
	burn(200);
	wait(NULL);
	done();
}

/* Names that no terminal and no path should see as they are. */
static void mode_names(long arg)
{
	static const char *const names[] = { "semi;colon", "new\nline", "\033[31mred", "\xff\xfe\xfd", "../../up", "a b  c", "%s%n" };
	enum { NR = sizeof(names) / sizeof(names[0]) };
	pthread_t t[NR];

	for (int i = 0; i < NR; i++)
		t[i] = begin(named, (long)names[i]);
	for (int i = 0; i < NR; i++)
		pthread_join(t[i], NULL);
	done();
}

/* A byte goes to another thread and back, for MS. */
static void mode_pingpong(long ms)
{
	double end = clock_ms(CLOCK_MONOTONIC) + (double)ms;
	char c = 0;

	if (pipe(to) || pipe(fro))
		abort();
	begin(pong, 0);
	while (clock_ms(CLOCK_MONOTONIC) < end)
		if (write(to[1], &c, 1) != 1 || read(fro[0], &c, 1) != 1)
			abort();
	done();
}

/* A child with the number WANT, if that can be had. Its number, or negative. */
static int child(const char *name, int want)
{
	int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY), pid;

	if (want && dprintf(fd, "%d", want - 1) < 0)
		return -1;
	if (fd >= 0)
		close(fd);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_NAME, name);
		burn(400);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	return pid;
}

/* Two children with one number, in turn. */
static void mode_reuse(long arg)
{
	int first = child("reuse-a", 0), second = 0;

	for (int i = 0; i < 50 && second != first; i++)
		second = child("reuse-b", first);
	printf("%d %d\n", first, second);
}

static const struct mode {
	const char *name;
	void (*fn)(long arg);
} modes[] = {
	{ "burn", mode_burn }, { "idle", mode_idle }, { "forever", mode_forever }, { "rename", mode_rename },
	{ "churn", mode_churn }, { "amid", mode_amid }, { "births", mode_births }, { "exec", mode_exec },
	{ "leader", mode_leader }, { "fork", mode_fork }, { "names", mode_names }, { "pingpong", mode_pingpong },
	{ "reuse", mode_reuse },
};

/* parent PROGRAM…: a member whose child executes PROGRAM when it may. */
static int parent(char **argv)
{
	int status;

	prctl(PR_SET_NAME, getenv("KEEPER"));
	wait_go();
	if (!fork()) {
		execv(argv[0], argv);
		_exit(127);
	}
	wait(&status);
	return status != 0;
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "parent"))
		return parent(argv + 2);
	for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strcmp(argv[1], modes[i].name))
			modes[i].fn(argc > 2 ? atol(argv[2]) : 0);
	return 0;
}
