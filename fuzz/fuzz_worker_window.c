/* worker: a window as the worker gets it: the message, then what the memfd holds. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "worker/window.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct profile *p = NULL;
	struct worker_window w;
	uint8_t *copy;

	if (size < sizeof(w))
		return 0;
	memcpy(&w, data, sizeof(w));
	if (!worker_window_valid(&w, sizeof(w), 2u + (w.has_kallsyms & 1)))
		return 0;
	size -= sizeof(w);
	copy = malloc(size);
	memcpy(copy, data + sizeof(w), size);
	if (!window_decode(&w, copy, size, &p)) {
		assert(p->nr_mappings == w.nr_mappings);
		for (uint32_t i = 0; i < p->nr_mappings; i++)
			assert(p->mappings[i].object <= w.nr_objects);
	}
	profile_free(p);
	free(copy);
	return 0;
}
