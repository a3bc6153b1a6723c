/* mirror: what the walker in the kernel needs to know, written to the memory that it reads (kernel.h): of each process its
 * executable mappings, and of the objects behind them the pages of the tables that are there. Pure: the memory is the
 * caller's.
 *
 * The walker may be reading at any moment. So what is published is never changed but by one store, and what has been
 * replaced stays as it was for MIRROR_GRACE_NS at least: far longer than a walk takes, which cannot sleep.
 *
 * A process's mappings are an image, which processes with the same space share. The pages of an object that its mappings
 * cover are a range, shared by all images that map the same part of it; a range that no image has any more stays until its
 * room is needed. */
#ifndef UNWIND_MIRROR_H
#define UNWIND_MIRROR_H

#include <stdbool.h>
#include <stdint.h>

#include "unwind/kernel.h"
#include "unwind/table.h"

#define MIRROR_GRACE_NS 100000000ull

struct unwind_mirror;

struct mirror_memory {
	struct unwind_bucket *buckets;
	struct unwind_kmap *kmaps;
	struct unwind_kpage *kpages;
	struct unwind_rule *rules; /* UNWIND_RULES_MAX */
	uint32_t nr_buckets;       /* a power of 2 */
	uint32_t nr_kmaps, nr_kpages;
	uint32_t nr_slabs; /* at most UNWIND_SLABS_MAX */
	/* The rows of slab INDEX, made now: UNWIND_SLAB_ROWS of them. NULL: cannot be had. */
	uint32_t *(*slab)(void *ctx, uint32_t index);
	void *ctx;
};

/* One mapping of a process; KIND TABLES: with OBJECT's bytes from PGOFF on. */
struct mirror_map {
	uint64_t start, end, pgoff;
	uint32_t object;
	enum unwind_kmap_kind kind;
};

struct mirror_stats {
	uint32_t nr_processes, nr_images, nr_ranges, nr_pages, nr_slabs;
	uint64_t nr_no_room; /* processes, ranges and pages that did not fit */
};

/* T is watched until the mirror is freed, which does not clear the memory. */
struct unwind_mirror *mirror_new(const struct mirror_memory *memory, struct unwind_tables *t);
void mirror_free(struct unwind_mirror *m);

/* PID has this image from now on: MAPS in order of addresses, not overlapping, and SERIAL, which its records will say and by
 * which the walker remembers what it found: another when what is mapped somewhere is another. False: it has not, for want
 * of room. Nothing happens when it has it already. */
bool mirror_put(struct unwind_mirror *m, uint32_t pid, uint32_t serial, const struct mirror_map *maps, uint32_t nr);
void mirror_del(struct unwind_mirror *m, uint32_t pid);
/* Each pid that has an image; FN may delete it. */
void mirror_each(struct unwind_mirror *m, void (*fn)(void *ctx, uint32_t pid), void *ctx);
/* OBJECT's page at OFFSET will not come: stacks end there, until MIRROR_FAILED_NS have passed. */
#define MIRROR_FAILED_NS 10000000000ull
void mirror_fail(struct unwind_mirror *m, uint32_t object, uint64_t offset);
/* Time passes. Pages that had no room get some after MIRROR_NO_ROOM_NS, if there is any. */
#define MIRROR_NO_ROOM_NS 1000000000ull
void mirror_tick(struct unwind_mirror *m, uint64_t now_ns);
void mirror_stats(const struct unwind_mirror *m, struct mirror_stats *s);

#endif
