/* protocol: what the sampler and the worker tell each other, over a channel (base/channel.h): of windows to symbolize and
 * write (worker/protocol_window.h), and of pages of an object's unwind table (worker/protocol_pages.h). One request is under way
 * at a time. Both sides check every field. Here is what both have. */
#ifndef WORKER_PROTOCOL_H
#define WORKER_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/debug_path.h"

#define WORKER_OBJECTS_MAX 65536 /* of a request */

#define WORKER_PARSING_NONE WORKER_OBJECTS_MAX
#define WORKER_PARSING_KALLSYMS UINT32_MAX

enum worker_message_type {
	WORKER_WINDOW = 1,
	WORKER_OBJECTS,
	WORKER_PARSING,
	WORKER_DONE,
	WORKER_PAGES,
	WORKER_PAGE,
	WORKER_INDEX,
	WORKER_WANT,
	WORKER_SYMBOLS
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
#define WORKER_JIT_MAP 2u      /* the file is what a JIT tells of a process (object/jitmap.h, object/jitdump.h) */
#define WORKER_NO_FILES 4u     /* other files of it are not to be had now: none is asked for */

/* The kernel's word on the build id, size 0: none. */
struct worker_object {
	struct worker_identity id;
	uint8_t build_id_size, quarantined;
	uint8_t files; /* 1 << enum worker_file */
	uint8_t flags; /* WORKER_INDEX_COMING, WORKER_JIT_MAP; of pages WORKER_NO_FILES */
	uint8_t build_id[20];
};

/* From the worker: it begins to parse OBJECT (index, WORKER_PARSING_KALLSYMS), or none any more. */
struct worker_parsing {
	uint32_t type; /* WORKER_PARSING */
	uint32_t object;
	uint64_t cookie;
};

/* From the worker: a file of the request's OBJECT (index) would be of use, with this or a later
 * request; or, of one that was given, another: REFUSED is what fstat said of that, inode 0: of none. */
struct worker_want {
	uint32_t type; /* WORKER_WANT */
	uint32_t object;
	uint64_t cookie;
	struct {
		uint64_t dev, inode;
	} refused;
	uint32_t file; /* WORKER_DEBUG_FILE, WORKER_ALT_FILE */
	struct debug_names names;
};

static inline bool worker_status_valid(int32_t status)
{
	return status <= 0 && status >= -4095; /* the kernel's MAX_ERRNO */
}

#endif
