/* profile/: interning, encode and decode, merging. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/gzip.h"
#include "base/io.h"
#include "base/reader.h"
#include "base/text.h"
#include "profile/bracket.h"
#include "profile/decode.h"
#include "profile/encode.h"
#include "profile/merge.h"
#include "profile/profile.h"

static struct profile *new_cpu(void)
{
	struct profile *p = profile_new();

	profile_add_type(p, "samples", "count");
	profile_add_type(p, "cpu", "nanoseconds");
	profile_set_period(p, "cpu", "nanoseconds", 20408163);
	p->default_type = profile_string(p, "cpu");
	p->time_nanos = 1795370400000000000;
	p->duration_nanos = 60000000000;
	return p;
}

static uint32_t new_mapping(struct profile *p, const char *file, const char *build_id,
			    uint64_t start, uint64_t size)
{
	return profile_mapping(p, &(struct profile_mapping){
					  .start = start,
					  .limit = start + size,
					  .filename = profile_string(p, file),
					  .build_id = profile_string(p, build_id),
				  });
}

static uint32_t new_function(struct profile *p, const char *name)
{
	uint32_t s = profile_string(p, name);

	return profile_function(p, &(struct profile_function){ .name = s, .system_name = s });
}

static uint32_t string_label(struct profile *p, const char *key, const char *value)
{
	struct profile_label l = { .key = profile_string(p, key), .str = profile_string(p, value) };

	return profile_label_set(p, &l, 1);
}

static void add(struct profile *p, const uint32_t *locations, uint32_t nr, uint32_t labels,
		int64_t count)
{
	profile_add(p, profile_stack(p, locations, nr), labels,
		    (int64_t[]){ count, count * 20408163 });
}

static struct profile *decode(const struct buf *b)
{
	struct profile *p = NULL;
	char error[256] = "";

	if (profile_decode(b->data, b->size, &p, error, sizeof(error)))
		fail_msg("%s", error);
	return p;
}

/* ---- interning ---- */

static void equal_things_are_one(void **state)
{
	struct profile *p = new_cpu();
	uint32_t m = new_mapping(p, "/bin/a", "", 0x1000, 0x1000);
	uint32_t a = profile_location(p, m, 0x1234), b = profile_location(p, m, 0x1235);

	assert_int_equal(profile_string(p, ""), 0);
	assert_int_equal(profile_string(p, "x"), profile_string_n(p, "xyz", 1));
	assert_int_not_equal(profile_string(p, "xy"), profile_string(p, "x"));
	assert_int_equal(profile_location(p, m, 0x1234), a);
	assert_int_not_equal(a, b);
	assert_int_not_equal(profile_location(p, PROFILE_NO_MAPPING, 0x1234), a);
	assert_int_equal(new_function(p, "f"), new_function(p, "f"));
	assert_int_equal(profile_stack(p, (uint32_t[]){ a, b }, 2),
			 profile_stack(p, (uint32_t[]){ a, b }, 2));
	assert_int_not_equal(profile_stack(p, (uint32_t[]){ a, b }, 2),
			     profile_stack(p, (uint32_t[]){ b, a }, 2));
	assert_int_not_equal(profile_stack(p, (uint32_t[]){ a, b }, 2),
			     profile_stack(p, (uint32_t[]){ a }, 1));
	add(p, &a, 1, string_label(p, "pid", "1"), 2);
	add(p, &a, 1, string_label(p, "pid", "1"), 3);
	add(p, &a, 1, string_label(p, "pid", "2"), 1);
	assert_int_equal(p->nr_samples, 2);
	assert_int_equal(p->values[0], 5);
	assert_int_equal(p->values[1], 5 * 20408163);
	/* A mapping is new each time. */
	assert_int_not_equal(new_mapping(p, "/bin/a", "", 0x1000, 0x1000), m);
	profile_free(p);
}

