/* gzip: one gzip member to or from memory and descriptors (RFC 1952), by zlib. */
#ifndef BASE_GZIP_H
#define BASE_GZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/* Writes DATA as one gzip member to FD, in pieces; LEVEL 1–9. The number of bytes written goes to
 * *WRITTEN (may be NULL). 0 or negative errno. */
int gzip_to_fd(int fd, const void *data, size_t size, int level, size_t *written);

/* As gzip_to_fd for the first SIZE bytes of DATA_FD, read by pread(2); -EBADMSG when it is
 * shorter. */
int gzip_fd_to_fd(int fd, int data_fd, uint64_t size, int level, size_t *written);

/* Appends the contents of the gzip file DATA to OUT. -EFBIG beyond LIMIT bytes, -EBADMSG for
 * damaged or truncated input, or anything after the (first) member but further members. */
int gzip_inflate(const void *data, size_t size, size_t limit, struct buf *out);

bool gzip_is(const void *data, size_t size); /* begins with gzip's magic */

#endif
