#include "daemon/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/clock.h"
#include "proc/fill.h"
#include "proc/procfs.h"

struct scan {
	struct process_table *table;
	uint64_t now_ns;
	int proc_fd;
};

static void scan_process(void *ctx, uint32_t pid)
{
	struct scan *s = ctx;

	fill_process(s->table, s->proc_fd, pid, s->now_ns);
}

static void scan_gone(void *ctx, struct process *p)
{
	struct scan *s = ctx;
	char name[16];

	snprintf(name, sizeof(name), "%u", p->pid);
	if (faccessat(s->proc_fd, name, F_OK, 0) < 0 && errno == ENOENT)
		process_gone(s->table, p, s->now_ns);
}

void scan_processes(struct process_table *t)
{
	struct scan s = { .table = t, .now_ns = clock_ns(CLOCK_MONOTONIC) };
	int err;

	s.proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	err = s.proc_fd < 0 ? -1 : procfs_each_pid(s.proc_fd, scan_process, &s);
	if (err)
		log_warnx("/proc cannot be read: processes that are there already will be named by their samples only");
	else /* a process whose EXIT was lost would stay for ever */
		process_each(t, scan_gone, &s);
	if (s.proc_fd >= 0)
		close(s.proc_fd);
}
