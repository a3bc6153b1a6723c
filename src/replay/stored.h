/* stored: names for a profile that is a file already: written without them, or on another host. Objects are found by their build
 * ids (replay/search.h) and named by the worker's own code, in this process and with its caller's rights. */
#ifndef REPLAY_STORED_H
#define REPLAY_STORED_H

#include <stdbool.h>

#include "profile/profile.h"
#include "replay/search.h"

struct stored_options {
	struct search search;
	bool lines;           /* files, lines and inlined functions too */
	const char *kallsyms; /* of the profile's kernel; NULL: the host's, where that is the profile's */
};

/* OBJECT ("/usr/bin/foo", "[kernel.kallsyms]") could not be named, and WHY, in words. Once for each. */
typedef void (*stored_tell_fn)(void *ctx, const char *object, const char *why);

/* *P is replaced by one with names: what could not be named, or only worse than it was, stays as it was. 0; or negative errno of
 * reading O->kallsyms, and *P is as before. */
int stored_symbolize(struct profile **p, const struct stored_options *o, stored_tell_fn tell, void *ctx);

#endif
