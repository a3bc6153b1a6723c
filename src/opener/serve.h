/* serve: the opener's child. It takes one request at a time and answers it; every call here may
 * hang. */
#ifndef OPENER_SERVE_H
#define OPENER_SERVE_H

#include <stdint.h>

/* Serves CHANNEL until it closes. BOOT_OFFSET_NS is CLOCK_BOOTTIME − CLOCK_MONOTONIC when the
 * opener was started: that of the requests' fork_ns lies between it and today's (suspend widens
 * it). */
void opener_serve(int channel, int64_t boot_offset_ns);

/* CLOCK_BOOTTIME − CLOCK_MONOTONIC. */
int64_t opener_boot_offset(void);

#endif
