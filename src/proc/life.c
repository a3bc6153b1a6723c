/* Beginnings and ends of processes and threads; what is over waits in two queues to be reaped. */
#include "proc/life.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proc/table.h"

static uint32_t process_hash(const void *item)
{
	const struct process *p = item;

	return hash_u64(p->pid);
}

static uint32_t thread_hash(const void *item)
{
	const struct thread *th = item;

	return hash_2u64((uintptr_t)th->process, th->tid);
}

struct process_table *process_table_new(void)
{
	struct process_table *t = xcalloc(1, sizeof(*t));

	names_init(&t->names);
	t->exited_end = &t->exited;
	t->exited_thread_end = &t->exited_thread;
	return t;
}

static void each_process_gone(void *ctx, struct process *p)
{
	process_gone(ctx, p, 0);
}

void process_table_free(struct process_table *t)
{
	if (!t)
		return;
	process_each(t, each_process_gone, t);
	process_reap(t, UINT64_MAX);
	roster_fini(&t->processes);
	roster_fini(&t->threads);
	names_fini(&t->names);
	free(t);
}

uint32_t process_table_window(struct process_table *t)
{
	return ++t->last_window;
}

void process_table_stats(const struct process_table *t, struct process_stats *s)
{
	*s = (struct process_stats){
		.nr_processes = t->nr_processes,
		.nr_threads = t->nr_threads,
		.nr_spaces = t->nr_spaces,
		.nr_maps = t->nr_maps,
		.nr_files = t->names.nr_files,
		.size = sizeof(*t) + t->nr_processes * sizeof(struct process) +
			t->nr_threads * sizeof(struct thread) + t->spaces_size +
			names_size(&t->names) + roster_size(&t->processes) +
			roster_size(&t->threads),
		.nr_refused = t->nr_refused,
		.nr_bad = t->nr_bad,
	};
}

struct thread *thread_find(const struct process_table *t, const struct process *p, uint32_t tid)
{
	roster_for_each(&t->threads, hash_2u64((uintptr_t)p, tid), pos, i) {
		struct thread *th = t->threads.items[i];

		if (th->process == p && th->tid == tid)
			return th;
	}
	return NULL;
}

struct thread *thread_begin(struct process_table *t, struct process *p, uint32_t tid,
			    const char comm[static 16], uint64_t time_ns)
{
	struct thread *th = thread_find(t, p, tid);

	if (th) {
		thread_end(t, th, time_ns);
		roster_del(&t->threads, thread_hash(th), th, thread_hash);
	}
	if (t->nr_threads >= THREADS_MAX) {
		t->nr_refused++;
		return NULL;
	}
	th = xcalloc(1, sizeof(*th));
	th->tid = tid;
	th->process = p;
	memcpy(th->comm, comm, sizeof(th->comm));
	th->next = p->threads;
	th->pprev = &p->threads;
	if (th->next)
		th->next->pprev = &th->next;
	p->threads = th;
	p->nr_threads++;
	p->nr_held++;
	p->exited = false;
	p->exit_ns = 0;
	t->nr_threads++;
	roster_add(&t->threads, thread_hash(th), th);
	return th;
}

void thread_end(struct process_table *t, struct thread *th, uint64_t time_ns)
{
	if (th->exited)
		return;
	th->exited = true;
	th->exit_ns = time_ns;
	*th->pprev = th->next;
	if (th->next)
		th->next->pprev = th->pprev;
	th->process->nr_threads--;
	th->next = NULL;
	th->pprev = NULL;
	*t->exited_thread_end = th;
	t->exited_thread_end = &th->next;
}

struct process *process_find(struct process_table *t, uint32_t pid)
{
	roster_for_each(&t->processes, hash_u64(pid), pos, i) {
		struct process *p = t->processes.items[i];

		if (p->pid == pid)
			return p;
	}
	return NULL;
}

