/* replay: a perf.data file → profiles, in one process and through the daemon's own record, collect, symbolize and encode code. For `pprofctl
 * convert` and for tests. Files behind mappings are opened by path with the caller's rights; a build id in the data that differs means no names. */
#ifndef REPLAY_REPLAY_H
#define REPLAY_REPLAY_H

#include <stdbool.h>
#include <stddef.h>

#include "collect/counters.h"
#include "profile/profile.h"

struct replay_options {
	bool symbolize;
	const char *root;     /* prefix of paths, "" */
	const char *kallsyms; /* file, or NULL: the host's when the data are of this very kernel (build id) */
	unsigned labels;      /* LABEL_*, 0: all */
};

struct replay_event {
	char name[128];
	uint64_t nr_samples;      /* PERF_RECORD_SAMPLE of this event in the file */
	struct profile *profile;  /* NULL without samples */
};

struct replay {
	struct replay_event *events;
	unsigned nr_events;
	struct counters counters;
	char warning[256]; /* "" or: the file is truncated, … */
};

/* 0 or negative errno with a sentence in ERROR. */
int replay_file(struct replay **out, int fd, const struct replay_options *o, char *error, size_t error_size);
void replay_free(struct replay *r);

#endif