static void many_elements_keep_their_numbers(void **state)
{
	struct profile *p = new_cpu();
	uint32_t m = new_mapping(p, "/bin/a", "", 0, UINT64_MAX);
	char name[32];

	for (uint32_t i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "name %u", i);
		assert_int_equal(profile_string(p, name), profile_string(p, name));
		assert_int_equal(profile_location(p, m, 0x1000 + i), i);
		assert_int_equal(profile_stack(p, (uint32_t[]){ i, i / 2 }, 2), i);
	}
	for (uint32_t i = 0; i < 5000; i++) {
		assert_int_equal(profile_location(p, m, 0x1000 + i), i);
		assert_int_equal(profile_stack(p, (uint32_t[]){ i, i / 2 }, 2), i);
	}
	profile_free(p);
}

static void strings_are_cleaned(void **state)
{
	struct profile *p = new_cpu();
	uint32_t bad = profile_string_n(p, "a\xff\nb\xc3", 5);

	assert_string_equal(profile_str(p, bad), "a\\xff\\x0ab");
	assert_int_equal(profile_string(p, "a\xff\nb"), bad);
	assert_string_equal(profile_str(p, profile_string_n(p, "ab\0cd", 5)), "ab");
	profile_free(p);
}

static void values_do_not_overflow(void **state)
{
	struct profile *p = new_cpu();
	uint32_t l = profile_pseudo(p, "[lost]"), s = profile_stack(p, &l, 1);

	profile_add(p, s, profile_label_set(p, NULL, 0), (int64_t[]){ INT64_MAX, 1 });
	profile_add(p, s, profile_label_set(p, NULL, 0), (int64_t[]){ 1, 1 });
	assert_int_equal(p->values[0], INT64_MAX);
	assert_int_equal(p->values[1], 2);
	profile_free(p);
}

static void pseudo_frames_are_told_apart(void **state)
{
	struct profile *p = new_cpu();
	uint32_t lost = profile_pseudo(p, "[lost]"), cut = profile_pseudo(p, "[truncated]");

	assert_int_not_equal(lost, cut);
	assert_int_equal(profile_pseudo(p, "[lost]"), lost);
	assert_int_not_equal(profile_location(p, PROFILE_NO_MAPPING, 0), lost);
	assert_int_equal(p->locations[lost].nr_lines, 1);
	profile_free(p);
}

static void lines_can_be_replaced(void **state)
{
	struct profile *p = new_cpu();
	uint32_t m = new_mapping(p, "/bin/a", "", 0x1000, 0x1000);
	uint32_t l = profile_location(p, m, 0x1234), zero = profile_location(p, m, 0);
	struct profile_line lines[3] = { { new_function(p, "f"), 1 }, { new_function(p, "g"), 2 } };

	profile_set_lines(p, l, lines, 1);
	profile_set_lines(p, l, lines, 2);
	assert_int_equal(p->locations[l].nr_lines, 2);
	assert_int_equal(p->lines[p->locations[l].first_line + 1].line, 2);
	profile_set_lines(p, l, lines, 0);
	assert_int_equal(p->locations[l].nr_lines, 0);
	assert_int_equal(profile_location(p, m, 0x1234), l);
	/* One without address is found by its lines. */
	profile_set_lines(p, zero, lines, 2);
	assert_int_equal(profile_location_lines(p, m, 0, lines, 2), zero);
	assert_int_not_equal(profile_location(p, m, 0), zero);
	profile_free(p);
}

static void labels_that_no_reader_takes_are_left_out(void **state)
{
	struct profile *p = new_cpu();
	uint32_t a = profile_string(p, "a"), b = profile_string(p, "b"),
		 v = profile_string(p, "v"), w = profile_string(p, "w");
	struct profile_label mess[] = {
		{ .key = b, .str = v },
		{ .key = profile_string(p, "thread id"), .str = v },
		{ .key = profile_string(p, "__name"), .str = v },
		{ .key = profile_string(p, "9lives"), .str = v },
		{ .key = profile_string(p, "ключ"), .str = v },
		{ .key = profile_string(p, "empty") },
		{ .key = 0, .str = v },
		{ .key = a, .num = 7, .num_unit = v },
		{ .key = a, .str = w },
		{ .key = b, .str = w },
	};
	struct profile_label clean[] = { { .key = a, .num = 7, .num_unit = v },
					 { .key = b, .str = v } };
	uint32_t set = profile_label_set(p, mess, sizeof(mess) / sizeof(mess[0]));

	assert_int_equal(set, profile_label_set(p, clean, 2));
	assert_int_equal(p->label_sets[set].nr, 2);
	assert_string_equal(profile_label(p, set, "b"), "v");
	assert_null(profile_label(p, set, "a")); /* numeric */
	assert_null(profile_label(p, set, "thread id"));
	assert_int_equal(p->label_sets[profile_label_set(p, &mess[1], 1)].nr, 0);
	profile_free(p);
}

