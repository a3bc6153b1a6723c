/* protocol: what the sampler asks the opener, over a channel (base/channel.h). One request is under
 * way at a time; the answer has its cookie. Only what is in use is sent, in both directions.
 * Cookie 0 is no request's: an answer with it only says that nr_stuck has changed. Both sides check
 * every field. */
#ifndef OPENER_PROTOCOL_H
#define OPENER_PROTOCOL_H

#include <linux/capability.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/debug_path.h"

#define OPENER_RANGES_MAX 32
#define OPENER_PATH_MAX 512
#define OPENER_MAPS_MAX (32u << 20)
#define OPENER_DEADLINE_MS 1000
#define OPENER_STUCK_MAX 2
#define OPENER_SKIP_MAX (2 * DEBUG_NR_PLACES)

enum opener_what {
	/* /proc/PID/maps copied into a sealed memfd: one descriptor, to be read by pread. */
	OPENER_MAPS = 1,
	/* The files behind ranges: a descriptor for each that could be opened. */
	OPENER_FILES = 2,
	/* Another opener, for the channel whose descriptor comes along (no other request has one): whoever serves has
	 * the capabilities for it, the sampler has not. No answer: the other end of that channel tells. */
	OPENER_SPARE = 3,
	/* What the process says of the code that it has made: one descriptor. Of its mapping of a file jit-PID.dump that
	 * file, when the request has that range and there is something in it; else /tmp/perf-PID.map in its root; else the
	 * empty dump. PID is what it calls itself. Either must belong to the process's own user, or to root and be for all to read; a
	 * symbolic link is none. */
	OPENER_JIT = 4,
	/* A separate debug file: one descriptor, of the first that is there, or of the one behind so many. Below the process's
	 * root it must be the object's owner's, or root's; then below ours, in the folder of debug files alone. Whether it is
	 * the right one is for others to see. Here pid may be 0, and a process that has gone is none: ours alone. */
	OPENER_DEBUG = 5,
};

#define OPENER_CAPS (1ull << CAP_SYS_PTRACE | 1ull << CAP_DAC_READ_SEARCH | 1ull << CAP_CHECKPOINT_RESTORE)

/* Files on FUSE and network file systems too: whoever serves those can hold up an open for ever. */
#define OPENER_REMOTE 1u

struct opener_range {
	uint64_t start, end, pgoff;
	/* As the target saw it when it was recorded: clean text (base/text.h), " (deleted)"
	 * stripped. What is found must have this name. "": any; what longer names become. */
	char path[OPENER_PATH_MAX];
};

struct opener_debug {
	uint64_t dev, inode;          /* of the object itself, which is not its debug file */
	uint32_t uid;                 /* its owner */
	uint32_t skip;                /* so many that were there were others' */
	struct debug_names names;
	char object[OPENER_PATH_MAX]; /* its path as the process saw it; "": not known */
	char folder[OPENER_PATH_MAX]; /* of debug files, absolute */
};

struct opener_request {
	uint64_t cookie;
	uint32_t what;
	uint32_t pid;
	uint64_t start_time; /* /proc/PID/stat's field 22, 0: not known */
	uint64_t fork_ns; /* CLOCK_MONOTONIC of its fork, 0: not seen; within 40 ms of its start */
	uint32_t flags;      /* OPENER_REMOTE */
	uint32_t nr_ranges;  /* OPENER_FILES */
	union {
		struct opener_range ranges[OPENER_RANGES_MAX];
		struct opener_debug debug; /* OPENER_DEBUG */
	};
};

struct opener_answer {
	uint64_t cookie;
	/* Of the whole request: 0 or negative errno. -ESRCH: gone, or another process; -ETIMEDOUT:
	 * the deadline passed; -EAGAIN: paused; -EIO: whoever served it died; -EFBIG: maps beyond
	 * OPENER_MAPS_MAX; of OPENER_DEBUG also what the last place said, -ENOENT mostly. */
	int32_t status;
	uint32_t nr_ranges;  /* of an OPENER_FILES that succeeded, as asked; else 0 */
	uint64_t start_time; /* of the process that was looked at */
	uint32_t nr_stuck;   /* children that were left behind and have not ended yet */
	uint32_t paused;     /* 1: nr_stuck is OPENER_STUCK_MAX, nothing is opened until one ends */
	/* 0: its descriptor follows, in order; else negative errno. -ESTALE: another file is mapped
	 * there now; -EREMOTE: see OPENER_REMOTE; -ENXIO: no regular file; -ENOENT: nothing is
	 * mapped there. */
	int32_t range_status[OPENER_RANGES_MAX];
};

static inline size_t opener_request_size(const struct opener_request *q)
{
	return offsetof(struct opener_request, ranges) +
	       (q->what == OPENER_DEBUG ? sizeof(q->debug) : q->nr_ranges * sizeof(q->ranges[0]));
}

static inline size_t opener_answer_size(const struct opener_answer *a)
{
	return offsetof(struct opener_answer, range_status) +
	       a->nr_ranges * sizeof(a->range_status[0]);
}

/* SIZE bytes of Q are a request that can be served. */
bool opener_request_valid(const struct opener_request *q, size_t size);
/* SIZE bytes of A and NR_FDS descriptors are an answer to Q, or news of nr_stuck (Q is NULL). */
bool opener_answer_valid(const struct opener_answer *a, size_t size, unsigned nr_fds,
			 const struct opener_request *q);

#endif
