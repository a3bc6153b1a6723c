/* perf/record: every field from literal words, in both byte orders; every lie refused. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/buf.h"
#include "perf/record.h"

#define FAST                                                                                       \
	(PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME |            \
	 PERF_SAMPLE_PERIOD)
#define ALL_BITS	((UINT64_C(1) << 25) - 1)
#define BRANCH_COUNTERS (UINT64_C(1) << 19)
#define NOBODY		((uint32_t)-1)

/* A record under construction, in either byte order. */
struct draft {
	struct buf b;
	bool swap;
};

static void d16(struct draft *d, uint16_t v)
{
	v = d->swap ? __builtin_bswap16(v) : v;
	buf_add(&d->b, &v, sizeof(v));
}

static void d32(struct draft *d, uint32_t v)
{
	v = d->swap ? __builtin_bswap32(v) : v;
	buf_add(&d->b, &v, sizeof(v));
}

static void d64(struct draft *d, uint64_t v)
{
	v = d->swap ? __builtin_bswap64(v) : v;
	buf_add(&d->b, &v, sizeof(v));
}

static void dstr(struct draft *d, const char *s)
{
	size_t n = strlen(s) + 1;

	buf_add(&d->b, s, n);
	buf_add(&d->b, "\0\0\0\0\0\0\0", -n & 7);
}

static struct draft begin(uint32_t type, uint16_t misc, bool swap)
{
	struct draft d = { .swap = swap };

	d32(&d, type);
	d16(&d, misc);
	d16(&d, 0);
	return d;
}

static void fix_size(struct draft *d)
{
	uint16_t size = d->swap ? __builtin_bswap16((uint16_t)d->b.size) : (uint16_t)d->b.size;

	memcpy(d->b.data + 6, &size, sizeof(size));
}

/* Decodes an exact-size copy at an odd address, so that a sanitizer sees an overread and an aligned
 * load. */
static int decode(struct draft *d, struct record_layout *l, struct record *out)
{
	static uint8_t *copy;

	free(copy); /* pointers in the record before are dead now */
	fix_size(d);
	l->swap = d->swap;
	copy = malloc(d->b.size + 1);
	memcpy(copy + 1, d->b.data, d->b.size);
	return record_decode(copy + 1, d->b.size, l, out);
}

static void trailer(struct draft *d)
{
	d32(d, 70);
	d32(d, 71);
	d64(d, 7000);
	d64(d, 42); /* IDENTIFIER */
}

static struct record_layout plain_layout(void)
{
	return (struct record_layout){ .sample_type = FAST, .sample_id_all = true };
}

static void head(struct draft *d)
{
	d64(d, 42);
	d64(d, 0x401000);
	d32(d, 100);
	d32(d, 101);
	d64(d, 5000);
}

/* Of our own samplers. */
static struct draft own_sample(uint64_t type, uint64_t nr_ips, uint64_t really, bool swap)
{
	struct draft d = begin(PERF_RECORD_SAMPLE, PERF_RECORD_MISC_USER, swap);

	head(&d);
	d64(&d, 1000000);
	if (type & PERF_SAMPLE_CALLCHAIN) {
		d64(&d, nr_ips);
		for (uint64_t i = 0; i < really; i++)
			d64(&d, 0x500000 + i);
	}
	if (type & PERF_SAMPLE_CGROUP)
		d64(&d, 4242);
	return d;
}

