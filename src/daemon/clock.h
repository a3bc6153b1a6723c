/* clock: the daemon is the only one that reads clocks; all else takes `now`. */
#ifndef DAEMON_CLOCK_H
#define DAEMON_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* One moment by both clocks, in ns, a few µs apart at most unless this process loses its CPU again and again between them. */
static inline void clock_both(uint64_t *monotonic, int64_t *real)
{
	uint64_t best = UINT64_MAX;

	*monotonic = 0;
	*real = 0;
	for (int i = 0; i < 8 && best > 20000; i++) {
		uint64_t before = clock_ns(CLOCK_MONOTONIC), between = clock_ns(CLOCK_REALTIME);
		uint64_t took = clock_ns(CLOCK_MONOTONIC) - before;

		if (took < best) {
			best = took;
			*monotonic = before;
			*real = (int64_t)between;
		}
	}
}

#endif
