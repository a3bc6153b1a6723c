/* bundle: a profile as the worker takes it: encoded in a memfd, with the descriptors of the files that its mappings are of,
 * which stay open as long as the bundle does. */
#ifndef DAEMON_BUNDLE_H
#define DAEMON_BUNDLE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/objects.h"
#include "profile/profile.h"
#include "worker/client.h"

struct debug_files;
struct line_cache;

struct bundle {
	int profile_fd; /* encoded profile, then the mappings' table of objects (worker/protocol_window.h); −1: none */
	uint64_t profile_size;
	uint32_t nr_mappings, nr_objects;
	struct worker_object *objects;
	int *object_fds;          /* the objects table's */
	uint32_t *object_numbers; /* pinned there */
	char **object_paths;      /* as the first mapping calls it */
	int (*files)[WORKER_NR_FILES]; /* further files of the objects, ours; NULL: none */
};

/* 0, or negative errno: then B is empty. */
int bundle_make(struct bundle *b, struct objects *o, const struct profile *p);
/* What there is by now of files that belong to the objects: debug files, and, with C, indexes of lines: the sooner they are
 * asked for, the more have come when they are needed. */
void bundle_take_files(struct bundle *b, struct debug_files *d, struct line_cache *c);
/* What is not to get names by a worker any more gets frames by the names of its files ("[libfoo.so]"). When it cannot be, all
 * is as before. */
void bundle_bracket(struct bundle *b);
bool bundle_is_identified(const struct bundle *b); /* the kernel said the build id of each of its files */
void bundle_unpin(struct bundle *b, struct objects *o); /* the files are not needed any more */
void bundle_fini(struct bundle *b, struct objects *o);

#endif
