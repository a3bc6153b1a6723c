#include "perf/leak.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/mman.h>
#include <unistd.h>

#include "perf/event.h"
#include "perf/ring.h"

#define PROBE_RING_SIZE 4096

/* A sideband event of this thread. */
static int sideband_open(bool build_id)
{
	struct event_features f = { .build_id = build_id };
	struct perf_event_attr attr;

	event_dummy_attr(&attr, &f, 0);
	return event_open(&attr, 0, -1, -1, 0);
}

static bool map_own_program(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	void *p = fd < 0 ? MAP_FAILED : mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

	if (fd >= 0)
		close(fd);
	if (p == MAP_FAILED)
		return false;
	munmap(p, 1);
	return true;
}

/* The victim's record says what its event never asked for. True, too, when there is none. */
static bool ring_is_spoilt(struct ring *r)
{
	const struct perf_event_header *h;
	bool seen = false;
	uint64_t pos;
	size_t size;

	ring_begin(r);
	while ((h = ring_next(r, &size, &pos))) {
		if (h->type != PERF_RECORD_MMAP2)
			continue;
		if (h->misc & PERF_RECORD_MISC_MMAP_BUILD_ID)
			return true;
		seen = true;
	}
	return !seen;
}

bool event_build_id_leaks(void)
{
	/* Of one thread's events the newest is written to first. */
	int victim = sideband_open(false), culprit = sideband_open(true);
	struct ring ring = { 0 }, other = { 0 };
	bool leaks = true;

	if (victim >= 0 && culprit >= 0 && !ring_open(&ring, victim, PROBE_RING_SIZE) &&
	    !ring_open(&other, culprit, PROBE_RING_SIZE) && !event_enable(victim) && !event_enable(culprit) &&
	    map_own_program())
		leaks = ring_is_spoilt(&ring);
	ring_close(&ring);
	ring_close(&other);
	if (victim >= 0)
		close(victim);
	if (culprit >= 0)
		close(culprit);
	return leaks;
}
