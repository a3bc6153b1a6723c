/* Records in order. perf writes rounds: what is in one is not later than anything two rounds on, so
 * at the end of a round all is sorted up to the latest time of the round before. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "perf/perfdata_impl.h"
#include "base/unzstd.h"

#define ID_LAYOUTS_MAX 16
#define ID_BEFORE (PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR)
#define ID_BEHIND (PERF_SAMPLE_CPU | PERF_SAMPLE_STREAM_ID)

struct item { /* a record that waits for its turn */
	uint64_t time;
	const uint8_t *data;
	uint32_t event;
	uint16_t size;
};

struct chunk { /* what compressed records were; lives as long as the walk */
	struct chunk *next;
	uint8_t *data;
};

struct walk {
	struct perfdata *d;
	perfdata_record_fn fn;
	void *ctx;
	struct item *items, *spare;
	uint32_t nr_items, items_cap, spare_cap;
	uint64_t max_time, round_time; /* latest so far, and at the end of the last round */
	struct perfdata_groups *groups;
	struct unzstd *unzstd;
	struct chunk *chunks;
	const uint8_t *rest; /* of a record that goes on in the next compressed one */
	size_t rest_size, decompressed;
	uint32_t id_layouts[ID_LAYOUTS_MAX]; /* an event of each place where ids stand */
	unsigned nr_id_layouts;
};

/* Where ids of this sample_type stand, as one number; -1: it has none. */
static int id_place(uint64_t sample_type)
{
	if (sample_type & PERF_SAMPLE_IDENTIFIER)
		return 0;
	if (!(sample_type & PERF_SAMPLE_ID))
		return -1;
	return 1 + 8 * __builtin_popcountll(sample_type & ID_BEFORE) +
	       __builtin_popcountll(sample_type & ID_BEHIND);
}

static void find_id_layouts(struct walk *w)
{
	for (uint32_t i = 0; i < w->d->nr_events && w->nr_id_layouts < ID_LAYOUTS_MAX; i++) {
		int place = id_place(w->d->events[i].layout.sample_type);
		unsigned j = 0;

		while (j < w->nr_id_layouts &&
		       id_place(w->d->events[w->id_layouts[j]].layout.sample_type) != place)
			j++;
		if (j == w->nr_id_layouts && place >= 0)
			w->id_layouts[w->nr_id_layouts++] = i;
	}
}

/* The event of a record. Those that perf made up have id 0, and old perf gave none to other records
 * than samples: the first event's. HASH_NONE: a sample of no event of this file. */
static uint32_t event_of(const struct walk *w, const struct perfdata_record *rec)
{
	const struct perfdata *d = w->d;
	bool named = false;

	if (d->nr_events == 1)
		return 0;
	for (unsigned i = 0; i < w->nr_id_layouts; i++) {
		const struct record_layout *layout = &d->events[w->id_layouts[i]].layout;
		uint32_t event;
		uint64_t id;

		if (!record_id(rec->data, rec->size, layout, &id) || !id)
			continue;
		event = perfdata_find_id(d, id);
		if (event != HASH_NONE && id_place(d->events[event].layout.sample_type) ==
						  id_place(layout->sample_type))
			return event;
		named = true;
	}
	return named && rec->type == PERF_RECORD_SAMPLE && d->events[0].layout.sample_id_all
		       ? HASH_NONE : 0;
}

static int give(struct walk *w, const uint8_t *data, uint16_t size, uint32_t event)
{
	const struct record_layout *layout = &w->d->events[event].layout;
	struct record rec = { 0 };
	int err = record_decode(data, size, layout, &rec);

	if (!err && rec.type == PERF_RECORD_SAMPLE && layout->sample_type & PERF_SAMPLE_READ)
		return perfdata_sample_members(w->d, w->groups, data, &rec, event, w->fn, w->ctx);
	return w->fn(w->ctx, &rec, event, err);
}

/* A stable merge sort of the runs that are there already: one for each CPU that was read. */
static void sort(struct walk *w)
{
	struct item *from = w->items, *to;
	uint32_t nr = w->nr_items, first = 1;
	bool sorted;

	while (first < nr && from[first - 1].time <= from[first].time)
		first++;
	if (first >= nr)
		return;
	array_reserve(w->spare, w->spare_cap, nr);
	to = w->spare;
	do {
		uint32_t at = 0;

		sorted = true;
		while (at < nr) {
			uint32_t mid = at + 1, end, a = at, b, o = at;

			while (mid < nr && from[mid - 1].time <= from[mid].time)
				mid++;
			end = mid < nr ? mid + 1 : mid;
			while (end < nr && from[end - 1].time <= from[end].time)
				end++;
			if (mid < nr)
				sorted = false;
			for (b = mid; a < mid || b < end; o++)
				to[o] = b >= end || (a < mid && from[a].time <= from[b].time)
						? from[a++] : from[b++];
			at = end;
		}
		struct item *swap = from;
		from = to;
		to = swap;
	} while (!sorted);
	if (from != w->items) {
		uint32_t cap = w->items_cap;

		w->spare = w->items;
		w->items = from;
		w->items_cap = w->spare_cap;
		w->spare_cap = cap;
	}
}

static int flush(struct walk *w, uint64_t limit)
{
	uint32_t i = 0;
	int ret = 0;

	if (!w->nr_items)
		return 0;
	sort(w);
	while (i < w->nr_items && w->items[i].time <= limit && !ret) {
		ret = give(w, w->items[i].data, w->items[i].size, w->items[i].event);
		i++;
	}
	memmove(w->items, w->items + i, (w->nr_items - i) * sizeof(*w->items));
	w->nr_items -= i;
	return ret;
}

