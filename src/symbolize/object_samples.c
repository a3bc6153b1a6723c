#include "symbolize/object_samples.h"

#include <stdlib.h>

#include "base/mem.h"
#include "profile/profile.h"

uint64_t *object_samples(const struct profile *p, uint32_t nr_objects)
{
	uint64_t *nr_samples = xcalloc((size_t)nr_objects + 1, sizeof(*nr_samples));
	uint32_t *last = xcalloc((size_t)nr_objects + 1, sizeof(*last));

	for (uint32_t i = 0; i < p->nr_samples; i++) {
		const struct profile_stack *s = &p->stacks[p->samples[i].stack];
		uint64_t count = p->nr_types ? (uint64_t)p->values[(size_t)i * p->nr_types] : 1;

		for (uint32_t k = 0; k < s->nr; k++) {
			uint32_t m = p->locations[p->stack_locations[s->first + k]].mapping;
			uint32_t object = m < p->nr_mappings ? p->mappings[m].object : 0;

			if (!object || object > nr_objects || last[object - 1] == i + 1)
				continue;
			last[object - 1] = i + 1;
			nr_samples[object - 1] += count;
		}
	}
	free(last);
	return nr_samples;
}
