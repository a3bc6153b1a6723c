/* protocol: what the sampler asks the opener, over a channel (base/channel.h). One request is under way at a time; the answer has its
 * cookie. Both sides check every field. */
#ifndef OPENER_PROTOCOL_H
#define OPENER_PROTOCOL_H

#include <stdint.h>

#define OPENER_RANGES_MAX 64
#define OPENER_PATH_MAX 512   /* longer names are not compared */
#define OPENER_MAPS_MAX (32u << 20)
#define OPENER_DEADLINE_MS 1000
#define OPENER_STUCK_MAX 2

enum opener_what {
	OPENER_MAPS = 1,  /* /proc/PID/maps copied into a memfd: one descriptor */
	OPENER_FILES = 2, /* the files behind ranges: a descriptor for each that could be opened */
};

struct opener_range {
	uint64_t start, end, pgoff;
	char path[OPENER_PATH_MAX]; /* as recorded; what is found must have this name ("" : any) */
};

struct opener_request {
	uint64_t cookie;
	uint32_t what;
	uint32_t pid;
	uint64_t start_time; /* /proc/PID/stat's field 22, 0: not known */
	uint64_t fork_ns;    /* CLOCK_MONOTONIC of its fork, 0: not seen; must agree with its start time within 40 ms */
	uint32_t nr_ranges;
	struct opener_range ranges[OPENER_RANGES_MAX]; /* only nr_ranges are sent */
};

struct opener_answer {
	uint64_t cookie;
	int32_t status;       /* of the whole request: 0 or negative errno (-ESRCH: gone or another process, -ETIMEDOUT: child left behind) */
	uint32_t nr_ranges;
	uint64_t start_time;  /* of the process that was looked at */
	int32_t range_status[OPENER_RANGES_MAX]; /* 0: its descriptor follows, in order; else negative errno */
};

#endif
