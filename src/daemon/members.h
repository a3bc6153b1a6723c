/* members: the threads that belong to a target, and how many of which process. Pure: forks, exits and attaching tell it.
 * A member is a thread of one life: who follows it under its number is another. */
#ifndef DAEMON_MEMBERS_H
#define DAEMON_MEMBERS_H

#include <stdint.h>

#include "base/hash.h"

struct target_entry;

struct member {
	uint32_t tid, pid;
	uint32_t switches;          /* its context switches when last looked at, cut to 32 bits; 0: not yet */
	uint64_t since_ns;          /* CLOCK_MONOTONIC: it was alive, and what it forks from now on inherits its events */
	uint64_t attached_ns;       /* when its own events stood; 0: it was born with events, or probably so */
	struct target_entry *entry; /* its own events; NULL: inherited, or there are none */
};

struct member_process {
	uint32_t pid, nr_threads;
};

/* Zeroed: empty. */
struct members {
	struct member *threads;
	uint32_t nr_threads, threads_cap;
	struct member_process *processes;
	uint32_t nr_processes, processes_cap;
	struct hash tids, pids;
};

void members_fini(struct members *m);
/* Pointers are good until the next members_add or members_del. */
struct member *members_find(const struct members *m, uint32_t tid);
/* The one that is there, or a new one. */
struct member *members_add(struct members *m, uint32_t pid, uint32_t tid, uint64_t since_ns);
void members_del(struct members *m, uint32_t tid);
/* TID goes on as PID's leader, TO: an exec of a thread that was not the leader. */
void members_rename(struct members *m, uint32_t tid, uint32_t to);
/* Threads of PID that belong; 0: it does not. */
uint32_t members_process(const struct members *m, uint32_t pid);

#endif
