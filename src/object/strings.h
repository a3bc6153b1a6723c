/* strings: NUL-terminated strings of a range of a file, read when asked for through a cache of 4
 * KiB blocks, so that a thousand names cost some reads and not a thousand. */
#ifndef OBJECT_STRINGS_H
#define OBJECT_STRINGS_H

#include <stddef.h>
#include <stdint.h>

struct strings_line;

/* A struct with offset and size set and the rest zero is ready for use. */
struct strings {
	uint64_t offset, size; /* the range; the caller has checked that the file is so large */
	struct strings_line *lines;
	size_t held; /* bytes of the cache */
};

void strings_trim(struct strings *s); /* empties the cache */
/* The string at POS of the range into OUT, cut to fit OUT_SIZE (≥ 1); it also ends with the range.
 * Its length, or negative errno of reading FD, -EBADMSG: POS past the end, or the file shrank. */
int strings_get(struct strings *s, int fd, uint32_t pos, char *out, size_t out_size);

#endif