static void types_get_names_that_readers_take(void **state)
{
	struct profile *p = profile_new();

	profile_add_type(p, "off-cpu", "nanoseconds");
	profile_add_type(p, "9lives:u", "count");
	assert_string_equal(profile_str(p, p->types[0].type), "off_cpu");
	assert_string_equal(profile_str(p, p->types[1].type), "_9lives_u");
	profile_free(p);
}

static void size_follows_growth(void **state)
{
	struct profile *p = new_cpu();
	size_t before = profile_size(p);
	uint32_t m = new_mapping(p, "/bin/a", "", 0, UINT64_MAX);

	for (uint32_t i = 0; i < 10000; i++)
		profile_stack(p, (uint32_t[]){ profile_location(p, m, i + 1) }, 1);
	assert_in_range(profile_size(p) - before, 10000 * (sizeof(struct profile_location) + 20),
			10000 * (sizeof(struct profile_location) + 20) * 4);
	profile_free(p);
}

/* ---- files ---- */

static struct profile *example(void)
{
	struct profile *p = new_cpu();
	uint32_t host = new_mapping(p, "[host web-01]", "", 0, 0);
	uint32_t a = new_mapping(p, "/usr/bin/a", "c0ffee", 0x55550000, 0x10000);
	uint32_t named = profile_location(p, a, 0x55551234);
	uint32_t bare = profile_location(p, a, 0x55555678);
	uint32_t lost = profile_pseudo(p, "[lost]");
	struct profile_line lines[2] = { { new_function(p, "inner"), 12 },
					 { new_function(p, "outer"), -1 } };
	struct profile_label labels[2] = {
		{ .key = profile_string(p, "pid"), .str = profile_string(p, "7") },
		{ .key = profile_string(p, "bytes"),
		  .num = -3,
		  .num_unit = profile_string(p, "b") },
	};

	(void)host;
	profile_add_comment(p, "pprofd 0.1");
	profile_add_comment(p, "pprofd 0.1");
	profile_set_lines(p, named, lines, 2);
	add(p, (uint32_t[]){ named, bare }, 2, profile_label_set(p, labels, 2), 300);
	add(p, &lost, 1, profile_label_set(p, NULL, 0), 1);
	return p;
}

static void decode_gives_back_what_was_encoded(void **state)
{
	struct profile *p = example(), *q;
	struct buf b = { 0 }, c = { 0 };
	const struct profile_sample *s;

	profile_encode(p, &b);
	q = decode(&b);
	assert_int_equal(q->nr_types, 2);
	assert_string_equal(profile_str(q, q->types[1].unit), "nanoseconds");
	assert_string_equal(profile_str(q, q->default_type), "cpu");
	assert_string_equal(profile_str(q, q->period_type.type), "cpu");
	assert_int_equal(q->period, 20408163);
	assert_int_equal(q->time_nanos, p->time_nanos);
	assert_int_equal(q->duration_nanos, 60000000000);
	assert_int_equal(q->nr_comments, 1);
	assert_int_equal(q->nr_mappings, 2);
	assert_string_equal(profile_str(q, q->mappings[1].build_id), "c0ffee");
	assert_int_equal(q->mappings[1].limit, 0x55560000);
	assert_int_equal(q->nr_samples, 2);
	s = &q->samples[0];
	assert_int_equal(q->values[0], 300);
	assert_string_equal(profile_label(q, s->label_set, "pid"), "7");
	assert_int_equal(q->label_sets[s->label_set].nr, 2);
	assert_int_equal(q->lines[q->locations[0].first_line + 1].line, -1);
	assert_int_equal(q->locations[1].address, 0x55555678);
	assert_int_equal(q->locations[2].mapping, PROFILE_NO_MAPPING);
	profile_encode(q, &c);
	assert_int_equal(b.size, c.size);
	assert_memory_equal(b.data, c.data, b.size);
	buf_fini(&b);
	buf_fini(&c);
	profile_free(p);
	profile_free(q);
}

