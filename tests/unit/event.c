/* perf/event: attributes and words without the kernel; then this test samples itself, where that is
 * permitted. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "perf/event.h"
#include "perf/merge.h"
#include "perf/ring.h"

#define RING_SIZE 131072

static const struct event_features all = { true, true, true, true, true, true, true, true }, none;

static void a_dummy_carries_the_sideband_alone(void **state)
{
	struct perf_event_attr a;

	event_dummy_attr(&a, &all, 4096);
	assert_int_equal(a.size, sizeof(a));
	assert_int_equal(a.type, PERF_TYPE_SOFTWARE);
	assert_int_equal(a.config, PERF_COUNT_SW_DUMMY);
	assert_true(a.disabled && a.sample_id_all && a.mmap && a.mmap2 && a.build_id && a.comm &&
		    a.comm_exec && a.task && a.ksymbol && a.cgroup && a.use_clockid &&
		    a.exclude_kernel);
	assert_int_equal(a.clockid, CLOCK_MONOTONIC);
	assert_true(a.watermark);
	assert_int_equal(a.wakeup_watermark, 4096);
	assert_false(a.inherit || a.freq);

	event_dummy_attr(&a, &none, 4096);
	assert_false(a.build_id || a.ksymbol || a.cgroup || a.use_clockid);
	assert_int_equal(a.read_format,
			 PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING);
}

static void a_sampler_is_what_its_options_say(void **state)
{
	struct event_options o = {
		.kind = EVENT_CPU, .frequency = 49, .callchain = CALLCHAIN_YES, .exclude_idle = true
	};
	uint64_t plain = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID |
			 PERF_SAMPLE_TIME | PERF_SAMPLE_PERIOD;
	struct perf_event_attr a;

	event_sampler_attr(&a, &all, &o);
	assert_int_equal(a.type, PERF_TYPE_SOFTWARE);
	assert_int_equal(a.config, PERF_COUNT_SW_CPU_CLOCK);
	assert_true(a.freq && a.disabled && a.sample_id_all && a.exclude_idle && a.watermark);
	assert_int_equal(a.sample_freq, 49);
	assert_int_equal(a.sample_type, plain | PERF_SAMPLE_CALLCHAIN | PERF_SAMPLE_CGROUP);
	assert_false(a.exclude_callchain_kernel || a.exclude_callchain_user || a.exclude_kernel ||
		     a.exclude_guest);
	assert_false(a.mmap || a.mmap2 || a.comm || a.task || a.ksymbol || a.cgroup);

	event_sampler_attr(&a, &none, &o);
	assert_int_equal(a.sample_type, plain | PERF_SAMPLE_CALLCHAIN);
	assert_false(a.exclude_idle);
	o = (struct event_options){ .kind = EVENT_CYCLES,
				    .frequency = 997,
				    .callchain = CALLCHAIN_NO };
	event_sampler_attr(&a, &none, &o);
	assert_int_equal(a.type, PERF_TYPE_HARDWARE);
	assert_int_equal(a.config, PERF_COUNT_HW_CPU_CYCLES);
	assert_int_equal(a.sample_type, plain);
	assert_int_equal(a.precise_ip, 0);
	o.callchain = CALLCHAIN_USER;
	event_sampler_attr(&a, &none, &o);
	assert_true(a.exclude_callchain_kernel && !a.exclude_callchain_user);
	o.callchain = CALLCHAIN_KERNEL;
	o.exclude_kernel = true;
	event_sampler_attr(&a, &none, &o);
	assert_true(!a.exclude_callchain_kernel && a.exclude_callchain_user && a.exclude_kernel &&
		    a.exclude_hv);
}

static void a_sampler_carries_stacks_where_user_callers_are_asked_for(void **state)
{
	const uint64_t both = PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER;
	struct event_options o = { .kind = EVENT_CPU,
				   .frequency = 49,
				   .callchain = CALLCHAIN_YES,
				   .stack_size = 16384 };
	struct perf_event_attr a;

	event_sampler_attr(&a, &all, &o);
	assert_int_equal(a.sample_type & both, both);
	assert_int_equal(a.sample_stack_user, 16384);
	assert_int_equal(a.sample_regs_user, 1 << 6 | 1 << 7 | 1 << 8);
	event_sampler_attr(&a, &none, &o); /* a kernel that cannot */
	assert_int_equal(a.sample_type & both, 0);
	o.callchain = CALLCHAIN_KERNEL;
	event_sampler_attr(&a, &all, &o);
	assert_int_equal(a.sample_type & both, 0);
	o.callchain = CALLCHAIN_USER;
	o.stack_size = 0;
	event_sampler_attr(&a, &all, &o);
	assert_int_equal(a.sample_type & both, 0);
}