static int end_of_round(struct walk *w)
{
	int ret = 0;

	/* Files of a directory are rounds of several writers: only the end is an end of all. */
	if (w->d->nr_sources > 1)
		return 0;
	if (w->round_time)
		ret = flush(w, w->round_time);
	w->round_time = w->max_time;
	return ret;
}

static int kernel_record(struct walk *w, const struct perfdata_record *rec)
{
	uint32_t event = event_of(w, rec);
	uint64_t time;
	struct item *item;

	if (event == HASH_NONE) {
		w->d->nr_unknown++;
		return 0;
	}
	time = record_time(rec->data, rec->size, &w->d->events[event].layout);
	if (!time || time == UINT64_MAX)
		return give(w, rec->data, rec->size, event);
	if (w->nr_items == INT32_MAX)
		return perfdata_fail(w->d, -EFBIG, "more than 2^31 records in one round");
	item = array_push(w->items, w->nr_items, w->items_cap);
	*item = (struct item){ .time = time, .data = rec->data, .event = event, .size = rec->size };
	if (time > w->max_time)
		w->max_time = time;
	return 0;
}

/* Decompresses DATA behind what the last left over. */
static int decompress(struct walk *w, const uint8_t *data, size_t size, struct reader *out)
{
	struct chunk *chunk = xcalloc(1, sizeof(*chunk));
	size_t limit = w->d->limit - w->d->held, all = 0;
	uint8_t *exact;
	int err = 0;

	chunk->next = w->chunks;
	w->chunks = chunk;
	if (!w->unzstd)
		err = unzstd_new(&w->unzstd);
	if (err == -ENOTSUP)
		return perfdata_fail(w->d, err, "compressed (perf record -z), and this build has "
				     "no zstd: `perf inject -i FILE -o OTHER` decompresses it");
	if (!err && w->rest_size) {
		chunk->data = malloc(w->rest_size);
		if (!chunk->data)
			err = -ENOMEM;
		else
			memcpy(chunk->data, w->rest, w->rest_size);
	}
	if (!err)
		err = unzstd_add(w->unzstd, data, size, limit - w->decompressed, &chunk->data,
				 w->rest_size, &all);
	if (err)
		return perfdata_fail(w->d, err, "%s in a compressed record",
				     err == -EBADMSG ? "damaged" : strerror(-err));
	exact = realloc(chunk->data, all ? all : 1);
	if (exact)
		chunk->data = exact;
	w->decompressed += all;
	*out = reader_of(chunk->data, all);
	out->swap = w->d->swap;
	return 0;
}

static int any_record(struct walk *w, const struct perfdata_record *rec);

static int compressed_record(struct walk *w, const struct perfdata_record *rec)
{
	struct reader r = reader_of(rec->data + 8, rec->size - (size_t)8);
	size_t size = reader_left(&r);
	struct perfdata_record inner;
	int got, ret;

	r.swap = w->d->swap;
	if (rec->type == PERFDATA_COMPRESSED2) { /* its size, then its bytes and padding */
		uint64_t said = reader_u64(&r);

		if (said > reader_left(&r))
			return perfdata_fail(w->d, -EBADMSG, "damaged: a compressed record");
		size = said;
	}
	ret = decompress(w, r.pos, size, &r);
	if (ret)
		return ret;
	for (;;) {
		w->rest = r.pos;
		w->rest_size = reader_left(&r);
		got = perfdata_next(&r, &inner);
		if (got <= 0)
			break;
		if (inner.type == PERFDATA_COMPRESSED || inner.type == PERFDATA_COMPRESSED2)
			got = -EBADMSG;
		if (got < 0)
			break;
		ret = any_record(w, &inner);
		if (ret)
			return ret;
	}
	if (got == -EBADMSG)
		return perfdata_fail(w->d, got, "damaged: inside a compressed record");
	return 0;
}

static int any_record(struct walk *w, const struct perfdata_record *rec)
{
	if (rec->type < PERFDATA_KERNEL_TYPES)
		return kernel_record(w, rec);
	switch (rec->type) {
	case PERFDATA_FINISHED_ROUND:
		return end_of_round(w);
	case PERFDATA_COMPRESSED:
	case PERFDATA_COMPRESSED2:
		return compressed_record(w, rec);
	}
	return 0; /* seen by perfdata_scan, or of no use here */
}

static int walk_source(struct walk *w, const struct perfdata_source *s)
{
	struct reader r = reader_of(s->data + s->records, s->records_size);
	struct perfdata_record rec;
	int ret = 0;

	r.swap = w->d->swap;
	while (!ret && perfdata_next(&r, &rec) > 0)
		ret = any_record(w, &rec);
	if (!ret && w->rest_size && !w->d->unfinished)
		ret = perfdata_fail(w->d, -EBADMSG, "cut off inside a compressed record");
	unzstd_free(w->unzstd); /* each file is a stream of its own */
	w->unzstd = NULL;
	w->rest_size = 0;
	return ret;
}

int perfdata_each(struct perfdata *d, perfdata_record_fn fn, void *ctx, char *error,
		  size_t error_size)
{
	struct walk w = { .d = d, .fn = fn, .ctx = ctx, .groups = perfdata_groups_new() };
	int ret = 0;

	d->error = error;
	d->error_size = error_size;
	d->nr_unknown = 0;
	find_id_layouts(&w);
	for (uint32_t i = 0; i < d->nr_sources && !ret; i++)
		ret = walk_source(&w, &d->sources[i]);
	if (!ret)
		ret = flush(&w, UINT64_MAX);
	while (w.chunks) {
		struct chunk *next = w.chunks->next;

		free(w.chunks->data);
		free(w.chunks);
		w.chunks = next;
	}
	perfdata_groups_free(w.groups);
	free(w.items);
	free(w.spare);
	d->error = NULL;
	d->error_size = 0;
	return ret;
}
