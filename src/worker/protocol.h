/* protocol: what the sampler asks the worker, over a channel (base/channel.h). A window to symbolize
 * and write: one worker_window message with its descriptors, then its nr_objects struct
 * worker_object in worker_objects messages with their descriptors; worker_parsing messages and one
 * worker_done come back; and worker_index, even without a request. Or pages of an object's unwind table: one worker_pages message; a
 * worker_parsing and a worker_page for each of them, in order, come back. One request is under way
 * at a time. Both sides check every field. */
#ifndef WORKER_PROTOCOL_H
#define WORKER_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORKER_OBJECTS_PER_MESSAGE 60 /* with all their files below CHANNEL_FDS_MAX */
#define WORKER_OBJECTS_MAX 65536
#define WORKER_WINDOW_SIZE_MAX (1u << 30)
#define WORKER_DEADLINE_MS 30000

#define WORKER_PARSING_NONE WORKER_OBJECTS_MAX
#define WORKER_PARSING_KALLSYMS UINT32_MAX

#define WORKER_PAGES_MAX 64
#define WORKER_PAGES_DEADLINE_MS 5000
#define WORKER_PAGE_SIZE_MAX 73728 /* of rules and rows: all that unwind/table.h allows */

enum worker_message_type {
	WORKER_WINDOW = 1,
	WORKER_OBJECTS,
	WORKER_PARSING,
	WORKER_DONE,
	WORKER_PAGES,
	WORKER_PAGE,
	WORKER_INDEX
};

enum worker_symbolize { WORKER_NO_NAMES, WORKER_NAMES, WORKER_LINES };

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

/* Which object a file is: what fstat said of its descriptor. */
struct worker_identity {
	uint64_t dev, inode, size;
	int64_t mtime_ns, ctime_ns;
};

/* Descriptors that may come with an object, in this order behind its own. */
enum worker_file {
	WORKER_INDEX_FILE, /* a line index of it, built before (object/line.h) */
	WORKER_DEBUG_FILE, /* its separate debug file */
	WORKER_ALT_FILE,   /* the file that dwz has moved shared parts of the debug file to */
	WORKER_NR_FILES
};

#define WORKER_INDEX_COMING 1u /* a line index was built before, and comes with a later window */
#define WORKER_JIT_MAP 2u      /* the file is a JIT's map of a process (object/jitmap.h) */

/* The kernel's word on the build id, size 0: none. */
struct worker_object {
	struct worker_identity id;
	uint8_t build_id_size, quarantined;
	uint8_t files; /* 1 << enum worker_file */
	uint8_t flags; /* WORKER_INDEX_COMING, WORKER_JIT_MAP */
	uint8_t build_id[20];
};

struct worker_objects {
	uint32_t type; /* WORKER_OBJECTS */
	uint32_t nr;   /* 1 … WORKER_OBJECTS_PER_MESSAGE */
	uint64_t cookie;
	struct worker_object objects[WORKER_OBJECTS_PER_MESSAGE]; /* only nr are sent */
};

/* From the worker: it begins to parse OBJECT (index, WORKER_PARSING_KALLSYMS), or none any more. */
struct worker_parsing {
	uint32_t type; /* WORKER_PARSING */
	uint32_t object;
	uint64_t cookie;
};

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
	uint64_t cpu_ns; /* of the worker, for this window */
};

/* From the worker, at any time: a line index was built of an object that it was given: SIZE bytes in
 * descriptor [0]. */
struct worker_index {
	uint32_t type; /* WORKER_INDEX */
	uint32_t unused; /* 0 */
	struct worker_identity id;
	uint64_t size;
};

/* Descriptor [0]: the object; none for the vDSO, whose identity is all zeros. */
struct worker_pages {
	uint32_t type; /* WORKER_PAGES */
	uint32_t nr;   /* 1 … WORKER_PAGES_MAX */
	uint64_t cookie;
	struct worker_object object;
	uint64_t offsets[WORKER_PAGES_MAX]; /* in the file; multiples of 64 KiB. Only nr are sent */
};

struct worker_page {
	uint32_t type;  /* WORKER_PAGE */
	int32_t status; /* 0; else negative errno of the object or of reading it, and no rules or rows */
	uint64_t cookie, offset;
	uint32_t nr_rules, nr_rows;
	/* struct unwind_rule for each rule, then a u32 for each row; whether they make sense
	 * unwind/table.h says. Only so much is sent. */
	uint64_t data[WORKER_PAGE_SIZE_MAX / 8];
};

static inline size_t worker_pages_size(const struct worker_pages *q)
{
	return offsetof(struct worker_pages, offsets) + q->nr * sizeof(q->offsets[0]);
}

static inline size_t worker_page_size(const struct worker_page *p)
{
	return offsetof(struct worker_page, data) + (size_t)p->nr_rules * 8 + (size_t)p->nr_rows * 4;
}

static inline size_t worker_objects_size(const struct worker_objects *o)
{
	return offsetof(struct worker_objects, objects) + o->nr * sizeof(o->objects[0]);
}

/* SIZE bytes at the message and NR_FDS descriptors are what protocol and request W allow. NR_BEFORE
 * objects have come already. */
bool worker_window_valid(const struct worker_window *w, size_t size, unsigned nr_fds);
bool worker_objects_valid(const struct worker_objects *o, size_t size, unsigned nr_fds,
			  const struct worker_window *w, uint32_t nr_before);
/* Descriptors of an object, its own included. */
static inline unsigned worker_object_nr_fds(const struct worker_object *o)
{
	return 1u + (unsigned)__builtin_popcount(o->files);
}

bool worker_parsing_valid(const struct worker_parsing *p, size_t size,
			  const struct worker_window *w);
bool worker_index_valid(const struct worker_index *x, size_t size, unsigned nr_fds);
bool worker_done_valid(const struct worker_done *d, size_t size, const struct worker_window *w);
bool worker_pages_valid(const struct worker_pages *q, size_t size, unsigned nr_fds);
/* Request Q's worker begins with its object (0), or has ended (WORKER_PARSING_NONE). */
bool worker_pages_parsing_valid(const struct worker_parsing *p, size_t size,
				const struct worker_pages *q);
/* NR_BEFORE pages have come already. */
bool worker_page_valid(const struct worker_page *p, size_t size, const struct worker_pages *q,
		       uint32_t nr_before);

#endif
