/* perf/perfdata: files made byte by byte, in the shapes that perf has written since 3.x. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "perf/perfdata.h"

#define PLAIN (PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_PERIOD)
#define WITH_ID (PLAIN | PERF_SAMPLE_ID)
#define WITH_IDENTIFIER (PLAIN | PERF_SAMPLE_IDENTIFIER)

struct file {
	struct buf data; /* the records */
	struct buf tail; /* feature sections' contents, from byte 0 of them */
	struct {
		unsigned bit;
		size_t offset, size;
	} features[8];
	unsigned nr_features;
	bool swap, old_magic;
	unsigned attr_size;      /* 0: 112 */
	unsigned nr_events;
	uint64_t sample_type[4];
	uint64_t read_format, flags; /* of all events; flags as the writer's memory has them */
	bool unfinished;
};

static void put(struct buf *b, bool swap, uint64_t v, unsigned size)
{
	for (unsigned i = 0; i < size; i++) {
		uint8_t byte = (uint8_t)(v >> 8 * (swap ? size - 1 - i : i));

		buf_add(b, &byte, 1);
	}
}

#define P16(f, v) put(&(f)->data, (f)->swap, v, 2)
#define P32(f, v) put(&(f)->data, (f)->swap, v, 4)
#define P64(f, v) put(&(f)->data, (f)->swap, v, 8)

static void head(struct file *f, uint32_t type, uint16_t size)
{
	P32(f, type);
	P16(f, PERF_RECORD_MISC_USER);
	P16(f, size);
}

/* A sample of a layout made of PLAIN with or without ids. */
static void sample(struct file *f, uint64_t type, uint64_t id, uint64_t time, uint64_t ip)
{
	bool has_id = type & (PERF_SAMPLE_ID | PERF_SAMPLE_IDENTIFIER);

	head(f, PERF_RECORD_SAMPLE, 8 + 8 * (has_id ? 5 : 4));
	if (type & PERF_SAMPLE_IDENTIFIER)
		P64(f, id);
	P64(f, ip);
	P32(f, 10);
	P32(f, 11);
	P64(f, time);
	if (type & PERF_SAMPLE_ID)
		P64(f, id);
	P64(f, 1000);
}

static void comm(struct file *f, const char *name)
{
	char text[8] = "";

	strncpy(text, name, 7);
	head(f, PERF_RECORD_COMM, 24);
	P32(f, 10);
	P32(f, 11);
	buf_add(&f->data, text, 8);
}

static void attr(struct buf *b, const struct file *f, unsigned event)
{
	unsigned size = f->attr_size ? f->attr_size : 112;
	size_t at = b->size;

	put(b, f->swap, PERF_TYPE_SOFTWARE, 4);
	put(b, f->swap, size, 4);
	put(b, f->swap, event, 8); /* cpu-clock, task-clock, … */
	put(b, f->swap, 4000, 8);
	put(b, f->swap, f->sample_type[event], 8);
	put(b, f->swap, f->read_format, 8);
	put(b, f->swap, f->flags, 8);
	while (b->size < at + size)
		put(b, false, 0, 1);
}

static uint64_t id_of(unsigned event, unsigned nr)
{
	return 100 * (event + 1) + nr;
}

