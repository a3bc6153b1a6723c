/* The frame of records, and those of perf's own that describe the others. */
#include <errno.h>
#include <string.h>

#include "perf/perfdata_impl.h"

#define RECORD_HEADER_SIZE 8
#define ATTR_SIZE_MIN 64
#define UPDATE_NAME 2 /* PERF_EVENT_UPDATE__NAME */

int perfdata_next(struct reader *r, struct perfdata_record *rec)
{
	struct reader body;

	if (!reader_left(r))
		return 0;
	if (reader_left(r) < RECORD_HEADER_SIZE)
		return -ENODATA;
	rec->data = r->pos;
	rec->type = reader_u32(r);
	rec->misc = reader_u16(r);
	rec->size = reader_u16(r);
	rec->payload = 0;
	if (rec->size < RECORD_HEADER_SIZE)
		return -EBADMSG;
	body = reader_sub(r, rec->size - RECORD_HEADER_SIZE);
	if (body.failed)
		return -ENODATA;
	if (rec->type == PERFDATA_AUXTRACE)
		rec->payload = reader_u64(&body);
	else if (rec->type == PERFDATA_TRACING_DATA)
		rec->payload = (reader_u32(&body) + UINT64_C(7)) & ~UINT64_C(7);
	if (body.failed)
		return -EBADMSG;
	reader_skip(r, rec->payload);
	return r->failed ? -ENODATA : 1;
}

/* In pipes, and in files made from them, attributes are records: the ids follow. */
static int header_attr(struct perfdata *d, struct reader *r)
{
	struct reader peek = *r;
	uint32_t size;

	reader_u32(&peek);
	size = reader_u32(&peek);
	if (!size)
		size = ATTR_SIZE_MIN;
	if (size < ATTR_SIZE_MIN || size > reader_left(r))
		return perfdata_fail(d, -EBADMSG, "damaged: an attribute of %u bytes", size);
	struct reader attr = reader_sub(r, size);
	return perfdata_add_event(d, attr, *r);
}

static void event_update(struct perfdata *d, struct reader *r)
{
	uint64_t what = reader_u64(r);
	uint32_t event = perfdata_find_id(d, reader_u64(r));

	if (what == UPDATE_NAME && event != HASH_NONE && !r->failed)
		perfdata_set_name(d, event, (const char *)r->pos, reader_left(r));
}

static int describe(struct perfdata *d, const struct perfdata_record *rec, bool attrs_in_header)
{
	struct reader r = reader_of(rec->data + RECORD_HEADER_SIZE,
				    rec->size - (size_t)RECORD_HEADER_SIZE);

	r.swap = d->swap;
	switch (rec->type) {
	case PERFDATA_HEADER_ATTR:
		return attrs_in_header ? 0 : header_attr(d, &r);
	case PERFDATA_EVENT_TYPE:
		perfdata_add_type_names(d, r);
		return 0;
	case PERFDATA_BUILD_ID:
		perfdata_add_build_id(d, r, rec->misc, true);
		return 0;
	case PERFDATA_EVENT_UPDATE:
		event_update(d, &r);
		return 0;
	case PERFDATA_FEATURE: {
		uint64_t feature = reader_u64(&r);

		return feature < 256 ? perfdata_feature(d, (unsigned)feature, r) : 0;
	}
	}
	return 0;
}

int perfdata_scan(struct perfdata *d)
{
	bool attrs_in_header = d->nr_events > 0;

	for (uint32_t i = 0; i < d->nr_sources; i++) {
		struct perfdata_source *s = &d->sources[i];
		struct reader r = reader_of(s->data + s->records, s->records_size);
		struct perfdata_record rec;
		int got, err;

		r.swap = d->swap;
		for (;;) {
			const uint8_t *at = r.pos;

			got = perfdata_next(&r, &rec);
			if (got <= 0) {
				if (got && d->unfinished)
					s->records_size = (size_t)(at - s->data) - s->records;
				else if (got)
					return perfdata_fail(d, -EBADMSG, "%s at byte %zu",
							     got == -ENODATA ? "cut off in a record"
									     : "damaged",
							     (size_t)(at - s->data));
				break;
			}
			err = describe(d, &rec, attrs_in_header);
			if (err)
				return err;
		}
	}
	return 0;
}