/* Lengths of one, two and three bytes: stacks of 1, 300 and 20000 frames, and as long a string. */
static void long_messages_are_encoded(void **state)
{
	static const uint32_t depths[] = { 1, 60, 61, 300, 20000 };
	struct profile *p = new_cpu(), *q;
	uint32_t *stack = calloc(20000, sizeof(*stack));
	char *name = calloc(1, 20001);
	struct buf b = { 0 };
	uint32_t m;

	memset(name, 'n', 20000);
	m = new_mapping(p, name, "", 0, UINT64_MAX);
	for (uint32_t i = 0; i < 20000; i++)
		stack[i] = profile_location(p, m, 1 + i % 1000);
	for (uint32_t i = 0; i < 5; i++)
		add(p, stack, depths[i], profile_label_set(p, NULL, 0), 1 + i);
	profile_encode(p, &b);
	q = decode(&b);
	assert_int_equal(q->nr_samples, 5);
	for (uint32_t i = 0; i < 5; i++) {
		const struct profile_stack *s = &q->stacks[q->samples[i].stack];

		assert_int_equal(s->nr, depths[i]);
		assert_memory_equal(&q->stack_locations[s->first], stack,
				    depths[i] * sizeof(*stack));
		assert_int_equal(q->values[2 * i], 1 + i);
	}
	assert_string_equal(profile_str(q, q->mappings[0].filename), name);
	free(stack);
	free(name);
	buf_fini(&b);
	profile_free(p);
	profile_free(q);
}

/* Top-level fields with number FIELD. */
static unsigned count_fields(const struct buf *b, unsigned field)
{
	struct reader r = reader_of(b->data, b->size);
	unsigned nr = 0;

	while (reader_left(&r)) {
		uint64_t key = reader_uleb(&r), v = reader_uleb(&r);

		if ((key & 7) == 2)
			reader_skip(&r, v);
		assert_false(r.failed);
		nr += key >> 3 == field;
	}
	return nr;
}

static void empty_samples_are_not_written(void **state)
{
	struct profile *p = example();
	uint32_t none = profile_label_set(p, NULL, 0), l = profile_pseudo(p, "[zero]");
	struct buf b = { 0 };

	add(p, &l, 1, none, 0);
	add(p, NULL, 0, none, 5);
	assert_int_equal(p->nr_samples, 4);
	profile_encode(p, &b);
	assert_int_equal(count_fields(&b, 2), 2);
	assert_int_equal(count_fields(&b, 3), p->nr_mappings);
	assert_int_equal(count_fields(&b, 4), p->nr_locations);
	assert_int_equal(count_fields(&b, 6), p->nr_strings);
	assert_int_equal(count_fields(&b, 15), 0);
	buf_fini(&b);
	profile_free(p);
}

/* A message by hand: field, wire type 2, bytes. */
#define MSG(field, ...)                                                                            \
	(field) << 3 | 2, sizeof((uint8_t[]){ __VA_ARGS__ }), __VA_ARGS__

static const char *decode_error(const uint8_t *data, size_t size)
{
	static char error[256];
	struct profile *p = NULL;

	strcpy(error, "");
	if (!profile_decode(data, size, &p, error, sizeof(error))) {
		profile_free(p);
		return "";
	}
	assert_null(p);
	assert_string_not_equal(error, "");
	return error;
}

