/* replay: a file of `perf record` → profiles, in one process and through the daemon's own record,
 * collect and symbolize code. For `pprofctl convert`, and for tests of all of that without root.
 *
 * Files behind mappings are opened by path with the caller's rights; a build id in the data that
 * differs from the file's means no names. Stack copies are walked by the unwind information of
 * these files; where a file is missing, or is another, the stack ends in [truncated]. */
#ifndef REPLAY_REPLAY_H
#define REPLAY_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/counters.h"
#include "profile/profile.h"

#define REPLAY_DEBUG_PATH "/usr/lib/debug" /* where distributions put debug files */

struct replay_options {
	bool symbolize;
	bool lines; /* files, lines and inlined functions too */
	const char *root;     /* prefix of paths, NULL: none */
	const char *debug_path; /* folder of separate debug files, absolute: below root, then as it
				   is; NULL: none */
	const char *kallsyms; /* file; NULL: the host's, when the data are of this very kernel */
	unsigned labels;      /* LABEL_*, 0: all */
	size_t limit;         /* bytes of the file and of what it decompresses to, held at once */
};

struct replay_event {
	char name[128];          /* clean text */
	uint64_t nr_samples;     /* of this event in the file */
	struct profile *profile; /* NULL without samples */
};

struct replay {
	struct replay_event *events;
	unsigned nr_events;
	struct counters counters;
	char warning[256]; /* "" or what the data lack */
};

/* Reads FD whole (a file, a pipe or a directory of `perf record --threads`). 0; or negative errno
 * with a sentence in ERROR, -EBADMSG for damaged data. */
int replay_file(struct replay **out, int fd, const struct replay_options *o, char *error,
		size_t error_size);
void replay_free(struct replay *r);

#endif
