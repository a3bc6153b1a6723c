/* beat: what is done once a second, on the drain's own beat: a watchdog fed elsewhere would hide a drain that hangs. */
#ifndef DAEMON_BEAT_H
#define DAEMON_BEAT_H

#include <stdint.h>

struct daemon;

/* Notes the clocks, from which beat() tells a suspend later. */
void beat_start(struct daemon *d);
/* Clocks that jumped, CPUs that came or went, processes that lost records may have hidden, systemd's watchdog, openers that are
 * gone. NOW: CLOCK_MONOTONIC; does nothing within a second of the last time. */
void beat(struct daemon *d, uint64_t now);

#endif