static void ids_need_not_be_dense_or_ordered(void **state)
{
	/* Strings last; location 5 at mapping 9, line of function 2^40; values not packed. */
	static const uint8_t data[] = {
		MSG(2, MSG(1, 5), 2 << 3, 7),
		MSG(4, 1 << 3, 5, 2 << 3, 9, 3 << 3, 0x11,
		    MSG(4, 1 << 3, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20)),
		MSG(5, 1 << 3, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20, 2 << 3, 1),
		MSG(3, 1 << 3, 9, 2 << 3, 0x10, 3 << 3, 0x20),
		MSG(1, 1 << 3, 1, 2 << 3, 2),
		0x7a, 1, 'x', /* doc_url and an unknown field: skipped */
		0xa5, 0x06, 1, 2, 3, 4,
		6 << 3 | 2, 0, MSG(6, 'c', 'p', 'u'), MSG(6, 'n', 's'),
	};
	struct buf b = { 0 };
	struct profile *p;

	buf_add(&b, data, sizeof(data));
	p = decode(&b);
	assert_int_equal(p->nr_samples, 1);
	assert_int_equal(p->values[0], 7);
	assert_int_equal(p->locations[0].mapping, 0);
	assert_int_equal(p->locations[0].address, 0x11);
	assert_string_equal(profile_str(p, p->functions[p->lines[0].function].name), "cpu");
	buf_fini(&b);
	profile_free(p);
}

#define HEAD MSG(1, 1 << 3, 1, 2 << 3, 2), 6 << 3 | 2, 0, MSG(6, 'c', 'p', 'u'), MSG(6, 'n', 's')

static void damaged_profiles_are_refused(void **state)
{
	static const struct {
		const char *why;
		uint8_t size, data[64];
	} cases[] = {
#define CASE(why, ...) { why, sizeof((uint8_t[]){ __VA_ARGS__ }), { __VA_ARGS__ } }
		CASE("no sample types", 6 << 3 | 2, 0),
		CASE("first string", MSG(6, 'x')),
		CASE("damaged", HEAD, 2 << 3 | 2, 200),
		CASE("damaged", HEAD, 0xff),
		CASE("damaged", HEAD, 2 << 3 | 3),
		CASE("string 3", HEAD, 14 << 3, 3),
		CASE("wrong type", HEAD, 2 << 3, 1),
		CASE("location id 1 does not exist", HEAD, MSG(2, MSG(1, 1), MSG(2, 1))),
		CASE("mapping id 1 does not exist", HEAD, MSG(4, 1 << 3, 1, 2 << 3, 1)),
		CASE("function id 0 does not exist", HEAD, MSG(4, 1 << 3, 1, MSG(4, 2 << 3, 1))),
		CASE("mapping has id 0", HEAD, MSG(3, 2 << 3, 1)),
		CASE("function id 1 comes twice", HEAD, MSG(5, 1 << 3, 1), MSG(5, 1 << 3, 1)),
		CASE("0 values, not 1", HEAD, MSG(4, 1 << 3, 1), MSG(2, MSG(1, 1))),
		CASE("2 values, not 1", HEAD, MSG(4, 1 << 3, 1), MSG(2, MSG(1, 1), MSG(2, 1, 1))),
		CASE("negative", HEAD, MSG(4, 1 << 3, 1),
		     MSG(2, MSG(1, 1),
			 MSG(2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1))),
		CASE("more than 8", HEAD, MSG(1, 8, 1), MSG(1, 8, 1), MSG(1, 8, 1), MSG(1, 8, 1),
		     MSG(1, 8, 1), MSG(1, 8, 1), MSG(1, 8, 1), MSG(1, 8, 1)),
#undef CASE
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *error = decode_error(cases[i].data, cases[i].size);

		if (!strstr(error, cases[i].why))
			fail_msg("'%s' where '%s' is expected", error, cases[i].why);
	}
}

static void every_prefix_is_refused_or_read(void **state)
{
	struct profile *p = example(), *q;
	struct buf b = { 0 };

	profile_encode(p, &b);
	for (size_t size = 0; size < b.size; size++) {
		uint8_t *copy = malloc(size + !size);

		memcpy(copy, b.data, size);
		if (!profile_decode(copy, size, &q, NULL, 0))
			profile_free(q);
		free(copy);
	}
	buf_fini(&b);
	profile_free(p);
}

