/* life: beginnings and ends of processes and threads, seen by src/proc only. */
#ifndef PROC_LIFE_H
#define PROC_LIFE_H

#include "proc/process.h"

/* The latest thread TID of P, maybe exited; NULL. */
struct thread *thread_find(const struct process_table *t, const struct process *p, uint32_t tid);
/* A new thread TID of P, which lives, then; one of that tid ends. NULL above the limit. */
struct thread *thread_begin(struct process_table *t, struct process *p, uint32_t tid,
			    const char comm[static 16], uint64_t time_ns);
void thread_end(struct process_table *t, struct thread *th, uint64_t time_ns);

/* A new life of PID with its leader; an old one ends. The caller gives it a space. NULL above the
 * limit and for pids that are none. */
struct process *process_begin(struct process_table *t, uint32_t pid, const char comm[static 16],
			      uint64_t time_ns);

#endif