/* The file: header, ids (two for each event), attributes, records, features. */
static void build(const struct file *f, struct buf *out)
{
	bool s = f->swap;
	uint64_t attr_size = (f->attr_size ? f->attr_size : 112) + 16;
	uint64_t ids = 104, attrs = ids + 16 * f->nr_events;
	uint64_t data = attrs + attr_size * f->nr_events, sections = data + f->data.size;
	uint64_t contents = sections + 16 * f->nr_features, bits = 0;

	if (f->old_magic)
		buf_add(out, "PERFFILE", 8);
	else
		put(out, s, 0x32454c4946524550, 8);
	put(out, s, 104, 8);
	put(out, s, attr_size, 8);
	put(out, s, attrs, 8);
	put(out, s, attr_size * f->nr_events, 8);
	put(out, s, data, 8);
	put(out, s, f->unfinished ? 0 : f->data.size, 8);
	put(out, s, 0, 8);
	put(out, s, 0, 8);
	for (unsigned i = 0; i < f->nr_features; i++)
		bits |= UINT64_C(1) << f->features[i].bit;
	put(out, s, bits, 8);
	for (unsigned i = 0; i < 3; i++)
		put(out, s, 0, 8);
	for (unsigned i = 0; i < f->nr_events; i++)
		for (unsigned nr = 0; nr < 2; nr++)
			put(out, s, id_of(i, nr), 8);
	for (unsigned i = 0; i < f->nr_events; i++) {
		attr(out, f, i);
		put(out, s, ids + 16 * i, 8);
		put(out, s, 16, 8);
	}
	buf_add(out, f->data.data, f->data.size);
	for (unsigned i = 0; i < f->nr_features; i++) {
		put(out, s, contents + f->features[i].offset, 8);
		put(out, s, f->features[i].size, 8);
	}
	buf_add(out, f->tail.data, f->tail.size);
}

static void feature(struct file *f, unsigned bit, const void *data, size_t size)
{
	f->features[f->nr_features].bit = bit;
	f->features[f->nr_features].offset = f->tail.size;
	f->features[f->nr_features++].size = size;
	buf_add(&f->tail, data, size);
}

static int open_bytes(struct perfdata **d, const struct buf *b, size_t limit, char *error)
{
	int fd = io_memfd("perf.data", b->data, b->size), err;

	assert_true(fd >= 0);
	error[0] = 0;
	err = perfdata_open(d, fd, limit, error, 256);
	close(fd);
	assert_true(!err == !error[0]); /* no failure without its sentence */
	return err;
}

static struct perfdata *open_file(struct file *f)
{
	struct buf b = { 0 };
	struct perfdata *d = NULL;
	char error[256];

	build(f, &b);
	if (open_bytes(&d, &b, 1 << 20, error))
		fail_msg("%s", error);
	buf_fini(&b);
	buf_fini(&f->data);
	buf_fini(&f->tail);
	return d;
}

/* What came, as text: "c:comm", "e:ip" of samples, "!" of what did not decode. */
struct seen {
	char text[512];
	uint64_t period;
	int stop_after;
};

static int see(void *ctx, const struct record *rec, unsigned event, int err)
{
	struct seen *s = ctx;
	char *end = s->text + strlen(s->text);
	size_t left = sizeof(s->text) - strlen(s->text);

	if (err)
		snprintf(end, left, "!");
	else if (rec->type == PERF_RECORD_COMM)
		snprintf(end, left, "%s ", rec->comm.comm);
	else if (rec->type == PERF_RECORD_SAMPLE)
		snprintf(end, left, "%u:%llx ", event, (unsigned long long)rec->sample.ip);
	if (!err && rec->type == PERF_RECORD_SAMPLE)
		s->period += rec->sample.period;
	return s->stop_after && !--s->stop_after ? 77 : 0;
}

static struct seen walk(struct perfdata *d)
{
	struct seen s = { 0 };
	char error[256] = "";

	if (perfdata_each(d, see, &s, error, sizeof(error)))
		fail_msg("%s", error);
	return s;
}

static void expect(struct file *f, const char *text)
{
	struct perfdata *d = open_file(f);
	struct seen s = walk(d), again = walk(d);

	assert_string_equal(s.text, text);
	assert_string_equal(again.text, text);
	perfdata_free(d);
}

static void attributes_of_every_size_are_read(void **state)
{
	static const unsigned sizes[] = { 64, 72, 80, 96, 104, 112, 120, 128, 136, 512 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (int swap = 0; swap < 2; swap++) {
			struct file f = { .swap = swap, .attr_size = sizes[i], .nr_events = 1,
					  .sample_type = { PLAIN } };
			struct perfdata *d;

			sample(&f, PLAIN, 0, 5, 0x1234);
			d = open_file(&f);
			assert_int_equal(perfdata_nr_events(d), 1);
			assert_int_equal(perfdata_event(d, 0)->attr.sample_period, 4000);
			assert_string_equal(perfdata_event(d, 0)->name, "cpu-clock");
			assert_string_equal(walk(d).text, "0:1234 ");
			perfdata_free(d);
		}
	}
}

