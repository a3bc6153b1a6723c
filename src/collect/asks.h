/* asks: what collecting wants to know of /proc and of files, and how it is told. It never waits for an answer. */
#ifndef COLLECT_ASKS_H
#define COLLECT_ASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proc/process.h"
#include "unwind/table.h"

#define COLLECT_VDSO UINT32_MAX /* its number in the tables; files have their object's */

struct collect;

/* A mapping whose file is wanted. */
struct collect_object_ask {
	struct process *process;
	uint64_t start, end, pgoff;
	const struct process_file *file;
	uint32_t object; /* OBJECT_FIRST or more: known from an earlier window, perhaps not at hand any more */
	uint64_t file_key; /* tells FILE from another one that is mapped there later: the answer's */
};

/* Asked during any call of collect.h; the answers come by collect_maps and collect_object after that call,
 * at any time, or never. A function that is NULL is never asked: what the records say is all that
 * will be known. */
struct collect_asks {
	void *ctx;
	/* The maps of P, whose space is unknown or has gone stale. False: it cannot be asked now
	 * (asked again later). */
	bool (*maps)(void *ctx, struct process *p);
	/* The file behind a mapping, at the mapping's first hit in each window; an object that is
	 * known stays what it is, whatever the answer. False: as above. */
	bool (*object)(void *ctx, const struct collect_object_ask *ask);
	/* The number of the object that FILE, mapped by P, is known to be, or OBJECT_NONE. Makes no system call. */
	uint32_t (*known)(void *ctx, const struct process *p, const struct process_file *file);
	/* The cgroup path of P (id CGROUP, 0 when not known): called once for each new id, or once
	 * for a process. Answers at once: it sets P's by process_set_cgroup. */
	void (*cgroup)(void *ctx, struct process *p, uint64_t cgroup);
	/* The unwind table's page at OFFSET of OBJECT (OBJECT_FIRST or more, or COLLECT_VDSO),
	 * which the tables of collect_set_tables lack. True: asked for, or under way. False: it
	 * cannot be had. Not NULL when there are tables. */
	bool (*page)(void *ctx, uint32_t object, uint64_t offset);
};

/* P's maps are wanted though no sample has hit it: asked for unless they are known, have been
 * asked for, or were lately. */
void collect_want_maps(struct collect *c, struct process *p);

/* P's mappings whose objects are known are given them before a sample hits them. */
void collect_recall(struct collect *c, struct process *p);

/* The maps text of PID as it was at TIME_NS (asked for process P by identity: FORK_NS and
 * EXEC_COUNT as they were then; an answer for another life of the pid is dropped). SIZE 0: they
 * cannot be had. */
void collect_maps(struct collect *c, uint32_t pid, uint64_t fork_ns, uint32_t exec_count,
		  const char *text, size_t size, uint64_t time_ns);
/* OBJECT (≥ OBJECT_FIRST, or OBJECT_MISSING) is behind the mapping START of PID as it was asked
 * for, by FILE_KEY; another that is there by now has an answer of its own. The running window learns
 * it even when the process has gone meanwhile; the process, and all that share its space, when it is
 * still the same life and image. */
void collect_object(struct collect *c, uint32_t pid, uint64_t fork_ns, uint32_t exec_count,
		    uint64_t start, uint64_t file_key, uint32_t object);
/* PID may tell now of code that it has made at run time (asked for as above): where that was asked for in this window and
 * could not be had, it is asked for again. */
void collect_ask_code(struct collect *c, uint32_t pid, uint64_t fork_ns, uint32_t exec_count);

/* Copied stacks are walked from now on, by TABLES, which outlive it; NULL: no more. */
void collect_set_tables(struct collect *c, struct unwind_tables *tables);
/* Files or pages have come, or are known not to come: the walks that lacked them go on. */
void collect_pages(struct collect *c);

#endif
