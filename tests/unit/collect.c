/* collect/: stacks, labels and what a profile says. */
#include "tests/unit/collect_world.h"

/* --- Stacks --- */

static void kernel_and_user_frames_make_one_stack(void **state)
{
	struct world *w = world();

	give_program(w, 10, "a");
	give_kernel(w, 10, 10, TEXT + 0x100, TEXT + 0x201, USER, 0x400010, 0x400021);
	give_user(w, 10, 10, 0x400010, 0x400021);
	give_user(w, 10, 10, 0x400010, 0x400021);
	/* leaf and syscall's address as they are, callers one less */
	assert_string_equal(folded(w), "10 a: [kernel.kallsyms]:ffffffff81000100 "
				       "[kernel.kallsyms]:ffffffff81000200 a:400010 a:400020 = 1\n"
				       "10 a: a:400010 a:400020 = 2\n");
	assert_string_equal(folded(w), "");
	world_free(w);
}

static void chain_that_leaves_the_mappings_is_cut(void **state)
{
	struct world *w = world();

	give_program(w, 10, "a");
	give_user(w, 10, 10, 0x400010, 0x400021, 0xdeadbeef, 0x400031);
	give_user(w, 10, 10, 0x400010, 0x400021, 0xdeadbee0, 0x400041);
	/* A whole chain ends without a word: what reads as 0 was no frame either. */
	give_user(w, 10, 10, 0x400010, 0x400021, 0);
	give_user(w, 10, 10, 0x400010, 0x410000); /* the mapping's end: the call is inside */
	assert_string_equal(folded(w), "10 a: a:400010 a:400020 [truncated] = 3\n"
				       "10 a: a:400010 a:40ffff = 1\n");
	assert_int_equal(COUNTER(w, stacks_truncated), 3);
	assert_int_equal(COUNTER(w, stacks_refused), 3);
	assert_int_equal(COUNTER(w, frames_refused), 5);
	assert_int_equal(COUNTER(w, samples_unmapped), 0);
	world_free(w);
}

static void stack_as_deep_as_the_limit_is_truncated(void **state)
{
	struct collect_options o = options();
	struct world *w;

	o.max_stack = 3;
	w = world_with(&o);
	give_program(w, 10, "a");
	give_user(w, 10, 10, 0x400010, 0x400021);
	give_user(w, 10, 10, 0x400010, 0x400021, 0x400031);
	assert_string_equal(folded(w), "10 a: a:400010 a:400020 = 1\n"
				       "10 a: a:400010 a:400020 a:400030 [truncated] = 1\n");
	assert_int_equal(COUNTER(w, stacks_deep), 1);
	world_free(w);
}

static void without_a_chain_the_address_is_all(void **state)
{
	struct world *w = world();
	struct record rec;

	give_program(w, 10, "a");
	w->layout.sample_type &= ~(uint64_t)PERF_SAMPLE_CALLCHAIN;
	rec = record_of(w, PERF_RECORD_SAMPLE, 10, 10);
	rec.misc = PERF_RECORD_MISC_USER;
	rec.sample.ip = 0x400123;
	rec.sample.period = PERIOD;
	give(w, &rec);
	rec.misc = PERF_RECORD_MISC_KERNEL;
	rec.sample.ip = TEXT + 5;
	give(w, &rec);
	assert_string_equal(folded(w), "10 a: a:400123 = 1\n"
				       "10 a: [kernel.kallsyms]:ffffffff81000005 = 1\n");
	world_free(w);
}

static void copied_stack_that_is_not_walked_is_truncated(void **state)
{
	struct world *w = world();
	struct record rec;

	give_program(w, 10, "a");
	rec = record_of(w, PERF_RECORD_SAMPLE, 10, 10);
	rec.misc = PERF_RECORD_MISC_USER;
	rec.sample = (struct record_sample){
		.ip = 0x400123, .period = PERIOD, .has_stack = true, .regs_abi = 2,
	};
	give(w, &rec);
	rec.sample.regs_abi = 0; /* a kernel thread has no user stack */
	give(w, &rec);
	assert_string_equal(folded(w), "10 a: a:400123 [truncated] = 1\n10 a: a:400123 = 1\n");
	assert_int_equal(COUNTER(w, stacks_unwalked), 1);
	world_free(w);
}