static void bit_fields_of_the_other_endianness_are_turned(void **state)
{
	/* sample_id_all is bit 18 from the low end of a little-endian word, from the high end of
	 * a big-endian one. */
	for (int swap = 0; swap < 2; swap++) {
		struct file f = { .swap = swap, .nr_events = 1, .sample_type = { PLAIN } };
		struct perfdata *d;

		f.flags = swap ? UINT64_C(1) << (63 - 18) : UINT64_C(1) << 18;
		d = open_file(&f);
		assert_true(perfdata_event(d, 0)->attr.sample_id_all);
		assert_false(perfdata_event(d, 0)->attr.disabled);
		assert_true(perfdata_event(d, 0)->layout.sample_id_all);
		perfdata_free(d);
	}
}

static void the_old_magic_says_its_endianness_by_the_header(void **state)
{
	for (int swap = 0; swap < 2; swap++) {
		struct file f = { .swap = swap, .old_magic = true, .nr_events = 1,
				  .sample_type = { PLAIN } };

		sample(&f, PLAIN, 0, 5, 0x77);
		expect(&f, "0:77 ");
	}
}

static void samples_go_to_their_events(void **state)
{
	static const uint64_t types[] = { WITH_ID, WITH_IDENTIFIER };

	for (int i = 0; i < 2; i++) {
		struct file f = { .nr_events = 2, .flags = 1 << 18,
				  .sample_type = { types[i], types[i] } };
		struct perfdata *d;

		sample(&f, types[i], id_of(1, 0), 1, 1);
		sample(&f, types[i], id_of(0, 1), 2, 2);
		sample(&f, types[i], 0, 3, 3);  /* of no event: the first's */
		sample(&f, types[i], 99, 4, 4); /* of an event that is not in the file */
		sample(&f, types[i], id_of(1, 1), 5, 5);
		d = open_file(&f);
		assert_string_equal(walk(d).text, "1:1 0:2 0:3 1:5 ");
		assert_int_equal(perfdata_nr_unknown(d), 1);
		perfdata_free(d);
	}
}

static void layouts_may_differ_where_ids_stand(void **state)
{
	/* The second event's samples begin with their id, the first's have it further on. */
	struct file f = { .nr_events = 2, .flags = 1 << 18,
			  .sample_type = { WITH_ID, WITH_IDENTIFIER } };

	sample(&f, WITH_IDENTIFIER, id_of(1, 0), 1, 0xa);
	sample(&f, WITH_ID, id_of(0, 0), 2, 0xb);
	expect(&f, "1:a 0:b ");
}

static void rounds_are_sorted_as_perf_does(void **state)
{
	struct file f = { .nr_events = 1, .sample_type = { PLAIN } };

	sample(&f, PLAIN, 0, 30, 3);
	sample(&f, PLAIN, 0, 10, 1);
	head(&f, 68, 8); /* no limit yet */
	comm(&f, "now"); /* without a time: at once */
	sample(&f, PLAIN, 0, 20, 2);
	sample(&f, PLAIN, 0, 40, 5);
	head(&f, 68, 8); /* up to 30 */
	comm(&f, "then");
	sample(&f, PLAIN, 0, 40, 6);
	sample(&f, PLAIN, 0, 35, 4);
	sample(&f, PLAIN, 0, 5, 9); /* too late for its round: first of the rest */
	expect(&f, "now 0:1 0:2 0:3 then 0:9 0:4 0:5 0:6 ");
}