static void own_samples_decode_in_both_orders(void **state)
{
	static const uint64_t more[] = { 0, PERF_SAMPLE_CALLCHAIN, PERF_SAMPLE_CGROUP,
					 PERF_SAMPLE_CALLCHAIN | PERF_SAMPLE_CGROUP };

	for (int i = 0; i < 8; i++) {
		struct record_layout l = { .sample_type = FAST | more[i / 2] };
		struct draft d = own_sample(l.sample_type, 3, 3, i % 2);
		struct record r;
		uint64_t id = 0;

		assert_int_equal(decode(&d, &l, &r), 0);
		assert_int_equal(r.type, PERF_RECORD_SAMPLE);
		assert_int_equal(r.misc, PERF_RECORD_MISC_USER);
		assert_int_equal(r.size, d.b.size);
		assert_int_equal(r.id, 42);
		assert_int_equal(r.pid, 100);
		assert_int_equal(r.tid, 101);
		assert_int_equal(r.time, 5000);
		assert_int_equal(r.sample.ip, 0x401000);
		assert_int_equal(r.sample.period, 1000000);
		assert_int_equal(r.sample.cgroup, more[i / 2] & PERF_SAMPLE_CGROUP ? 4242 : 0);
		assert_int_equal(r.sample.nr_ips, more[i / 2] & PERF_SAMPLE_CALLCHAIN ? 3 : 0);
		for (uint64_t k = 0; k < r.sample.nr_ips; k++)
			assert_int_equal(record_ip(&r.sample, k, l.swap), 0x500000 + k);
		assert_false(r.sample.has_stack);
		assert_int_equal(record_time(d.b.data, d.b.size, &l), 5000);
		assert_true(record_id(d.b.data, d.b.size, &l, &id));
		assert_int_equal(id, 42);
		buf_fini(&d.b);
	}
}

/* The short way of own samples and the long way of all leave nothing of what OUT held before. */
static void nothing_of_an_older_record_shines_through(void **state)
{
	struct record_layout l = { .sample_type = FAST | PERF_SAMPLE_CALLCHAIN };
	struct record_sample expected = { .ip = 0x401000, .period = 1000000, .nr_ips = 2 };

	for (int swap = 0; swap < 2; swap++) {
		struct draft d = own_sample(l.sample_type, 2, 2, swap);
		struct record r;

		memset(&r, 0xa5, sizeof(r));
		assert_int_equal(decode(&d, &l, &r), 0);
		assert_int_equal(r.cpu, 0);
		assert_int_equal(r.stream_id, 0);
		expected.ips = r.sample.ips;
		assert_int_equal(r.sample.has_stack, false);
		assert_memory_equal(&r.sample, &expected, sizeof(expected));
		buf_fini(&d.b);
	}
}

static void a_chain_that_lies_is_refused(void **state)
{
	static const uint64_t lengths[] = { 4, 5, UINT64_MAX, UINT64_C(1) << 61,
					    (UINT64_C(1) << 61) + 3 };

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]) * 4; i++) {
		struct record_layout l = { .sample_type = FAST | PERF_SAMPLE_CALLCHAIN };
		struct draft d;
		struct record r;

		l.sample_type |= i & 1 ? PERF_SAMPLE_CGROUP : 0;
		/* with a cgroup id, a chain longer by one would end in it */
		d = own_sample(l.sample_type, lengths[i / 4], 3, i & 2);
		assert_int_equal(decode(&d, &l, &r), -EBADMSG);
		assert_int_equal(r.type, PERF_RECORD_SAMPLE);
		assert_int_equal(r.size, d.b.size);
		assert_int_equal(r.sample.nr_ips, 0);
		assert_int_equal(r.pid, NOBODY);
		buf_fini(&d.b);
	}
}

/* Every cut of a good sample is refused, as is one with a word too many. */
static void own_samples_of_another_size_are_refused(void **state)
{
	for (int swap = 0; swap < 2; swap++) {
		struct record_layout l = { .sample_type = FAST | PERF_SAMPLE_CALLCHAIN |
							  PERF_SAMPLE_CGROUP };
		struct draft d = own_sample(l.sample_type, 3, 3, swap);
		struct record r;

		d64(&d, 1);
		assert_int_equal(decode(&d, &l, &r), -EBADMSG);
		for (d.b.size -= 9; d.b.size >= 8; d.b.size--)
			assert_int_equal(decode(&d, &l, &r), -EBADMSG);
		assert_int_equal(record_decode(d.b.data, 7, &l, &r), -EBADMSG);
		assert_int_equal(r.type, 0);
		assert_int_equal(record_time(d.b.data, 7, &l), 0);
		buf_fini(&d.b);
	}
}

static void branches(struct draft *d, uint64_t nr)
{
	d64(d, nr);
	d64(d, 1); /* hw_idx */
	for (uint64_t i = 0; i < nr * 4; i++)
		d64(d, i);
}

