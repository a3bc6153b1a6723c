/* replay's inside, shared by its sources. */
#ifndef REPLAY_IMPL_H
#define REPLAY_IMPL_H

#include "base/hash.h"
#include "perf/perfdata.h"
#include "profile/profile.h"
#include "replay/replay.h"
#include "symbolize/symbolize.h"
#include "unwind/stack.h"

struct elf;
struct replay_names;

#define KERNEL_NAME "[kernel.kallsyms]"
#define VDSO_NAME "[vdso]"

/* What the tables and indexes of one run may take, in bytes. */
#define SYMBOLS_SIZE (64u << 20)
#define LINES_SIZE (2ul << 30)

/* kind.c: what an event's profile counts. */
struct replay_kind {
	char name[128];   /* a sample type's: [a-zA-Z_][a-zA-Z0-9_]* */
	const char *unit; /* "nanoseconds" or "count" */
	int64_t period;   /* nominal */
};
void replay_kind(const struct perfdata_event *e, struct replay_kind *k);

/* files.c: the files behind mappings, opened once each. */
struct replay_files {
	const char *root;
	struct symbolize_object *objects; /* with their descriptors, which are ours */
	char **paths; /* of each object, as the data know it; NULL: not known */
	uint32_t nr_objects, objects_cap, nr_paths, paths_cap;
	struct hash hash; /* by identity and build id */
};
/* The number of the file that PATH is here, as the data knew it by BUILD_ID (SIZE 0: not). 0 or
 * negative errno. */
int replay_files_open(struct replay_files *f, const char *path, const uint8_t *build_id,
		      uint8_t size, uint32_t *number);
/* The same of an open FD, which is taken. */
int replay_files_add(struct replay_files *f, int fd, const char *path, const uint8_t *build_id,
		     uint8_t size, uint32_t *number);
void replay_files_fini(struct replay_files *f);

/* kernel.c: names of the kernel's functions. */
struct replay_kernel {
	struct kallsyms *kallsyms; /* NULL: none that fits the data */
	bool given;                /* by the user: of the data's kernel whatever it looks like */
	uint64_t text;             /* address of _text in the data, 0: not recorded */
	bool hidden;               /* addresses are what base/kernel_hide.h leaves of them */
	uint8_t build_id_size;     /* of the data's kernel, 0: not recorded */
	uint8_t build_id[20];
};
/* Reads PATH, or where NULL the host's when the data are of this very kernel. Negative errno only
 * for a PATH that cannot be read. */
int replay_kernel_open(struct replay_kernel *k, const char *path);
/* The running kernel has the data's build id. */
bool replay_kernel_runs_here(const struct replay_kernel *k);
/* Gives lines to locations of the kernel and of modules that it knows; of MAPPING alone unless PROFILE_NO_MAPPING. */
void replay_kernel_name(struct replay_kernel *k, struct profile *p, uint32_t mapping);
/* The running kernel's; its size, 0: not known. */
uint8_t replay_kernel_build_id(uint8_t id[20]);
void replay_kernel_fini(struct replay_kernel *k);

/* unwind.c: copied stacks walked by the tables of the files behind the mappings. */
struct replay_unwind;
struct record;
struct record_layout;
struct process_table;

/* NAMES and T outlive it; VDSO: the data's vDSO is ours where no build id tells. */
struct replay_unwind *replay_unwind_new(struct replay_names *names, struct process_table *t,
					bool vdso);
void replay_unwind_free(struct replay_unwind *u);
/* The user stack of a sample, good until the next call; NULL: it has no stack that could be
 * walked. */
const struct unwind_walk *replay_unwind_sample(struct replay_unwind *u, const struct record *rec,
					       const struct record_layout *layout);

/* debug.c: separate debug files, of the replay_names that CTX is: as symbolize_want_fn and
 * line_file_fn. That a debug file is the right one is sure. */
int replay_debug_want(void *ctx, uint32_t object, enum symbolize_file file, bool another,
		      const struct debug_names *names);
int replay_debug_open(void *ctx, const char *name, const uint8_t *id, unsigned id_size);
/* E's own, of the file number OBJECT. A descriptor or negative errno. */
int replay_debug_find(const struct replay_names *n, uint32_t object, struct elf *e);

/* names.c: names for all profiles of a file. */
struct replay_names {
	const struct replay_options *o;
	struct replay_files files;
	struct replay_kernel kernel;
};
/* 0 or negative errno with a sentence in ERROR. */
int replay_names_give(struct replay_names *n, struct replay *r, char *error, size_t error_size);
/* collect's numbers of objects in P become symbolize's. */
void replay_number_objects(struct profile *p);
void replay_names_fini(struct replay_names *n);

#endif
