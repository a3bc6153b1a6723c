/* perf/record: six words choose the layout, the rest is one record. */
#include <assert.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>

#include "perf/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record_layout layout = { 0 };
	struct record rec;
	uint64_t word[6], id, sum = 0;
	uint8_t *copy;

	if (size < sizeof(word))
		return 0;
	memcpy(word, data, sizeof(word));
	layout.sample_type = word[0];
	layout.read_format = word[1];
	layout.branch_sample_type = word[2];
	layout.regs_user = word[3];
	layout.regs_intr = word[4];
	layout.sample_id_all = word[5] & 1;
	layout.swap = word[5] & 2;
	size -= sizeof(word);
	copy = malloc(size);
	memcpy(copy, data + sizeof(word), size);
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
	return (int)(sum & 0); /* read, not judged */
}
