/* counters: every counter of the pipeline once: C(name, help). Gives the struct, the names in `pprofctl status` and the
 * table in pprofctl(1), which a test compares. */
#ifndef COLLECT_COUNTERS_H
#define COLLECT_COUNTERS_H

#include <stdint.h>

#define COUNTERS(C)                                                                                \
	C(samples, "samples taken out of the rings")                                               \
	C(samples_idle, "samples of the idle task, left out (ExcludeIdle=yes)")                    \
	C(lost, "samples and records that the kernel dropped: the ring was full")                  \
	C(throttled, "times the kernel throttled an event")                                        \
	C(records_malformed, "records that could not be decoded")                                  \
	C(samples_exiting, "samples of tasks in late exit: [exiting]")                             \
	C(samples_outside, "samples of tasks outside our PID namespace: [outside]")                \
	C(samples_guest, "samples of virtual machines' guests: [guest]")                           \
	C(samples_waited, "samples that waited for their process's maps")                          \
	C(samples_unmapped, "samples with an address in no known mapping: [unmapped]")             \
	C(samples_dropped, "samples dropped: a limit of memory was reached")                       \
	C(stacks_truncated, "stacks cut short: [truncated]")                                       \
	C(frames_refused, "callchain entries outside executable mappings")                         \
	C(maps_asked, "times a process's maps were asked for")                                     \
	C(maps_failed, "times they could not be had")                                              \
	C(objects_asked, "mappings whose file was asked for")                                      \
	C(objects_failed, "times it could not be had")

struct counters {
#define COUNTER_FIELD(name, help) uint64_t name;
	COUNTERS(COUNTER_FIELD)
#undef COUNTER_FIELD
};

#endif