/* The merge reads times of a ring's records without knowing whose they are. */
static void trailers_of_one_ring_are_alike(void **state)
{
	struct event_options o = { .kind = EVENT_CPU, .frequency = 49, .callchain = CALLCHAIN_YES };
	struct record_layout dummy, sampler;
	struct perf_event_attr a;
	uint8_t record[40] = { PERF_RECORD_LOST, 0, 0, 0, 0, 0, 40 };
	uint64_t words[] = { UINT64_C(5) << 32 | 6, 7000, 42 }, id = 0;
	struct record r;

	event_dummy_attr(&a, &all, 1);
	event_layout(&a, &dummy);
	event_sampler_attr(&a, &all, &o);
	event_layout(&a, &sampler);
	memcpy(record + 16, words, sizeof(words));
	assert_int_equal(record_time(record, 40, &dummy), 7000);
	assert_int_equal(record_time(record, 40, &sampler), 7000);
	assert_true(record_id(record, 40, &dummy, &id));
	assert_int_equal(id, 42);
	assert_int_equal(record_decode(record, 32, &sampler, &r), -EBADMSG);
	assert_int_equal(record_decode(record, 40, &sampler, &r),
			 -EBADMSG); /* LOST has two words of its own */
}

static void refusals_are_explained(void **state)
{
	static const struct {
		int err;
		enum event_kind kind;
		const char *word;
	} t[] = { { EACCES, EVENT_CPU, "CAP_PERFMON" },
		  { -EPERM, EVENT_CPU, "kernel.perf_event_paranoid" },
		  { -ENOENT, EVENT_CYCLES, "no PMU" },
		  { -EOPNOTSUPP, EVENT_CYCLES, "no PMU" },
		  { -ENOENT, EVENT_CPU, "no such event" },
		  { -EMFILE, EVENT_CPU, "RLIMIT_NOFILE is" },
		  { -ENFILE, EVENT_CPU, "fs.file-max" },
		  { -ENOSPC, EVENT_CYCLES, "counter" },
		  { -EBUSY, EVENT_CYCLES, "PMU" },
		  { -EINVAL, EVENT_CPU, "perf_event_max_sample_rate" },
		  { -ENODEV, EVENT_CPU, "offline" },
		  { -ESRCH, EVENT_CPU, "gone" },
		  { -ENOSYS, EVENT_CPU, "CONFIG_PERF_EVENTS" },
		  { -EIO, EVENT_CPU, "Input/output error" } };
	char text[256];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		event_explain(t[i].err, t[i].kind, text, sizeof(text));
		assert_non_null(strstr(text, t[i].word));
	}
	event_explain(-EPERM, EVENT_CPU, text, 6);
	assert_string_equal(text, "needs");
}

static void cpu_lists_parse(void **state)
{
	static const char *const bad[] = { "",	    "\n",    "-1",   "3-1",	   "0-",  "0,,1",
					   "1,0",   "0-3,2", "a",    "0 ",	   "0x1", "0-3-",
					   "65536", "0,",    "0\n1", "99999999999" };
	int *cpus, nr;

	assert_int_equal(event_parse_cpus("0\n", &cpus), 1);
	assert_int_equal(cpus[0], 0);
	free(cpus);
	nr = event_parse_cpus("0-3,6,8-9,65535\n", &cpus);
	assert_int_equal(nr, 8);
	assert_memory_equal(cpus, ((const int[]){ 0, 1, 2, 3, 6, 8, 9, 65535 }), 8 * sizeof(int));
	free(cpus);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(event_parse_cpus(bad[i], &cpus), -EINVAL);
	nr = event_online_cpus(&cpus);
	assert_int_equal(nr, sysconf(_SC_NPROCESSORS_ONLN));
	free(cpus);
}

/* A section of its own, so that the linker tells where it begins and ends. */
extern const char __start_burning[], __stop_burning[];

static uint64_t __attribute__((noinline, section("burning"))) burn(uint64_t x)
{
	for (int i = 0; i < 100000; i++)
		x = x * 6364136223846793005 + 1442695040888963407;
	return x;
}

