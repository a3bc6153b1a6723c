/* unwind/compact: the raw part of a record, as the walker in the kernel writes it. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "unwind/compact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct unwind_walk *walk = malloc(sizeof(*walk));
	struct unwind_compact_info info;
	void *copy = malloc(size);

	memcpy(copy, data, size);
	if (!unwind_compact_read(copy, size, walk, &info)) {
		uint32_t nr_guessed = 0;

		assert(walk->nr <= UNWIND_COMPACT_FRAMES_MAX && walk->stop < UNWIND_NR_STOPS);
		for (uint32_t i = 0; i < walk->nr; i++)
			nr_guessed += unwind_is_guess(walk, i);
		assert(nr_guessed == walk->nr_guessed && (!info.chain || !nr_guessed));
	}
	free(copy);
	free(walk);
	return 0;
}