static void without_times_the_file_has_the_order(void **state)
{
	struct file f = { .nr_events = 1, .sample_type = { PERF_SAMPLE_IP } };

	for (unsigned i = 3; i; i--) {
		head(&f, PERF_RECORD_SAMPLE, 16);
		P64(&f, i);
	}
	comm(&f, "end");
	expect(&f, "0:3 0:2 0:1 end ");
}

static void what_does_not_decode_is_said(void **state)
{
	struct file f = { .nr_events = 1, .sample_type = { PLAIN } };

	head(&f, PERF_RECORD_SAMPLE, 16);
	P64(&f, 1);
	sample(&f, PLAIN, 0, 5, 1);
	expect(&f, "!0:1 ");
}

static void the_walk_ends_when_told(void **state)
{
	struct file f = { .nr_events = 1, .sample_type = { PLAIN } };
	struct seen s = { .stop_after = 2 };
	struct perfdata *d;
	char error[64] = "";

	for (int i = 1; i < 5; i++)
		sample(&f, PLAIN, 0, (uint64_t)i, (uint64_t)i);
	d = open_file(&f);
	assert_int_equal(perfdata_each(d, see, &s, error, sizeof(error)), 77);
	assert_string_equal(s.text, "0:1 0:2 ");
	perfdata_free(d);
}

static void an_unfinished_file_gives_its_whole_records(void **state)
{
	struct file f = { .nr_events = 1, .sample_type = { PLAIN }, .unfinished = true };
	struct perfdata *d;

	sample(&f, PLAIN, 0, 1, 1);
	sample(&f, PLAIN, 0, 2, 2);
	f.data.size -= 3;
	d = open_file(&f);
	assert_true(perfdata_unfinished(d));
	assert_string_equal(walk(d).text, "0:1 ");
	perfdata_free(d);
}

static void a_file_cut_anywhere_is_refused(void **state)
{
	struct file f = { .nr_events = 2, .flags = 1 << 18, .sample_type = { WITH_ID, WITH_ID } };
	struct buf b = { 0 };

	sample(&f, WITH_ID, id_of(0, 0), 1, 1);
	sample(&f, WITH_ID, id_of(1, 0), 2, 2);
	feature(&f, 3, "\4\0\0\0abc", 8);
	build(&f, &b);
	for (size_t size = 0; size < b.size; size++) {
		struct buf cut = { .data = b.data, .size = size };
		struct perfdata *d = NULL;
		char error[256];

		assert_int_equal(open_bytes(&d, &cut, 1 << 20, error), -EBADMSG);
		assert_null(d);
	}
	buf_fini(&b);
	buf_fini(&f.data);
	buf_fini(&f.tail);
}

static void more_than_the_limit_is_refused(void **state)
{
	struct buf b = { 0 };
	struct perfdata *d = NULL;
	char error[256];
	int p[2];

	for (int i = 0; i < 1000; i++)
		buf_add(&b, "12345678", 8);
	assert_int_equal(open_bytes(&d, &b, 7999, error), -EFBIG);
	assert_int_equal(pipe(p), 0);
	assert_int_equal(io_write(p[1], b.data, b.size), 0);
	close(p[1]);
	assert_int_equal(perfdata_open(&d, p[0], 7999, error, sizeof(error)), -EFBIG);
	close(p[0]);
	buf_fini(&b);
}