static uint64_t thread_cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

struct harvest {
	struct record_layout layout, dummy;
	uint64_t dummy_id, last_time, period, nr, nr_own, nr_burning, nr_bad, nr_comm,
		nr_other_period;
};

static const struct record_layout *layout_of(struct harvest *h, const void *record, size_t size)
{
	uint64_t id = 0;

	record_id(record, size, &h->layout, &id);
	return id == h->dummy_id ? &h->dummy : &h->layout;
}

static uint64_t harvest_time(void *ctx, const void *record, size_t size)
{
	return record_time(record, size, layout_of(ctx, record, size));
}

static void harvest(void *ctx, unsigned ring, const void *record, size_t size, uint64_t time)
{
	struct harvest *h = ctx;
	struct record r;

	if (record_decode(record, size, layout_of(h, record, size), &r) || r.time != time ||
	    time < h->last_time) {
		h->nr_bad++;
		return;
	}
	h->last_time = time;
	if (r.type == PERF_RECORD_COMM)
		h->nr_comm += !strcmp(r.comm.comm, "burning") && r.comm.pid == (uint32_t)getpid() &&
			      !r.comm.exec;
	if (r.type != PERF_RECORD_SAMPLE)
		return;
	h->nr_other_period += h->nr && r.sample.period != h->period / h->nr;
	h->nr++;
	h->period += r.sample.period;
	h->nr_own += r.pid == (uint32_t)getpid() && r.tid == (uint32_t)gettid();
	h->nr_burning += r.sample.ip >= (uint64_t)__start_burning &&
			 r.sample.ip < (uint64_t)__stop_burning && r.sample.nr_ips >= 2 &&
			 record_ip(&r.sample, 0, false) == PERF_CONTEXT_USER &&
			 record_ip(&r.sample, 1, false) == r.sample.ip;
}

/* A dummy and a sampler of this thread; skips where that is refused. */
static void open_pair(const struct event_features *f, unsigned frequency, int *owner, int *sampler,
		      struct harvest *h)
{
	struct event_options o = { .kind = EVENT_CPU,
				   .frequency = frequency,
				   .callchain = CALLCHAIN_YES,
				   .exclude_kernel = true };
	struct perf_event_attr a;

	event_dummy_attr(&a, f, RING_SIZE / 4);
	event_layout(&a, &h->dummy);
	*owner = event_open(&a, 0, -1, -1, 0);
	assert_true(*owner >= 0);
	event_sampler_attr(&a, f, &o);
	event_layout(&a, &h->layout);
	*sampler = event_open(&a, 0, -1, -1, 0);
	assert_true(*sampler >= 0);
	assert_int_equal(event_id(*owner, &h->dummy_id), 0);
}

static void probe_or_skip(struct event_features *f)
{
	char text[256];
	int err = event_probe(true, 0, f);

	if (!err)
		return;
	event_explain(err, EVENT_CPU, text, sizeof(text));
	print_message("# perf_event_open: %s\n", text);
	skip();
}

