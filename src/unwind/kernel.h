/* kernel: what the walker in the kernel (bpf/unwind.bpf.c) shares with the sampler: maps of memory, written by the
 * sampler alone (unwind/mirror.h) but for what is said to be the walker's, and the records that the walker writes. Like
 * format.h it includes nothing that a BPF program may not. */
#ifndef UNWIND_KERNEL_H
#define UNWIND_KERNEL_H

#include "unwind/format.h"

/* Processes: buckets of 8 slots of 64 bits, 0 where free, each a pid (22 bits, Linux's most), the number of its
 * mappings (16) and the index of its image's head (24). A pid is in one of the two buckets of its hashes. One store
 * makes a slot what it is. */
#define UNWIND_BUCKET_SLOTS 8
#define UNWIND_PID_BITS 22
#define UNWIND_IMAGE_MAPS_MAX 4096

struct unwind_bucket {
	uint64_t slots[UNWIND_BUCKET_SLOTS];
};

static inline uint32_t unwind_bucket_hash(uint32_t pid, uint32_t second)
{
	return (pid * (second ? 0x85ebca6bu : 0x9e3779b1u)) >> 12;
}

static inline uint64_t unwind_slot(uint32_t pid, uint32_t nr_maps, uint32_t first)
{
	return pid | (uint64_t)nr_maps << 22 | (uint64_t)first << 38;
}

/* An image's executable mappings by address, behind a head (start: the image's serial; end: 0). */
enum unwind_kmap_kind {
	UNWIND_KMAP_ASK,      /* its file may still come: such a sample is copied */
	UNWIND_KMAP_NEVER,    /* its file cannot be had */
	UNWIND_KMAP_FILELESS, /* what a JIT compiler wrote */
	UNWIND_KMAP_TABLES
};

struct unwind_kmap {
	uint64_t start, end;
	uint32_t page;     /* TABLES: index of the page that `start` is in */
	uint16_t skew;     /* where in that page */
	uint16_t kind;
};

/* A page of an object: where its rows are. A slab is 256 KiB of rows. */
#define UNWIND_SLAB_ROWS 65536
#define UNWIND_SLABS_MAX 4096
#define UNWIND_ROWS_NONE 0   /* not compiled yet: such a sample is copied */
#define UNWIND_ROWS_FAILED 1 /* nor will it be */

struct unwind_kpage {
	uint64_t rows; /* of unwind_rows_at, or UNWIND_ROWS_* */
	uint64_t used; /* set by the walker */
};

/* NR rows from row FIRST of SLAB on. */
static inline uint64_t unwind_rows_at(uint32_t slab, uint32_t first, uint32_t nr)
{
	return 2 | (uint64_t)nr << 2 | (uint64_t)first << 18 | (uint64_t)slab << 34;
}

static inline uint32_t unwind_rows_nr(uint64_t rows)
{
	return rows >> 2 & 0xffff;
}

static inline uint32_t unwind_rows_first(uint64_t rows)
{
	return rows >> 18 & 0xffff;
}

static inline uint32_t unwind_rows_slab(uint64_t rows)
{
	return rows >> 34 & 0xfff;
}

/* A CPU's copies of stacks: as many as MAX may lie unread in its ring. */
struct unwind_kcpu {
	uint64_t nr_made; /* by the walker */
	uint64_t nr_read; /* by the sampler */
	uint64_t max;
	uint64_t nr_emitted, nr_refused; /* records written; copies that had no room */
	uint64_t pad[3];
};

/* What the walker writes of a sample, as the raw part of a BPF_OUTPUT record. */
#define UNWIND_COMPACT_FRAMES_MAX 512
#define UNWIND_COMPACT_GUESS (UINT64_C(1) << 63) /* or'ed to an address that a guess led to */
/* flags */
#define UNWIND_COMPACT_CHAIN 1 /* not a walk but a chain of frame pointers, whose callers are return addresses */
#define UNWIND_COMPACT_ASK 2   /* the walk ends since something is not known yet of its last address */

struct unwind_compact {
	uint64_t period;
	uint32_t source; /* UNWIND_SOURCE_*, as given to the program that began the walk */
	uint32_t serial; /* of the image */
	uint16_t nr;
	uint8_t stop; /* enum unwind_stop */
	uint8_t flags;
	uint32_t zero;
	uint64_t addresses[UNWIND_COMPACT_FRAMES_MAX]; /* of which nr are there */
};
#define UNWIND_COMPACT_HEAD 24
#define UNWIND_SOURCE_BOTH 0x80000000u /* the sample is to be copied besides: for tests */

#endif