static void features_say_host_names_and_clock(void **state)
{
	struct file f = { .nr_events = 2, .sample_type = { WITH_ID, WITH_ID } };
	struct buf desc = { 0 }, clock = { 0 };
	const struct perfdata_build_id *id;
	struct perfdata *d;
	uint8_t build_id[8 + 4 + 24 + 8] = { 0, 0, 0, 0, 2, 0x80, sizeof(build_id) };
	uint64_t wall, at;

	for (int i = 0; i < 20; i++)
		build_id[12 + i] = (uint8_t)i;
	build_id[12 + 20] = 16; /* its size, and the bit that says so */
	memcpy(build_id + 36, "/bin/x", 7);
	sample(&f, WITH_ID, id_of(0, 0), 1, 1);
	feature(&f, 2, build_id, sizeof(build_id));
	feature(&f, 3, "\10\0\0\0web-01\0\0", 12);
	feature(&f, 6, "\10\0\0\0x86_64\0\0", 12);
	put(&desc, false, 2, 4);
	put(&desc, false, 112, 4);
	for (unsigned i = 2; i-- > 0;) { /* in the other order: ids decide */
		attr(&desc, &f, i);
		put(&desc, false, 1, 4);
		put(&desc, false, 8, 4);
		buf_add(&desc, i ? "second\0" : "first:u", 8);
		put(&desc, false, id_of(i, 1), 8);
	}
	feature(&f, 12, desc.data, desc.size);
	put(&clock, false, 1, 4);
	put(&clock, false, 4, 4);
	put(&clock, false, 1700000000000000000, 8);
	put(&clock, false, 12345, 8);
	feature(&f, 29, clock.data, clock.size);
	d = open_file(&f);
	assert_string_equal(perfdata_hostname(d), "web-01");
	assert_string_equal(perfdata_arch(d), "x86_64");
	assert_string_equal(perfdata_event(d, 0)->name, "first:u");
	assert_string_equal(perfdata_event(d, 1)->name, "second");
	assert_true(perfdata_clock(d, &wall, &at));
	assert_int_equal(wall, 1700000000000000000);
	assert_int_equal(at, 12345);
	assert_int_equal(perfdata_nr_build_ids(d), 1);
	id = perfdata_build_id(d, 0);
	assert_string_equal(id->filename, "/bin/x");
	assert_int_equal(id->size, 16);
	assert_int_equal(id->misc, PERF_RECORD_MISC_USER);
	assert_memory_equal(id->id, build_id + 12, 16);
	perfdata_free(d);
	buf_fini(&desc);
	buf_fini(&clock);
}

static void build_ids_without_pid_are_known_by_the_kernels_name(void **state)
{
	struct file f = { .nr_events = 1, .sample_type = { PLAIN } };
	uint8_t id[8 + 24 + 24] = { 0, 0, 0, 0, 1, 0, sizeof(id) };
	struct perfdata *d;

	memset(id + 8, 0xab, 20);
	memcpy(id + 32, "[kernel.kallsyms]", 18);
	sample(&f, PLAIN, 0, 1, 1);
	feature(&f, 2, id, sizeof(id));
	d = open_file(&f);
	assert_int_equal(perfdata_nr_build_ids(d), 1);
	assert_string_equal(perfdata_build_id(d, 0)->filename, "[kernel.kallsyms]");
	assert_int_equal(perfdata_build_id(d, 0)->id[0], 0xab);
	perfdata_free(d);
}

/* A pipe's stream: no sections, everything is a record. */
static void pipe_start(struct file *f)
{
	put(&f->data, f->swap, 0x32454c4946524550, 8);
	P64(f, 16);
	head(f, 64, 8 + 112 + 8);
	attr(&f->data, f, 0);
	P64(f, id_of(0, 0));
}

static void a_pipe_describes_itself_by_records(void **state)
{
	for (int swap = 0; swap < 2; swap++) {
		struct file f = { .swap = swap, .nr_events = 1, .sample_type = { WITH_ID } };
		struct perfdata *d = NULL;
		char error[256];

		pipe_start(&f);
		head(&f, 66, 12); /* tracing data: 5 bytes, padded to 8 */
		P32(&f, 5);
		P64(&f, ~UINT64_C(0));
		head(&f, 71, 48); /* AUX data: 16 bytes */
		P64(&f, 16);
		for (int i = 0; i < 6; i++)
			P64(&f, ~UINT64_C(0));
		head(&f, 78, 8 + 16 + 8);
		P64(&f, 2);
		P64(&f, id_of(0, 0));
		buf_add(&f.data, "clock:u", 8);
		head(&f, 80, 8 + 8 + 8);
		P64(&f, 3);
		P32(&f, 4);
		buf_add(&f.data, "abc", 4);
		sample(&f, WITH_ID, id_of(0, 0), 1, 0x55);
		assert_int_equal(open_bytes(&d, &f.data, 1 << 20, error), 0);
		assert_string_equal(perfdata_event(d, 0)->name, "clock:u");
		assert_string_equal(perfdata_hostname(d), "abc");
		assert_string_equal(walk(d).text, "0:55 ");
		perfdata_free(d);
		f.data.size -= 4;
		assert_int_equal(open_bytes(&d, &f.data, 1 << 20, error), -EBADMSG);
		buf_fini(&f.data);
	}
}

