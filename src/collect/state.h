/* state: what the files of collect/ share. collect.c takes records in, chain.c reads a callchain,
 * resolve.c and kernel.c turn addresses into locations, window.c counts stacks and ends windows,
 * labels.c makes label sets, walk.c walks copied stacks, wait.c keeps samples whose maps, files or
 * unwind tables are on their way.
 *
 * Mappings and label sets get a number of the window, which the process table keeps for us; each
 * kind makes its profile's own out of that number at its first use. */
#ifndef COLLECT_STATE_H
#define COLLECT_STATE_H

#include "collect/collect.h"
#include "unwind/compact.h"

#define CHAIN_MAX 8192 /* more than a record of 64 KiB can hold */
#define KERNEL_MAPS_MAX 4096

enum pseudo {
	PSEUDO_LOST,
	PSEUDO_EXITING,
	PSEUDO_OUTSIDE,
	PSEUDO_GUEST,
	PSEUDO_IDLE,
	PSEUDO_UNMAPPED,
	PSEUDO_TRUNCATED,
	PSEUDO_NR
};
#define PSEUDO_NONE PSEUDO_NR

enum cut {
	CUT_NOT,
	CUT_DEEP,
	CUT_UNWALKED,
	CUT_REFUSED,
	CUT_NO_MAPPING, /* these as in unwind/stack.h */
	CUT_NO_TABLE,
	CUT_NO_ROW,
	CUT_UNSUPPORTED,
	CUT_SHORT,
	CUT_SWITCHED,
	CUT_BAD_FRAME,
	CUT_LOOP,
	CUT_FAULT,
	CUT_STALE, /* walked by another image */
	CUT_NR
};

/* (serial of a space, address) → location: open addressing, at most half full. The kernel is serial
 * 0. */
struct cache_slot {
	uint64_t address;
	uint32_t serial;
	uint32_t location; /* UINT32_MAX: free */
};

struct cache {
	struct cache_slot *slots;
	uint32_t nr, mask;
};

struct kind {
	char *name, *unit;
	int64_t period;
	unsigned labels;
	bool free; /* its number is */
	struct profile *profile; /* of the running window; NULL before its first sample */
	struct cache cache;
	/* By the window's number: the profile's number + 1, 0: not made yet. */
	uint32_t *mappings, *label_sets;
	uint32_t mappings_cap, label_sets_cap;
	uint32_t pseudo[PSEUDO_NR]; /* location + 1 */
	uint32_t idle_labels;       /* label set + 1 */
};

/* The life and image of a process that something was asked for. */
struct identity {
	uint32_t pid, exec_count;
	uint64_t fork_ns;
};

struct window_map {
	uint32_t object; /* OBJECT_* */
	uint64_t start, end;   /* of the process's mapping at its first hit */
	struct identity asked; /* for whom its file was asked */
};

struct kernel_map {
	uint64_t start, end, pgoff;
	char *name, *build_id;
	uint32_t window, mapping; /* as in struct process_map */
};

/* What labels are made of. The strings are the process's. */
struct label_source {
	uint32_t pid, tid;
	char comm[16], thread_comm[16];
	const char *unit, *container;
};

/* One sample's stack before its addresses are resolved. Whoever fills it (a callchain, an
 * unwinder) has applied the −1 of callers, since only it knows which frames are exact: the leaf,
 * and what a signal interrupted. */
struct stack {
	uint32_t nr_kernel, nr_user;
	enum cut cut;              /* why it ends before its outermost frame */
	enum pseudo root;          /* what stands in place of the user part, or PSEUDO_NONE */
	const uint64_t *addresses; /* the kernel's, then the user's, leaf first */
};

/* A walk that was done before its sample came to us. */
struct walked {
	const struct unwind_walk *walk;
	bool in_kernel;  /* and the rest: */
	bool user_only;
	uint32_t serial; /* of the space that the walk went by; 0: it needed none */
	bool chain;      /* of frame pointers instead */
	bool ask;        /* it met what the kernel does not know */
	uint64_t period;
	bool tell;       /* set by us: the kernel should learn what we know of the process */
};

struct collect {
	struct process_table *processes;
	struct collect_options o;
	struct collect_asks asks;
	struct counters counters;
	uint64_t now; /* time of the newest record */
	bool kernel_changed;

	struct kind *kinds;
	uint32_t nr_kinds, kinds_cap;
	unsigned all_labels; /* of the options and of all kinds */

	uint32_t window; /* the process table's mark */
	uint32_t nr_labels;
	struct window_map *maps;
	uint32_t nr_maps, maps_cap;
	struct hash asked;       /* window maps by pid and start */
	uint32_t *unasked;       /* window maps whose file could not be asked for */
	uint32_t nr_unasked, unasked_cap;

	struct kernel_map *kernel; /* by start; modules may lie inside the kernel's own */
	uint32_t nr_kernel, kernel_cap;
	struct kernel_map kernel_rest; /* what is in none of them */

	struct cgroup *cgroups;
	uint32_t nr_cgroups, cgroups_cap;
	struct hash cgroup_hash;

	struct unwind_walk compact; /* of the record at hand */
	struct walker *walker; /* NULL: copied stacks are not walked */

