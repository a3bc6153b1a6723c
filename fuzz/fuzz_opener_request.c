/* opener/protocol: a request as the opener's child gets it. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "opener/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct opener_request *q = malloc(size);
	size_t sum = 0;

	memcpy(q, data, size);
	if (opener_request_valid(q, size)) {
		for (uint32_t i = 0; i < q->nr_ranges; i++)
			sum += strlen(q->ranges[i].path);
		if (q->what == OPENER_DEBUG)
			sum += strlen(q->debug.object) + strlen(q->debug.folder) + strlen(q->debug.names.link);
		assert(sum < size);
	}
	free(q);
	return 0;
}
