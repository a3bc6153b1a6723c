/* radix: a stable sort of 16-byte entries by a 64-bit key, least significant digit first; digits
 * that are equal in all entries cost nothing. Linear, whatever the keys: nobody can choose a slow
 * order. */
#ifndef OBJECT_RADIX_H
#define OBJECT_RADIX_H

#include <stddef.h>
#include <stdint.h>

struct radix_entry {
	uint64_t key;
	uint32_t a, b; /* the caller's */
};

/* 0 or -ENOMEM (as much memory again as the entries take, during the call). */
int radix_sort(struct radix_entry *entries, size_t nr);

#endif