	/* Processes whose samples wait. */
	struct wait_group *waiting;
	uint32_t nr_waiting, waiting_cap;
	struct hash waiting_hash;
	size_t waiting_size;

	uint64_t addresses[CHAIN_MAX + 1]; /* and the sample's own */
	uint32_t frames[CHAIN_MAX + 3]; /* and [unmapped], [truncated] */
};

/* chain.c: fills c->addresses and *OUT. */
void chain_read(struct collect *c, const struct record *rec, const struct record_layout *layout,
		struct stack *out);
/* Puts WALK in place of the user part. */
void chain_walked(struct collect *c, const struct unwind_walk *walk, struct stack *s);

/* walk.c */
struct walk_input {
	struct unwind_regs regs;
	const void *stack;
	size_t size;
};
struct walk_missing {
	uint32_t object; /* OBJECT_NONE: a file */
	uint64_t offset;
};
/* REC has a stack that can be walked. */
bool walk_read(const struct collect *c, const struct record *rec, const struct record_layout *layout,
	       struct walk_input *in);
/* Walks. False: the walk is not over, but for what MISSING says, which has been asked for. */
bool walk_try(struct collect *c, struct process *p, const struct walk_input *in,
	      struct walk_missing *missing);
/* M has come, or will not; or only a walk can tell. */
bool walk_may_go_on(struct collect *c, const struct walk_missing *m);
/* Puts what the last walk, over or not, found in place of S's user part. */
void walk_end(struct collect *c, struct process *p, struct stack *s);
/* What a walk would need that comes to ADDRESS is asked for. False: it is in no mapping. */
bool walk_want(struct collect *c, struct process *p, uint64_t address);
/* A walk that was done elsewhere ended where WALK says. */
void walk_note(struct collect *c, struct process *p, const struct unwind_walk *walk);
void walk_fini(struct collect *c);

/* kernel.c */
void kernel_init(struct collect *c);
void kernel_fini(struct collect *c);
void kernel_mmap(struct collect *c, const struct record_mmap *m);
uint32_t resolve_kernel(struct collect *c, struct kind *k, uint64_t address);

/* resolve.c */
/* UINT32_MAX: in no mapping. */
uint32_t resolve_user(struct collect *c, struct kind *k, struct process *p, uint64_t address);
void resolve_ask_maps(struct collect *c, struct process *p);
void resolve_retry_objects(struct collect *c);
/* As if MAP had been hit: its file is asked for, once a window. */
void resolve_want_object(struct collect *c, struct process *p, struct process_map *map);
struct process *identity_find(struct collect *c, const struct identity *id);
struct identity identity_of(const struct process *p);
bool identity_equal(const struct identity *a, const struct identity *b);
#define BUILD_ID_HEX_SIZE (2 * 20 + 1)
void build_id_hex(char hex[BUILD_ID_HEX_SIZE], const uint8_t *build_id, size_t size);
uint32_t cache_find(const struct cache *cache, uint32_t serial, uint64_t address); /* UINT32_MAX */
void cache_add(struct kind *k, uint32_t serial, uint64_t address, uint32_t location);
void cache_fini(struct cache *cache);
void cache_clear(struct cache *cache);
size_t cache_size(const struct cache *cache);

/* labels.c */
void labels_source(struct label_source *src, const struct process *p, const struct thread *t);
uint32_t labels_build(struct collect *c, struct kind *k, const struct label_source *src);
/* The label set of a thread, cached there. */
uint32_t labels_of(struct collect *c, struct kind *k, struct process *p, struct thread *t);
void labels_forget(struct process *p);
void labels_cgroup(struct collect *c, struct process *p, uint64_t cgroup);
void labels_cgroup_record(struct collect *c, const struct record_cgroup *r);
void labels_fini(struct collect *c);

/* window.c */
struct profile *window_profile(struct collect *c, struct kind *k);
uint32_t window_pseudo(struct collect *c, struct kind *k, enum pseudo pseudo);
/* Resolves S and counts it. P is NULL where the user part cannot be resolved: [unmapped]. */
void window_add(struct collect *c, struct kind *k, struct process *p, const struct stack *s,
		uint32_t label_set, const int64_t values[2]);
/* A mapping's number in the running window. */
uint32_t window_map_add(struct collect *c, uint64_t start, uint64_t end, uint32_t object);
/* The element of a table by window number, made when the table is shorter. */
uint32_t *window_slot(uint32_t **table, uint32_t *cap, uint32_t number);

void window_kind_fini(struct kind *k);

/* wait.c */
/* WALK (NULL: no copied stack) lacks MISSING, or NULL: not known, as its maps are not. */
void wait_add(struct collect *c, uint32_t kind, struct process *p, struct thread *t,
	      const struct stack *s, const int64_t values[2], const struct walk_input *walk,
	      const struct walk_missing *missing);
/* Enters what need not wait any longer. */
void wait_resolve(struct collect *c, uint64_t now);
/* P is about to become another image: enters its samples as well as it can be done now. */
void wait_exec(struct collect *c, struct process *p);
/* Nothing that waits is older. */
uint64_t wait_oldest_ns(const struct collect *c);
/* Enters all that waits, resolved or not. */
void wait_end(struct collect *c);
void wait_fini(struct collect *c);

#endif
