/* leak: a fault of kernels from 5.12 on. The kernel writes one PERF_RECORD_MMAP2 for all events that want it, and once an
 * event with attr.build_id has set PERF_RECORD_MISC_MMAP_BUILD_ID in the header, that stays set for the events it writes
 * to next: they find device and inode where the header says "build id" (perf_event_mmap_output in kernel/events/core.c).
 * Readers that trust the header then take the inode for a length; perf(1) 6.1 aborts. Whoever samples a host all the time
 * would so spoil every other user's recordings. */
#ifndef PERF_LEAK_H
#define PERF_LEAK_H

#include <stdbool.h>

/* Tried on the calling thread, which maps one page of its own program for it: whether an event with attr.build_id would
 * spoil others'. True also when it cannot be tried. */
bool event_build_id_leaks(void);

#endif