static void foreign_samples_without_a_stack_get_a_frame(void **state)
{
	static const uint8_t data[] = { HEAD, MSG(2, MSG(2, 9)) };
	struct buf b = { 0 };
	struct profile *p;

	buf_add(&b, data, sizeof(data));
	p = decode(&b);
	assert_int_equal(p->values[0], 9);
	assert_string_equal(profile_str(p, p->functions[0].name), "[no stack]");
	buf_fini(&b);
	profile_free(p);
}

static void read_takes_gzip_and_plain(void **state)
{
	struct profile *p = example(), *q = NULL;
	struct buf b = { 0 };
	char error[128];
	int fd;

	profile_encode(p, &b);
	fd = io_memfd("plain", b.data, b.size);
	assert_int_equal(profile_read(fd, &q, error, sizeof(error)), 0);
	assert_int_equal(q->nr_samples, 2);
	profile_free(q);
	close(fd);

	fd = memfd_create("gzip", 0);
	assert_int_equal(gzip_to_fd(fd, b.data, b.size, 6, NULL), 0);
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(profile_read(fd, &q, error, sizeof(error)), 0);
	profile_free(q);
	/* Cut short, it is refused with a reason. */
	q = NULL;
	assert_int_equal(ftruncate(fd, lseek(fd, 0, SEEK_END) - 5), 0);
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(profile_read(fd, &q, error, sizeof(error)), -EBADMSG);
	assert_non_null(strstr(error, "gzip"));
	assert_null(q);
	close(fd);
	buf_fini(&b);
	profile_free(p);
}

/* ---- merging ---- */

static void merge_rebases_one_library_at_two_addresses(void **state)
{
	struct profile *a = new_cpu(), *b = new_cpu(), *dst = profile_new();
	uint32_t la, lb, kernel;

	new_mapping(a, "[host x]", "", 0, 0);
	la = profile_location(a, new_mapping(a, "/lib/c", "01", 0x7f0000000000, 0x5000),
			      0x7f0000000123);
	kernel = profile_location(a, PROFILE_NO_MAPPING, 0xffffffff81000010);
	add(a, (uint32_t[]){ la, kernel }, 2, string_label(a, "pid", "1"), 1);
	new_mapping(b, "[host x]", "", 0, 0);
	lb = profile_location(b, new_mapping(b, "/other/c", "01", 0x7fff00000000, 0x5000),
			      0x7fff00000123);
	kernel = profile_location(b, PROFILE_NO_MAPPING, 0xffffffff81000010);
	add(b, (uint32_t[]){ lb, kernel }, 2, string_label(b, "pid", "1"), 4);
	b->time_nanos -= 1000;
	b->period += 5;
	profile_add_comment(a, "c");
	profile_add_comment(b, "c");

	assert_int_equal(profile_merge(dst, a), 0);
	assert_int_equal(profile_merge(dst, b), 0);
	assert_int_equal(dst->nr_mappings, 2);
	assert_string_equal(profile_str(dst, dst->mappings[0].filename), "[host x]");
	assert_int_equal(dst->nr_locations, 2);
	assert_int_equal(dst->locations[0].address, 0x7f0000000123);
	assert_int_equal(dst->nr_samples, 1);
	assert_int_equal(dst->values[0], 5);
	assert_int_equal(dst->time_nanos, b->time_nanos);
	assert_int_equal(dst->duration_nanos, 120000000000);
	assert_int_equal(dst->period, 20408163 + 5);
	assert_int_equal(dst->nr_comments, 1);
	assert_string_equal(profile_str(dst, dst->default_type), "cpu");
	profile_free(a);
	profile_free(b);
	profile_free(dst);
}