/* All 25 bits. FORMAT chooses between the two shapes of READ. */
static struct draft full_sample(uint64_t sample_type, uint64_t format, bool swap)
{
	struct draft d = begin(PERF_RECORD_SAMPLE, PERF_RECORD_MISC_KERNEL, swap);

	head(&d);
	d64(&d, 0xadd7); /* ADDR */
	d64(&d, 43);	 /* ID */
	d64(&d, 44);	 /* STREAM_ID */
	d32(&d, 5);	 /* CPU */
	d32(&d, 0xbad);
	d64(&d, 1000000); /* PERIOD */
	if (format & PERF_FORMAT_GROUP)
		d64(&d, 2);
	for (int i = 0; i < __builtin_popcountll(format & 3); i++)
		d64(&d, 90);
	for (int i = 0; i < (format & PERF_FORMAT_GROUP ? 2 : 1); i++) {
		for (int k = 0; k < 1 + __builtin_popcountll(format & (PERF_FORMAT_ID | 16)); k++)
			d64(&d, 91);
	}
	d64(&d, 1); /* CALLCHAIN */
	d64(&d, 0x500000);
	d32(&d, 12); /* RAW */
	buf_add(&d.b, "raw bytes..!", 12);
	branches(&d, 2);
	d64(&d, PERF_SAMPLE_REGS_ABI_64); /* REGS_USER */
	for (int i = 0; i < 3; i++)
		d64(&d, 0x900 + (uint64_t)i);
	d64(&d, 16); /* STACK_USER */
	buf_add(&d.b, "0123456789abcdef", 16);
	d64(&d, 10);
	d64(&d, 0x0003000200000001); /* WEIGHT or WEIGHT_STRUCT */
	d64(&d, 0xda7a);	     /* DATA_SRC */
	d64(&d, 0);		     /* TRANSACTION */
	d64(&d, PERF_SAMPLE_REGS_ABI_32);
	d64(&d, 0x800);	 /* REGS_INTR */
	d64(&d, 0x1000); /* PHYS_ADDR */
	d64(&d, 4242);	 /* CGROUP */
	d64(&d, 4096);	 /* DATA_PAGE_SIZE */
	d64(&d, 4096);	 /* CODE_PAGE_SIZE */
	if (sample_type & PERF_SAMPLE_AUX) {
		d64(&d, 8);
		d64(&d, 0xa0a0);
	}
	return d;
}

static struct record_layout full_layout(uint64_t format)
{
	return (struct record_layout){ .sample_type = ALL_BITS & ~(uint64_t)PERF_SAMPLE_WEIGHT,
				       .read_format = format,
				       .branch_sample_type =
					       PERF_SAMPLE_BRANCH_HW_INDEX | BRANCH_COUNTERS,
				       .regs_user = 0x111,
				       .regs_intr = 0x8 };
}

static void every_bit_of_a_sample_decodes_in_order(void **state)
{
	for (int i = 0; i < 64; i++) { /* each read_format, in each order */
		struct record_layout l = full_layout((uint64_t)i / 2);
		struct draft d = full_sample(l.sample_type, l.read_format, i % 2);
		struct record r;
		uint64_t id, reg;

		assert_int_equal(decode(&d, &l, &r), 0);
		assert_int_equal(r.id, 43);
		assert_int_equal(r.stream_id, 44);
		assert_int_equal(r.cpu, 5);
		assert_int_equal(r.pid, 100);
		assert_int_equal(r.tid, 101);
		assert_int_equal(r.time, 5000);
		assert_int_equal(r.sample.addr, 0xadd7);
		assert_int_equal(r.sample.period, 1000000);
		assert_int_equal(r.sample.nr_ips, 1);
		assert_int_equal(record_ip(&r.sample, 0, l.swap), 0x500000);
		assert_int_equal(r.sample.raw_size, 12);
		assert_memory_equal(r.sample.raw, "raw bytes..!", 12);
		assert_int_equal(r.sample.regs_abi, PERF_SAMPLE_REGS_ABI_64);
		memcpy(&reg, (const uint8_t *)r.sample.regs + 16, 8);
		assert_int_equal(l.swap ? __builtin_bswap64(reg) : reg, 0x902);
		assert_true(r.sample.has_stack);
		assert_int_equal(r.sample.stack_size, 10);
		assert_memory_equal(r.sample.stack, "0123456789", 10);
		assert_int_equal(r.sample.weight, 1); /* var1_dw alone */
		assert_int_equal(r.sample.data_src, 0xda7a);
		assert_int_equal(r.sample.cgroup, 4242);
		assert_int_equal(record_time(d.b.data, d.b.size, &l), 5000);
		assert_true(record_id(d.b.data, d.b.size, &l, &id));
		assert_int_equal(id, 42); /* IDENTIFIER stands first */

		l.sample_type ^= PERF_SAMPLE_WEIGHT | PERF_SAMPLE_WEIGHT_STRUCT;
		assert_int_equal(decode(&d, &l, &r), 0);
		assert_int_equal(r.sample.weight, 0x0003000200000001);
		d.b.size -= 8; /* cut in the AUX */
		assert_int_equal(decode(&d, &l, &r), -EBADMSG);
		buf_fini(&d.b);
	}
}

