/* protocol: what the sampler asks the worker, over a channel (base/channel.h): a window to symbolize and write. The request is one
 * worker_window message with its descriptors, then nr_objects struct worker_object in worker_objects messages with a descriptor each. */
#ifndef WORKER_PROTOCOL_H
#define WORKER_PROTOCOL_H

#include <stdbool.h>
#include <stdint.h>

#define WORKER_OBJECTS_PER_MESSAGE 128
#define WORKER_OBJECTS_MAX 65536
#define WORKER_WINDOW_SIZE_MAX (1u << 30)
#define WORKER_DEADLINE_MS 30000

enum worker_message_type { WORKER_WINDOW = 1, WORKER_OBJECTS, WORKER_PARSING, WORKER_DONE };

enum worker_symbolize { WORKER_NO_NAMES, WORKER_NAMES };

/* Descriptors: [0] memfd of the window: the encoded profile (profile/encode.h), then one u32 for each mapping: 0 or 1 + index
 * of its object; [1] the file to write; [2] kallsyms, when has_kallsyms. */
struct worker_window {
	uint32_t type; /* WORKER_WINDOW */
	uint32_t symbolize;
	uint64_t cookie;
	uint64_t profile_size; /* bytes in the memfd before the table */
	uint32_t nr_mappings, nr_objects;
	uint32_t compress_level;
	uint8_t has_kallsyms, kernel_relative, sync, unused;
	uint64_t cache_size;
};

struct worker_object {
	uint64_t dev, inode, size;
	int64_t mtime_ns, ctime_ns;
	uint8_t build_id_size, quarantined, unused[2];
	uint8_t build_id[20];
};

struct worker_objects {
	uint32_t type; /* WORKER_OBJECTS */
	uint32_t nr;
	uint64_t cookie;
	struct worker_object objects[WORKER_OBJECTS_PER_MESSAGE]; /* only nr are sent */
};

/* From the worker: it begins to parse OBJECT (index; UINT32_MAX: the kernel's symbols). */
struct worker_parsing {
	uint32_t type; /* WORKER_PARSING */
	uint32_t object;
	uint64_t cookie;
};

struct worker_done {
	uint32_t type; /* WORKER_DONE */
	int32_t status; /* 0: the file is written (and synced); else negative errno of writing it */
	uint64_t cookie;
	uint64_t written; /* bytes */
	uint32_t nr_locations, nr_named, nr_objects, nr_objects_failed, nr_cached;
	int32_t kallsyms_status;
	uint64_t cpu_ns;
};

#endif