static void walked_stacks_take_the_place_of_user_frames(void **state)
{
	struct world *w = world();
	const uint64_t ips[] = { KERNEL, TEXT + 8, TEXT + 17, USER, 0x400999 };
	static struct unwind_walk walk;
	struct record rec;

	give_program(w, 10, "a");
	rec = record_of(w, PERF_RECORD_SAMPLE, 10, 10);
	rec.misc = PERF_RECORD_MISC_KERNEL;
	rec.sample = (struct record_sample){
		.ip = TEXT + 8, .period = PERIOD, .ips = ips, .nr_ips = 5, .has_stack = true,
		.regs_abi = 2,
	};
	walk.addresses[0] = 0x400123;
	walk.addresses[1] = 0x400200;
	walk.nr = 2;
	walk.nr_guessed = 1;
	collect_walked(w->c, &rec, 0, &w->layout, &walk);
	/* Each reason has a counter of its own. */
	for (walk.stop = 1; walk.stop < UNWIND_NR_STOPS; walk.stop++)
		collect_walked(w->c, &rec, 0, &w->layout, &walk);
	assert_string_equal(folded(w),
			    "10 a: [kernel.kallsyms]:ffffffff81000008"
			    " [kernel.kallsyms]:ffffffff81000010 a:400123 a:400200 = 1\n"
			    "10 a: [kernel.kallsyms]:ffffffff81000008"
			    " [kernel.kallsyms]:ffffffff81000010 a:400123 a:400200"
			    " [truncated] = 10\n");
	assert_int_equal(COUNTER(w, stacks_truncated), 10);
	assert_int_equal(COUNTER(w, stacks_unwalked), 0);
	assert_int_equal(COUNTER(w, stacks_no_mapping), 1);
	assert_int_equal(COUNTER(w, stacks_no_table), 1);
	assert_int_equal(COUNTER(w, stacks_no_row), 1);
	assert_int_equal(COUNTER(w, stacks_unsupported), 1);
	assert_int_equal(COUNTER(w, stacks_short), 1);
	assert_int_equal(COUNTER(w, stacks_switched), 1);
	assert_int_equal(COUNTER(w, stacks_deep), 1);
	assert_int_equal(COUNTER(w, stacks_bad_frame), 1);
	assert_int_equal(COUNTER(w, stacks_loop), 1);
	assert_int_equal(COUNTER(w, stacks_fault), 1);
	assert_int_equal(COUNTER(w, frames_guessed), 11);
	world_free(w);
}

static void what_is_no_process_gets_a_frame_of_its_own(void **state)
{
	struct collect_options o = options();
	struct world *w;

	o.outside = true;
	w = world_with(&o);
	give_program(w, 10, "a");
	give_kernel(w, UINT32_MAX, UINT32_MAX, TEXT + 1);
	give_ips(w, UINT32_MAX, UINT32_MAX, PERF_RECORD_MISC_USER, NULL, 0);
	give_user(w, 0, 0, 0x400010);
	give_ips(w, 10, 10, PERF_RECORD_MISC_GUEST_KERNEL,
		 (uint64_t[]){ PERF_CONTEXT_GUEST_KERNEL, TEXT }, 2);
	assert_string_equal(folded(w), "- -: [kernel.kallsyms]:ffffffff81000001 [exiting] = 1\n"
				       "- -: [exiting] = 1\n"
				       "- -: [outside] = 1\n"
				       "10 a: [guest] = 1\n");
	assert_int_equal(COUNTER(w, samples_exiting), 2);
	assert_int_equal(COUNTER(w, samples_outside), 1);
	assert_int_equal(COUNTER(w, samples_guest), 1);
	world_free(w);
}

static void idle_is_left_out_or_named(void **state)
{
	struct collect_options o = options();
	struct world *w;

	o.exclude_idle = true;
	w = world_with(&o);
	give_kernel(w, 0, 0, TEXT + 1);
	assert_string_equal(folded(w), "");
	assert_int_equal(COUNTER(w, samples_idle), 1);
	world_free(w);

	w = world();
	give_kernel(w, 0, 0, TEXT + 1);
	give_ips(w, 0, 0, PERF_RECORD_MISC_CPUMODE_UNKNOWN, NULL, 0);
	assert_string_equal(folded(w), "0 swapper: [kernel.kallsyms]:ffffffff81000001 = 1\n"
				       "0 swapper: [idle] = 1\n");
	world_free(w);
}