static void layouts_of_the_future_are_refused(void **state)
{
	struct record_layout l = full_layout(0), bad[3] = { l, l, l };
	struct draft d = full_sample(l.sample_type, 0, false);
	struct record r;

	assert_int_equal(decode(&d, &l, &r), 0);
	bad[0].sample_type |= UINT64_C(1) << 25;
	bad[1].read_format |= UINT64_C(1) << 5;
	bad[2].branch_sample_type |= UINT64_C(1) << 20;
	for (int i = 0; i < 3; i++)
		assert_int_equal(decode(&d, &bad[i], &r), -EBADMSG);
	buf_fini(&d.b);
}

static void the_id_stands_where_the_layout_says(void **state)
{
	struct record_layout l = { .sample_type =
					   PERF_SAMPLE_IP | PERF_SAMPLE_TIME | PERF_SAMPLE_ID };
	struct draft d = begin(PERF_RECORD_SAMPLE, 0, false);
	uint64_t id = 0;

	d64(&d, 1);
	d64(&d, 2);
	d64(&d, 3);
	assert_true(record_id(d.b.data, d.b.size, &l, &id));
	assert_int_equal(id, 3);
	assert_int_equal(record_time(d.b.data, d.b.size, &l), 2);
	assert_false(record_id(d.b.data, d.b.size - 1, &l, &id));
	l.sample_type = PERF_SAMPLE_IP;
	assert_false(record_id(d.b.data, d.b.size, &l, &id));
	assert_int_equal(record_time(d.b.data, d.b.size, &l), 0);
	buf_fini(&d.b);

	/* In a trailer it is followed by STREAM_ID and CPU. */
	d = begin(PERF_RECORD_SWITCH, 0, true);
	for (uint64_t i = 1; i <= 4; i++)
		d64(&d, i);
	l = (struct record_layout){ .sample_type = PERF_SAMPLE_TIME | PERF_SAMPLE_ID |
						   PERF_SAMPLE_STREAM_ID | PERF_SAMPLE_CPU,
				    .sample_id_all = true,
				    .swap = true };
	assert_true(record_id(d.b.data, d.b.size, &l, &id));
	assert_int_equal(id, 2);
	assert_int_equal(record_time(d.b.data, d.b.size, &l), 1);
	l.sample_id_all = false;
	assert_false(record_id(d.b.data, d.b.size, &l, &id));
	assert_int_equal(record_time(d.b.data, d.b.size, &l), 0);
	buf_fini(&d.b);
}

static void no_registers_no_stack(void **state)
{
	struct record_layout l = { .sample_type = PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER,
				   .regs_user = 0xff };
	struct draft d = begin(PERF_RECORD_SAMPLE, 0, false);
	struct record r;

	d64(&d, 0); /* a kernel thread: no registers, */
	d64(&d, 0); /* and a stack of size 0 has no dyn_size */
	assert_int_equal(decode(&d, &l, &r), 0);
	assert_null(r.sample.regs);
	assert_int_equal(r.sample.regs_abi, 0);
	assert_true(r.sample.has_stack);
	assert_int_equal(r.sample.stack_size, 0);
	d.b.data[8] = 3; /* an abi that we do not know */
	assert_int_equal(decode(&d, &l, &r), -EBADMSG);
	d.b.data[8] = 2; /* registers that are not there */
	assert_int_equal(decode(&d, &l, &r), -EBADMSG);
	d.b.size = 16;
	d64(&d, 8);
	d64(&d, 0);
	d64(&d, 9); /* more of the stack than there is */
	d.b.data[8] = 0;
	assert_int_equal(decode(&d, &l, &r), -EBADMSG);
	d.b.data[32] = 8;
	assert_int_equal(decode(&d, &l, &r), 0);
	assert_int_equal(r.sample.stack_size, 8);
	buf_fini(&d.b);
}

