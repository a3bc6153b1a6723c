/* jitcode: where functions of code that a program makes at run time are. Such code is thrown away and its place used again,
 * so that what is told of it overlaps: at each address the function that was told of last counts, exactly, however many
 * others were there before. Held are 16 bytes a function, and as many again for each that lies within another. */
#ifndef OBJECT_JITCODE_H
#define OBJECT_JITCODE_H

#include <stddef.h>
#include <stdint.h>

#define JITCODE_NR_MAX      (2u << 20)         /* functions: what they take is somebody else's to choose */
#define JITCODE_ADDRESS_MAX (UINT64_C(1) << 60) /* where no function begins any more */

struct radix_entry;

/* A zeroed one is empty. */
struct jitcode {
	struct radix_entry *entries; /* key: start, a: size, b: number; once settled by start, none overlapping */
	uint32_t nr, cap;
};

void jitcode_fini(struct jitcode *c);
size_t jitcode_size(const struct jitcode *c); /* bytes held */

/* Adds function NUMBER, larger for each that is told of later. Of what is larger than 4 GiB the beginning counts; what is
 * nowhere (SIZE 0, START beyond the limit) is left out. 0; -EFBIG: there are JITCODE_NR_MAX; -ENOMEM. */
int jitcode_add(struct jitcode *c, uint64_t start, uint64_t size, uint32_t number);
/* Once after the last one, before the first search. 0 or -ENOMEM. */
int jitcode_settle(struct jitcode *c);
/* The function at ADDRESS. 0 or -ENOENT. */
int jitcode_find(const struct jitcode *c, uint64_t address, uint32_t *number);

#endif
