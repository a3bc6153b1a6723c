#include "perf/record_sample.h"

#include <linux/perf_event.h>

/* Every bit whose words we know where to find; a later one could stand anywhere. The numbers are
 * from the newest kernel's header, not from the one that we are built with. */
#define SAMPLE_KNOWN	((UINT64_C(1) << 25) - 1)
#define FORMAT_KNOWN	((UINT64_C(1) << 5) - 1)
#define BRANCH_KNOWN	((UINT64_C(1) << 20) - 1)
#define BRANCH_COUNTERS (UINT64_C(1) << 19) /* PERF_SAMPLE_BRANCH_COUNTERS, Linux 6.8 */

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
	reader_skip(r, record_word(format, PERF_FORMAT_TOTAL_TIME_ENABLED) +
			       record_word(format, PERF_FORMAT_TOTAL_TIME_RUNNING));
	array_of(r, nr,
		 8 + record_word(format, PERF_FORMAT_ID) + record_word(format, PERF_FORMAT_LOST));
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

/* In the order of the kernel's perf_output_sample(): AUX is last, whatever the comment in
 * perf_event.h says. */
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
	reader_skip(r, record_word(type, PERF_SAMPLE_DATA_PAGE_SIZE) +
			       record_word(type, PERF_SAMPLE_CODE_PAGE_SIZE));
	if (type & PERF_SAMPLE_AUX)
		reader_skip(r, reader_u64(r));
}

void record_sample_decode(struct reader *r, const struct record_layout *l, struct record *out)
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
