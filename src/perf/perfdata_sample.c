/* Samples of a group that was read at once (`perf record -e '{a,b}:S'`): the leader's sample holds
 * the counts of all, and each member that counted since is a sample of that many. */
#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "perf/perfdata_impl.h"

/* What stands before the read values in a sample, 8 bytes each. */
#define SAMPLE_BEFORE_READ                                                                         \
	(PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME |            \
	 PERF_SAMPLE_ADDR | PERF_SAMPLE_ID | PERF_SAMPLE_STREAM_ID | PERF_SAMPLE_CPU |             \
	 PERF_SAMPLE_PERIOD)
#define FORMAT_LOST (1u << 4) /* PERF_FORMAT_LOST, Linux 6.0 */

struct count {
	uint64_t id, value;
	uint32_t tid;
};

struct perfdata_groups {
	struct count *counts;
	uint32_t nr_counts, counts_cap;
	struct hash hash;
};

struct perfdata_groups *perfdata_groups_new(void)
{
	return xcalloc(1, sizeof(struct perfdata_groups));
}

void perfdata_groups_free(struct perfdata_groups *g)
{
	if (!g)
		return;
	free(g->counts);
	hash_fini(&g->hash);
	free(g);
}

/* VALUE minus what ID had before, which it replaces. */
static uint64_t difference(struct perfdata_groups *g, uint64_t id, uint32_t tid, uint64_t value)
{
	uint32_t pos, i, hash = hash_2u64(id, tid);
	struct count *c;

	for (i = hash_first(&g->hash, hash, &pos); i != HASH_NONE;
	     i = hash_next(&g->hash, hash, &pos)) {
		c = &g->counts[i];
		if (c->id == id && c->tid == tid) {
			uint64_t before = c->value;

			c->value = value;
			return value - before;
		}
	}
	hash_add(&g->hash, hash, g->nr_counts);
	c = array_push(g->counts, g->nr_counts, g->counts_cap);
	*c = (struct count){ .id = id, .tid = tid, .value = value };
	return value;
}

static struct reader read_values(const struct perfdata *d, const uint8_t *data, uint16_t size,
				 uint64_t sample_type)
{
	struct reader r = reader_of(data, size);

	r.swap = d->swap;
	reader_skip(&r, 8 + 8 * (unsigned)__builtin_popcountll(sample_type & SAMPLE_BEFORE_READ));
	return r;
}

int perfdata_sample_members(struct perfdata *d, struct perfdata_groups *g, const uint8_t *data,
			    struct record *rec, uint32_t event, perfdata_record_fn fn, void *ctx)
{
	const struct perfdata_event *e = &d->events[event];
	uint64_t format = e->layout.read_format, nr = 1;
	bool group = format & PERF_FORMAT_GROUP;
	unsigned times = !!(format & PERF_FORMAT_TOTAL_TIME_ENABLED) +
			 !!(format & PERF_FORMAT_TOTAL_TIME_RUNNING);
	struct reader r = read_values(d, data, rec->size, e->layout.sample_type);
	/* Inherited groups count by thread. */
	uint32_t tid = e->attr.inherit ? rec->tid : 0;
	int ret = 0;

	if (!(format & PERF_FORMAT_ID))
		return fn(ctx, rec, event, 0);
	if (group) {
		nr = reader_u64(&r);
		reader_skip(&r, 8 * times);
	}
	for (uint64_t i = 0; i < nr && !ret; i++) {
		uint64_t value = reader_u64(&r), id;
		uint32_t member;

		if (!group)
			reader_skip(&r, 8 * times);
		id = reader_u64(&r);
		if (format & FORMAT_LOST)
			reader_skip(&r, 8);
		if (r.failed)
			return fn(ctx, rec, event, -EBADMSG);
		member = perfdata_find_id(d, id);
		if (member == HASH_NONE) {
			d->nr_unknown++;
			continue;
		}
		rec->id = id;
		rec->sample.period = difference(g, id, tid, value);
		if (rec->sample.period)
			ret = fn(ctx, rec, member, 0);
	}
	return ret;
}
