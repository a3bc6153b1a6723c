/* protocol_window: a window to symbolize and write: one worker_window message with its descriptors, then its nr_objects struct
 * worker_object in worker_objects messages with theirs; worker_parsing and worker_symbols messages and one worker_done come
 * back; and worker_index, even without a request. Before the worker_done there may be worker_want messages. */
#ifndef WORKER_PROTOCOL_WINDOW_H
#define WORKER_PROTOCOL_WINDOW_H

#include "worker/protocol.h"

#define WORKER_OBJECTS_PER_MESSAGE 60 /* with all their files below CHANNEL_FDS_MAX */
#define WORKER_WINDOW_SIZE_MAX (1u << 30)
#define WORKER_DEADLINE_MS 30000

/* Each does what those before it do; the first reads no object. */
enum worker_symbolize { WORKER_NO_NAMES, WORKER_BUILD_IDS, WORKER_NAMES, WORKER_LINES };

/* Descriptors: [0] memfd of the window: the encoded profile (profile/encode.h), then one u32 for
 * each mapping: 0 (none) or 1 + index of its object, where an object that was not sent is none too;
 * [1] the file to write, of which nothing is kept; [2] kallsyms, when has_kallsyms. */
struct worker_window {
	uint32_t type; /* WORKER_WINDOW */
	uint32_t symbolize;
	uint64_t cookie;
	uint64_t profile_size; /* bytes in the memfd before the table */
	uint32_t nr_mappings, nr_objects;
	uint32_t compress_level; /* 1–9 */
	uint8_t has_kallsyms, kernel_relative, sync, unused; /* 0 or 1; unused is 0 */
	uint64_t cache_size;
	uint64_t kernel_blind; /* with kernel_relative: base/kernel_hide.h */
};

struct worker_objects {
	uint32_t type; /* WORKER_OBJECTS */
	uint32_t nr;   /* 1 … WORKER_OBJECTS_PER_MESSAGE */
	uint64_t cookie;
	struct worker_object objects[WORKER_OBJECTS_PER_MESSAGE]; /* only nr are sent */
};

static inline size_t worker_objects_size(const struct worker_objects *o)
{
	return offsetof(struct worker_objects, objects) + o->nr * sizeof(o->objects[0]);
}

/* Descriptors of an object, its own included. */
static inline unsigned worker_object_nr_fds(const struct worker_object *o)
{
	return 1u + (unsigned)__builtin_popcount(o->files);
}

#define WORKER_SYMBOLS_PER_MESSAGE 64
#define WORKER_SYMBOLS_MAX 1024 /* objects of a window; of more than that nothing is told */

/* What named an address. */
enum worker_level {
	WORKER_LEVEL_NONE,
	WORKER_LEVEL_GO,
	WORKER_LEVEL_SYMTAB,
	WORKER_LEVEL_DYNSYM,
	WORKER_LEVEL_MINIDEBUG,
	WORKER_LEVEL_DEBUG_FILE,
	WORKER_LEVEL_PLT,
	WORKER_LEVEL_BOUNDS,
	WORKER_LEVEL_JIT,
	WORKER_LEVEL_KALLSYMS,
	WORKER_NR_LEVELS
};

/* What an object was asked in a window, and what it said; status, lines: symbolize/symbolize.h. */
struct worker_object_symbols {
	uint32_t object; /* index, or WORKER_PARSING_KALLSYMS: the kernel */
	int32_t status, lines;
	uint32_t build_id_size;
	uint8_t build_id[20]; /* the file's own */
	uint32_t nr[WORKER_NR_LEVELS]; /* addresses */
};

/* From the worker: of objects that were asked, in order, the kernel last. */
struct worker_symbols {
	uint32_t type; /* WORKER_SYMBOLS */
	uint32_t nr;   /* 1 … WORKER_SYMBOLS_PER_MESSAGE */
	uint64_t cookie;
	struct worker_object_symbols objects[WORKER_SYMBOLS_PER_MESSAGE]; /* only nr are sent */
};

static inline size_t worker_symbols_size(const struct worker_symbols *s)
{
	return offsetof(struct worker_symbols, objects) + s->nr * sizeof(s->objects[0]);
}

struct worker_done {
	uint32_t type; /* WORKER_DONE */
	/* 0: the file is written (and synced); -EBADMSG: the window makes no sense; else negative
	 * errno of reading the one or writing the other. */
	int32_t status;
	uint64_t cookie;
	uint64_t written; /* bytes */
	uint32_t nr_locations, nr_named, nr_bounded, nr_objects, nr_objects_failed, nr_cached;
	int32_t kallsyms_status;
	uint32_t unused; /* 0 */
	/* Locations with file and line; objects whose lines are known, will be, or are not to be
	 * had (damaged, or over the limits). */
	uint32_t nr_lined, nr_indexes, nr_waiting, nr_refused;
	uint64_t cpu_ns;   /* of the worker, for this window */
	uint64_t names_ns; /* of that, for names */
};

/* From the worker, at any time: a line index was built of an object that it was given: SIZE bytes in
 * descriptor [0]. */
struct worker_index {
	uint32_t type; /* WORKER_INDEX */
	uint32_t unused; /* 0 */
	struct worker_identity id;
	uint64_t size;
};

/* SIZE bytes at the message and NR_FDS descriptors are what protocol and request W allow. NR_BEFORE
 * objects have come already. */
bool worker_window_valid(const struct worker_window *w, size_t size, unsigned nr_fds);
bool worker_objects_valid(const struct worker_objects *o, size_t size, unsigned nr_fds,
			  const struct worker_window *w, uint32_t nr_before);
bool worker_parsing_valid(const struct worker_parsing *p, size_t size,
			  const struct worker_window *w);
/* NR_BEFORE have come already, the last of them of object LAST. */
bool worker_symbols_valid(const struct worker_symbols *s, size_t size, const struct worker_window *w, uint32_t nr_before,
			  uint32_t last);
bool worker_index_valid(const struct worker_index *x, size_t size, unsigned nr_fds);
bool worker_want_valid(const struct worker_want *want, size_t size, const struct worker_window *w);
bool worker_done_valid(const struct worker_done *d, size_t size, const struct worker_window *w);

#endif
