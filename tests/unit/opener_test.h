/* What the opener's tests share: an opener of any rights, spoken to directly, and targets to look
 * at. */
#ifndef TESTS_UNIT_OPENER_TEST_H
#define TESTS_UNIT_OPENER_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/child.h"
#include "opener/protocol.h"

/* Starts an opener that has CAPS at most; its channel. */
static inline int raw_opener(uint64_t caps, pid_t *pid)
{
	int pair[2];

	assert_int_equal(channel_pair(pair), 0);
	*pid = child_start("--opener", pair[1], caps);
	assert_true(*pid > 0);
	close(pair[1]);
	return pair[0];
}

/* Q's answer. The number of descriptors; negative errno of the channel. */
static inline int raw_ask(int channel, const struct opener_request *q, struct opener_answer *a,
			  int *fds)
{
	unsigned nr = OPENER_RANGES_MAX;
	ssize_t size;

	assert_int_equal(channel_send(channel, q, opener_request_size(q), NULL, 0), 0);
	do {
		assert_int_equal(channel_wait(channel, POLLIN, PATIENCE_MS), 0);
		nr = OPENER_RANGES_MAX;
		size = channel_recv(channel, a, sizeof(*a), fds, &nr);
	} while (size > 0 && !a->cookie && opener_answer_valid(a, (size_t)size, nr, NULL));
	if (size <= 0)
		return -EPIPE;
	assert_true(opener_answer_valid(a, (size_t)size, nr, q));
	return (int)nr;
}

static inline void raw_end(int channel, pid_t pid)
{
	close(channel);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* The first executable mapping of PID whose line contains NAME. */
static inline bool find_range(pid_t pid, const char *name, struct opener_range *r)
{
	char path[64], line[4400], perms[8];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		char *p = strchr(line, '/');

		memset(r, 0, sizeof(*r));
		if (!p || !strstr(p, name) ||
		    sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64, &r->start, &r->end, perms,
			   &r->pgoff) != 4 ||
		    perms[2] != 'x')
			continue;
		p[strcspn(p, "\n")] = 0;
		if (strlen(p) > 10 && !strcmp(p + strlen(p) - 10, " (deleted)"))
			p[strlen(p) - 10] = 0;
		snprintf(r->path, sizeof(r->path), "%s", p);
		found = true;
	}
	fclose(f);
	return found;
}

static inline struct opener_request files_request(pid_t pid, const struct opener_range *r)
{
	struct opener_request q = {
		.cookie = 7,
		.what = OPENER_FILES,
		.pid = (uint32_t)pid,
		.nr_ranges = 1,
		.ranges = { *r },
	};

	return q;
}

static inline bool same_file(int fd, const struct stat *want)
{
	struct stat st;

	return !fstat(fd, &st) && st.st_dev == want->st_dev && st.st_ino == want->st_ino &&
	       (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY;
}

/* A child that runs FN and then sleeps until it is killed; FN has returned when this does. */
static inline pid_t target_start(void (*fn)(void *ctx), void *ctx)
{
	int ready[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		fn(ctx);
		if (write(ready[1], "", 1) == 1)
			pause();
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

static inline void target_end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static inline void need(bool what, const char *reason)
{
	if (!what) {
		print_message("# skipped: %s\n", reason);
		skip();
	}
}

/* Pids of our children, the oldest first. */
static inline unsigned children(pid_t *pids, unsigned max)
{
	char path[64];
	unsigned nr = 0;
	FILE *f;
	int pid;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	f = fopen(path, "re");
	need(f, "no /proc/PID/task/TID/children in this kernel");
	while (nr < max && fscanf(f, "%d", &pid) == 1)
		pids[nr++] = pid;
	fclose(f);
	return nr;
}

#endif