static void this_thread_is_sampled_where_it_burns(void **state)
{
	struct harvest h = { 0 };
	struct event_features f = { 0 };
	struct event_count count, idle;
	struct ring ring = { 0 }, *rings = &ring;
	struct merge *m = merge_new();
	struct pollfd p = { .events = POLLIN };
	volatile uint64_t sink = 0;
	int sampler;
	uint64_t t, wall;

	probe_or_skip(&f);
	open_pair(&f, 2000, &p.fd, &sampler, &h);
	assert_int_equal(ring_open(&ring, p.fd, RING_SIZE), 0);
	assert_int_equal(event_redirect(sampler, p.fd), 0);
	assert_int_equal(event_enable(p.fd), 0);
	assert_int_equal(prctl(PR_SET_NAME, "burning"), 0);
	assert_int_equal(event_read(sampler, &f, &idle), 0);
	assert_int_equal(idle.value, 0); /* it was disabled */
	assert_int_equal(event_enable(sampler), 0);
	assert_int_equal(poll(&p, 1, 0), 0); /* below the watermark */
	wall = now_ms();
	t = thread_cpu_ns();
	while (thread_cpu_ns() - t < 400000000)
		sink += burn(sink);
	t = thread_cpu_ns() - t;
	assert_int_equal(poll(&p, 1, 0), 1); /* the sampler woke the ring's owner */
	assert_int_equal(event_read(sampler, &f, &count), 0);
	wall = now_ms() - wall;
	close(sampler);
	merge_drain(m, &rings, 1, UINT64_MAX, harvest_time, harvest, &h);
	assert_int_equal(ring.nr_malformed, 0);
	ring_close(&ring);
	close(p.fd);
	merge_free(m);

	print_message("# %llu samples worth %.1f ms of %.1f ms, count %.1f ms, lost %llu\n",
		      (unsigned long long)h.nr, (double)h.period / 1e6, (double)t / 1e6,
		      (double)count.value / 1e6, (unsigned long long)count.lost);
	assert_int_equal(h.nr_bad, 0);
	assert_int_equal(h.nr_comm, 1);
	assert_int_equal(h.nr_own, h.nr);
	assert_int_equal(h.nr_other_period, 0); /* the software clock's period is fixed */
	assert_int_equal(h.period, h.nr * 500000);
	assert_int_equal(count.lost, 0);
	/* A slow machine's ticks come late and its kernel's share is not sampled; a sample too many
	 * cannot be. */
	assert_in_range(h.period, t / 2, t + t / 50 + 1000000);
	/* The count goes on while a hypervisor gives the CPU to others, the thread's clock need not. */
	assert_in_range(count.value, t / 10 * 9, (wall + 2) * 1100000);
	assert_true(h.nr_burning >= h.nr / 10 * 9);
}

static void a_frequency_above_the_limit_is_lowered(void **state)
{
	struct event_options o = { .kind = EVENT_CPU,
				   .frequency = 100000000,
				   .exclude_kernel = true };
	struct event_features f = { 0 };
	struct perf_event_attr a;
	int fd;

	probe_or_skip(&f);
	event_sampler_attr(&a, &f, &o);
	fd = event_open(&a, 0, -1, -1, 0);
	assert_true(fd >= 0);
	close(fd);
	assert_in_range(a.sample_freq, 1, 99999999);
	a.sample_freq = 1; /* another reason for EINVAL stays one */
	a.sample_type |= UINT64_C(1) << 40;
	assert_int_equal(event_open(&a, 0, -1, -1, 0), -EINVAL);
	assert_int_equal(a.sample_freq, 1);
}

static void each_feature_found_is_one_that_opens(void **state)
{
	struct event_options o = {
		.kind = EVENT_CPU, .frequency = 49, .exclude_idle = true, .exclude_kernel = true
	};
	struct event_features f = { 0 };
	struct event_count count;
	struct perf_event_attr a;
	uint64_t id = 0;
	int fd;

	assert_true(event_probe(false, 1 << 20, &f) < 0); /* no such CPU */
	probe_or_skip(&f);
	print_message(
		"# build_id %d format_lost %d clockid %d cgroup %d ksymbol %d exclude_idle %d\n",
		f.build_id, f.format_lost, f.clockid, f.cgroup, f.ksymbol, f.exclude_idle);
	event_dummy_attr(&a, &f, 4096); /* together, too */
	fd = event_open(&a, 0, -1, -1, 0);
	assert_true(fd >= 0);
	assert_int_equal(event_read(fd, &f, &count), 0);
	assert_int_equal(event_id(fd, &id), 0);
	assert_true(id != 0);
	assert_int_equal(event_redirect(fd, 0), -EBADF); /* stdin is no event */
	close(fd);
	assert_int_equal(event_read(fd, &f, &count), -EBADF);
	assert_int_equal(event_enable(fd), -EBADF);
	event_sampler_attr(&a, &f, &o);
	fd = event_open(&a, 0, -1, -1, 0);
	assert_true(fd >= 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dummy_carries_the_sideband_alone),
		cmocka_unit_test(a_sampler_is_what_its_options_say),
		cmocka_unit_test(a_sampler_carries_stacks_where_user_callers_are_asked_for),
		cmocka_unit_test(trailers_of_one_ring_are_alike),
		cmocka_unit_test(refusals_are_explained),
		cmocka_unit_test(cpu_lists_parse),
		cmocka_unit_test(this_thread_is_sampled_where_it_burns),
		cmocka_unit_test(a_frequency_above_the_limit_is_lowered),
		cmocka_unit_test(each_feature_found_is_one_that_opens),
	};

	return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
