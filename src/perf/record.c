#include "perf/record.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <sys/mman.h>

#include "base/reader.h"
#include "perf/record_sample.h"

#define USER_TYPE_START 64 /* types of perf's own making: they carry no sample_id */

/* What samples of pprofd's own events hold: FAST, and maybe FAST_MORE besides. */
#define FAST                                                                                       \
	((uint64_t)(PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | \
		    PERF_SAMPLE_PERIOD))
#define FAST_MORE ((uint64_t)(PERF_SAMPLE_CALLCHAIN | PERF_SAMPLE_CGROUP))

static inline uint64_t load64(const uint8_t *p, bool swap)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return swap ? __builtin_bswap64(v) : v;
}

static inline uint32_t load32(const uint8_t *p, bool swap)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return swap ? __builtin_bswap32(v) : v;
}

static inline uint16_t load16(const uint8_t *p, bool swap)
{
	uint16_t v;

	memcpy(&v, p, 2);
	return swap ? __builtin_bswap16(v) : v;
}

static inline bool has_trailer(uint32_t type, const struct record_layout *l)
{
	return l->sample_id_all && type < USER_TYPE_START;
}

/* Size of the part of a sample_id from its ID on: TIME stands 8 bytes before. */
static inline size_t trailer_after_time(uint64_t type)
{
	return record_word(type, PERF_SAMPLE_ID) + record_word(type, PERF_SAMPLE_STREAM_ID) +
	       record_word(type, PERF_SAMPLE_CPU) + record_word(type, PERF_SAMPLE_IDENTIFIER);
}

static inline size_t trailer_size(uint64_t type)
{
	return record_word(type, PERF_SAMPLE_TID) + record_word(type, PERF_SAMPLE_TIME) +
	       trailer_after_time(type);
}

static void decode_trailer(struct reader *r, uint64_t type, struct record *out)
{
	if (type & PERF_SAMPLE_TID) {
		out->pid = reader_u32(r);
		out->tid = reader_u32(r);
	}
	if (type & PERF_SAMPLE_TIME)
		out->time = reader_u64(r);
	if (type & PERF_SAMPLE_ID)
		out->id = reader_u64(r);
	if (type & PERF_SAMPLE_STREAM_ID)
		out->stream_id = reader_u64(r);
	if (type & PERF_SAMPLE_CPU) {
		out->cpu = reader_u32(r);
		reader_skip(r, 4);
	}
	if (type & PERF_SAMPLE_IDENTIFIER)
		out->id = reader_u64(r);
}

/* Once one event of the system has had the record with a build id, Linux (seen in 6.18) leaves the bit that says
 * so set for the events after it, which have device and inode. A build id in their place has other bits. */
static bool reads_as_inode(struct reader r)
{
	uint32_t maj = reader_u32(&r), min = reader_u32(&r);

	return maj < 1u << 12 && min < 1u << 20 && reader_u64(&r) < UINT64_C(1) << 48;
}

static void decode_mmap(struct reader *r, struct record *out)
{
	struct record_mmap *m = &out->mmap;
	const uint8_t *id;

	m->pid = reader_u32(r);
	m->tid = reader_u32(r);
	m->start = reader_u64(r);
	m->size = reader_u64(r);
	m->pgoff = reader_u64(r);
	if (out->type == PERF_RECORD_MMAP) {
		m->prot = out->misc & PERF_RECORD_MISC_MMAP_DATA ? 0 : PROT_EXEC;
	} else {
		if (out->misc & PERF_RECORD_MISC_MMAP_BUILD_ID && !reads_as_inode(*r)) {
			m->build_id_size = reader_u8(r);
			reader_skip(r, 3);
			id = reader_bytes(r, sizeof(m->build_id));
			if (m->build_id_size > sizeof(m->build_id))
				reader_fail(r);
			else if (id)
				memcpy(m->build_id, id, m->build_id_size);
		} else {
			m->maj = reader_u32(r);
			m->min = reader_u32(r);
			m->ino = reader_u64(r);
			m->ino_generation = reader_u64(r);
		}
		m->prot = reader_u32(r);
		m->flags = reader_u32(r);
	}
	m->filename = reader_str(r);
}