static void merge_tells_mappings_apart(void **state)
{
	struct profile *p = new_cpu(), *dst = profile_new();
	uint32_t nr = 0, l[8];

	l[nr++] = profile_location(p, new_mapping(p, "/a", "01", 0x1000, 0x1000), 0x1001);
	l[nr++] = profile_location(p, new_mapping(p, "/a", "02", 0x1000, 0x1000), 0x1001);
	l[nr++] = profile_location(p, new_mapping(p, "/a", "", 0x1000, 0x1000), 0x1001);
	l[nr++] = profile_location(p, new_mapping(p, "/b", "", 0x1000, 0x1000), 0x1001);
	l[nr++] = profile_location(p, new_mapping(p, "/a", "01", 0x1000, 0x2000), 0x1001);
	/* One build id, two objects: a program may carry another's build id. */
	l[nr] = profile_location(p, new_mapping(p, "/a", "01", 0x1000, 0x1000), 0x1001);
	p->mappings[nr++].object = 5;
	l[nr] = profile_location(p, new_mapping(p, "/a", "01", 0x9000, 0x1000), 0x9001);
	p->mappings[nr++].object = 6;
	l[nr] = profile_location(p, new_mapping(p, "/z", "03", 0x5000, 0x1000), 0x5001);
	p->mappings[nr++].object = 5; /* the same as the sixth */
	add(p, l, nr, profile_label_set(p, NULL, 0), 1);
	assert_int_equal(profile_merge(dst, p), 0);
	assert_int_equal(dst->nr_mappings, 7);
	assert_int_equal(dst->nr_locations, 7);
	assert_int_equal(dst->mappings[5].object, 5);
	assert_int_equal(dst->stack_locations[5], dst->stack_locations[7]);
	profile_free(p);
	profile_free(dst);
}

static void merge_keeps_names_where_either_has_them(void **state)
{
	struct profile *a = new_cpu(), *b = new_cpu(), *dst = profile_new();
	struct profile_line line;
	uint32_t l;

	l = profile_location(a, new_mapping(a, "/a", "01", 0x1000, 0x1000), 0x1001);
	add(a, &l, 1, profile_label_set(a, NULL, 0), 1);
	l = profile_location(b, new_mapping(b, "/a", "01", 0x3000, 0x1000), 0x3001);
	line = (struct profile_line){ new_function(b, "main"), 3 };
	profile_set_lines(b, l, &line, 1);
	b->mappings[0].has_functions = true;
	add(b, &l, 1, profile_label_set(b, NULL, 0), 1);
	assert_int_equal(profile_merge(dst, a), 0);
	assert_int_equal(profile_merge(dst, b), 0);
	assert_int_equal(profile_merge(dst, a), 0);
	assert_int_equal(dst->nr_locations, 1);
	assert_int_equal(dst->locations[0].nr_lines, 1);
	assert_int_equal(dst->values[0], 3);
	assert_false(dst->mappings[0].has_functions); /* not in all parts */
	/* Other lines of the same address stay another location. */
	line.line = 4;
	profile_set_lines(b, l, &line, 1);
	assert_int_equal(profile_merge(dst, b), 0);
	assert_int_equal(dst->nr_locations, 2);
	profile_free(a);
	profile_free(b);
	profile_free(dst);
}

static bool keep_pid(void *ctx, const struct profile *p, uint32_t sample)
{
	const char *pid = profile_label(p, p->samples[sample].label_set, "pid");

	return pid && !strcmp(pid, ctx);
}

static void merge_takes_only_what_it_keeps(void **state)
{
	struct profile *p = new_cpu(), *dst = profile_new();
	uint32_t a, b;
	char pid[] = "2";

	new_mapping(p, "[host x]", "", 0, 0);
	a = profile_location(p, new_mapping(p, "/a", "01", 0x1000, 0x1000), 0x1001);
	b = profile_location(p, new_mapping(p, "/b", "02", 0x1000, 0x1000), 0x1001);
	add(p, &a, 1, string_label(p, "pid", "1"), 1);
	add(p, &b, 1, string_label(p, "pid", "2"), 7);
	add(p, &b, 1, profile_label_set(p, NULL, 0), 9);
	assert_int_equal(profile_merge_some(dst, p, keep_pid, pid), 0);
	assert_int_equal(dst->nr_samples, 1);
	assert_int_equal(dst->values[0], 7);
	assert_int_equal(dst->nr_mappings, 2);
	assert_string_equal(profile_str(dst, dst->mappings[1].filename), "/b");
	profile_first_mapping(dst, 1);
	assert_string_equal(profile_str(dst, dst->mappings[0].filename), "/b");
	assert_int_equal(dst->locations[0].mapping, 0);
	assert_int_equal(profile_location(dst, 0, 0x1001), 0);
	profile_free(p);
	profile_free(dst);
}

