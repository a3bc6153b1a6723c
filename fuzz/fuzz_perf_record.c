/* perf/record: six words choose the layout, the rest is a record; what it points to is read. */
#include <assert.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>

#include "perf/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t word[6], id, sum = 0;
	struct record rec;
	uint8_t *copy;

	if (size < sizeof(word))
		return 0;
	memcpy(word, data, sizeof(word));
	size -= sizeof(word);
	copy = malloc(size);
	memcpy(copy, data + sizeof(word), size);
	struct record_layout layout = { word[0], word[1],     word[2],	  word[3],
					word[4], word[5] & 1, word[5] & 2 };

	record_id(copy, size, &layout, &id);
	if (!record_decode(copy, size, &layout, &rec)) {
		assert(record_time(copy, size, &layout) == rec.time);
		if (rec.type == PERF_RECORD_SAMPLE) {
			for (uint64_t i = 0; i < rec.sample.nr_ips; i++)
				sum += record_ip(&rec.sample, i, layout.swap);
			for (uint64_t i = 0; i < rec.sample.stack_size; i++)
				sum += ((const uint8_t *)rec.sample.stack)[i];
			for (uint32_t i = 0; i < rec.sample.raw_size; i++)
				sum += ((const uint8_t *)rec.sample.raw)[i];
		}
	}
	free(copy);
	return sum == 1 ? -1 : 0; /* what is read may not be optimized away */
}
