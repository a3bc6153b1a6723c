/* perf/ring: on memory of our own, where this test is the kernel. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "perf/ring.h"

#define PAGE 4096
#define DATA 4096

struct kernel {
	_Alignas(8) uint8_t base[PAGE + DATA];
	struct ring ring;
};

static struct perf_event_mmap_page *page_of(struct kernel *k)
{
	return (void *)k->base;
}

static void start(struct kernel *k, uint64_t position)
{
	memset(k->base, 0xa5, sizeof(k->base));
	page_of(k)->data_head = page_of(k)->data_tail = position;
	ring_attach(&k->ring, k->base, PAGE, DATA);
}

/* Writes as the kernel does: refuses what would overwrite. Each byte of a record's body is FILL. */
static bool put(struct kernel *k, uint16_t size, uint8_t fill)
{
	struct perf_event_header h = { .type = 3, .size = size };
	uint64_t head = page_of(k)->data_head;

	if (head + size - page_of(k)->data_tail > DATA)
		return false;
	for (unsigned i = 0; i < size; i++)
		k->base[PAGE + ((head + i) & (DATA - 1))] =
			i < sizeof(h) ? ((uint8_t *)&h)[i] : fill;
	page_of(k)->data_head = head + size;
	return true;
}

static void check_record(const uint8_t *p, size_t size, uint8_t fill)
{
	for (size_t i = sizeof(struct perf_event_header); i < size; i++)
		assert_int_equal(p[i], fill);
}

static void records_come_in_place_and_in_order(void **state)
{
	struct kernel k;
	uint64_t pos;
	size_t size;

	start(&k, 0);
	assert_int_equal(ring_begin(&k.ring), 0);
	assert_null(ring_next(&k.ring, &size, &pos));
	assert_true(put(&k, 16, 1));
	assert_true(put(&k, 8, 2));
	assert_null(ring_next(&k.ring, &size, &pos)); /* the snapshot is older */
	assert_int_equal(ring_begin(&k.ring), 24);
	assert_ptr_equal(ring_next(&k.ring, &size, &pos), k.base + PAGE);
	assert_int_equal(size, 16);
	assert_int_equal(pos, 0);
	assert_ptr_equal(ring_next(&k.ring, &size, &pos), k.base + PAGE + 16);
	assert_int_equal(size, 8);
	assert_int_equal(pos, 16);
	assert_null(ring_next(&k.ring, &size, &pos));
	assert_int_equal(page_of(&k)->data_tail, 0); /* nothing is published before */
	ring_release(&k.ring, 16);
	assert_int_equal(page_of(&k)->data_tail, 16);
	assert_int_equal(ring_begin(&k.ring), 8); /* the second is given again */
	assert_non_null(ring_next(&k.ring, &size, &pos));
	assert_int_equal(pos, 16);
	ring_release(&k.ring, k.ring.next);
	assert_int_equal(ring_begin(&k.ring), 0);
	ring_close(&k.ring);
	assert_null(k.ring.base);
	ring_close(&k.ring);
}

/* Many sizes round and round; the positions also pass 2^32 and 2^64. */
static void every_wrap_is_whole(void **state)
{
	static const uint64_t starts[] = { 0, UINT32_MAX - 4095, UINT64_MAX - 8191 };

	for (int s = 0; s < 3; s++) {
		struct kernel k;
		uint8_t fill = 0, seen = 0;
		unsigned nr_wrapped = 0;

		start(&k, starts[s] & ~UINT64_C(7));
		for (unsigned round = 0; round < 200; round++) {
			const uint8_t *p;
			uint64_t pos;
			size_t size;

			for (uint16_t n = 8;
			     put(&k, (uint16_t)(8 + (n * 40 + round * 8) % 600), fill); n++)
				fill++;
			ring_begin(&k.ring);
			while ((p = ring_next(&k.ring, &size, &pos))) {
				nr_wrapped += p == k.ring.scratch;
				check_record(p, size, seen++);
			}
			assert_int_equal(seen, fill);
			ring_release(&k.ring, k.ring.next);
		}
		assert_int_equal(k.ring.nr_malformed, 0);
		assert_true(nr_wrapped > 50);
		ring_close(&k.ring);
	}
}