static void decode_comm(struct reader *r, struct record *out)
{
	out->comm.pid = reader_u32(r);
	out->comm.tid = reader_u32(r);
	out->comm.exec = out->misc & PERF_RECORD_MISC_COMM_EXEC;
	out->comm.comm = reader_str(r);
}

static void decode_task(struct reader *r, struct record *out)
{
	out->task.pid = reader_u32(r);
	out->task.ppid = reader_u32(r);
	out->task.tid = reader_u32(r);
	out->task.ptid = reader_u32(r);
	out->task.time = reader_u64(r);
}

static void decode_throttle(struct reader *r, struct record *out)
{
	out->throttle.time = reader_u64(r);
	out->throttle.id = reader_u64(r);
	out->throttle.stream_id = reader_u64(r);
}

static void decode_ksymbol(struct reader *r, struct record *out)
{
	out->ksymbol.addr = reader_u64(r);
	out->ksymbol.size = reader_u32(r);
	out->ksymbol.ksym_type = reader_u16(r);
	out->ksymbol.unregister = reader_u16(r) & PERF_RECORD_KSYMBOL_FLAGS_UNREGISTER;
	out->ksymbol.name = reader_str(r);
}

/* The part between header and trailer. False: a type that is not decoded. */
static bool decode_body(struct reader *r, struct record *out)
{
	switch (out->type) {
	case PERF_RECORD_MMAP:
	case PERF_RECORD_MMAP2:
		decode_mmap(r, out);
		return true;
	case PERF_RECORD_COMM:
		decode_comm(r, out);
		return true;
	case PERF_RECORD_FORK:
	case PERF_RECORD_EXIT:
		decode_task(r, out);
		return true;
	case PERF_RECORD_LOST:
		out->lost.id = reader_u64(r);
		out->lost.lost = reader_u64(r);
		return true;
	case PERF_RECORD_LOST_SAMPLES:
		out->lost.lost = reader_u64(r);
		return true;
	case PERF_RECORD_THROTTLE:
	case PERF_RECORD_UNTHROTTLE:
		decode_throttle(r, out);
		return true;
	case PERF_RECORD_KSYMBOL:
		decode_ksymbol(r, out);
		return true;
	case PERF_RECORD_CGROUP:
		out->cgroup.id = reader_u64(r);
		out->cgroup.path = reader_str(r);
		return true;
	default:
		return false;
	}
}

/* A sample of FAST | maybe FAST_MORE, not swapped: every field before the callchain stands where it
 * always does. */
static bool decode_fast(const uint8_t *p, size_t size, uint64_t type, struct record *out)
{
	size_t left, cgroup = record_word(type, PERF_SAMPLE_CGROUP);
	const uint8_t *ips = NULL;
	uint64_t nr_ips = 0;

	if (size < 48 + cgroup)
		return false;
	left = size - 48 - cgroup;
	if (type & PERF_SAMPLE_CALLCHAIN) {
		if (left < 8)
			return false;
		left -= 8;
		nr_ips = load64(p + 48, false);
		ips = p + 56;
		if (nr_ips > left / 8)
			return false;
		left -= nr_ips * 8;
	}
	if (left >= 8)
		return false;
	out->type = PERF_RECORD_SAMPLE;
	out->misc = load16(p + 4, false);
	out->size = (uint16_t)size;
	out->id = load64(p + 8, false);
	out->sample.ip = load64(p + 16, false);
	out->pid = load32(p + 24, false);
	out->tid = load32(p + 28, false);
	out->time = load64(p + 32, false);
	out->sample.period = load64(p + 40, false);
	out->sample.ips = ips;
	out->sample.nr_ips = nr_ips;
	out->sample.cgroup = cgroup ? load64(p + size - left - 8, false) : 0;
	out->cpu = 0;
	out->stream_id = 0;
	/* Few enough bytes for plain stores: a struct's zeroing takes longer than all of the
	 * above. */
	memset(&out->sample.addr, 0, sizeof(out->sample) - offsetof(struct record_sample, addr));
	return true;
}