/* --- The kernel --- */

static void kernel_addresses_leave_relative_to_text(void **state)
{
	struct collect_options o = options();
	struct world *w;

	o.kernel_relative = true;
	w = world_with(&o);
	give_program(w, 10, "a");
	give_kernel(w, 10, 10, TEXT + 0x100, 0xfffffe0000000123);
	assert_string_equal(folded(w), "10 a: [kernel.kallsyms]:100 [kernel.kallsyms]:0 = 1\n");
	world_free(w);

	o.kernel_text = 0; /* not even known: nothing leaves */
	w = world_with(&o);
	give_program(w, 10, "a");
	give_kernel(w, 10, 10, TEXT + 0x100);
	give_kernel(w, 10, 10, TEXT + 0x200);
	assert_string_equal(folded(w), "10 a: [kernel.kallsyms]:0 = 2\n");
	world_free(w);
}

static void recorded_kernel_and_modules_are_mappings(void **state)
{
	struct collect_options o = options();
	struct world *w;
	struct record rec;

	o.kernel_text = 0;
	w = world_with(&o);
	rec = record_of(w, PERF_RECORD_MMAP, UINT32_MAX, 0);
	rec.misc = PERF_RECORD_MISC_KERNEL;
	rec.mmap = (struct record_mmap){
		.pid = UINT32_MAX, .start = TEXT, .size = -TEXT, .pgoff = TEXT, .prot = PROT_EXEC,
		.filename = "[kernel.kallsyms]_text",
	};
	give(w, &rec);
	rec.mmap.start = 0xffffffffc0000000;
	rec.mmap.size = 0x1000;
	rec.mmap.pgoff = 0;
	rec.mmap.filename = "/lib/modules/6.1/x.ko";
	give(w, &rec);
	assert_true(collect_kernel_changed(w->c));
	assert_false(collect_kernel_changed(w->c));
	give_program(w, 10, "a");
	give_kernel(w, 10, 10, 0xffffffffc0000010, 0xffffffffc0001001, TEXT + 1,
		    0xffff800000000001);
	assert_string_equal(folded(w), "10 a: x.ko:ffffffffc0000010 "
				       "[kernel.kallsyms]:ffffffffc0001000 "
				       "[kernel.kallsyms]:ffffffff81000000 "
				       "[kernel.kallsyms]:ffff800000000000 = 1\n");
	world_free(w);
}

/* --- Labels --- */

static void labels_follow_names(void **state)
{
	struct collect_options o = options();
	struct world *w;

	o.labels = LABEL_TID | LABEL_THREAD_COMM;
	w = world_with(&o);
	give_program(w, 10, "a");
	give_fork(w, 10, 10, 11, 10);
	give_user(w, 10, 11, 0x400010);
	give_comm(w, 10, 11, "wor\nker\xc3", false); /* cut inside a character */
	give_user(w, 10, 11, 0x400010);
	assert_string_equal(folded(w), "11 a: a:400010 = 1\n11 wor\\x0aker: a:400010 = 1\n");
	world_free(w);
}

static void labels_are_chosen(void **state)
{
	struct collect_options o = options();
	struct world *w;
	struct profile *p;

	o.labels = LABEL_COMM;
	w = world_with(&o);
	give_program(w, 10, "a");
	give_program(w, 11, "a");
	give_mmap(w, 11, 0x400000, 0x10000, "/bin/a");
	give_user(w, 10, 10, 0x400010);
	give_user(w, 11, 11, 0x400010);
	p = collect_finish(w->c, 0, 0, 0);
	assert_int_equal(p->nr_label_sets, 1);
	assert_string_equal(profile_label(p, 0, "comm"), "a");
	assert_null(profile_label(p, 0, "pid"));
	profile_free(p);
	world_free(w);
}

static const char *unit_of(const struct profile *p, uint32_t sample)
{
	return profile_label(p, p->samples[sample].label_set, "unit");
}

