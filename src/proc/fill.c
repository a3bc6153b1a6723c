#include "proc/fill.h"

#include <string.h>

#include "proc/procfs.h"

struct filling {
	struct process_table *table;
	struct process *process;
	int root;
};

static void fill_thread(void *ctx, uint32_t tid)
{
	struct filling *f = ctx;
	struct procfs_stat st;
	struct thread *t;

	if (procfs_stat(f->root, f->process->pid, tid, &st) < 0) /* gone meanwhile */
		return;
	t = process_thread(f->table, f->process, tid);
	if (t)
		memcpy(t->comm, st.comm, sizeof(t->comm));
}

void fill_process(struct process_table *t, int root, uint32_t pid, uint64_t now_ns)
{
	struct filling f = { .table = t, .root = root };
	struct procfs_stat st;
	struct process *p;

	if (process_find(t, pid) || procfs_stat(root, pid, 0, &st) < 0)
		return;
	p = process_get(t, pid);
	if (!p)
		return;
	p->ppid = st.ppid;
	p->from_proc = true;
	p->start_time = st.start_time;
	p->kthread = st.kthread;
	memcpy(p->comm, st.comm, sizeof(p->comm));
	process_thread(t, p, pid); /* has its process's name */
	if (st.kthread) {
		p->space->state = SPACE_KNOWN; /* it has none */
		return;
	}
	f.process = p;
	procfs_each_tid(root, pid, fill_thread, &f);
	if (st.state == 'Z' && p->nr_threads == 1) /* its EXIT was before us */
		process_exit(t, pid, pid, now_ns);
}

void fill_cgroup(struct process_table *t, int root, struct process *p, uint64_t cgroup)
{
	char path[4096], unit[256], container[128];

	if (procfs_cgroup(root, p->pid, path, sizeof(path)) < 0)
		return;
	procfs_parse_unit(path, unit, sizeof(unit), container, sizeof(container));
	process_set_cgroup(t, p, cgroup, unit, container);
}
