/* space: executable mappings by address, as a process table (process.h) keeps them. */
#ifndef PROC_SPACE_H
#define PROC_SPACE_H

#include <stdbool.h>
#include <stdint.h>

struct process_table;

/* Limits. What is above them is refused and counted. */
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

#define SPACE_ANONYMOUS "//anon" /* as records name it */

/* The name under which something is mapped: interned, counted by references. */
struct process_file {
	uint32_t refs;
	uint32_t dev_major, dev_minor; /* of MMAP2 without build id or of /proc; 0: not known */
	uint64_t inode, inode_generation;
	uint8_t build_id_size; /* of MMAP2, 0: not known */
	uint8_t build_id[20];
	bool special;     /* "[vdso]", SPACE_ANONYMOUS, "anon_inode:…", "/dev/zero": no file to ask for */
	bool jitdump;     /* ".../jit-N.dump": mapped to say that it tells of code made at run time */
	bool hotspot;     /* ".../libjvm.so": who has it mapped is a Java virtual machine */
	const char *path; /* as recorded, valid UTF-8, " (deleted)" stripped; of memory of no file: SPACE_ANONYMOUS */
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
	/* Of the space that this one was copied from, as long as it has only grown since: what an
	 * address meant there it means here. 0: none. */
	uint32_t from_serial;
	enum space_state state; /* KNOWN after an exec record: all that follows is recorded */
	bool known_once;        /* an exec record or a maps text has said what is in it */
	uint64_t asked_ns;      /* the caller's: when maps were asked for last, to limit the rate */
	uint32_t nr_refreshed;  /* the caller's: times they were while KNOWN, and it did not help */
	uint32_t nr_maps, nr_slots, maps_cap;
	uint32_t free;            /* slot + 1 of the first free one, linked by start; 0: none */
	uint32_t last;            /* place in `order` of the last hit */
	uint16_t *order;          /* slots, by start */
	struct process_map *maps; /* slots; pointers are good until mappings change */
};

/* The I-th mapping by address, I < nr_maps. */
static inline struct process_map *space_map(const struct space *s, uint32_t i)
{
	return &s->maps[s->order[i]];
}

/* The mapping at ADDRESS, or NULL. */
struct process_map *space_find(struct space *s, uint64_t address);
const struct process_file *process_file(const struct process_table *t, uint32_t file);

#endif