static void a_full_ring_is_one_record_or_many(void **state)
{
	struct kernel k;
	uint64_t pos;
	size_t size;

	start(&k, 1024);
	assert_true(put(&k, DATA, 7));
	assert_false(put(&k, 8, 8));
	assert_int_equal(ring_begin(&k.ring), DATA);
	check_record(ring_next(&k.ring, &size, &pos), DATA, 7);
	ring_release(&k.ring, k.ring.next);
	for (int i = 0; i < DATA / 8; i++)
		assert_true(put(&k, 8, 0));
	assert_int_equal(ring_begin(&k.ring), DATA);
	for (int i = 0; i < DATA / 8; i++)
		assert_non_null(ring_next(&k.ring, &size, &pos));
	assert_null(ring_next(&k.ring, &size, &pos));
	ring_close(&k.ring);
}

static void sizes_that_cannot_be_are_skipped_and_counted_once(void **state)
{
	static const uint16_t sizes[] = { 0, 7, 12, 32, 65535 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct kernel k;
		uint64_t pos;
		size_t size;

		start(&k, 0);
		put(&k, 16, 1);
		put(&k, 24, 2);
		memcpy(k.base + PAGE + 16 + 6, &sizes[i], 2);
		ring_begin(&k.ring);
		assert_non_null(ring_next(&k.ring, &size, &pos));
		for (int again = 0; again < 2; again++) { /* while the first stays */
			ring_begin(&k.ring);
			assert_non_null(ring_next(&k.ring, &size, &pos));
			assert_null(ring_next(&k.ring, &size, &pos));
			assert_int_equal(k.ring.nr_malformed, 1);
		}
		ring_release(&k.ring, k.ring.next);
		assert_int_equal(page_of(&k)->data_tail, 40);
		put(&k, 16, 3); /* and life goes on */
		assert_int_equal(ring_begin(&k.ring), 16);
		check_record(ring_next(&k.ring, &size, &pos), 16, 3);
		ring_close(&k.ring);
	}
}

static void a_head_that_cannot_be_is_skipped(void **state)
{
	struct kernel k;
	uint64_t pos;
	size_t size;

	start(&k, 64);
	page_of(&k)->data_head = 64 + DATA + 8;
	assert_int_equal(ring_begin(&k.ring), 0);
	assert_null(ring_next(&k.ring, &size, &pos));
	assert_int_equal(k.ring.nr_malformed, 1);
	page_of(&k)->data_head = 0; /* backwards */
	ring_release(&k.ring, k.ring.next);
	assert_int_equal(ring_begin(&k.ring), 0);
	assert_int_equal(k.ring.nr_malformed, 2);
	ring_close(&k.ring);
}

/* A memfd maps as a perf event's descriptor does. */
static void an_opened_ring_is_the_descriptors_memory(void **state)
{
	size_t page_size = (size_t)sysconf(_SC_PAGESIZE), size;
	struct perf_event_header h = { .type = 3, .size = 8 };
	int fd = memfd_create("ring", MFD_CLOEXEC);
	struct perf_event_mmap_page page = { .data_head = 8 };
	struct ring r;
	uint64_t pos;

	assert_int_equal(ftruncate(fd, (off_t)(2 * page_size)), 0);
	assert_int_equal(pwrite(fd, &page, sizeof(page), 0), sizeof(page));
	assert_int_equal(pwrite(fd, &h, sizeof(h), (off_t)page_size), sizeof(h));
	assert_int_equal(ring_open(&r, fd, page_size), 0);
	assert_int_equal(ring_begin(&r), 8);
	assert_non_null(ring_next(&r, &size, &pos));
	ring_release(&r, r.next);
	ring_close(&r);
	assert_int_equal(pread(fd, &page, sizeof(page), 0), sizeof(page));
	assert_int_equal(page.data_tail, 8);
	close(fd);
}

static void only_whole_pages_of_a_power_of_two_open(void **state)
{
	struct ring r = { 0 };

	assert_int_equal(ring_open(&r, -1, 3 * 65536), -EINVAL);
	assert_int_equal(ring_open(&r, -1, 512), -EINVAL);
	assert_int_equal(ring_open(&r, -1, 65536), -EBADF);
	assert_null(r.base);
	ring_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_come_in_place_and_in_order),
		cmocka_unit_test(every_wrap_is_whole),
		cmocka_unit_test(a_full_ring_is_one_record_or_many),
		cmocka_unit_test(sizes_that_cannot_be_are_skipped_and_counted_once),
		cmocka_unit_test(a_head_that_cannot_be_is_skipped),
		cmocka_unit_test(an_opened_ring_is_the_descriptors_memory),
		cmocka_unit_test(only_whole_pages_of_a_power_of_two_open),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