static void a_stream_without_events_is_refused(void **state)
{
	struct file f = { 0 };
	struct perfdata *d = NULL;
	char error[256];

	put(&f.data, false, 0x32454c4946524550, 8);
	P64(&f, 16);
	assert_int_equal(open_bytes(&d, &f.data, 1 << 20, error), -EBADMSG);
	head(&f, 64, 16);
	P64(&f, 7); /* no attribute is so short */
	assert_int_equal(open_bytes(&d, &f.data, 1 << 20, error), -EBADMSG);
	buf_fini(&f.data);
}

static void a_group_read_at_once_counts_for_its_members(void **state)
{
	const uint64_t type = PERF_SAMPLE_IP | PERF_SAMPLE_READ | PERF_SAMPLE_ID;
	static const uint64_t counts[3][2] = { { 10, 5 }, { 30, 5 }, { 60, 6 } };
	struct file f = { .nr_events = 2, .sample_type = { type, type },
			  .read_format = PERF_FORMAT_GROUP | PERF_FORMAT_ID };
	struct perfdata *d;
	struct seen s;

	for (unsigned i = 0; i < 3; i++) {
		head(&f, PERF_RECORD_SAMPLE, 8 + 16 + 8 + 4 * 8);
		P64(&f, i);
		P64(&f, id_of(0, 0));
		P64(&f, 2);
		for (unsigned member = 0; member < 2; member++) {
			P64(&f, counts[i][member]);
			P64(&f, id_of(member, 0));
		}
	}
	d = open_file(&f);
	s = walk(d);
	/* The second did not count between the first two. */
	assert_string_equal(s.text, "0:0 1:0 0:1 0:2 1:2 ");
	assert_int_equal(s.period, 60 + 6);
	perfdata_free(d);
}

static void names_are_made_where_none_are_recorded(void **state)
{
	struct file f = { .nr_events = 3, .sample_type = { PLAIN, PLAIN, PLAIN } };
	struct perfdata *d = open_file(&f);

	assert_string_equal(perfdata_event(d, 1)->name, "task-clock");
	assert_string_equal(perfdata_event(d, 2)->name, "page-faults");
	perfdata_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attributes_of_every_size_are_read),
		cmocka_unit_test(bit_fields_of_the_other_endianness_are_turned),
		cmocka_unit_test(the_old_magic_says_its_endianness_by_the_header),
		cmocka_unit_test(samples_go_to_their_events),
		cmocka_unit_test(layouts_may_differ_where_ids_stand),
		cmocka_unit_test(rounds_are_sorted_as_perf_does),
		cmocka_unit_test(without_times_the_file_has_the_order),
		cmocka_unit_test(what_does_not_decode_is_said),
		cmocka_unit_test(the_walk_ends_when_told),
		cmocka_unit_test(an_unfinished_file_gives_its_whole_records),
		cmocka_unit_test(a_file_cut_anywhere_is_refused),
		cmocka_unit_test(more_than_the_limit_is_refused),
		cmocka_unit_test(features_say_host_names_and_clock),
		cmocka_unit_test(build_ids_without_pid_are_known_by_the_kernels_name),
		cmocka_unit_test(a_pipe_describes_itself_by_records),
		cmocka_unit_test(a_stream_without_events_is_refused),
		cmocka_unit_test(a_group_read_at_once_counts_for_its_members),
		cmocka_unit_test(names_are_made_where_none_are_recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