static void give_in_cgroup(struct world *w, uint32_t pid, uint64_t cgroup, uint64_t ip)
{
	struct record rec = record_of(w, PERF_RECORD_SAMPLE, pid, pid);

	rec.misc = PERF_RECORD_MISC_USER;
	rec.sample = (struct record_sample){ .ip = ip, .period = PERIOD, .cgroup = cgroup };
	give(w, &rec);
}

static void units_come_from_cgroups(void **state)
{
	struct collect_options o = options();
	struct world *w;
	struct record rec;
	struct profile *p;

	o.labels = LABEL_ALL;
	w = world_with(&o);
	w->unit = "ssh.service";
	give_program(w, 10, "a");
	give_program(w, 11, "b");
	rec = record_of(w, PERF_RECORD_CGROUP, 0, 0);
	rec.cgroup = (struct record_cgroup){ 5, "/system.slice/nginx.service" };
	give(w, &rec);
	give_in_cgroup(w, 10, 5, 0x400010);
	assert_int_equal(w->nr_cgroups, 0); /* the record said it all */
	give_in_cgroup(w, 10, 6, 0x400010); /* moved */
	give_in_cgroup(w, 11, 6, 0x400010);
	assert_int_equal(w->nr_cgroups, 1); /* once an id */
	give_in_cgroup(w, 10, 5, 0x400010); /* and back */
	p = collect_finish(w->c, 0, 0, 0);
	assert_int_equal(p->nr_samples, 3); /* the last is the first's */
	assert_int_equal(p->values[0], 2);
	assert_string_equal(unit_of(p, 0), "nginx.service");
	assert_string_equal(unit_of(p, 1), "ssh.service");
	assert_string_equal(unit_of(p, 2), "ssh.service");
	profile_free(p);
	world_free(w);
}

static void unit_is_asked_for_once_where_samples_do_not_say(void **state)
{
	struct collect_options o = options();
	struct world *w;

	o.labels = LABEL_UNIT;
	w = world_with(&o);
	give_program(w, 10, "a");
	give_user(w, 10, 10, 0x400010);
	give_user(w, 10, 10, 0x400010);
	assert_int_equal(w->nr_cgroups, 1);
	world_free(w);

	w = world(); /* without the label: never */
	give_program(w, 10, "a");
	give_user(w, 10, 10, 0x400010);
	assert_int_equal(w->nr_cgroups, 0);
	world_free(w);
}

/* --- Memory --- */

static void space_that_changes_all_the_time_costs_no_memory(void **state)
{
	struct world *w = world();

	give_program(w, 10, "a");
	for (unsigned i = 0; i < 3000; i++) {
		give_mmap(w, 10, 0x900000, 0x1000, i % 2 ? "/memfd:x" : "/memfd:y");
		for (unsigned k = 0; k < 20; k++)
			give_user(w, 10, 10, 0x400000 + k);
	}
	assert_in_range(collect_size(w->c), 1, 256 << 10);
	world_free(w);
}

static void window_ends_with_its_memory(void **state)
{
	struct world *w = world();
	size_t size;

	give_program(w, 10, "a");
	give_user(w, 10, 10, 0x400010);
	size = collect_size(w->c);
	for (unsigned i = 0; i < 5000; i++) {
		folded(w);
		give_user(w, 10, 10, 0x400010);
		w->nr_objects = 0;
	}
	assert_int_equal(collect_size(w->c), size);
	world_free(w);
}

/* --- Lost --- */

static void lost_samples_are_in_the_profile_once(void **state)
{
	struct collect_options o = options();
	struct world *w = world();
	struct record rec = record_of(w, PERF_RECORD_LOST, UINT32_MAX, UINT32_MAX);

	rec.lost.lost = 5;
	give(w, &rec);
	rec.type = PERF_RECORD_LOST_SAMPLES;
	give(w, &rec);
	assert_string_equal(folded(w), "- -: [lost] = 10\n");
	assert_int_equal(COUNTER(w, lost), 10);
	world_free(w);

	o.lost_by_count = true;
	w = world_with(&o);
	give(w, &rec);
	assert_int_equal(COUNTER(w, lost), 5);
	collect_lost(w->c, 0, 0);
	assert_string_equal(folded(w), "");
	collect_lost(w->c, 0, 4);
	assert_string_equal(folded(w), "- -: [lost] = 4\n");
	assert_int_equal(COUNTER(w, lost), 5);
	world_free(w);
}

