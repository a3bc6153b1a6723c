#include "daemon/members.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

void members_fini(struct members *m)
{
	free(m->threads);
	free(m->processes);
	hash_fini(&m->tids);
	hash_fini(&m->pids);
	memset(m, 0, sizeof(*m));
}

struct member *members_find(const struct members *m, uint32_t tid)
{
	uint32_t pos, i, hash = hash_u64(tid);

	for (i = hash_first(&m->tids, hash, &pos); i != HASH_NONE; i = hash_next(&m->tids, hash, &pos))
		if (m->threads[i].tid == tid)
			return &m->threads[i];
	return NULL;
}

static struct member_process *process_of(const struct members *m, uint32_t pid)
{
	uint32_t pos, i, hash = hash_u64(pid);

	for (i = hash_first(&m->pids, hash, &pos); i != HASH_NONE; i = hash_next(&m->pids, hash, &pos))
		if (m->processes[i].pid == pid)
			return &m->processes[i];
	return NULL;
}

uint32_t members_process(const struct members *m, uint32_t pid)
{
	const struct member_process *p = process_of(m, pid);

	return p ? p->nr_threads : 0;
}

struct member *members_add(struct members *m, uint32_t pid, uint32_t tid, uint64_t since_ns)
{
	struct member *t = members_find(m, tid);
	struct member_process *p;

	if (t && t->pid == pid)
		return t;
	if (t) /* its end was not told */
		members_del(m, tid);
	p = process_of(m, pid);
	if (!p) {
		hash_add(&m->pids, hash_u64(pid), m->nr_processes);
		p = array_push(m->processes, m->nr_processes, m->processes_cap);
		*p = (struct member_process){ .pid = pid };
	}
	p->nr_threads++;
	hash_add(&m->tids, hash_u64(tid), m->nr_threads);
	t = array_push(m->threads, m->nr_threads, m->threads_cap);
	*t = (struct member){ .tid = tid, .pid = pid, .since_ns = since_ns };
	return t;
}

static void process_del(struct members *m, struct member_process *p)
{
	uint32_t i = (uint32_t)(p - m->processes), last = --m->nr_processes;

	hash_del(&m->pids, hash_u64(p->pid), i);
	if (i == last)
		return;
	hash_move(&m->pids, hash_u64(m->processes[last].pid), last, i);
	*p = m->processes[last];
}

void members_del(struct members *m, uint32_t tid)
{
	struct member *t = members_find(m, tid);
	struct member_process *p;
	uint32_t i, last;

	if (!t)
		return;
	p = process_of(m, t->pid);
	if (!--p->nr_threads)
		process_del(m, p);
	i = (uint32_t)(t - m->threads);
	last = --m->nr_threads;
	hash_del(&m->tids, hash_u64(tid), i);
	if (i == last)
		return;
	hash_move(&m->tids, hash_u64(m->threads[last].tid), last, i);
	*t = m->threads[last];
}

void members_rename(struct members *m, uint32_t tid, uint32_t to)
{
	struct member *t;

	members_del(m, to);
	t = members_find(m, tid);
	if (!t)
		return;
	hash_del(&m->tids, hash_u64(tid), (uint32_t)(t - m->threads));
	hash_add(&m->tids, hash_u64(to), (uint32_t)(t - m->threads));
	t->tid = to;
}
