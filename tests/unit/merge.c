/* perf/merge: order, horizon and what stays, against a model that sorts. */
#include "tests/unit/unit.h"

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "perf/merge.h"

#define PAGE	  4096
#define DATA	  8192
#define MAX_RINGS 9

struct event {
	struct perf_event_header header;
	uint64_t time, serial;
	uint64_t padding[8];
};

struct kernel {
	_Alignas(8) uint8_t base[MAX_RINGS][PAGE + DATA];
	struct ring rings[MAX_RINGS], *list[MAX_RINGS];
	uint64_t given[4096]; /* times */
	uint64_t serials[4096];
	unsigned from[4096];
	unsigned nr_given;
};

static struct kernel *start(unsigned nr)
{
	struct kernel *k = calloc(1, sizeof(*k));

	for (unsigned i = 0; i < nr; i++) {
		ring_attach(&k->rings[i], k->base[i], PAGE, DATA);
		k->list[i] = &k->rings[i];
	}
	return k;
}

static void finish(struct kernel *k, struct merge *m)
{
	for (unsigned i = 0; i < MAX_RINGS; i++)
		ring_close(&k->rings[i]);
	merge_free(m);
	free(k);
}

/* SIZE is that of the record; time and serial are its first words. */
static bool put_sized(struct kernel *k, unsigned ring, uint64_t time, uint64_t serial,
		      uint16_t size)
{
	struct perf_event_mmap_page *page = (void *)k->base[ring];
	struct event e = { .header = { .type = 9, .size = size }, .time = time, .serial = serial };

	if (page->data_head + size - page->data_tail > DATA)
		return false;
	for (unsigned i = 0; i < size; i++)
		k->base[ring][PAGE + ((page->data_head + i) & (DATA - 1))] = ((uint8_t *)&e)[i];
	page->data_head += size;
	return true;
}

static void put(struct kernel *k, unsigned ring, uint64_t time)
{
	assert_true(put_sized(k, ring, time, 0, 24));
}

static uint64_t waiting(struct kernel *k, unsigned ring)
{
	struct perf_event_mmap_page *page = (void *)k->base[ring];

	return page->data_head - page->data_tail;
}

static uint64_t time_of(void *ctx, const void *record, size_t size)
{
	const struct event *e = record;

	return size >= 24 ? e->time : 0;
}

static void take(void *ctx, unsigned ring, const void *record, size_t size, uint64_t time)
{
	struct kernel *k = ctx;
	const struct event *e = record;

	assert_true(k->nr_given < 4096);
	k->given[k->nr_given] = time;
	k->serials[k->nr_given] = size >= 24 ? e->serial : 0;
	k->from[k->nr_given++] = ring;
}

static void expect(struct kernel *k, const uint64_t *times, unsigned nr)
{
	assert_int_equal(k->nr_given, nr);
	for (unsigned i = 0; i < nr; i++)
		assert_int_equal(k->given[i], times[i]);
	k->nr_given = 0;
}

static void rings_merge_up_to_the_horizon(void **state)
{
	static const uint64_t zero[] = { 10, 30, 50 }, one[] = { 20, 30, 40, 60 };
	struct kernel *k = start(3);
	struct merge *m = merge_new();

	ring_close(&k->rings[1]); /* a CPU that went away */
	for (int i = 0; i < 3; i++)
		put(k, 0, zero[i]);
	for (int i = 0; i < 4; i++)
		put(k, 2, one[i]);
	assert_int_equal(merge_drain(m, k->list, 3, 40, time_of, take, k), 5);
	assert_int_equal(k->from[0], 0);
	assert_int_equal(k->from[1], 2);
	assert_int_equal(k->from[2], 0); /* of equal times, the lower ring's */
	assert_int_equal(k->from[3], 2);
	expect(k, (const uint64_t[]){ 10, 20, 30, 30, 40 }, 5);
	assert_int_equal(waiting(k, 0), 24);
	assert_int_equal(waiting(k, 2), 24);
	put(k, 0, 55);
	assert_int_equal(merge_drain(m, k->list, 3, 49, time_of, take, k), 0);
	assert_int_equal(merge_drain(m, k->list, 3, 100, time_of, take, k), 3);
	expect(k, (const uint64_t[]){ 50, 55, 60 }, 3);
	assert_int_equal(waiting(k, 0) + waiting(k, 2), 0);
	assert_int_equal(merge_drain(m, k->list, 0, 100, time_of, take, k), 0);
	finish(k, m);
}

static void inversions_inside_a_ring_are_sorted(void **state)
{
	struct kernel *k = start(1);
	struct merge *m = merge_new();

	/* The first comes last of a window of 32. */
	for (uint64_t i = 0; i < MERGE_WINDOW - 1; i++)
		put(k, 0, 1000 - i);
	put(k, 0, 1);
	assert_int_equal(merge_drain(m, k->list, 1, 1000, time_of, take, k), MERGE_WINDOW);
	assert_int_equal(k->given[0], 1);
	for (unsigned i = 1; i + 1 < k->nr_given; i++)
		assert_true(k->given[i] < k->given[i + 1]);
	finish(k, m);
}

/* A kernel that writes all the time that it is read. */
static void take_and_write(void *ctx, unsigned ring, const void *record, size_t size, uint64_t time)
{
	struct kernel *k = ctx;

	take(ctx, ring, record, size, time);
	if (k->nr_given > 100 && k->nr_given <= 300)
		put(k, ring, 1000 + k->nr_given);
}

