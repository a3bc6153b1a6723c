/* replay/: what kinds of profiles events become. */
#include "tests/unit/unit.h"

#include <stdio.h>

#include "replay/impl.h"

static struct replay_kind kind(const char *name, uint32_t type, uint64_t config, uint64_t period,
			       bool freq)
{
	struct perfdata_event e = { 0 };
	struct replay_kind k;

	snprintf(e.name, sizeof(e.name), "%s", name);
	e.attr.type = type;
	e.attr.config = config;
	e.attr.sample_period = period;
	e.attr.freq = freq;
	replay_kind(&e, &k);
	return k;
}

static void clocks_count_nanoseconds(void **state)
{
	struct replay_kind k;

	k = kind("cpu-clock:u", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, 4000, true);
	assert_string_equal(k.name, "cpu");
	assert_string_equal(k.unit, "nanoseconds");
	assert_int_equal(k.period, 250000);
	k = kind("task-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK, 1000000, false);
	assert_string_equal(k.name, "cpu");
	assert_int_equal(k.period, 1000000);
	k = kind("page-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS, 1, false);
	assert_string_equal(k.name, "page_faults");
	assert_string_equal(k.unit, "count");
}

static void names_are_fit_for_sample_types(void **state)
{
	static const struct {
		const char *event, *name;
		uint32_t type;
	} names[] = {
		{ "cycles", "cycles", PERF_TYPE_HARDWARE },
		{ "cycles:ukP", "cycles", PERF_TYPE_HARDWARE },
		{ "cpu_core/cycles/", "cycles", PERF_TYPE_HARDWARE },
		{ "cpu/cache-misses/pp", "cache_misses", PERF_TYPE_RAW },
		{ "cpu/event=0x3c,umask=0x1/", "event_0x3c_umask_0x1", PERF_TYPE_RAW },
		{ "sched:sched_switch", "sched_sched_switch", PERF_TYPE_TRACEPOINT },
		{ "sched:up", "sched_up", PERF_TYPE_TRACEPOINT },
		{ "L1-dcache-load-misses", "L1_dcache_load_misses", PERF_TYPE_HW_CACHE },
		{ "r1a8", "r1a8", PERF_TYPE_RAW },
		{ "0x11", "_0x11", PERF_TYPE_RAW },
		{ "mem:0x1234:rw", "mem_0x1234_rw", PERF_TYPE_BREAKPOINT },
		{ "caf\xc3\xa9", "caf__", PERF_TYPE_RAW },
		{ "", "_", PERF_TYPE_RAW },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct replay_kind k = kind(names[i].event, names[i].type, 9, 1, false);

		assert_string_equal(k.name, names[i].name);
	}
}

static void periods_are_never_nothing(void **state)
{
	assert_int_equal(kind("cycles", PERF_TYPE_HARDWARE, 0, 4000, true).period, 1);
	assert_int_equal(kind("cycles", PERF_TYPE_HARDWARE, 0, 4000, false).period, 4000);
	assert_int_equal(kind("cycles", PERF_TYPE_HARDWARE, 0, 0, false).period, 1);
	assert_int_equal(kind("cycles", PERF_TYPE_HARDWARE, 0, UINT64_MAX, false).period, 1);
	assert_int_equal(kind("c", PERF_TYPE_SOFTWARE, 0, UINT64_MAX, true).period, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clocks_count_nanoseconds),
		cmocka_unit_test(names_are_fit_for_sample_types),
		cmocka_unit_test(periods_are_never_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
