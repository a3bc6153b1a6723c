/* table: what process.h's functions share, seen by src/proc and its tests only. */
#ifndef PROC_TABLE_H
#define PROC_TABLE_H

#include "base/hash.h"
#include "proc/process.h"

/* Elements by hash, numbered without holes; the owner of an element knows its key. */
struct roster {
	struct hash hash;
	void **items;
	uint32_t nr, cap;
};

void roster_fini(struct roster *r); /* not the elements */
void roster_add(struct roster *r, uint32_t hash, void *item);
/* Removes ITEM, which has HASH; harmless when it is not there. REHASH tells another item's hash. */
void roster_del(struct roster *r, uint32_t hash, const void *item,
		uint32_t (*rehash)(const void *));
size_t roster_size(const struct roster *r);

#define roster_for_each(r, h, pos, i)                                                              \
	for (uint32_t pos, i = hash_first(&(r)->hash, h, &pos); i != HASH_NONE;                    \
	     i = hash_next(&(r)->hash, h, &pos))

/* Interned names (names.c). */
struct file_slot {
	struct process_file *file; /* NULL: free */
	uint32_t next_free;        /* HASH_NONE: the last one */
};

struct names {
	struct hash files_hash;
	struct file_slot *files;
	uint32_t nr_files, nr_slots, slots_cap, free;
	size_t files_size; /* bytes of the files alone */
	struct roster strings;
	size_t strings_size;
};

void names_init(struct names *n);
void names_fini(struct names *n);
size_t names_size(const struct names *n);
/* The number of the file with M's names and ids, one reference the caller's. MAPS: the path is of a
 * maps text, where a newline is \012. Above FILES_SIZE_MAX it is called "[refused]", and *REFUSED
 * counts. */
uint32_t file_intern(struct names *n, const struct process_mmap *m, size_t path_size, bool maps,
		     uint64_t *refused);
void file_ref(struct names *n, uint32_t file);
void file_put(struct names *n, uint32_t file);
/* A and B may be one file: the same path, and no id that both have differs. SURE: and an id that
 * both have agrees (of special ones the path is enough). */
bool file_agrees(const struct names *n, uint32_t a, uint32_t b, bool sure);
/* TEXT cleaned, at most 255 bytes of it; "" is never counted. */
const char *string_intern(struct names *n, const char *text);
const char *string_ref(const char *string);
void string_put(struct names *n, const char *string);

struct process_table {
	struct roster processes; /* the latest life of each pid */
	struct roster threads;   /* the latest of each tid in each of all lives */
	struct process *exited, **exited_end;      /* to be reaped, in order of exit */
	struct thread *exited_thread, **exited_thread_end;
	struct names names;
	uint32_t nr_processes, nr_threads, nr_spaces, nr_maps;
	uint32_t last_serial, last_window;
	size_t spaces_size;
	uint64_t nr_refused, nr_bad;
};

/* Spaces (space.c). */
struct space *space_new(struct process_table *t, enum space_state state);
void space_put(struct process_table *t, struct space *s);
uint32_t space_serial(struct process_table *t);
/* An address of S may mean something else than before. */
void space_changed(struct process_table *t, struct space *s);
/* ASKED no more: who was asked for is not this space's any longer. */
void space_settle(struct space *s);
/* P's space, P being the only one to have it: a copy when it was shared. NULL above the limit. */
struct space *space_own(struct process_table *t, struct process *p);
/* The first place in `order` whose mapping ends after ADDRESS. */
uint32_t space_lower(const struct space *s, uint64_t address);
/* The same bytes of the same file are at each address that both have. */
bool map_agrees(const struct names *n, const struct process_map *a, const struct process_map *b,
		bool sure);
/* Puts MAP in, replacing what it overlaps; its file reference becomes the space's, or is put when
 * it is refused. False: above the limit. */
bool space_insert(struct process_table *t, struct space *s, const struct process_map *map);

#endif
