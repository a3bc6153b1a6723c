/* resolve: addresses → locations of a kind's profile, through a cache; what is missing for it (a process's maps, the file
 * behind a mapping) is asked for. resolve.c has the user's addresses, kernel.c the kernel's. */
#ifndef COLLECT_RESOLVE_H
#define COLLECT_RESOLVE_H

#include <stdbool.h>
#include <stdint.h>

#include "perf/record.h"
#include "proc/process.h"

#define KERNEL_MAPS_MAX 4096
#define BUILD_ID_HEX_SIZE (2 * 20 + 1)

struct collect;
struct kind;

/* The life and image of a process that something was asked for. */
struct identity {
	uint32_t pid, exec_count;
	uint64_t fork_ns;
};

struct identity identity_of(const struct process *p);
bool identity_equal(const struct identity *a, const struct identity *b);
struct process *identity_find(struct collect *c, const struct identity *id); /* NULL: it is another by now */

/* UINT32_MAX: in no mapping. */
uint32_t resolve_user(struct collect *c, struct kind *k, struct process *p, uint64_t address);
void resolve_ask_maps(struct collect *c, struct process *p);
void resolve_retry_objects(struct collect *c);
/* As if MAP had been hit: its file is asked for, once a window. */
void resolve_want_object(struct collect *c, struct process *p, struct process_map *map);
void build_id_hex(char hex[BUILD_ID_HEX_SIZE], const uint8_t *build_id, size_t size);

/* kernel.c */
struct kernel_map {
	uint64_t start, end, pgoff;
	char *name, *build_id;
	uint32_t window, mapping; /* as in struct process_map */
};

void kernel_init(struct collect *c);
void kernel_fini(struct collect *c);
void kernel_mmap(struct collect *c, const struct record_mmap *m);
uint32_t resolve_kernel(struct collect *c, struct kind *k, uint64_t address);

#endif
