/* perf/ring, merge and record: a horizon (u8), then rings of head and tail (u16 each, in words),
 * the number of words that follow (u8) and those, placed from the tail on. Drained up to the
 * horizon, then whole. */
#include <assert.h>
#include <linux/perf_event.h>
#include <stdlib.h>

#include "base/reader.h"
#include "perf/merge.h"
#include "perf/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t time_of(void *ctx, const void *record, size_t size)
{
	return record_time(record, size, ctx);
}

static void take(void *ctx, unsigned ring, const void *record, size_t size, uint64_t time)
{
	record_decode(record, size, ctx, &(struct record){ 0 });
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record_layout layout = { .sample_type = 0x10127,
					.sample_id_all = true }; /* as pprofd's own */
	struct map {
		struct perf_event_mmap_page page;
		uint8_t data[4096];
	} * map;
	struct ring rings[4], *list[4];
	struct reader r = reader_of(data, size);
	struct merge *m = merge_new();
	uint64_t horizon = reader_u8(&r);

	for (int i = 0; i < 4; i++) {
		map = calloc(1, sizeof(*map));
		map->page.data_head = reader_u16(&r) * UINT64_C(8);
		map->page.data_tail = reader_u16(&r) * UINT64_C(8);
		for (uint64_t n = reader_u8(&r) * UINT64_C(8), at = map->page.data_tail;
		     n && reader_left(&r); n--)
			map->data[at++ % 4096] = reader_u8(&r);
		ring_attach(list[i] = &rings[i], map, sizeof(map->page), 4096);
	}
	merge_drain(m, list, 4, horizon, time_of, take, &layout);
	merge_drain(m, list, 4, UINT64_MAX, time_of, take, &layout);
	for (int i = 0; i < 4; i++) {
		map = rings[i].base;
		assert(map->page.data_tail == map->page.data_head);
		ring_close(&rings[i]);
		free(map);
	}
	merge_free(m);
	return 0;
}
