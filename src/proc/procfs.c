#include "proc/procfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/reader.h"

#define PF_KTHREAD 0x00200000 /* include/linux/sched.h */

#define STAT_SIZE 2048    /* 52 numbers and a name */
#define CGROUP_SIZE 16384 /* what is longer is cut at a line */

/* A pid as /proc names its directories; 0: something else. */
static uint32_t pid_of(const char *name)
{
	uint32_t pid = 0;

	if (*name == '0')
		return 0;
	for (; *name; name++) {
		if (*name < '0' || *name > '9' || pid > INT32_MAX / 10)
			return 0;
		pid = pid * 10 + (uint32_t)(*name - '0');
	}
	return pid <= INT32_MAX ? pid : 0;
}

static int each_number(int root, const char *path, void (*fn)(void *ctx, uint32_t pid), void *ctx)
{
	int fd = openat(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	int rc;
	DIR *dir;

	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		rc = -errno;
		close(fd);
		return rc;
	}
	while ((errno = 0, entry = readdir(dir))) {
		uint32_t pid = pid_of(entry->d_name);

		if (pid)
			fn(ctx, pid);
	}
	rc = -errno;
	closedir(dir);
	return rc;
}

int procfs_each_pid(int root, void (*fn)(void *ctx, uint32_t pid), void *ctx)
{
	return each_number(root, ".", fn, ctx);
}

int procfs_each_tid(int root, uint32_t pid, void (*fn)(void *ctx, uint32_t tid), void *ctx)
{
	char path[32];

	snprintf(path, sizeof(path), "%u/task", pid);
	return each_number(root, path, fn, ctx);
}

/* The first SIZE bytes; their number or negative errno. */
static ssize_t read_file(int root, const char *path, char *text, size_t size)
{
	int fd = openat(root, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = io_pread(fd, text, size, 0);
	close(fd);
	return n;
}

int procfs_stat(int root, uint32_t pid, uint32_t tid, struct procfs_stat *st)
{
	char path[48], text[STAT_SIZE];
	ssize_t n;

	if (tid)
		snprintf(path, sizeof(path), "%u/task/%u/stat", pid, tid);
	else
		snprintf(path, sizeof(path), "%u/stat", pid);
	n = read_file(root, path, text, sizeof(text));
	return n < 0 ? (int)n : procfs_parse_stat(text, (size_t)n, st);
}

/* One number, after a blank; those that may be negative are of no interest. */
static uint64_t stat_field(struct reader *r)
{
	bool negative;
	uint64_t v = 0;
	unsigned nr = 0;

	if (reader_u8(r) != ' ')
		reader_fail(r);
	negative = reader_left(r) && *r->pos == '-';
	if (negative)
		reader_skip(r, 1);
	for (; reader_left(r) && *r->pos >= '0' && *r->pos <= '9'; nr++) {
		unsigned digit = reader_u8(r) - '0';

		if (v > (UINT64_MAX - digit) / 10)
			reader_fail(r);
		v = v * 10 + digit;
	}
	if (!nr)
		reader_fail(r);
	return negative ? 0 : v;
}

int procfs_parse_stat(const char *text, size_t size, struct procfs_stat *st)
{
	const char *open = memchr(text, '(', size), *close = memrchr(text, ')', size);
	struct procfs_stat s = { 0 };
	struct reader r;
	size_t comm_size;
	uint64_t ppid, flags;

	if (!open || !close || close < open)
		return -EBADMSG;
	comm_size = (size_t)(close - open) - 1;
	memcpy(s.comm, open + 1, comm_size < 15 ? comm_size : 15);
	r = reader_of(close + 1, size - (size_t)(close + 1 - text));
	if (reader_u8(&r) != ' ')
		return -EBADMSG;
	s.state = (char)reader_u8(&r);
	ppid = stat_field(&r);
	for (unsigned field = 5; field < 9; field++)
		stat_field(&r);
	flags = stat_field(&r);
	for (unsigned field = 10; field < 22; field++)
		stat_field(&r);
	s.start_time = stat_field(&r);
	/* The number must be whole: something comes after it. */
	if (r.failed || !reader_left(&r) || ppid > INT32_MAX)
		return -EBADMSG;
	stat_field(&r);
	s.rss_pages = stat_field(&r);
	if (r.failed || !reader_left(&r))
		s.rss_pages = 0;
	s.ppid = (uint32_t)ppid;
	s.kthread = flags & PF_KTHREAD;
	*st = s;
	return 0;
}

int procfs_cgroup(int root, uint32_t pid, char *path, size_t size)
{
	char name[32], text[CGROUP_SIZE];
	ssize_t n;

	snprintf(name, sizeof(name), "%u/cgroup", pid);
	n = read_file(root, name, text, sizeof(text));
	return n < 0 ? (int)n : procfs_parse_cgroup(text, (size_t)n, path, size);
}

int procfs_parse_uid(const char *text, size_t size, uint32_t *uid)
{
	static const char key[] = "\nUid:\t";
	const char *line = memmem(text, size, key, sizeof(key) - 1);
	uint64_t v = 0;
	unsigned nr = 0;

	if (!line)
		return -EBADMSG;
	line += sizeof(key) - 1;
	line = memchr(line, '\t', (size_t)(text + size - line)); /* behind the real one */
	if (!line)
		return -EBADMSG;
	for (line++; line < text + size && *line >= '0' && *line <= '9' && nr < 10; line++, nr++)
		v = v * 10 + (uint64_t)(*line - '0');
	if (!nr || line == text + size || *line != '\t' || v > UINT32_MAX)
		return -EBADMSG;
	*uid = (uint32_t)v;
	return 0;
}

int procfs_uid(int root, uint32_t pid, uint32_t *uid)
{
	char path[32], text[STAT_SIZE];
	ssize_t n;

	snprintf(path, sizeof(path), "%u/status", pid);
	n = read_file(root, path, text, sizeof(text));
	return n < 0 ? (int)n : procfs_parse_uid(text, (size_t)n, uid);
}

static int read_schedstat(int root, uint32_t pid, uint32_t tid, unsigned long long numbers[3])
{
	char path[48], text[128];
	ssize_t n;

	snprintf(path, sizeof(path), "%u/task/%u/schedstat", pid, tid);
	n = read_file(root, path, text, sizeof(text) - 1);
	if (n < 0)
		return (int)n;
	text[n] = 0;
	return sscanf(text, "%llu %llu %llu", &numbers[0], &numbers[1], &numbers[2]) == 3 ? 0 : -EBADMSG;
}

int procfs_run_ns(int root, uint32_t pid, uint32_t tid, uint64_t *run_ns)
{
	unsigned long long numbers[3];
	int err = read_schedstat(root, pid, tid, numbers);

	if (!err)
		*run_ns = numbers[0];
	return err;
}

int procfs_switches(int root, uint32_t pid, uint32_t tid, uint64_t *switches)
{
	unsigned long long numbers[3];
	int err = read_schedstat(root, pid, tid, numbers);

	if (!err)
		*switches = numbers[2];
	return err;
}
