#include "object/radix.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define DIGIT_BITS 11
#define DIGIT_SIZE (1u << DIGIT_BITS)

static bool is_sorted(const struct radix_entry *e, size_t nr)
{
	for (size_t i = 1; i < nr; i++)
		if (e[i].key < e[i - 1].key)
			return false;
	return true;
}

static void sort_digit(const struct radix_entry *from, struct radix_entry *to, size_t nr,
		       unsigned shift)
{
	size_t start[DIGIT_SIZE] = { 0 }, sum = 0;

	for (size_t i = 0; i < nr; i++)
		start[from[i].key >> shift & (DIGIT_SIZE - 1)]++;
	for (unsigned d = 0; d < DIGIT_SIZE; d++) {
		size_t n = start[d];

		start[d] = sum;
		sum += n;
	}
	for (size_t i = 0; i < nr; i++)
		to[start[from[i].key >> shift & (DIGIT_SIZE - 1)]++] = from[i];
}

int radix_sort(struct radix_entry *entries, size_t nr)
{
	struct radix_entry *from = entries, *to, *other;
	uint64_t any = 0, all = UINT64_MAX;

	if (is_sorted(entries, nr))
		return 0;
	other = to = reallocarray(NULL, nr, sizeof(*entries));
	if (!other)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		any |= entries[i].key;
		all &= entries[i].key;
	}
	for (unsigned shift = 0; shift < 64; shift += DIGIT_BITS) {
		struct radix_entry *swap = from;

		if (!((any & ~all) >> shift & (DIGIT_SIZE - 1)))
			continue;
		sort_digit(from, to, nr, shift);
		from = to;
		to = swap;
	}
	if (from != entries)
		memcpy(entries, from, nr * sizeof(*entries));
	free(other);
	return 0;
}
