/* busy NR SECONDS [STATUS]: NR threads, busy-0 …, each of which computes for SECONDS of its own CPU clock and
 * prints what that clock says then. Stacks: busy_leaf, busy_middle, busy_thread. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define THREADS_MAX 64

static volatile unsigned long n;
static double seconds;

static double thread_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

__attribute__((noinline)) void busy_leaf(void)
{
	for (int i = 0; i < 100000; i++)
		n++;
}

__attribute__((noinline)) void busy_middle(void)
{
	busy_leaf();
	n++;
}

static void *busy_thread(void *name)
{
	pthread_setname_np(pthread_self(), name);
	while (thread_clock() < seconds) {
		busy_middle();
		n++;
	}
	printf("%s %.6f\n", (char *)name, thread_clock());
	return NULL;
}

int main(int argc, char **argv)
{
	char names[THREADS_MAX][16];
	pthread_t threads[THREADS_MAX];
	int nr = argc > 2 ? atoi(argv[1]) : 0;

	if (nr < 1 || nr > THREADS_MAX)
		return 2;
	seconds = atof(argv[2]);
	for (int i = 0; i < nr; i++) {
		snprintf(names[i], sizeof(names[i]), "busy-%d", i);
		pthread_create(&threads[i], NULL, busy_thread, names[i]);
	}
	for (int i = 0; i < nr; i++)
		pthread_join(threads[i], NULL);
	return argc > 3 ? atoi(argv[3]) : 0;
}
