/* process: who lives where. The table of processes, their threads and their address spaces, kept by sideband records. Pure: it
 * makes no system call; what /proc knows is put in by its caller.
 *
 * Identity is never a bare number: a struct process is one life of a pid, from fork to exit, and `space` is one image of it, from
 * exec to exec. A forked child shares its parent's space until either maps something. */
#ifndef PROC_PROCESS_H
#define PROC_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"

#define OBJECT_NONE 0    /* not asked for yet */
#define OBJECT_ASKED 1   /* the opener has been asked */
#define OBJECT_MISSING 2 /* it cannot be had (gone, refused, not a regular file) */
#define OBJECT_FIRST 3   /* from here on: an object's number, given by the caller */

/* One executable mapping. */
struct process_map {
	uint64_t start, end, pgoff;
	uint32_t file;    /* index of a struct process_file */
	uint32_t object;  /* OBJECT_* */
	uint32_t window;  /* the window that `mapping` belongs to (the caller's) */
	uint32_t mapping; /* the caller's number for it in that window */
};

/* The name under which something is mapped, interned for the table's life and counted by references. */
struct process_file {
	const char *path;      /* as recorded, cleaned; " (deleted)" stripped */
	uint8_t build_id_size; /* of MMAP2, 0: not known */
	uint8_t build_id[20];
	uint32_t dev_major, dev_minor; /* of MMAP2 without build id or of /proc; 0: not known */
	uint64_t inode, inode_generation;
	bool special; /* "[vdso]", "//anon", "[heap]": no file behind it */
	uint32_t refs;
};

enum space_state { SPACE_UNKNOWN, SPACE_ASKED, SPACE_KNOWN };

/* An address space: executable mappings sorted by start, never overlapping. */
struct space {
	uint32_t refs;
	uint32_t serial; /* of this content: new whenever an address may mean something else than before */
	enum space_state state;
	uint32_t nr_maps, maps_cap;
	struct process_map *maps;
	uint64_t asked_ns;    /* when maps were asked for last, for the rate limit */
	uint32_t last;        /* index of the last hit */
};

struct thread {
	uint32_t tid;
	char comm[16];      /* raw bytes, NUL-terminated */
	bool exited;
	uint64_t exit_ns;
	uint32_t window;    /* the window that `labels` belongs to */
	uint32_t labels;    /* the caller's number of its label set in that window */
	struct process *process;
	struct thread *next; /* in the process */
};

struct process {
	uint32_t pid;
	uint32_t ppid;
	char comm[16];       /* of the leader */
	bool kthread;
	bool from_proc;      /* was there before us: start_time is known */
	bool exited;
	uint64_t start_time; /* /proc's ticks, when from_proc */
	uint64_t fork_ns, exec_ns, exit_ns; /* record times; 0: not seen */
	uint32_t exec_count;
	uint64_t cgroup;     /* id, 0: not known */
	const char *unit, *container; /* interned, "" */
	bool cgroup_asked;
	struct space *space;
	struct thread *threads;
	uint32_t nr_threads;
};

struct process_table;

struct process_stats {
	uint32_t nr_processes, nr_threads, nr_spaces, nr_maps, nr_files;
	size_t size;               /* bytes held by the table */
	uint64_t nr_refused;       /* processes, threads or mappings above the limits */
};

struct process_table *process_table_new(void);
void process_table_free(struct process_table *t);
void process_table_stats(const struct process_table *t, struct process_stats *s);

struct process *process_find(struct process_table *t, uint32_t pid); /* the living one; NULL */
/* The process of PID, made when it is not there (a sample of a process whose fork was lost). NULL above the limit. */
struct process *process_get(struct process_table *t, uint32_t pid, uint64_t now_ns);
struct thread *process_thread(struct process_table *t, struct process *p, uint32_t tid); /* made when not there; NULL above the limit */

/* What sideband records say. TIME_NS is the record's. */
void process_fork(struct process_table *t, uint32_t pid, uint32_t ppid, uint32_t tid, uint32_t ptid, uint64_t time_ns);
void process_exit(struct process_table *t, uint32_t pid, uint32_t tid, uint64_t time_ns);
void process_comm(struct process_table *t, uint32_t pid, uint32_t tid, const char *comm, bool exec, uint64_t time_ns);
/* A mapping; what it overlaps is replaced. BUILD_ID may be NULL. PATH raw. */
struct process_mmap {
	uint64_t start, size, pgoff;
	const char *path;
	const uint8_t *build_id;
	uint8_t build_id_size;
	uint32_t dev_major, dev_minor;
	uint64_t inode, inode_generation;
};
void process_mmap(struct process_table *t, uint32_t pid, const struct process_mmap *m, uint64_t time_ns);
void process_set_cgroup(struct process_table *t, struct process *p, uint64_t id, const char *unit, const char *container);

/* Puts a whole maps text in (of /proc/PID/maps, taken at TIME_NS): mappings made by records after that time stay, those that are equal
 * keep their object, others go. The space becomes SPACE_KNOWN. */
void process_set_maps(struct process_table *t, struct process *p, const char *text, size_t size, uint64_t time_ns);

/* The mapping at ADDRESS, or NULL. */
struct process_map *space_find(struct space *s, uint64_t address);
const struct process_file *process_file(const struct process_table *t, uint32_t file);

/* Frees what has exited before HORIZON_NS: nothing earlier will come any more. */
void process_reap(struct process_table *t, uint64_t horizon_ns);
void process_each(struct process_table *t, void (*fn)(void *ctx, struct process *p), void *ctx);

#endif
