/* mirror_impl: what mirror.c (processes and images) and mirror_pages.c (ranges and pages) share. */
#ifndef UNWIND_MIRROR_IMPL_H
#define UNWIND_MIRROR_IMPL_H

#include "base/hash.h"
#include "unwind/extents.h"
#include "unwind/mirror.h"

/* Rows are given room by so many. */
#define MIRROR_UNIT_ROWS 256
#define MIRROR_SLAB_UNITS (UNWIND_SLAB_ROWS / MIRROR_UNIT_ROWS)

struct mirror_image {
	uint64_t hash;
	uint32_t serial, refs;
	uint32_t first, nr;  /* in kmaps, its head; its mappings */
	uint32_t *ranges;    /* of each mapping; HASH_NONE: none */
	uint32_t next_free;
};

/* Pages PAGE … PAGE + NR − 1 of OBJECT; NR 0: free. */
struct mirror_range {
	uint32_t object, nr, refs;
	uint32_t index; /* in kpages */
	uint64_t page;
};

struct mirror_process {
	uint32_t pid, image;
	uint64_t *slot;
};

struct unwind_mirror {
	struct mirror_memory memory;
	struct unwind_tables *tables;
	uint64_t now_ns, settled_ns;
	uint64_t failed_ns; /* when pages that failed are due again; 0: none has */
	uint64_t room_ns;   /* when those that had no room are; 0: all had */
	struct extents kmaps, kpages, units;
	uint32_t **slabs;
	struct mirror_image *images;
	uint32_t nr_images, images_cap, free_image;
	struct hash image_hash;
	struct mirror_range *ranges;
	uint32_t nr_ranges, ranges_cap;
	struct mirror_process *processes;
	uint32_t nr_processes, processes_cap;
	struct hash process_hash;
	uint32_t nr_pages; /* with rows in slabs */
	uint64_t nr_no_room;
};

/* The range that covers MAP, with one reference more; HASH_NONE: no room. */
uint32_t mirror_range_get(struct unwind_mirror *m, const struct mirror_map *map);
void mirror_pages_watch(struct unwind_mirror *m);
void mirror_pages_retry(struct unwind_mirror *m); /* those that failed */
void mirror_pages_fill(struct unwind_mirror *m);  /* those that the tables have, and that had no room */

#endif