struct process *process_begin(struct process_table *t, uint32_t pid, const char comm[static 16],
			      uint64_t time_ns)
{
	struct process *p;

	if (!pid || pid > INT32_MAX)
		return NULL;
	p = process_find(t, pid);
	if (p) {
		process_gone(t, p, time_ns);
		roster_del(&t->processes, process_hash(p), p, process_hash);
	}
	if (t->nr_processes >= PROCESSES_MAX || t->nr_threads >= THREADS_MAX) {
		t->nr_refused++;
		return NULL;
	}
	p = xcalloc(1, sizeof(*p));
	p->pid = pid;
	p->unit = p->container = "";
	memcpy(p->comm, comm, sizeof(p->comm));
	t->nr_processes++;
	roster_add(&t->processes, process_hash(p), p);
	thread_begin(t, p, pid, comm, time_ns);
	return p;
}

struct process *process_get(struct process_table *t, uint32_t pid)
{
	static const char no_comm[16];
	struct process *p = process_find(t, pid);

	if (!p) {
		p = process_begin(t, pid, no_comm, 0);
		if (p)
			p->space = space_new(t, SPACE_UNKNOWN);
	}
	return p;
}

struct thread *process_thread(struct process_table *t, struct process *p, uint32_t tid)
{
	struct thread *th = thread_find(t, p, tid);

	return th ? th : thread_begin(t, p, tid, p->comm, 0);
}

void process_gone(struct process_table *t, struct process *p, uint64_t time_ns)
{
	while (p->threads)
		thread_end(t, p->threads, time_ns);
	if (p->exited)
		return;
	p->exited = true;
	p->exit_ns = time_ns;
	space_settle(p->space); /* an answer may never come; who shares it asks again */
	if (p->queued)
		return;
	p->queued = true;
	p->next_exited = NULL;
	*t->exited_end = p;
	t->exited_end = &p->next_exited;
}

void process_set_cgroup(struct process_table *t, struct process *p, uint64_t id,
			const char *unit, const char *container)
{
	const char *old_unit = p->unit, *old_container = p->container;

	p->cgroup = id;
	p->unit = string_intern(&t->names, unit);
	p->container = string_intern(&t->names, container);
	string_put(&t->names, old_unit);
	string_put(&t->names, old_container);
}

static void thread_free(struct process_table *t, struct thread *th)
{
	roster_del(&t->threads, thread_hash(th), th, thread_hash);
	th->process->nr_held--;
	t->nr_threads--;
	free(th);
}

static void process_free(struct process_table *t, struct process *p)
{
	roster_del(&t->processes, process_hash(p), p, process_hash);
	space_put(t, p->space);
	string_put(&t->names, p->unit);
	string_put(&t->names, p->container);
	t->nr_processes--;
	free(p);
}

static bool is_over(uint64_t exit_ns, uint64_t horizon_ns)
{
	return exit_ns < horizon_ns || horizon_ns == UINT64_MAX;
}

void process_reap(struct process_table *t, uint64_t horizon_ns)
{
	struct thread *th;
	struct process *p;

	while ((th = t->exited_thread) && is_over(th->exit_ns, horizon_ns)) {
		t->exited_thread = th->next;
		if (!th->next)
			t->exited_thread_end = &t->exited_thread;
		thread_free(t, th);
	}
	while ((p = t->exited)) {
		if (p->exited && (p->nr_held || !is_over(p->exit_ns, horizon_ns)))
			break;
		t->exited = p->next_exited;
		if (!p->next_exited)
			t->exited_end = &t->exited;
		p->queued = false;
		if (p->exited)
			process_free(t, p);
	}
}

void process_each(struct process_table *t, void (*fn)(void *ctx, struct process *p), void *ctx)
{
	for (uint32_t i = 0; i < t->processes.nr; i++) {
		struct process *p = t->processes.items[i];

		if (!p->exited)
			fn(ctx, p);
	}
}