static void counts_of_elements_are_checked(void **state)
{
	static const struct {
		uint64_t sample_type, read_format;
	} t[] = { { PERF_SAMPLE_READ, PERF_FORMAT_GROUP },
		  { PERF_SAMPLE_READ, PERF_FORMAT_GROUP | PERF_FORMAT_ID },
		  { PERF_SAMPLE_BRANCH_STACK, 0 },
		  { PERF_SAMPLE_AUX, 0 },
		  { PERF_SAMPLE_STACK_USER, 0 },
		  { PERF_SAMPLE_RAW, 0 } };
	static const uint64_t counts[] = { 100, UINT32_MAX, UINT64_C(1) << 61, UINT64_MAX,
					   UINT64_MAX / 24 + 1 };

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		for (size_t k = 0; k < sizeof(counts) / sizeof(counts[0]); k++) {
			struct record_layout l = { .sample_type = t[i].sample_type,
						   .read_format = t[i].read_format };
			struct draft d = begin(PERF_RECORD_SAMPLE, 0, false);
			struct record r;

			d64(&d, counts[k] | (t[i].sample_type == PERF_SAMPLE_RAW ? 100 : 0));
			d64(&d, 1);
			d64(&d, 2);
			assert_int_equal(decode(&d, &l, &r), -EBADMSG);
			buf_fini(&d.b);
		}
	}
}

static struct draft mmap_record(uint32_t type, uint16_t misc, bool swap)
{
	struct draft d = begin(type, misc, swap);

	d32(&d, 100);
	d32(&d, 101);
	d64(&d, 0x400000);
	d64(&d, 0x2000);
	d64(&d, 0x1000);
	return d;
}

static void maps_decode(void **state)
{
	for (int i = 0; i < 6; i++) {
		struct record_layout l = plain_layout();
		bool two = i >= 2, data = i & 1;
		struct draft d = mmap_record(two ? PERF_RECORD_MMAP2 : PERF_RECORD_MMAP,
					     data && !two ? PERF_RECORD_MISC_MMAP_DATA : 0, i >= 4);
		struct record r;

		if (two) {
			d32(&d, 8);
			d32(&d, 1);
			d64(&d, 1234);
			d64(&d, 5);
			d32(&d, PROT_READ | PROT_EXEC);
			d32(&d, MAP_PRIVATE);
		}
		dstr(&d, "/usr/bin/true");
		trailer(&d);
		assert_int_equal(decode(&d, &l, &r), 0);
		assert_int_equal(r.mmap.pid, 100);
		assert_int_equal(r.mmap.tid, 101);
		assert_int_equal(r.mmap.start, 0x400000);
		assert_int_equal(r.mmap.size, 0x2000);
		assert_int_equal(r.mmap.pgoff, 0x1000);
		assert_string_equal(r.mmap.filename, "/usr/bin/true");
		assert_int_equal(r.mmap.ino, two ? 1234 : 0);
		assert_int_equal(r.mmap.ino_generation, two ? 5 : 0);
		assert_int_equal(r.mmap.maj, two ? 8 : 0);
		assert_int_equal(r.mmap.prot, two ? PROT_READ | PROT_EXEC : data ? 0 : PROT_EXEC);
		assert_int_equal(r.mmap.flags, two ? MAP_PRIVATE : 0);
		assert_int_equal(r.mmap.build_id_size, 0);
		assert_int_equal(r.pid, 70); /* the trailer's */
		assert_int_equal(r.tid, 71);
		assert_int_equal(r.time, 7000);
		assert_int_equal(r.id, 42);
		buf_fini(&d.b);
	}
}

