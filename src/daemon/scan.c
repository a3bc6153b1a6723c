#include "daemon/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/clock.h"
#include "proc/procfs.h"

struct scan {
	struct process_table *table;
	struct process *process;
	uint64_t now_ns;
	int proc_fd;
};

static void scan_thread(void *ctx, uint32_t tid)
{
	struct scan *s = ctx;
	struct procfs_stat st;
	struct thread *t;

	if (tid == s->process->pid)
		return;
	t = process_thread(s->table, s->process, tid);
	if (t && !procfs_stat(s->proc_fd, s->process->pid, tid, &st))
		memcpy(t->comm, st.comm, sizeof(t->comm));
}

static void scan_process(void *ctx, uint32_t pid)
{
	struct scan *s = ctx;
	struct procfs_stat st;
	struct thread *t;
	struct process *p;

	if (procfs_stat(s->proc_fd, pid, 0, &st) < 0) /* gone meanwhile */
		return;
	p = process_find(s->table, pid);
	if (p) /* known by its records */
		return;
	p = process_get(s->table, pid);
	if (!p)
		return;
	p->ppid = st.ppid;
	p->from_proc = true;
	p->start_time = st.start_time;
	p->kthread = st.kthread;
	memcpy(p->comm, st.comm, sizeof(p->comm));
	t = process_thread(s->table, p, pid);
	if (t)
		memcpy(t->comm, st.comm, sizeof(t->comm));
	if (st.kthread) {
		p->space->state = SPACE_KNOWN; /* it has none */
		return;
	}
	s->process = p;
	procfs_each_tid(s->proc_fd, pid, scan_thread, s);
	if (st.state == 'Z' && p->nr_threads == 1) /* its EXIT was before us */
		process_exit(s->table, pid, pid, s->now_ns);
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