static void what_is_given_is_released_during_a_drain(void **state)
{
	struct kernel *k = start(1);
	struct merge *m = merge_new();

	for (uint64_t i = 0; i < 340; i++)
		put(k, 0, 10 + (i ^ 1)); /* each second one stands before its elder */
	assert_true(waiting(k, 0) > DATA - 48); /* full */
	assert_int_equal(merge_drain(m, k->list, 1, 999, time_of, take_and_write, k), 340);
	for (unsigned i = 0; i < k->nr_given; i++)
		assert_int_equal(k->given[i], 10 + i);
	assert_int_equal(waiting(k, 0), 200 * 24);
	k->nr_given = 0;
	assert_int_equal(merge_drain(m, k->list, 1, UINT64_MAX, time_of, take, k), 200);
	for (unsigned i = 0; i < k->nr_given; i++)
		assert_int_equal(k->given[i], 1101 + i);
	finish(k, m);
}

/* 50 is later than the horizon, but the ring can only be released as far as the first that
 * stays. */
static void what_stands_before_a_given_record_does_not_stay(void **state)
{
	struct kernel *k = start(2);
	struct merge *m = merge_new();

	put(k, 0, 10);
	put(k, 0, 60);
	put(k, 0, 50);
	put(k, 0, 20);
	put(k, 0, 70);
	put(k, 1, 30);
	put(k, 1, 55);
	assert_int_equal(merge_drain(m, k->list, 2, 40, time_of, take, k), 5);
	expect(k, (const uint64_t[]){ 10, 20, 30, 50, 60 }, 5);
	assert_int_equal(waiting(k, 0), 24);
	assert_int_equal(waiting(k, 1), 24);
	assert_int_equal(merge_drain(m, k->list, 2, 90, time_of, take, k), 2);
	expect(k, (const uint64_t[]){ 55, 70 }, 2);
	finish(k, m);
}

static void records_without_a_time_follow_their_elder(void **state)
{
	struct kernel *k = start(2);
	struct merge *m = merge_new();

	put(k, 0, 0); /* nobody before it: at once */
	put(k, 0, 10);
	put(k, 0, 0);
	put(k, 0, 30);
	put(k, 0, 0);
	put(k, 1, 20);
	assert_int_equal(merge_drain(m, k->list, 2, 25, time_of, take, k), 4);
	expect(k, (const uint64_t[]){ 0, 10, 10, 20 }, 4);
	assert_int_equal(waiting(k, 0), 48); /* 30 and what follows it */
	finish(k, m);
}

static void a_damaged_ring_does_not_hold_the_others_up(void **state)
{
	struct kernel *k = start(2);
	struct merge *m = merge_new();

	put(k, 0, 10);
	put(k, 0, 90);
	put(k, 0, 20);
	put(k, 0, 30);
	k->base[0][PAGE + 48 + 6] = 3; /* the third's size */
	put(k, 1, 15);
	put(k, 1, 25);
	assert_int_equal(merge_drain(m, k->list, 2, 40, time_of, take, k), 3);
	expect(k, (const uint64_t[]){ 10, 15, 25 }, 3);
	assert_int_equal(merge_drain(m, k->list, 2, 90, time_of, take, k), 1);
	expect(k, (const uint64_t[]){ 90 }, 1);
	assert_int_equal(k->rings[0].nr_malformed, 1);
	assert_int_equal(waiting(k, 0), 0);
	finish(k, m);
}

static uint64_t next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* Nine rings, records of many sizes that wrap, inversions shorter than the window, drains at random
 * horizons: every record comes once, with its contents, in order but for what may not stay. */
static void nothing_is_lost_doubled_or_out_of_order(void **state)
{
	struct kernel *k = start(MAX_RINGS);
	struct merge *m = merge_new();
	uint64_t x = 88172645463325252, now = 1000, serial = 0, upto = 0;
	bool *seen = calloc(200000, 1);

	for (int round = 0; round < 400; round++) {
		uint64_t horizon, sent = serial;

		for (int i = 0; i < 300; i++) {
			uint64_t r = next_random(&x);

			now += r % 7;
			if (put_sized(k, (unsigned)(r >> 8) % MAX_RINGS, now - (r >> 16) % 20,
				      serial, (uint16_t)(24 + (r >> 24) % 7 * 8)))
				serial++;
		}
		assert_true(serial > sent);
		horizon = round == 399 ? UINT64_MAX : now - next_random(&x) % 100;
		merge_drain(m, k->list, MAX_RINGS, horizon, time_of, take, k);
		for (unsigned i = 0; i < k->nr_given; i++) {
			assert_true(k->serials[i] < serial);
			assert_false(seen[k->serials[i]]);
			seen[k->serials[i]] = true;
			if (k->given[i] <= horizon && k->given[i] > upto)
				assert_true(i == 0 || k->given[i] >= k->given[i - 1]);
			else /* stragglers before the last horizon were given with it */
				assert_true(k->given[i] <= horizon + 20);
		}
		upto = horizon;
		k->nr_given = 0;
	}
	for (uint64_t i = 0; i < serial; i++)
		assert_true(seen[i]);
	free(seen);
	finish(k, m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rings_merge_up_to_the_horizon),
		cmocka_unit_test(inversions_inside_a_ring_are_sorted),
		cmocka_unit_test(what_is_given_is_released_during_a_drain),
		cmocka_unit_test(what_stands_before_a_given_record_does_not_stay),
		cmocka_unit_test(records_without_a_time_follow_their_elder),
		cmocka_unit_test(a_damaged_ring_does_not_hold_the_others_up),
		cmocka_unit_test(nothing_is_lost_doubled_or_out_of_order),
	};

	return cmocka_run_group_tests_name("merge", tests, NULL, NULL);
}
