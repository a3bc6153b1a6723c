/* io: whole reads and writes on descriptors, EINTR handled. */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct buf;

/* Writes all SIZE bytes; 0 or negative errno (some may then have been written). */
int io_write(int fd, const void *p, size_t size);
/* Reads SIZE bytes at OFFSET into P; the number read, less at the end of the file; negative errno. */
ssize_t io_pread(int fd, void *p, size_t size, uint64_t offset);
/* Appends all that read(2) gives from the current position to B, at most LIMIT bytes (-EFBIG beyond). 0 or
 * negative errno. For regular files and /proc text. */
int io_read_all(int fd, struct buf *b, size_t limit);
/* An empty memfd named NAME, never to be executed, that takes seals; descriptor or negative errno. */
int io_memfd_new(const char *name);
/* A memfd named NAME holding SIZE bytes of P, position 0; descriptor or negative errno. */
int io_memfd(const char *name, const void *p, size_t size);

/* The memfd FD is never changed again, by whoever holds it. 0 or negative errno. */
int io_seal(int fd);

/* An O_PATH descriptor of PATH as a process whose root is the folder ROOT finds it: whatever links there are, never of
 * something outside. FLAGS are openat2(2)'s, beside those. Descriptor or negative errno. */
int io_open_below(int root, const char *path, uint64_t flags);

/* FD's file once more, for reading alone and with a position of its own; descriptor or negative errno. */
int io_reopen(int fd);

#endif
