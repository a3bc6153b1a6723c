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

/* Limits. What is above them is refused and counted; nothing is evicted for it. */
#define PROCESSES_MAX (1u << 17)
#define THREADS_MAX (1u << 18)
#define MAPS_MAX (1u << 19)        /* in all spaces */
#define SPACE_MAPS_MAX (1u << 14)  /* in one; more than any program has, few enough to sort in */
#define FILES_SIZE_MAX (32u << 20) /* bytes of struct process_file with their paths */

#define OBJECT_NONE 0    /* not asked for yet */
#define OBJECT_ASKED 1   /* the opener has been asked */
#define OBJECT_MISSING 2 /* it cannot be had (gone, refused, not a regular file) */
#define OBJECT_FIRST 3   /* from here on: an object's number, given by the caller */

/* One executable mapping. */
struct process_map {
	uint64_t start, end, pgoff; /* pgoff in bytes; 0 when special */
	uint64_t time_ns;           /* of the record or the maps text that it is known from */
	uint32_t file;              /* of process_file() */
	uint32_t object;            /* OBJECT_* */
	uint32_t window;            /* the window that `mapping` belongs to (the caller's) */
	uint32_t mapping;           /* the caller's number for it in that window */
};

/* The name under which something is mapped: interned, counted by references. */
struct process_file {
	uint32_t refs;
	uint32_t dev_major, dev_minor; /* of MMAP2 without build id or of /proc; 0: not known */
	uint64_t inode, inode_generation;
	uint8_t build_id_size; /* of MMAP2, 0: not known */
	uint8_t build_id[20];
	bool special;      /* "[vdso]", "//anon", "anon_inode:…", "/dev/zero": no file to ask for */
	const char *path;  /* as recorded, valid UTF-8, " (deleted)" stripped; anonymous: "//anon" */
};

enum space_state { SPACE_UNKNOWN, SPACE_ASKED, SPACE_KNOWN };

/* An address space: executable mappings that never overlap. Their pool does not move in memory
 * when one comes between others: only `order` does, so that 16384 of them cost 32 KiB a move. */
struct space {
	uint32_t refs;
	/* Of this content, never 0 and no other space's: new whenever an address may mean something
	 * else than before. Mappings that are merely added keep it: an address that was in none may
	 * be in one now. */
	uint32_t serial;
	enum space_state state; /* after an exec record KNOWN: all that is mapped then is recorded */
	bool known_once;        /* has been KNOWN before it was ASKED again */
	uint64_t asked_ns;      /* when maps were asked for last (the caller's), for a rate limit */
	uint32_t nr_refreshed;  /* times KNOWN maps were asked for since that helped (the caller's) */
	uint32_t nr_maps, nr_slots, maps_cap;
	uint32_t free;             /* slot + 1 of the first free one below nr_slots, linked by start */
	uint32_t last;             /* place in `order` of the last hit */
	uint16_t *order;           /* slots, by start */
	struct process_map *maps;  /* slots; pointers are good until mappings change */
};

/* The I-th mapping by address, I < nr_maps. */
static inline struct process_map *space_map(const struct space *s, uint32_t i)
{
	return &s->maps[s->order[i]];
}

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
 * before us by this, or they seem to exit with their leader. */
struct thread *process_thread(struct process_table *t, struct process *p, uint32_t tid);

/* What sideband records say. TIME_NS is the record's. FORK of a new thread has pid == ppid. */
void process_fork(struct process_table *t, uint32_t pid, uint32_t ppid, uint32_t tid,
		  uint32_t ptid, uint64_t time_ns);
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

/* The mapping at ADDRESS, or NULL. */
struct process_map *space_find(struct space *s, uint64_t address);
const struct process_file *process_file(const struct process_table *t, uint32_t file);

/* Frees what has exited before HORIZON_NS: nothing earlier will come any more. */
void process_reap(struct process_table *t, uint64_t horizon_ns);
/* Each process that has not exited. FN must not make processes. */
void process_each(struct process_table *t, void (*fn)(void *ctx, struct process *p), void *ctx);

#endif
