/* process: who lives where. The table of processes, their threads and their address spaces, kept by
 * sideband records. Pure: it makes no system call; what /proc knows is put in by its caller.
 *
 * Identity is never a bare number: a struct process is one life of a pid, from fork to exit, and
 * `space` is one image of it, from exec to exec. A forked child shares its parent's space until
 * either maps something; the one that maps gets a copy.
 *
 * Records are given in order of time. A life ends when its last known thread exits (the leader may
 * go first), when its pid is forked anew (its EXIT was lost), or by process_gone. It stays in the
 * table until process_reap, so that late samples find it. After records were lost, the caller
 * lists the pids of /proc and calls process_gone for each process (process_each) without one. */
#ifndef PROC_PROCESS_H
#define PROC_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proc/space.h"

/* Limits, as space.h has more. What is above them is refused and counted; nothing goes for it. */
#define PROCESSES_MAX (1u << 17)
#define THREADS_MAX (1u << 18)

struct thread {
	uint32_t tid;
	char comm[16]; /* raw bytes, NUL-terminated */
	bool exited;
	uint32_t window; /* the window that `labels` belongs to */
	uint32_t labels; /* the caller's number of its label set in that window */
	uint64_t exit_ns;
	struct process *process;
	struct thread *next;   /* living: in the process; exited: to be reaped after this one */
	struct thread **pprev; /* living only: what points to it */
};

struct process {
	uint32_t pid, ppid;
	char comm[16]; /* of the leader */
	bool kthread;
	bool from_proc; /* was there before us: start_time is known */
	bool exited;
	bool queued;    /* waits to be reaped */
	bool cgroup_asked;
	uint32_t exec_count;
	uint64_t start_time;                /* /proc's ticks, when from_proc */
	uint64_t fork_ns, exec_ns, exit_ns; /* record times; 0: not seen */
	uint64_t cgroup;                    /* id, 0: not known */
	const char *unit, *container;       /* interned, "" */
	struct space *space;
	struct thread *threads; /* the living ones */
	uint32_t nr_threads;    /* of them */
	uint32_t nr_held;       /* with those that wait to be reaped */
	struct process *next_exited;
};

struct process_table;

struct process_stats {
	uint32_t nr_processes, nr_threads, nr_spaces, nr_maps, nr_files; /* held now */
	size_t size;         /* bytes held by the table */
	uint64_t nr_refused; /* processes, threads, mappings and names above the limits */
	uint64_t nr_bad;     /* damaged lines of maps texts */
};

struct process_table *process_table_new(void);
void process_table_free(struct process_table *t);
void process_table_stats(const struct process_table *t, struct process_stats *s);

/* A number that nobody had from T before, never 0: for the window marks of mappings and threads. */
uint32_t process_table_window(struct process_table *t);

/* The latest life of PID, until it is reaped: it may have exited. NULL: not known. */
struct process *process_find(struct process_table *t, uint32_t pid);
/* The same, made when it is not there (was there before us, or its fork was lost): its space is
 * unknown. NULL above the limit and for pids that are none (0, −1). */
struct process *process_get(struct process_table *t, uint32_t pid);
/* Made when it is not there, with the process's comm; NULL above the limit. An unknown thread of a
 * process that has exited shows that it has not. List the threads of processes that were there
 * before us by this, or they seem to exit with their leader; and then say process_exit of those
 * that are zombies, as no record will. */
struct thread *process_thread(struct process_table *t, struct process *p, uint32_t tid);

/* What sideband records say. TIME_NS is the record's. FORK of a new thread has pid == ppid. */
void process_fork(struct process_table *t, uint32_t pid, uint32_t ppid, uint32_t tid,
		  uint32_t ptid, uint64_t time_ns);
/* A FORK that perf made up for a task that was there when recording began (its misc has
 * PERF_RECORD_MISC_FORK_EXEC): it shares nothing with its parent. */
void process_was_there(struct process_table *t, uint32_t pid, uint32_t ppid, uint32_t tid);
void process_exit(struct process_table *t, uint32_t pid, uint32_t tid, uint64_t time_ns);
void process_comm(struct process_table *t, uint32_t pid, uint32_t tid, const char *comm,
		  bool exec, uint64_t time_ns);
/* A mapping; what it overlaps is replaced, unless that is known from a later time. */
struct process_mmap {
	uint64_t start, size, pgoff;
	const char *path;        /* raw */
	const uint8_t *build_id; /* may be NULL */
	uint8_t build_id_size;
	uint32_t dev_major, dev_minor;
	uint64_t inode, inode_generation;
};
void process_mmap(struct process_table *t, uint32_t pid, const struct process_mmap *m,
		  uint64_t time_ns);

/* The path of P's program: of the lowest executable mapping of a file, as P sees it. NULL: not
 * known. Good until P's mappings change. */
const char *process_program(const struct process_table *t, const struct process *p);

/* P is no more, though no record said so. May be called from process_each. */
void process_gone(struct process_table *t, struct process *p, uint64_t time_ns);
void process_set_cgroup(struct process_table *t, struct process *p, uint64_t id,
			const char *unit, const char *container);

/* Puts a whole maps text in (of P's /proc/PID/maps, taken at TIME_NS). Mappings known from a later
 * time stay, those that mean the same keep their object, others go. The space becomes KNOWN. The
 * first text of a shared space is for all that share it; a later one that changes something gives P
 * a space of its own, as the others may not have changed with it. Best called when all records up
 * to TIME_NS have been given. */
void process_set_maps(struct process_table *t, struct process *p, const char *text, size_t size,
		      uint64_t time_ns);

/* Frees what has exited before HORIZON_NS: nothing earlier will come any more. */
void process_reap(struct process_table *t, uint64_t horizon_ns);
/* Each process that has not exited. FN must not make processes. */
void process_each(struct process_table *t, void (*fn)(void *ctx, struct process *p), void *ctx);

#endif