/* Any other: the trailer first, from the end. */
static bool decode_sideband(struct reader *r, const struct record_layout *l, struct record *out)
{
	size_t tail = has_trailer(out->type, l) ? trailer_size(l->sample_type) : 0;
	struct reader trailer = *r;

	if (tail > reader_left(r)) {
		reader_fail(r);
		return true;
	}
	trailer.pos = r->end -= tail;
	if (tail)
		decode_trailer(&trailer, l->sample_type, out);
	return decode_body(r, out);
}

static int decode(const uint8_t *p, size_t size, const struct record_layout *l, struct record *out)
{
	struct reader r = reader_of(p, size);
	bool known = true;

	r.swap = l->swap;
	reader_skip(&r, sizeof(struct perf_event_header));
	if (out->size != size)
		reader_fail(&r);
	else if (out->type == PERF_RECORD_SAMPLE)
		record_sample_decode(&r, l, out);
	else
		known = decode_sideband(&r, l, out);
	return r.failed ? -EBADMSG : known ? 0 : -ENOTSUP;
}

/* Kept out of record_decode(), so that the hot path there saves no registers. */
static int __attribute__((noinline))
decode_any(const uint8_t *p, size_t size, const struct record_layout *l, struct record *out)
{
	struct record header = { .pid = (uint32_t)-1, .tid = (uint32_t)-1 };
	int err = -EBADMSG;

	if (size >= sizeof(struct perf_event_header)) {
		header.type = load32(p, l->swap);
		header.misc = load16(p + 4, l->swap);
		header.size = load16(p + 6, l->swap);
		*out = header;
		err = decode(p, size, l, out);
	}
	if (err == -EBADMSG)
		*out = header;
	return err;
}

int record_decode(const void *data, size_t size, const struct record_layout *l, struct record *out)
{
	const uint8_t *p = data;

	if ((l->sample_type & ~FAST_MORE) == FAST && !l->swap &&
	    size >= sizeof(struct perf_event_header) && load32(p, false) == PERF_RECORD_SAMPLE &&
	    load16(p + 6, false) == size && decode_fast(p, size, l->sample_type, out))
		return 0;
	return decode_any(p, size, l, out);
}

uint64_t record_time(const void *data, size_t size, const struct record_layout *l)
{
	uint64_t type = l->sample_type;
	const uint8_t *p = data;
	uint32_t record_type;
	size_t offset;

	if (size < sizeof(struct perf_event_header) || !(type & PERF_SAMPLE_TIME))
		return 0;
	record_type = load32(p, l->swap);
	if (record_type == PERF_RECORD_SAMPLE) {
		offset = 8 + record_word(type, PERF_SAMPLE_IDENTIFIER) +
			 record_word(type, PERF_SAMPLE_IP) + record_word(type, PERF_SAMPLE_TID);
		return size >= offset + 8 ? load64(p + offset, l->swap) : 0;
	}
	offset = 8 + trailer_after_time(type);
	if (!has_trailer(record_type, l) || size < 8 + offset)
		return 0;
	return load64(p + size - offset, l->swap);
}

bool record_id(const void *data, size_t size, const struct record_layout *l, uint64_t *id)
{
	uint64_t type = l->sample_type;
	const uint8_t *p = data;
	uint32_t record_type;
	size_t offset;

	if (size < sizeof(struct perf_event_header) ||
	    !(type & (PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_ID)))
		return false;
	record_type = load32(p, l->swap);
	if (record_type == PERF_RECORD_SAMPLE) {
		offset = 8;
		if (!(type & PERF_SAMPLE_IDENTIFIER))
			offset += record_word(type, PERF_SAMPLE_IP) +
				  record_word(type, PERF_SAMPLE_TID) +
				  record_word(type, PERF_SAMPLE_TIME) +
				  record_word(type, PERF_SAMPLE_ADDR);
		if (size < offset + 8)
			return false;
		*id = load64(p + offset, l->swap);
		return true;
	}
	offset = type & PERF_SAMPLE_IDENTIFIER ? 8 : trailer_after_time(type);
	if (!has_trailer(record_type, l) || size < 8 + offset)
		return false;
	*id = load64(p + size - offset, l->swap);
	return true;
}