static void build_ids_are_bytes_in_any_order(void **state)
{
	static const uint8_t id[20] = { 1,  2,	3,  4,	5,  6,	7,  8,	9,  10,
					11, 12, 13, 14, 15, 16, 17, 18, 19, 20 };

	for (int i = 0; i < 8; i++) {
		static const uint8_t sizes[] = { 20, 16, 0, 21 };
		struct record_layout l = plain_layout();
		struct draft d =
			mmap_record(PERF_RECORD_MMAP2, PERF_RECORD_MISC_MMAP_BUILD_ID, i & 1);
		uint8_t size = sizes[i / 2];
		struct record r;

		buf_add(&d.b, (const uint8_t[]){ size, 0, 0, 0 }, 4);
		buf_add(&d.b, id, 20);
		d32(&d, PROT_EXEC);
		d32(&d, 0);
		dstr(&d, "x");
		trailer(&d);
		assert_int_equal(decode(&d, &l, &r), size > 20 ? -EBADMSG : 0);
		if (size <= 20) {
			assert_int_equal(r.mmap.build_id_size, size);
			assert_memory_equal(r.mmap.build_id, id, size);
			assert_int_equal(r.mmap.prot, PROT_EXEC);
			assert_int_equal(r.mmap.ino, 0);
		}
		buf_fini(&d.b);
	}
}

static void tasks_decode(void **state)
{
	for (int swap = 0; swap < 2; swap++) {
		struct record_layout l = plain_layout();
		struct draft d = begin(PERF_RECORD_COMM, PERF_RECORD_MISC_COMM_EXEC, swap);
		struct record r;

		d32(&d, 100);
		d32(&d, 101);
		dstr(&d, "true");
		trailer(&d);
		assert_int_equal(decode(&d, &l, &r), 0);
		assert_int_equal(r.comm.pid, 100);
		assert_int_equal(r.comm.tid, 101);
		assert_true(r.comm.exec);
		assert_string_equal(r.comm.comm, "true");
		buf_fini(&d.b);

		d = begin(swap ? PERF_RECORD_FORK : PERF_RECORD_EXIT, 0, swap);
		for (uint32_t i = 1; i <= 4; i++)
			d32(&d, i);
		d64(&d, 6999);
		trailer(&d);
		assert_int_equal(decode(&d, &l, &r), 0);
		assert_int_equal(r.task.pid, 1);
		assert_int_equal(r.task.ppid, 2);
		assert_int_equal(r.task.tid, 3);
		assert_int_equal(r.task.ptid, 4);
		assert_int_equal(r.task.time, 6999);
		assert_int_equal(r.time, 7000);
		l.sample_id_all = false; /* the trailer is then no part of it */
		d.b.size -= 24;
		assert_int_equal(decode(&d, &l, &r), 0);
		assert_int_equal(r.time, 0);
		assert_int_equal(r.pid, NOBODY);
		buf_fini(&d.b);
	}
}

