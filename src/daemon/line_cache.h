/* line_cache: line indexes (object/line.h) that were built once, kept on disk below a limit of bytes; the longest unused go
 * first. Whether one is there is known in memory; files are opened and written by a thread of its own, and whatever has not
 * come by the end of a window serves the next one. */
#ifndef DAEMON_LINE_CACHE_H
#define DAEMON_LINE_CACHE_H

#include <stdint.h>

#include "base/loop.h"
#include "worker/protocol.h"

struct line_cache;

/* DIRECTORY must exist; without it, or "", indexes are kept by the worker alone. */
int line_cache_new(struct line_cache **out, struct loop *l, const char *directory, uint64_t max_size);
/* Waits at most TIMEOUT_MS for a disk that is slow. */
void line_cache_free(struct line_cache *c, int timeout_ms);
void line_cache_set_limit(struct line_cache *c, uint64_t max_size);

/* The index of ID: a descriptor of the cache's own, good until the next call of line_cache_next_window; -ENOENT: there is
 * none; -EAGAIN: not yet. Whatever is built of ID from now on is welcome. */
int line_cache_get(struct line_cache *c, const struct worker_identity *id);
/* SIZE bytes in FD, a memfd, which becomes the cache's, are the index of ID. */
void line_cache_put(struct line_cache *c, const struct worker_identity *id, int fd, uint64_t size);
/* A window has ended: closes what it did not use. */
void line_cache_next_window(struct line_cache *c);

struct line_cache_status {
	uint64_t size;   /* bytes on disk */
	unsigned nr, nr_open;
	uint64_t nr_written, nr_removed;
	int err;         /* 0, or the negative errno of the last write, or of opening the folder */
};
void line_cache_status(const struct line_cache *c, struct line_cache_status *s);

#endif