/* --- The file --- */

static void profile_says_what_it_is(void **state)
{
	static const struct collect_kind cycles = { "cycles", "count", 1 << 20, 0 };
	struct world *w = world();
	struct record rec;
	struct profile *p;

	assert_int_equal(collect_add_kind(w->c, &cycles), 1);
	give_program(w, 10, "a");
	give_user(w, 10, 10, 0x400010);
	rec = record_of(w, PERF_RECORD_SAMPLE, 10, 10);
	rec.misc = PERF_RECORD_MISC_USER;
	rec.sample.ip = 0x400010;
	w->layout.sample_type &= ~(uint64_t)PERF_SAMPLE_PERIOD;
	collect_record(w->c, &rec, 1, &w->layout);
	collect_record(w->c, &rec, 2, &w->layout); /* no such kind */
	p = collect_finish(w->c, 1, 1234, 60);
	assert_int_equal(p->nr_types, 2);
	assert_string_equal(p->strings[p->types[0].type], "samples");
	assert_string_equal(p->strings[p->types[0].unit], "count");
	assert_string_equal(p->strings[p->types[1].type], "cycles");
	assert_string_equal(p->strings[p->types[1].unit], "count");
	assert_string_equal(p->strings[p->period_type.type], "cycles");
	assert_string_equal(p->strings[p->default_type], "cycles");
	assert_int_equal(p->period, 1 << 20);
	assert_int_equal(p->time_nanos, 1234);
	assert_int_equal(p->duration_nanos, 60);
	assert_int_equal(p->nr_comments, 1);
	assert_int_equal(p->nr_samples, 1);
	assert_int_equal(p->values[1], 1 << 20); /* the nominal one, where records have none */
	profile_free(p);
	p = collect_finish(w->c, 0, 1, 1);
	assert_int_equal(p->values[1], PERIOD);
	profile_free(p);
	world_free(w);
}

static void counters_are_all_in_the_table(void **state)
{
	struct counters counters = { 0 };
	size_t nr = 0;

	counters.objects_failed = 3;
	for (const struct counter_info *i = counter_table; i->name; i++, nr++) {
		assert_true(strlen(i->help) > 5);
		assert_int_equal(counter_value(&counters, i),
				 strcmp(i->name, "objects_failed") ? 0 : 3);
	}
	assert_int_equal(nr * sizeof(uint64_t), sizeof(counters));
}

/* --- Nothing is lost, whatever comes --- */

static uint32_t roll(uint32_t *seed, uint32_t n)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % n;
}

static uint64_t random_ip(uint32_t *seed)
{
	static const uint64_t bases[] = {
		0x400000, 0x700000, 0x7f0000000000, TEXT, 0, USER, KERNEL, -64ull,
	};

	return bases[roll(seed, 8)] + (roll(seed, 4) ? roll(seed, 64) * 8 : 0);
}

static int64_t give_random_sample(struct world *w, uint32_t *seed)
{
	static const uint16_t modes[] = {
		PERF_RECORD_MISC_USER, PERF_RECORD_MISC_KERNEL,
		PERF_RECORD_MISC_GUEST_USER, PERF_RECORD_MISC_HYPERVISOR,
	};
	uint32_t pid = roll(seed, 9) ? roll(seed, 8) : UINT32_MAX;
	struct record rec = record_of(w, PERF_RECORD_SAMPLE, pid, pid + roll(seed, 2));
	uint64_t ips[24];

	rec.misc = modes[roll(seed, 12) < 10 ? roll(seed, 2) : roll(seed, 4)];
	rec.sample.nr_ips = roll(seed, 24);
	for (uint64_t i = 0; i < rec.sample.nr_ips; i++)
		ips[i] = random_ip(seed);
	rec.sample.ips = ips;
	rec.sample.ip = random_ip(seed);
	rec.sample.period = roll(seed, 5000);
	rec.sample.cgroup = roll(seed, 4);
	rec.sample.has_stack = !roll(seed, 9);
	rec.sample.regs_abi = roll(seed, 3);
	give(w, &rec);
	return (int64_t)rec.sample.period;
}

