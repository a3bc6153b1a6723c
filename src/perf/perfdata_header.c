/* What stands around the records: the header and the feature sections. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "perf/perfdata_impl.h"

#define PIPE_HEADER_SIZE 16
#define OLD_HEADER_SIZE 72 /* before feature bits */
#define HEADER_SIZE 104
#define SECTION_SIZE 16
#define ATTR_SIZE_MIN 64 /* PERF_ATTR_SIZE_VER0 */
#define ATTR_SIZE_MAX 4096
#define TYPE_NAME_SIZE 72
#define FEATURE_WORDS 4

/* The bits of the header's feature bitmap that matter here. */
enum {
	FEATURE_BUILD_ID = 2,
	FEATURE_HOSTNAME = 3,
	FEATURE_ARCH = 6,
	FEATURE_EVENT_DESC = 12,
	FEATURE_CLOCK_DATA = 29,
};

struct section {
	uint64_t offset, size;
};

static struct section section_of(struct reader *r)
{
	struct section s = { .offset = reader_u64(r) };

	s.size = reader_u64(r);
	return s;
}

static bool section_fits(const struct perfdata *d, const struct section *s)
{
	return s->offset <= d->sources[0].size && s->size <= d->sources[0].size - s->offset;
}

static struct reader section_reader(const struct perfdata *d, const struct section *s)
{
	struct reader r = reader_of(d->sources[0].data + s->offset, s->size);

	r.swap = d->swap;
	return r;
}

/* The magic says the endianness; that of perf before 3.2 does not, and the header's size must. */
static int magic(struct perfdata *d, uint64_t *header_size)
{
	const uint64_t new_magic = 0x32454c4946524550; /* "PERFILE2" of a little-endian machine */
	struct reader r = reader_of(d->sources[0].data, d->sources[0].size);
	const char *text = (const char *)d->sources[0].data;
	uint64_t value = reader_u64(&r), size = reader_u64(&r), swapped = __builtin_bswap64(size);

	if (r.failed)
		return perfdata_fail(d, -EBADMSG, "no perf.data file: only %zu bytes",
				     d->sources[0].size);
	if (value == __builtin_bswap64(new_magic))
		d->swap = true;
	else if (!memcmp(text, "PERFFILE", 8))
		d->swap = swapped == PIPE_HEADER_SIZE || swapped == OLD_HEADER_SIZE ||
			  swapped == HEADER_SIZE;
	else if (value != new_magic)
		return perfdata_fail(d, -EBADMSG, "no perf.data file: it does not begin as one");
	*header_size = d->swap ? swapped : size;
	return 0;
}

static int read_attrs(struct perfdata *d, const struct section *attrs, uint64_t attr_size)
{
	struct reader r = section_reader(d, attrs);

	if (attr_size < ATTR_SIZE_MIN + SECTION_SIZE || attr_size > ATTR_SIZE_MAX)
		return perfdata_fail(d, -EBADMSG, "damaged: attributes of %llu bytes",
				     (unsigned long long)attr_size);
	while (reader_left(&r) >= attr_size) {
		struct reader attr = reader_sub(&r, attr_size - SECTION_SIZE);
		struct section ids = section_of(&r);
		int err;

		if (!section_fits(d, &ids))
			return perfdata_fail(d, -EBADMSG, "damaged or cut off: an event's ids are "
					     "outside the file");
		err = perfdata_add_event(d, attr, section_reader(d, &ids));
		if (err)
			return err;
	}
	return 0;
}

/* One section for each set bit, in order, behind the records. A writer with longs of 32 bits of the
 * other endianness has the halves of each word exchanged; it always sets HOSTNAME. */
static int read_features(struct perfdata *d, uint64_t words[FEATURE_WORDS], uint64_t offset)
{
	struct section all = { .offset = offset, .size = d->sources[0].size - offset };
	struct reader r = section_reader(d, &all);

	if (d->swap && !(words[0] >> FEATURE_HOSTNAME & 1))
		for (unsigned i = 0; i < FEATURE_WORDS; i++)
			words[i] = words[i] << 32 | words[i] >> 32;
	for (unsigned bit = 0; bit < FEATURE_WORDS * 64; bit++) {
		struct section s;
		int err;

		if (!(words[bit / 64] >> bit % 64 & 1))
			continue;
		s = section_of(&r);
		if (r.failed || !section_fits(d, &s))
			return perfdata_fail(d, -EBADMSG, "damaged or cut off: feature %u is "
					     "outside the file", bit);
		err = perfdata_feature(d, bit, section_reader(d, &s));
		if (err)
			return err;
	}
	return 0;
}

