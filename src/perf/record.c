#include "perf/record.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <sys/mman.h>

#include "base/reader.h"

/* Every bit whose words we know where to find; a later one could stand anywhere. The numbers are from the newest
 * kernel's header, not from the one that we are built with. */
#define SAMPLE_KNOWN	((UINT64_C(1) << 25) - 1)
#define FORMAT_KNOWN	((UINT64_C(1) << 5) - 1)
#define BRANCH_KNOWN	((UINT64_C(1) << 20) - 1)
#define BRANCH_COUNTERS (UINT64_C(1) << 19) /* PERF_SAMPLE_BRANCH_COUNTERS, Linux 6.8 */

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

/* Words of what TYPE (sample_type) has of one bit; summed, since popcount is a call on plain x86-64. */
static inline size_t word(uint64_t type, uint64_t bit)
{
	return type & bit ? 8 : 0;
}

static inline bool has_trailer(uint32_t type, const struct record_layout *l)
{
	return l->sample_id_all && type < USER_TYPE_START;
}

/* Size of the part of a sample_id from its ID on: TIME stands 8 bytes before. */
static inline size_t trailer_after_time(uint64_t type)
{
	return word(type, PERF_SAMPLE_ID) + word(type, PERF_SAMPLE_STREAM_ID) +
	       word(type, PERF_SAMPLE_CPU) + word(type, PERF_SAMPLE_IDENTIFIER);
}

