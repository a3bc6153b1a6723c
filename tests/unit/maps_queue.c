/* maps_queue: answers in their time. */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/maps_queue.h"

static void add(struct maps_queue *q, uint64_t number, uint64_t answered_ns)
{
	static char text[] = "1000-2000 r-xp 00000000 08:01 7 /bin/a\n2000-3000 rw-p 00000000 08:01 7 /bin/a\n";
	struct maps_text t = { .number = number, .pid = (uint32_t)number, .answered_ns = answered_ns, .text = text,
			       .size = strlen(text) };

	maps_queue_add(q, &t);
}

static void texts_wait_for_the_records_of_before(void **state)
{
	struct maps_queue q = { 0 };
	struct maps_text t;

	add(&q, 1, 100);
	add(&q, 2, 200);
	assert_false(maps_queue_next(&q, 99, &t));
	assert_false(maps_queue_waiting(&q, 0));
	assert_true(maps_queue_waiting(&q, 1));
	assert_true(maps_queue_next(&q, 150, &t));
	assert_int_equal(t.pid, 1);
	assert_int_equal(t.size, strlen("1000-2000 r-xp 00000000 08:01 7 /bin/a\n"));
	free(t.text);
	assert_false(maps_queue_next(&q, 150, &t));
	assert_false(maps_queue_waiting(&q, 1));
	assert_true(maps_queue_waiting(&q, 2));
	add(&q, 3, 200);
	assert_true(maps_queue_next(&q, 200, &t));
	assert_int_equal(t.pid, 2);
	free(t.text);
	maps_queue_fini(&q);
	assert_false(maps_queue_next(&q, UINT64_MAX, &t));
}

static void what_could_not_be_read_waits_too(void **state)
{
	struct maps_text none = { .number = 1, .answered_ns = 5 }, t;
	struct maps_queue q = { 0 };

	maps_queue_add(&q, &none);
	assert_true(maps_queue_next(&q, 5, &t));
	assert_int_equal(t.size, 0);
	free(t.text);
	maps_queue_fini(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_wait_for_the_records_of_before),
		cmocka_unit_test(what_could_not_be_read_waits_too),
	};

	return cmocka_run_group_tests_name("maps_queue", tests, NULL, NULL);
}
