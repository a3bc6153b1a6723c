/* What the fixtures are recordings of: two threads, a fork, with "exec" an exec; frame pointers
 * everywhere. */
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile unsigned long sink;

__attribute__((noinline)) static void leaf(long n)
{
	for (long i = 0; i < n; i++)
		sink += (unsigned long)(i * i);
}

__attribute__((noinline)) static void middle(long n)
{
	leaf(n);
	sink++;
}

__attribute__((noinline)) static void outer(long n)
{
	middle(n);
	sink++;
}

static void *work(void *unused)
{
	outer(60000000);
	sink++;
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	pid_t child;

	if (argc > 1 && strcmp(argv[1], "exec")) {
		outer(40000000);
		return 0;
	}
	pthread_create(&thread, NULL, work, NULL);
	work(NULL);
	pthread_join(thread, NULL);
	child = fork();
	if (!child) {
		outer(40000000);
		if (argc > 1)
			execl(argv[0], "again", "again", NULL);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	return 0;
}
