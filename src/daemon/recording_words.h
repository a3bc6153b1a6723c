/* recording_words: what a client asks to be recorded, in words of its request: pid=, tid=, unit=, comm= (globs), event=,
 * frequency=, callchain=, seconds=. Pure. */
#ifndef DAEMON_RECORDING_WORDS_H
#define DAEMON_RECORDING_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "perf/event.h"

#define RECORDINGS_FREQUENCY_MAX 10000
#define RECORDINGS_SECONDS_MAX 3600

struct recording_words {
	struct config_target target; /* on demand, of one kind */
	enum event_kind kind;
	uint64_t seconds; /* 0: not said */
};

/* 0, or -EINVAL with words in WHY: one is not known or beyond the limits, or none names what to record. */
int recording_parse(struct recording_words *w, int argc, char **argv, char *why, size_t why_size);
/* A decimal number from 1 to MAX, and nothing else. */
bool recording_number(const char *text, uint64_t max, uint64_t *out);

#endif
