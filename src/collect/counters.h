/* counters: every counter of the pipeline once: C(name, help). Gives the struct, the names in
 * `pprofctl status` and the table in pprofctl(1), which a test compares. */
#ifndef COLLECT_COUNTERS_H
#define COLLECT_COUNTERS_H

#include <stddef.h>
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
	C(samples_waited, "samples that waited for their process's maps or for unwind tables")     \
	C(samples_unmapped, "samples with an address in no known mapping: [unmapped]")             \
	C(samples_unlabelled, "samples without labels: too many processes or threads")             \
	C(stacks_walked, "copied stacks that were walked by unwind tables")                        \
	C(stacks_walked_kernel, "stacks that the walker in the kernel walked where they were")      \
	C(stacks_truncated, "stacks cut short: [truncated]")                                       \
	C(stacks_deep, "of these: deeper than is recorded or walked")                              \
	C(stacks_unwalked, "of these: a copied stack that was not walked")                         \
	C(stacks_no_mapping, "of these: walked into an address in no executable mapping")         \
	C(stacks_no_table, "of these: walked into code whose table is not there, or not yet")      \
	C(stacks_no_row, "of these: walked into code without unwind information")                  \
	C(stacks_unsupported, "of these: walked into code whose rule cannot be followed")          \
	C(stacks_short, "of these: the copied part of the stack ended")                            \
	C(stacks_switched, "of these: go on on a stack that was not copied")                       \
	C(stacks_bad_frame, "of these: walked to a frame that is not above the one before")        \
	C(stacks_loop, "of these: walked to the same frame again")                                 \
	C(stacks_fault, "of these: walked to an address below the copied stack, or unreadable")                   \
	C(stacks_stale, "of these: walked by mappings that had been replaced meanwhile")            \
	C(stacks_refused, "of these: the chain left the executable mappings")                      \
	C(frames_guessed, "frames found by a frame pointer where there is no unwind information")  \
	C(frames_refused, "callchain entries outside executable mappings, and those behind them")  \
	C(maps_asked, "times a process's maps were asked for")                                     \
	C(maps_failed, "times they could not be had")                                              \
	C(objects_asked, "mappings whose file was asked for")                                      \
	C(objects_failed, "times it could not be had")

struct counters {
#define COUNTER_FIELD(name, help) uint64_t name;
	COUNTERS(COUNTER_FIELD)
#undef COUNTER_FIELD
};

struct counter_info {
	const char *name, *help;
	size_t offset; /* in struct counters */
};
extern const struct counter_info counter_table[]; /* ends with a NULL name */

static inline uint64_t counter_value(const struct counters *c, const struct counter_info *info)
{
	return *(const uint64_t *)((const char *)c + info->offset);
}

#endif
