/* strings: NUL-terminated strings of a range of a file, read when asked for through a cache
 * (object/blocks.h). */
#ifndef OBJECT_STRINGS_H
#define OBJECT_STRINGS_H

#include "object/blocks.h"

#define STRINGS_LINES 1536 /* 6 MiB; larger tables share lines */

struct strings {
	uint64_t offset, size; /* the range; the caller has checked that the file is so large */
	struct blocks blocks;
};

static inline struct strings strings_of(uint64_t offset, uint64_t size)
{
	return (struct strings){ offset, size, { .nr_lines = STRINGS_LINES } };
}

void strings_trim(struct strings *s); /* empties the cache */
/* The string at POS of the range into OUT, cut to fit OUT_SIZE (≥ 1); it also ends with the range.
 * Its length, or negative errno of reading FD, -EBADMSG: POS past the end, or the file shrank. */
int strings_get(struct strings *s, int fd, uint32_t pos, char *out, size_t out_size);

#endif