static void give_random_sideband(struct world *w, uint32_t *seed)
{
	uint32_t pid = roll(seed, 8), other = roll(seed, 8);

	switch (roll(seed, 8)) {
	case 0:
		give_fork(w, pid, other, pid, other);
		break;
	case 1:
		give_exit(w, pid);
		break;
	case 2:
		give_comm(w, pid, pid, roll(seed, 2) ? "a\xff" : "", roll(seed, 2));
		break;
	case 3:
		give_mmap(w, pid, random_ip(seed) & ~0xfffull, 0x1000 << roll(seed, 8), "/bin/x");
		break;
	case 4:
		if (w->nr_maps)
			answer_maps(w, roll(seed, w->nr_maps), roll(seed, 3) ? maps_old : "");
		break;
	case 5:
		if (w->nr_objects)
			answer_object(w, roll(seed, w->nr_objects), 2 + roll(seed, 4));
		break;
	case 6:
		collect_tick(w->c, w->now += roll(seed, 2) * SECOND);
		break;
	default:
		w->refuse = roll(seed, 2);
		w->nr_maps = w->nr_maps > ASKS_MAX / 2 ? 0 : w->nr_maps;
		w->nr_objects = w->nr_objects > ASKS_MAX / 2 ? 0 : w->nr_objects;
	}
	w->refuse |= w->nr_maps + 8 > ASKS_MAX || w->nr_objects + 16 > ASKS_MAX;
}

static void finish_and_count(struct world *w, int64_t sums[2])
{
	struct profile *p = collect_finish(w->c, 0, 1, 1);

	collect_next_window(w->c);
	for (uint32_t i = 0; p && i < p->nr_samples; i++) {
		assert_true(p->stacks[p->samples[i].stack].nr > 0);
		sums[0] += p->values[2 * i];
		sums[1] += p->values[2 * i + 1];
	}
	profile_free(p);
}

static void sums_are_conserved(void **state)
{
	for (uint32_t seed = 1; seed < 40; seed++) {
		struct collect_options o = options();
		int64_t given[2] = { 0, 0 }, got[2] = { 0, 0 };
		uint32_t s = seed;
		struct world *w;

		o.labels = LABEL_ALL;
		o.outside = seed % 2;
		o.kernel_relative = seed % 3 == 0;
		w = world_with(&o);
		for (unsigned i = 0; i < 3000; i++) {
			if (roll(&s, 4)) {
				given[1] += give_random_sample(w, &s);
				given[0]++;
			} else {
				give_random_sideband(w, &s);
			}
			if (!roll(&s, 200))
				finish_and_count(w, got);
		}
		collect_tick(w->c, w->now + 2 * COLLECT_WAIT_NS);
		finish_and_count(w, got);
		assert_int_equal(got[0], given[0]);
		assert_int_equal(got[1], given[1]);
		assert_int_equal(COUNTER(w, samples), given[0]);
		world_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernel_and_user_frames_make_one_stack),
		cmocka_unit_test(chain_that_leaves_the_mappings_is_cut),
		cmocka_unit_test(stack_as_deep_as_the_limit_is_truncated),
		cmocka_unit_test(without_a_chain_the_address_is_all),
		cmocka_unit_test(copied_stack_that_is_not_walked_is_truncated),
		cmocka_unit_test(walked_stacks_take_the_place_of_user_frames),
		cmocka_unit_test(what_is_no_process_gets_a_frame_of_its_own),
		cmocka_unit_test(idle_is_left_out_or_named),
		cmocka_unit_test(kernel_addresses_leave_relative_to_text),
		cmocka_unit_test(recorded_kernel_and_modules_are_mappings),
		cmocka_unit_test(labels_follow_names),
		cmocka_unit_test(labels_are_chosen),
		cmocka_unit_test(units_come_from_cgroups),
		cmocka_unit_test(unit_is_asked_for_once_where_samples_do_not_say),
		cmocka_unit_test(space_that_changes_all_the_time_costs_no_memory),
		cmocka_unit_test(window_ends_with_its_memory),
		cmocka_unit_test(lost_samples_are_in_the_profile_once),
		cmocka_unit_test(profile_says_what_it_is),
		cmocka_unit_test(counters_are_all_in_the_table),
		cmocka_unit_test(sums_are_conserved),
	};

	return cmocka_run_group_tests_name("collect", tests, NULL, NULL);
}