static int file_header(struct perfdata *d, uint64_t size)
{
	struct perfdata_source *file = &d->sources[0];
	struct reader r = reader_of(file->data, file->size);
	uint64_t attr_size, words[FEATURE_WORDS] = { 0 };
	struct section attrs, data, types;
	int err;

	r.swap = d->swap;
	reader_skip(&r, 16);
	attr_size = reader_u64(&r);
	attrs = section_of(&r);
	data = section_of(&r);
	types = section_of(&r);
	for (unsigned i = 0; i < FEATURE_WORDS && size >= HEADER_SIZE; i++)
		words[i] = reader_u64(&r);
	if (r.failed || (size != OLD_HEADER_SIZE && size != HEADER_SIZE))
		return perfdata_fail(d, -EBADMSG, "damaged: a header of %llu bytes",
				     (unsigned long long)size);
	/* perf writes the size of the records when it ends. */
	if (!data.size && data.offset >= size && data.offset <= file->size) {
		d->unfinished = true;
		data.size = file->size - data.offset;
	}
	if (!section_fits(d, &attrs) || !section_fits(d, &data) || data.offset < size)
		return perfdata_fail(d, -EBADMSG, "damaged or cut off: its records should be at "
				     "%llu to %llu, and it has %zu bytes",
				     (unsigned long long)data.offset,
				     (unsigned long long)(data.offset + data.size), file->size);
	err = read_attrs(d, &attrs, attr_size);
	if (err)
		return err;
	if (types.size && section_fits(d, &types))
		perfdata_add_type_names(d, section_reader(d, &types));
	file->records = data.offset;
	file->records_size = data.size;
	return d->unfinished ? 0 : read_features(d, words, data.offset + data.size);
}

int perfdata_header(struct perfdata *d)
{
	uint64_t size = 0;
	int err = magic(d, &size);

	if (err)
		return err;
	if (size != PIPE_HEADER_SIZE)
		return file_header(d, size);
	d->pipe = true;
	d->sources[0].records = PIPE_HEADER_SIZE;
	d->sources[0].records_size = d->sources[0].size - PIPE_HEADER_SIZE;
	return 0;
}

static struct reader counted_string(struct reader *r)
{
	return reader_sub(r, reader_u32(r));
}

static void copy_string(char *out, size_t out_size, struct reader s)
{
	size_t size = s.failed ? 0 : strnlen((const char *)s.pos, reader_left(&s));

	if (size >= out_size)
		size = out_size - 1;
	if (size)
		memcpy(out, s.pos, size);
	out[size] = 0;
}

/* Names come in the order of the events; where ids are there too, those decide. */
static void event_desc(struct perfdata *d, struct reader *r)
{
	uint32_t nr = reader_u32(r), attr_size = reader_u32(r);

	for (uint32_t i = 0; i < nr && !r->failed; i++) {
		uint32_t nr_ids, event = i;
		struct reader name, ids;

		reader_skip(r, attr_size);
		nr_ids = reader_u32(r);
		name = counted_string(r);
		ids = reader_sub(r, (uint64_t)nr_ids * 8);
		if (nr_ids && !ids.failed) {
			uint32_t by_id = perfdata_find_id(d, reader_u64(&ids));

			event = by_id == HASH_NONE ? i : by_id;
		}
		if (!r->failed && event < d->nr_events)
			perfdata_set_name(d, event, (const char *)name.pos, reader_left(&name));
	}
}

void perfdata_add_build_id(struct perfdata *d, struct reader r, uint16_t misc, bool has_pid)
{
	struct perfdata_build_id b = { .misc = misc & PERF_RECORD_MISC_CPUMODE_MASK, .size = 20 };
	const uint8_t *id;

	b.pid = has_pid ? reader_u32(&r) : UINT32_MAX;
	id = reader_bytes(&r, 24); /* 20, then the size where PERF_RECORD_MISC_BUILD_ID_SIZE */
	b.filename = reader_str(&r);
	if (r.failed)
		return;
	if (misc & 1 << 15)
		b.size = id[20] <= 20 ? id[20] : 20;
	memcpy(b.id, id, b.size);
	*array_push(d->build_ids, d->nr_build_ids, d->build_ids_cap) = b;
}

/* perf 2.6.34 had no pid in these; seen with one, the kernel's name begins too late. */
static bool read_build_ids(struct perfdata *d, struct reader r, bool has_pid)
{
	while (reader_left(&r) >= 8) {
		struct reader rec;
		uint16_t misc, size;
		uint32_t before = d->nr_build_ids;

		reader_u32(&r);
		misc = reader_u16(&r);
		size = reader_u16(&r);
		if (size < 8)
			return true;
		rec = reader_sub(&r, size - 8u);
		perfdata_add_build_id(d, rec, misc, has_pid);
		if (d->nr_build_ids > before &&
		    !strcmp(d->build_ids[before].filename, "nel.kallsyms]"))
			return false;
	}
	return true;
}

int perfdata_feature(struct perfdata *d, unsigned feature, struct reader r)
{
	switch (feature) {
	case FEATURE_BUILD_ID:
		if (!read_build_ids(d, r, true)) {
			d->nr_build_ids = 0;
			read_build_ids(d, r, false);
		}
		break;
	case FEATURE_HOSTNAME:
		copy_string(d->hostname, sizeof(d->hostname), counted_string(&r));
		break;
	case FEATURE_ARCH:
		copy_string(d->arch, sizeof(d->arch), counted_string(&r));
		break;
	case FEATURE_EVENT_DESC:
		event_desc(d, &r);
		break;
	case FEATURE_CLOCK_DATA:
		reader_skip(&r, 8); /* version, clockid */
		d->clock_wall_ns = reader_u64(&r);
		d->clock_ns = reader_u64(&r);
		d->has_clock = !r.failed;
		break;
	}
	return 0;
}

void perfdata_add_type_names(struct perfdata *d, struct reader r)
{
	while (reader_left(&r) >= TYPE_NAME_SIZE) {
		struct perfdata_type_name *t = array_push(d->type_names, d->nr_type_names,
							  d->type_names_cap);

		t->config = reader_u64(&r);
		copy_string(t->name, sizeof(t->name), reader_sub(&r, 64));
	}
}
