/* merge: the records of all rings in the order of their times, up to a horizon. Inversions inside a
 * ring (an interrupt between reserving and stamping; measured up to 22 µs) are sorted within a
 * window of MERGE_WINDOW records. Memory is constant: nothing is copied but records that wrap. */
#ifndef PERF_MERGE_H
#define PERF_MERGE_H

#include <stddef.h>
#include <stdint.h>

#include "perf/ring.h"

#define MERGE_WINDOW 32
#define MERGE_PARTS  8 /* of a ring: what has been given and not released is hardly more than one */

struct merge;

/* How a record's time is found: returns 0 when it has none (it then takes the time of the record
 * before it). */
typedef uint64_t (*merge_time_fn)(void *ctx, const void *record, size_t size);
/* A record in its turn, valid until the function returns. RING is its index in merge_drain's array.
 * It may not touch the rings. */
typedef void (*merge_record_fn)(void *ctx, unsigned ring, const void *record, size_t size,
				uint64_t time);

struct merge *merge_new(void);
void merge_free(struct merge *m);

/* Gives every record of RINGS (NR of them, some may be closed) whose time is ≤ HORIZON to FN in
 * order of time (equal times: by ring, then position), and releases them as it goes. Records later than
 * HORIZON stay for the next drain, but one that stands before a record already given cannot stay
 * behind it, and is given too, last. Returns the number given. */
uint64_t merge_drain(struct merge *m, struct ring **rings, unsigned nr, uint64_t horizon,
		     merge_time_fn time_of, merge_record_fn fn, void *ctx);

#endif
