/* opener/protocol: an answer as the sampler gets it: what was asked (a byte each: how many ranges,
 * 0 for maps, 255 for nothing), how many descriptors came, then the message. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "opener/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct opener_request q = { .cookie = 1 };
	struct opener_answer *a;
	unsigned nr = 0;
	bool asked;

	if (size < 2)
		return 0;
	asked = data[0] != 255;
	q.nr_ranges = data[0] % (OPENER_RANGES_MAX + 1);
	q.what = q.nr_ranges ? OPENER_FILES : OPENER_MAPS;
	a = malloc(size - 2);
	memcpy(a, data + 2, size - 2);
	if (opener_answer_valid(a, size - 2, data[1], asked ? &q : NULL)) {
		for (uint32_t i = 0; i < a->nr_ranges; i++)
			nr += !a->range_status[i];
		assert(a->cookie == asked);
		assert(a->nr_ranges ? nr == data[1] : data[1] <= 1);
	}
	free(a);
	return 0;
}