static void what_the_kernel_says_of_itself_decodes(void **state)
{
	for (int swap = 0; swap < 2; swap++) {
		struct record_layout l = plain_layout();
		struct draft d = begin(PERF_RECORD_LOST, 0, swap);
		struct record r;

		d64(&d, 42);
		d64(&d, 12);
		trailer(&d);
		assert_int_equal(decode(&d, &l, &r), 0);
		assert_int_equal(r.lost.id, 42);
		assert_int_equal(r.lost.lost, 12);
		buf_fini(&d.b);

		d = begin(PERF_RECORD_LOST_SAMPLES, 0, swap);
		d64(&d, 13);
		trailer(&d);
		assert_int_equal(decode(&d, &l, &r), 0);
		assert_int_equal(r.lost.lost, 13);
		buf_fini(&d.b);

		d = begin(swap ? PERF_RECORD_THROTTLE : PERF_RECORD_UNTHROTTLE, 0, swap);
		d64(&d, 6998);
		d64(&d, 42);
		d64(&d, 9);
		trailer(&d);
		assert_int_equal(decode(&d, &l, &r), 0);
		assert_int_equal(r.throttle.time, 6998);
		assert_int_equal(r.throttle.id, 42);
		assert_int_equal(r.throttle.stream_id, 9);
		buf_fini(&d.b);

		d = begin(PERF_RECORD_KSYMBOL, 0, swap);
		d64(&d, 0xffffffffc0000000);
		d32(&d, 64);
		d16(&d, PERF_RECORD_KSYMBOL_TYPE_BPF);
		d16(&d, swap ? PERF_RECORD_KSYMBOL_FLAGS_UNREGISTER : 0);
		dstr(&d, "bpf_prog_6deef7357e7b4530_sd");
		trailer(&d);
		assert_int_equal(decode(&d, &l, &r), 0);
		assert_true(r.ksymbol.addr == 0xffffffffc0000000);
		assert_int_equal(r.ksymbol.size, 64);
		assert_int_equal(r.ksymbol.ksym_type, PERF_RECORD_KSYMBOL_TYPE_BPF);
		assert_int_equal(r.ksymbol.unregister, swap);
		assert_string_equal(r.ksymbol.name, "bpf_prog_6deef7357e7b4530_sd");
		buf_fini(&d.b);

		d = begin(PERF_RECORD_CGROUP, 0, swap);
		d64(&d, 4242);
		dstr(&d, "/system.slice");
		trailer(&d);
		assert_int_equal(decode(&d, &l, &r), 0);
		assert_int_equal(r.cgroup.id, 4242);
		assert_string_equal(r.cgroup.path, "/system.slice");
		buf_fini(&d.b);
	}
}

/* A string may not run on into the trailer, nor any record end in mid-field. */
static void sideband_that_is_cut_is_refused(void **state)
{
	struct record_layout l = plain_layout();
	struct draft d = begin(PERF_RECORD_COMM, 0, false);
	struct record r;

	d64(&d, 1);
	buf_add(&d.b, "sixteen bytes, no", 16);
	trailer(&d); /* has zero bytes */
	assert_int_equal(decode(&d, &l, &r), -EBADMSG);
	assert_null(r.comm.comm);
	buf_fini(&d.b);
	for (uint32_t type = 1; type < 22; type++) {
		for (unsigned size = 0; size < 24; size += 4) {
			d = begin(type, 0, false);
			for (unsigned i = 0; i < size; i += 4)
				d32(&d, 0);
			assert_int_equal(decode(&d, &l, &r), -EBADMSG);
			buf_fini(&d.b);
		}
	}
}

static void other_types_give_their_trailer(void **state)
{
	struct record_layout l = plain_layout();
	struct draft d = begin(PERF_RECORD_SWITCH_CPU_WIDE, 0, false);
	struct record r;

	d64(&d, 1);
	trailer(&d);
	assert_int_equal(decode(&d, &l, &r), -ENOTSUP);
	assert_int_equal(r.type, PERF_RECORD_SWITCH_CPU_WIDE);
	assert_int_equal(r.time, 7000);
	assert_int_equal(r.id, 42);
	buf_fini(&d.b);

	d = begin(68, 0, false); /* PERF_RECORD_FINISHED_ROUND: perf's own, without a trailer */
	assert_int_equal(decode(&d, &l, &r), -ENOTSUP);
	assert_int_equal(r.time, 0);
	assert_int_equal(record_time(d.b.data, d.b.size, &l), 0);
	buf_fini(&d.b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_samples_decode_in_both_orders),
		cmocka_unit_test(nothing_of_an_older_record_shines_through),
		cmocka_unit_test(a_chain_that_lies_is_refused),
		cmocka_unit_test(own_samples_of_another_size_are_refused),
		cmocka_unit_test(every_bit_of_a_sample_decodes_in_order),
		cmocka_unit_test(layouts_of_the_future_are_refused),
		cmocka_unit_test(the_id_stands_where_the_layout_says),
		cmocka_unit_test(no_registers_no_stack),
		cmocka_unit_test(counts_of_elements_are_checked),
		cmocka_unit_test(maps_decode),
		cmocka_unit_test(build_ids_are_bytes_in_any_order),
		cmocka_unit_test(tasks_decode),
		cmocka_unit_test(what_the_kernel_says_of_itself_decodes),
		cmocka_unit_test(sideband_that_is_cut_is_refused),
		cmocka_unit_test(other_types_give_their_trailer),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