static void merge_refuses_other_types(void **state)
{
	struct profile *a = example(), *b = profile_new(), *dst = profile_new();
	struct buf before = { 0 }, after = { 0 };

	profile_add_type(b, "samples", "count");
	profile_add_type(b, "cycles", "count");
	assert_int_equal(profile_merge(dst, a), 0);
	profile_encode(dst, &before);
	assert_int_equal(profile_merge(dst, b), -EINVAL);
	profile_encode(dst, &after);
	assert_int_equal(before.size, after.size);
	assert_memory_equal(before.data, after.data, before.size);
	buf_fini(&before);
	buf_fini(&after);
	profile_free(a);
	profile_free(b);
	profile_free(dst);
}

static const char *leaf_name(const struct profile *p, uint32_t location)
{
	assert_int_equal(p->locations[location].nr_lines, 1);
	return profile_str(p, p->functions[p->lines[p->locations[location].first_line].function].name);
}

static void what_has_no_name_is_called_by_its_file(void **state)
{
	struct profile *p = new_cpu();
	uint32_t lib = new_mapping(p, "/usr/lib/libfoo.so", "", 0x1000, 0x1000),
		 vdso = new_mapping(p, "[vdso]", "", 0x3000, 0x1000), anon = new_mapping(p, "//anon", "", 0x5000, 0x1000),
		 nameless = new_mapping(p, "", "", 0x7000, 0x1000);
	uint32_t named = profile_pseudo(p, "[lost]");
	const uint32_t locations[] = { profile_location(p, lib, 0x1010), profile_location(p, lib, 0x1020),
				       profile_location(p, vdso, 0x3010), profile_location(p, anon, 0x5010),
				       profile_location(p, nameless, 0x7010),
				       profile_location(p, PROFILE_NO_MAPPING, 0x9010) };
	static const char *const names[] = { "[libfoo.so]", "[libfoo.so]", "[vdso]", "[anon]", "[unknown]", "[unknown]" };
	uint32_t nr_functions;

	profile_bracket_all(p);
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_string_equal(leaf_name(p, locations[i]), names[i]);
	assert_string_equal(leaf_name(p, named), "[lost]");
	nr_functions = p->nr_functions;
	profile_bracket_all(p); /* there is nothing left to do */
	assert_int_equal(p->nr_functions, nr_functions);
	assert_false(p->mappings[lib].has_functions);
	profile_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_things_are_one),
		cmocka_unit_test(many_elements_keep_their_numbers),
		cmocka_unit_test(strings_are_cleaned),
		cmocka_unit_test(values_do_not_overflow),
		cmocka_unit_test(pseudo_frames_are_told_apart),
		cmocka_unit_test(lines_can_be_replaced),
		cmocka_unit_test(labels_that_no_reader_takes_are_left_out),
		cmocka_unit_test(types_get_names_that_readers_take),
		cmocka_unit_test(size_follows_growth),
		cmocka_unit_test(decode_gives_back_what_was_encoded),
		cmocka_unit_test(long_messages_are_encoded),
		cmocka_unit_test(empty_samples_are_not_written),
		cmocka_unit_test(ids_need_not_be_dense_or_ordered),
		cmocka_unit_test(damaged_profiles_are_refused),
		cmocka_unit_test(every_prefix_is_refused_or_read),
		cmocka_unit_test(foreign_samples_without_a_stack_get_a_frame),
		cmocka_unit_test(read_takes_gzip_and_plain),
		cmocka_unit_test(merge_rebases_one_library_at_two_addresses),
		cmocka_unit_test(merge_tells_mappings_apart),
		cmocka_unit_test(merge_keeps_names_where_either_has_them),
		cmocka_unit_test(merge_takes_only_what_it_keeps),
		cmocka_unit_test(merge_refuses_other_types),
		cmocka_unit_test(what_has_no_name_is_called_by_its_file),
	};

	return cmocka_run_group_tests_name("profile", tests, NULL, NULL);
}
