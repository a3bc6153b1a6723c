/* blocks: bytes of a file, read when they are asked for through a cache of aligned blocks, so that a
 * thousand small reads near each other cost some and not a thousand. Reads with pread: a
 * file that shrinks is an error and no signal. */
#ifndef OBJECT_BLOCKS_H
#define OBJECT_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

struct blocks_line;

/* A struct with nr_lines (blocks held at most) set and the rest zero is ready for use. Large blocks
 * suit who reads on, small ones who reads here and there. */
struct blocks {
	uint32_t nr_lines;
	uint32_t block_size; /* a power of two; 0: 4096 */
	struct blocks_line *lines;
	size_t held; /* bytes of the cache */
};

void blocks_trim(struct blocks *b); /* empties the cache */
/* What is at OFFSET of FD, in place and until the next call: *ROOM ≥ 1 bytes at *P. 0; -EBADMSG: it
 * is past the end; or the errno of reading. */
int blocks_peek(struct blocks *b, int fd, uint64_t offset, const uint8_t **p, size_t *room);
/* SIZE bytes at OFFSET into OUT. As above. */
int blocks_read(struct blocks *b, int fd, uint64_t offset, void *out, size_t size);
/* The string at OFFSET, which ends at a NUL or at END, into OUT, cut to fit OUT_SIZE (≥ 1). Its
 * length, or as above. */
int blocks_string(struct blocks *b, int fd, uint64_t offset, uint64_t end, char *out,
		  size_t out_size);

#endif
