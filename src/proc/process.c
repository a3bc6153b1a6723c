/* What sideband records say of processes and threads. */
#include "proc/process.h"

#include <string.h>

#include "proc/life.h"
#include "proc/table.h"

static void comm_set(char comm[static 16], const char *text)
{
	size_t size = strnlen(text, 15);

	memset(comm, 0, 16);
	memcpy(comm, text, size);
}

static void fork_thread(struct process_table *t, uint32_t pid, uint32_t tid, uint32_t ptid,
			uint64_t time_ns)
{
	struct process *p = process_get(t, pid);
	const struct thread *parent = p ? thread_find(t, p, ptid) : NULL;

	if (p)
		thread_begin(t, p, tid, parent ? parent->comm : p->comm, time_ns);
}

static void fork_process(struct process_table *t, uint32_t pid, uint32_t ppid, uint32_t ptid,
			 uint64_t time_ns)
{
	static const char no_comm[16];
	struct process *parent = process_get(t, ppid), *p;
	const struct thread *forker = parent ? thread_find(t, parent, ptid) : NULL;

	p = process_begin(t, pid, forker ? forker->comm : parent ? parent->comm : no_comm, time_ns);
	if (!p)
		return;
	p->fork_ns = time_ns;
	p->ppid = ppid;
	if (!parent) {
		p->space = space_new(t, SPACE_UNKNOWN);
		return;
	}
	p->space = parent->space;
	p->space->refs++;
	p->kthread = parent->kthread;
	p->cgroup = parent->cgroup;
	p->cgroup_asked = parent->cgroup_asked;
	p->unit = string_ref(parent->unit);
	p->container = string_ref(parent->container);
}

void process_fork(struct process_table *t, uint32_t pid, uint32_t ppid, uint32_t tid,
		  uint32_t ptid, uint64_t time_ns)
{
	if (pid == ppid)
		fork_thread(t, pid, tid, ptid, time_ns);
	else
		fork_process(t, pid, ppid, ptid, time_ns);
}

void process_was_there(struct process_table *t, uint32_t pid, uint32_t ppid, uint32_t tid)
{
	struct process *p = process_get(t, pid);

	if (!p)
		return;
	if (pid != ppid)
		p->ppid = ppid;
	process_thread(t, p, tid);
}

void process_exit(struct process_table *t, uint32_t pid, uint32_t tid, uint64_t time_ns)
{
	struct process *p = process_find(t, pid);
	struct thread *th = p ? thread_find(t, p, tid) : NULL;

	if (th)
		thread_end(t, th, time_ns);
	if (p && !p->threads)
		process_gone(t, p, time_ns);
}

/* The thread that execs becomes the leader whatever it was; no EXIT of its old tid will come. */
static void exec(struct process_table *t, struct process *p, uint64_t time_ns)
{
	struct thread *th = thread_find(t, p, p->pid);

	if (!th || th->exited)
		th = thread_begin(t, p, p->pid, p->comm, time_ns);
	while (p->threads && (p->threads != th || th->next))
		thread_end(t, p->threads == th ? th->next : p->threads, time_ns);
	p->exec_ns = time_ns;
	p->exec_count++;
	p->kthread = false;
	space_put(t, p->space);
	p->space = NULL;
	p->space = space_new(t, SPACE_KNOWN);
}

void process_comm(struct process_table *t, uint32_t pid, uint32_t tid, const char *comm,
		  bool is_exec, uint64_t time_ns)
{
	struct process *p = process_get(t, pid);
	struct thread *th;

	if (!p)
		return;
	if (is_exec) {
		exec(t, p, time_ns);
		tid = pid;
	}
	if (tid == pid)
		comm_set(p->comm, comm);
	th = process_thread(t, p, tid);
	if (th)
		comm_set(th->comm, comm);
}

/* The mapping of S that M already is, or of which it is a part. */
static struct process_map *map_known(const struct process_table *t, const struct space *s,
				     const struct process_map *m)
{
	uint32_t i = space_lower(s, m->start);
	struct process_map *map = i < s->nr_maps ? space_map(s, i) : NULL;

	if (map && map->start <= m->start && map->end >= m->end &&
	    map_agrees(&t->names, map, m, map->time_ns <= m->time_ns))
		return map;
	return NULL;
}

enum overlap { OVERLAP_NONE, OVERLAP_AGREES, OVERLAP_DIFFERS, OVERLAP_NEWER };

/* What M would replace in S; of one that agrees it inherits the object. */
static enum overlap overlap(const struct process_table *t, const struct space *s,
			    struct process_map *m)
{
	enum overlap found = OVERLAP_NONE;

	for (uint32_t i = space_lower(s, m->start); i < s->nr_maps; i++) {
		const struct process_map *map = space_map(s, i);

		if (map->start >= m->end)
			break;
		if (map->time_ns > m->time_ns)
			return OVERLAP_NEWER;
		if (!map_agrees(&t->names, map, m, true)) {
			found = OVERLAP_DIFFERS;
		} else if (found == OVERLAP_NONE) {
			found = OVERLAP_AGREES;
			m->object = map->object;
		}
	}
	return found;
}

void process_mmap(struct process_table *t, uint32_t pid, const struct process_mmap *m,
		  uint64_t time_ns)
{
	struct process *p = process_get(t, pid);
	struct process_map map = { .start = m->start, .end = m->start + m->size };
	struct process_map *known;
	struct space *s;
	enum overlap what;

	if (!p || map.end <= map.start)
		return;
	map.file = file_intern(&t->names, m, strlen(m->path), false, &t->nr_refused);
	map.pgoff = process_file(t, map.file)->special ? 0 : m->pgoff;
	map.time_ns = time_ns;
	known = map_known(t, p->space, &map);
	if (known) {
		if (known->time_ns < time_ns)
			known->time_ns = time_ns;
		goto out;
	}
	what = overlap(t, p->space, &map);
	if (what == OVERLAP_NEWER)
		goto out;
	s = space_own(t, p);
	if (!s)
		goto out;
	file_ref(&t->names, map.file);
	if (space_insert(t, s, &map) && what == OVERLAP_DIFFERS)
		space_changed(t, s);
out:
	file_put(&t->names, map.file);
}