static inline size_t trailer_size(uint64_t type)
{
	return word(type, PERF_SAMPLE_TID) + word(type, PERF_SAMPLE_TIME) + trailer_after_time(type);
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

/* NR elements of ELEMENT bytes (a small constant) in place. */
static const void *array_of(struct reader *r, uint64_t nr, size_t element)
{
	if (nr > reader_left(r) / element) {
		reader_fail(r);
		return NULL;
	}
	return reader_bytes(r, nr * element);
}

/* struct read_format; its counts are of no use to a profile. */
static void skip_read(struct reader *r, uint64_t format)
{
	uint64_t nr = format & PERF_FORMAT_GROUP ? reader_u64(r) : 1;

	if (format & ~FORMAT_KNOWN)
		reader_fail(r);
	reader_skip(r, word(format, PERF_FORMAT_TOTAL_TIME_ENABLED) +
			       word(format, PERF_FORMAT_TOTAL_TIME_RUNNING));
	array_of(r, nr, 8 + word(format, PERF_FORMAT_ID) + word(format, PERF_FORMAT_LOST));
}

static void skip_branches(struct reader *r, uint64_t type)
{
	uint64_t nr = reader_u64(r);

	if (type & ~BRANCH_KNOWN)
		reader_fail(r);
	if (type & PERF_SAMPLE_BRANCH_HW_INDEX)
		reader_skip(r, 8);
	array_of(r, nr, sizeof(struct perf_branch_entry));
	if (type & BRANCH_COUNTERS)
		array_of(r, nr, 8);
}

static uint64_t decode_regs(struct reader *r, uint64_t mask, const void **regs)
{
	uint64_t abi = reader_u64(r);

	if (abi > PERF_SAMPLE_REGS_ABI_64)
		reader_fail(r);
	if (abi != PERF_SAMPLE_REGS_ABI_NONE)
		*regs = reader_bytes(r, (uint64_t)__builtin_popcountll(mask) * 8);
	return abi;
}

static void decode_stack(struct reader *r, struct record_sample *s)
{
	uint64_t size = reader_u64(r);

	s->has_stack = true;
	if (!size) /* then there is no dyn_size either */
		return;
	s->stack = reader_bytes(r, size);
	s->stack_size = reader_u64(r);
	if (s->stack_size > size)
		reader_fail(r);
}

/* The fields of fixed size that open a sample. */
static void decode_sample_head(struct reader *r, uint64_t type, struct record *out)
{
	if (type & PERF_SAMPLE_IDENTIFIER)
		out->id = reader_u64(r);
	if (type & PERF_SAMPLE_IP)
		out->sample.ip = reader_u64(r);
	if (type & PERF_SAMPLE_TID) {
		out->pid = reader_u32(r);
		out->tid = reader_u32(r);
	}
	if (type & PERF_SAMPLE_TIME)
		out->time = reader_u64(r);
	if (type & PERF_SAMPLE_ADDR)
		out->sample.addr = reader_u64(r);
	if (type & PERF_SAMPLE_ID)
		out->id = reader_u64(r);
	if (type & PERF_SAMPLE_STREAM_ID)
		out->stream_id = reader_u64(r);
	if (type & PERF_SAMPLE_CPU) {
		out->cpu = reader_u32(r);
		reader_skip(r, 4);
	}
	if (type & PERF_SAMPLE_PERIOD)
		out->sample.period = reader_u64(r);
}

/* In the order of the kernel's perf_output_sample(): AUX is last, whatever the comment in perf_event.h says. */
static void decode_sample_tail(struct reader *r, uint64_t type, const struct record_layout *l,
			       struct record_sample *s)
{
	const void *unused = NULL;

	if (type & PERF_SAMPLE_REGS_USER)
		s->regs_abi = decode_regs(r, l->regs_user, &s->regs);
	if (type & PERF_SAMPLE_STACK_USER)
		decode_stack(r, s);
	if (type & PERF_SAMPLE_WEIGHT)
		s->weight = reader_u64(r);
	else if (type & PERF_SAMPLE_WEIGHT_STRUCT)
		s->weight = reader_u64(r) & UINT32_MAX; /* var1_dw, of either endianness */
	if (type & PERF_SAMPLE_DATA_SRC)
		s->data_src = reader_u64(r);
	if (type & PERF_SAMPLE_TRANSACTION)
		reader_skip(r, 8);
	if (type & PERF_SAMPLE_REGS_INTR)
		decode_regs(r, l->regs_intr, &unused);
	if (type & PERF_SAMPLE_PHYS_ADDR)
		reader_skip(r, 8);
	if (type & PERF_SAMPLE_CGROUP)
		s->cgroup = reader_u64(r);
	reader_skip(r, word(type, PERF_SAMPLE_DATA_PAGE_SIZE) + word(type, PERF_SAMPLE_CODE_PAGE_SIZE));
	if (type & PERF_SAMPLE_AUX)
		reader_skip(r, reader_u64(r));
}

static void decode_sample(struct reader *r, const struct record_layout *l, struct record *out)
{
	struct record_sample *s = &out->sample;
	uint64_t type = l->sample_type;

	if (type & ~SAMPLE_KNOWN)
		reader_fail(r);
	decode_sample_head(r, type, out);
	if (type & PERF_SAMPLE_READ)
		skip_read(r, l->read_format);
	if (type & PERF_SAMPLE_CALLCHAIN) {
		s->nr_ips = reader_u64(r);
		s->ips = array_of(r, s->nr_ips, 8);
	}
	if (type & PERF_SAMPLE_RAW) {
		s->raw_size = reader_u32(r);
		s->raw = reader_bytes(r, s->raw_size);
	}
	if (type & PERF_SAMPLE_BRANCH_STACK)
		skip_branches(r, l->branch_sample_type);
	decode_sample_tail(r, type, l, s);
	if (reader_left(r) >= 8) /* more than padding: another layout's sample */
		reader_fail(r);
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
		if (out->misc & PERF_RECORD_MISC_MMAP_BUILD_ID) {
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

/* A sample of FAST | maybe FAST_MORE, not swapped: every field before the callchain stands where it always does. */
static bool decode_fast(const uint8_t *p, size_t size, uint64_t type, struct record *out)
{
	size_t left, cgroup = word(type, PERF_SAMPLE_CGROUP);
	struct record_sample *s = &out->sample;

	if (size < 48 + cgroup)
		return false;
	left = size - 48 - cgroup;
	if (type & PERF_SAMPLE_CALLCHAIN) {
		if (left < 8)
			return false;
		left -= 8;
		s->nr_ips = load64(p + 48, false);
		s->ips = p + 56;
		if (s->nr_ips > left / 8)
			return false;
		left -= s->nr_ips * 8;
	}
	out->id = load64(p + 8, false);
	s->ip = load64(p + 16, false);
	out->pid = load32(p + 24, false);
	out->tid = load32(p + 28, false);
	out->time = load64(p + 32, false);
	s->period = load64(p + 40, false);
	if (cgroup)
		s->cgroup = load64(p + size - left - 8, false);
	return left < 8;
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
	struct reader r = { .pos = p + sizeof(struct perf_event_header), .end = p + size, .swap = l->swap };
	bool known = true;

	if (out->size != size)
		return -EBADMSG;
	if (out->type != PERF_RECORD_SAMPLE)
		known = decode_sideband(&r, l, out);
	else if ((l->sample_type & ~FAST_MORE) == FAST && !l->swap)
		return decode_fast(p, size, l->sample_type, out) ? 0 : -EBADMSG;
	else
		decode_sample(&r, l, out);
	return r.failed ? -EBADMSG : known ? 0 : -ENOTSUP;
}

int record_decode(const void *data, size_t size, const struct record_layout *l, struct record *out)
{
	struct record header = { .pid = (uint32_t)-1, .tid = (uint32_t)-1 };
	const uint8_t *p = data;
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
		offset = 8 + word(type, PERF_SAMPLE_IDENTIFIER) + word(type, PERF_SAMPLE_IP) +
			 word(type, PERF_SAMPLE_TID);
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

	if (size < sizeof(struct perf_event_header) || !(type & (PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_ID)))
		return false;
	record_type = load32(p, l->swap);
	if (record_type == PERF_RECORD_SAMPLE) {
		offset = 8;
		if (!(type & PERF_SAMPLE_IDENTIFIER))
			offset += word(type, PERF_SAMPLE_IP) + word(type, PERF_SAMPLE_TID) +
				  word(type, PERF_SAMPLE_TIME) + word(type, PERF_SAMPLE_ADDR);
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
