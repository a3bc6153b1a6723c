/* file: opens the file behind a range of a target's address space. What is handed out is a regular
 * file, open for reading, and the one that is mapped there. */
#ifndef OPENER_FILE_H
#define OPENER_FILE_H

#include <limits.h>
#include <stdbool.h>

#include "base/buf.h"
#include "opener/mounts.h"
#include "opener/protocol.h"

/* One life of a process: DIR pins it, so that nothing below DIR is ever another process's. */
struct target {
	int dir;              /* /proc/PID; the caller's */
	bool remote;          /* OPENER_REMOTE */
	bool has_maps, has_mounts, has_root;
	struct buf maps, mounts; /* read on first need */
	char root[PATH_MAX];  /* its root directory, as we see it */
	struct mount_cache *mounts_known; /* the caller's, of all targets; or NULL */
};

void target_fini(struct target *t); /* all but DIR */

/* The descriptor or negative errno, as struct opener_answer.range_status says. */
int target_open_range(struct target *t, const struct opener_range *r);

/* The same, but an O_PATH descriptor. */
int target_find_range(struct target *t, const struct opener_range *r);

/* The regular file PATH below T's root, on a file system that may be opened: an O_PATH descriptor or negative errno. FOLLOW:
 * PATH may be a symbolic link. */
int target_find(struct target *t, const char *path, bool follow);
/* That made one for reading: the same file, whatever its name has become. Negative errno. */
int file_reopen(int path_fd);

#endif
