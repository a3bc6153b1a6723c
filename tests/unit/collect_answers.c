/* collect/: what is asked for, and what waits for the answers. */
#include "tests/unit/collect_world.h"

/* --- Waiting for maps --- */

static void sample_waits_for_its_maps(void **state)
{
	struct world *w = world();

	give_kernel(w, 20, 20, TEXT + 1); /* needs no maps */
	assert_int_equal(w->nr_maps, 0);
	give_comm(w, 20, 20, "early", false);
	give_user(w, 20, 20, 0x700010, 0x700021);
	give_user(w, 20, 20, 0x700010, 0x700021);
	give_comm(w, 20, 20, "late", false);
	give_user(w, 20, 20, 0x700030);
	assert_int_equal(w->nr_maps, 1);
	assert_int_equal(COUNTER(w, samples_waited), 3);
	answer_maps(w, 0, maps_old);
	give_user(w, 20, 20, 0x700030);
	assert_string_equal(folded(w), "20 -: [kernel.kallsyms]:ffffffff81000001 = 1\n"
				       "20 early: old:700010 old:700020 = 2\n"
				       "20 late: old:700030 = 2\n");
	world_free(w);
}

static void waiting_ends_after_its_time(void **state)
{
	struct world *w = world();

	give_kernel(w, 20, 20, TEXT + 1, USER, 0x700010, 0x700021);
	collect_tick(w->c, w->now + COLLECT_WAIT_NS - 1);
	assert_null(collect_finish(w->c, 0, 0, 0));
	collect_next_window(w->c);
	assert_true(collect_size(w->c) > 0);
	collect_tick(w->c, w->now + COLLECT_WAIT_NS);
	assert_string_equal(folded(w), "20 -: [kernel.kallsyms]:ffffffff81000001 [unmapped] = 1\n");
	assert_int_equal(COUNTER(w, samples_unmapped), 1);
	give_user(w, 20, 20, 0x700010); /* once was enough */
	assert_string_equal(folded(w), "20 -: [unmapped] = 1\n");
	/* An answer is welcome even now. */
	answer_maps(w, 0, maps_old);
	give_user(w, 20, 20, 0x700010);
	assert_string_equal(folded(w), "20 -: old:700010 = 1\n");
	world_free(w);
}

static void waiting_samples_outlive_the_window(void **state)
{
	struct world *w = world();

	give_comm(w, 20, 20, "p", false);
	give_user(w, 20, 20, 0x700010);
	assert_string_equal(folded(w), "");
	answer_maps(w, 0, maps_old);
	assert_string_equal(folded(w), "20 p: old:700010 = 1\n");
	world_free(w);
}

static void maps_that_cannot_be_had_are_not_waited_for(void **state)
{
	struct world *w = world();

	give_user(w, 20, 20, 0x700010);
	answer_maps(w, 0, "");
	assert_int_equal(COUNTER(w, maps_failed), 1);
	give_user(w, 20, 20, 0x700010);
	assert_string_equal(folded(w), "20 -: [unmapped] = 2\n");
	assert_int_equal(w->nr_maps, 1); /* not again at once */
	w->now += 2 * SECOND;
	give_user(w, 20, 20, 0x700010);
	assert_int_equal(w->nr_maps, 2);
	world_free(w);
}

static void refused_ask_is_repeated(void **state)
{
	struct world *w = world();

	w->refuse = true;
	give_user(w, 20, 20, 0x700010);
	collect_tick(w->c, w->now + SECOND / 4);
	assert_int_equal(w->nr_maps, 0);
	w->refuse = false;
	collect_tick(w->c, w->now + SECOND / 2);
	assert_int_equal(w->nr_maps, 1);
	answer_maps(w, 0, maps_old);
	assert_string_equal(folded(w), "20 -: old:700010 = 1\n");
	world_free(w);
}

static void exec_while_waiting_loses_the_old_image(void **state)
{
	struct world *w = world();

	give_comm(w, 20, 20, "sh", false);
	give_user(w, 20, 20, 0x700010);
	give_comm(w, 20, 20, "a", true);
	give_mmap(w, 20, 0x700000, 0x10000, "/bin/a");
	answer_maps(w, 0, maps_old); /* of the image before: dropped */
	give_user(w, 20, 20, 0x700010);
	collect_tick(w->c, w->now);
	assert_string_equal(folded(w), "20 sh: [unmapped] = 1\n20 a: a:700010 = 1\n");
	world_free(w);
}

static void pid_reuse_while_waiting_mixes_nothing(void **state)
{
	struct world *w = world();

	give_comm(w, 20, 20, "p", false);
	give_user(w, 20, 20, 0x700010);
	give_exit(w, 20);
	give_program(w, 20, "b");
	answer_maps(w, 0, maps_old);
	give_user(w, 20, 20, 0x700010); /* b has nothing there */
	give_user(w, 20, 20, 0x400010);
	collect_tick(w->c, w->now);
	assert_string_equal(folded(w), "20 p: [unmapped] = 1\n"
				       "20 b: [unmapped] = 1\n"
				       "20 b: b:400010 = 1\n");
	world_free(w);
}

static void answer_for_another_life_is_dropped(void **state)
{
	struct world *w = world();

	give_program(w, 10, "a");
	give_user(w, 20, 20, 0x700010);
	give_exit(w, 20);
	give_fork(w, 20, 10, 20, 10); /* a child of a's, which has not called exec either */
	answer_maps(w, 0, maps_old);
	give_user(w, 10, 10, 0x400010);
	give_user(w, 20, 20, 0x400010);
	give_user(w, 20, 20, 0x700010);
	collect_tick(w->c, w->now);
	assert_string_equal(folded(w), "10 a: a:400010 = 1\n"
				       "20 a: a:400010 = 1\n"
				       "20 a: [unmapped] = 1\n"
				       "20 -: [unmapped] = 1\n");
	world_free(w);
}

static void what_has_exited_is_not_asked_for(void **state)
{
	struct world *w = world();

	give_comm(w, 20, 20, "p", false);
	give_exit(w, 20);
	give_user(w, 20, 20, 0x700010);
	assert_int_equal(w->nr_maps, 0);
	collect_tick(w->c, w->now);
	collect_tick(w->c, w->now);
	assert_string_equal(folded(w), "20 p: [unmapped] = 1\n");
	world_free(w);
}

static void fork_shares_what_is_asked_for(void **state)
{
	struct world *w = world();

	give_comm(w, 20, 20, "p", false);
	give_user(w, 20, 20, 0x700010);
	give_fork(w, 21, 20, 21, 20);
	give_user(w, 21, 21, 0x700010);
	assert_int_equal(w->nr_maps, 1);
	answer_maps(w, 0, maps_old);
	collect_tick(w->c, w->now);
	assert_non_null(strstr(folded(w), "21 p: old:700010 = 1\n"));
	world_free(w);
}

static void what_waits_is_in_the_last_window(void **state)
{
	struct world *w = world();

	give_comm(w, 20, 20, "p", false);
	give_user(w, 20, 20, 0x700010);
	give_kernel(w, 21, 21, TEXT + 1, USER, 0x700010);
	collect_flush(w->c);
	assert_string_equal(folded(w), "20 p: [unmapped] = 1\n"
				       "21 -: [kernel.kallsyms]:ffffffff81000001 [unmapped] = 1\n");
	world_free(w);
}

static void next_collector_of_a_table_starts_afresh(void **state)
{
	struct collect_options o = options();
	static const struct collect_kind cpu = { "cpu", "nanoseconds", PERIOD, 0 };
	struct world *w = world();

	give_program(w, 10, "a");
	give_mmap(w, 10, 0x500000, 0x10000, "/bin/b");
	give_user(w, 10, 10, 0x400010);
	give_user(w, 10, 10, 0x500010);
	collect_free(w->c);
	w->c = collect_new(w->t, &o, &w->asks);
	collect_add_kind(w->c, &cpu);
	give_user(w, 10, 10, 0x500010);
	assert_string_equal(folded(w), "10 a: b:500010 = 1\n");
	world_free(w);
}

static void waiting_memory_is_bounded(void **state)
{
	struct world *w = world();
	uint64_t ips[101] = { USER };
	struct profile *p;

	for (unsigned i = 1; i <= 100; i++)
		ips[i] = 0x700000 + i;
	for (unsigned i = 0; i < 2 * COLLECT_WAIT_SIZE / sizeof(ips); i++)
		give_ips(w, 20, 20, PERF_RECORD_MISC_USER, ips, 101);
	assert_in_range(collect_size(w->c), COLLECT_WAIT_SIZE / 2, COLLECT_WAIT_SIZE + (256 << 10));
	p = collect_finish(w->c, 0, 0, 0);
	assert_non_null(p); /* the oldest had to go on */
	assert_int_equal(p->values[0], COUNTER(w, samples_unmapped));
	profile_free(p);
	world_free(w);
}

static void stale_maps_are_read_again_ever_more_rarely(void **state)
{
	struct world *w = world();

	give_program(w, 10, "a");
	for (unsigned i = 0; i < 1000; i++) {
		w->now += SECOND / 10;
		give_user(w, 10, 10, 0x700010);
	}
	/* after 0, 2, 6, 14, 30, 62 s */
	assert_in_range(w->nr_maps, 4, 8);
	answer_maps(w, w->nr_maps - 1, "00400000-00410000 r-xp 00001000 08:01 1064 /bin/a\n"
				       "00700000-00710000 r-xp 00001000 08:01 77 /bin/old\n");
	give_user(w, 10, 10, 0x700010);
	assert_string_equal(folded(w), "10 a: [unmapped] = 1000\n10 a: old:700010 = 1\n");
	world_free(w);
}

static void sample_inside_execve_asks_nothing(void **state)
{
	struct world *w = world();

	give_fork(w, 10, 1, 10, 1);
	give_comm(w, 10, 10, "a", true);
	give_kernel(w, 10, 10, TEXT + 1, USER, 0x7f0000000010); /* returns into the image before */
	assert_int_equal(w->nr_maps, 0);
	assert_string_equal(folded(w), "10 a: [kernel.kallsyms]:ffffffff81000001 [unmapped] = 1\n");
	world_free(w);
}

static void mapping_that_grew_holds_its_locations(void **state)
{
	struct world *w = world();

	give_program(w, 10, "a");
	give_user(w, 10, 10, 0x400010);
	give_user(w, 10, 10, 0x410010); /* beyond */
	answer_maps(w, 0, "00400000-00420000 r-xp 00001000 08:01 1064 /bin/a\n");
	give_user(w, 10, 10, 0x410010);
	/* folded() looks whether each location lies in its mapping */
	assert_string_equal(folded(w), "10 a: a:400010 = 1\n"
				       "10 a: [unmapped] = 1\n"
				       "10 a: a:410010 = 1\n");
	world_free(w);
}

/* --- Objects --- */

/* Two processes that have the same library at different places. */
static void give_two_users_of_libc(struct world *w)
{
	give_program(w, 10, "a");
	give_program(w, 11, "b");
	give_mmap(w, 10, 0x7f0000000000, 0x100000, "/lib/libc.so");
	give_mmap(w, 11, 0x7f5550000000, 0x100000, "/lib/libc.so");
	give_user(w, 10, 10, 0x7f0000000040);
	give_user(w, 10, 10, 0x7f0000000040, 0x400011);
	give_user(w, 11, 11, 0x7f5550000040);
}

static unsigned nr_named(const struct profile *p, const char *name, uint32_t *object)
{
	unsigned nr = 0;

	for (uint32_t i = 0; i < p->nr_mappings; i++) {
		if (strcmp(p->strings[p->mappings[i].filename], name))
			continue;
		*object = p->mappings[i].object;
		nr++;
	}
	return nr;
}

static void one_object_is_one_mapping(void **state)
{
	struct world *w = world();
	struct profile *p;
	uint32_t object;

	give_two_users_of_libc(w);
	assert_int_equal(w->nr_objects, 3);
	assert_string_equal(w->objects[0].path, "/lib/libc.so");
	answer_object(w, 0, 7);
	answer_object(w, 2, 7);
	p = collect_finish(w->c, 0, 0, 0);
	assert_int_equal(nr_named(p, "/lib/libc.so", &object), 1);
	assert_int_equal(object, 7);
	assert_int_equal(nr_named(p, "/bin/a", &object), 1);
	assert_int_equal(object, 0);
	/* "[host test]" is first and no location's */
	assert_string_equal(p->strings[p->mappings[0].filename], "[host test]");
	assert_int_equal(p->nr_locations, 2);
	assert_int_equal(p->nr_stacks, 2);
	profile_free(p);
	world_free(w);
}

static void what_is_known_is_not_waited_for(void **state)
{
	struct world *w = world();
	struct profile *p;
	uint32_t object;

	w->libc = 7;
	give_two_users_of_libc(w);
	p = collect_finish(w->c, 0, 0, 0);
	assert_int_equal(nr_named(p, "/lib/libc.so", &object), 1);
	assert_int_equal(object, 7);
	/* Its use is told all the same. */
	assert_int_equal(w->nr_objects, 3);
	assert_int_equal(COUNTER(w, objects_asked), 1);
	profile_free(p);
	world_free(w);
}

static void what_is_known_is_recalled_before_a_sample_hits_it(void **state)
{
	struct world *w = world();
	struct process *p;

	w->libc = 7;
	give_program(w, 10, "a");
	give_mmap(w, 10, 0x7f0000000000, 0x100000, "/lib/libc.so");
	p = process_find(w->t, 10);
	assert_int_equal(space_find(p->space, 0x7f0000000000)->object, OBJECT_NONE);
	collect_recall(w->c, p);
	assert_int_equal(space_find(p->space, 0x7f0000000000)->object, 7);
	assert_int_equal(space_find(p->space, 0x400010)->object, OBJECT_NONE);
	world_free(w);
}

static void without_one_object_nothing_is_merged(void **state)
{
	struct world *w = world();
	struct profile *p;
	uint32_t object;

	give_two_users_of_libc(w);
	answer_object(w, 0, OBJECT_MISSING);
	p = collect_finish(w->c, 0, 0, 0);
	assert_int_equal(nr_named(p, "/lib/libc.so", &object), 2);
	assert_int_equal(object, 0);
	profile_free(p);
	assert_int_equal(COUNTER(w, objects_failed), 1);

	collect_next_window(w->c);
	give_user(w, 10, 10, 0x7f0000000040);
	assert_int_equal(w->nr_objects, 3); /* what is missing stays missing */
	give_user(w, 11, 11, 0x7f5550000040);
	assert_int_equal(w->nr_objects, 4); /* what was never answered is asked anew */
	answer_object(w, 3, 8);
	p = collect_finish(w->c, 0, 0, 0);
	assert_int_equal(nr_named(p, "/lib/libc.so", &object), 2);
	profile_free(p);
	world_free(w);
}

static void build_ids_alone_merge_nothing(void **state)
{
	static const uint8_t id[20] = { 0xab, 1 };
	struct world *w = world();
	struct record rec;
	struct profile *p;
	uint32_t object;

	for (uint32_t pid = 10; pid < 12; pid++) {
		give_fork(w, pid, 1, pid, 1);
		give_comm(w, pid, pid, "a", true);
		rec = record_of(w, PERF_RECORD_MMAP2, pid, pid);
		rec.mmap = (struct record_mmap){
			.pid = pid, .start = 0x1000000 * pid, .size = 0x1000, .prot = PROT_EXEC,
			.filename = "/bin/a", .build_id_size = 20,
		};
		memcpy(rec.mmap.build_id, id, sizeof(id));
		give(w, &rec);
		give_user(w, pid, pid, 0x1000000 * pid + 4);
	}
	answer_object(w, 0, 3);
	answer_object(w, 1, 4);
	p = collect_finish(w->c, 0, 0, 0);
	assert_int_equal(nr_named(p, "/bin/a", &object), 2);
	assert_string_equal(p->strings[p->mappings[1].build_id],
			    "ab01000000000000000000000000000000000000");
	profile_free(p);
	world_free(w);
}

static const struct profile_mapping *mapping_of(const struct profile *p, const char *name)
{
	for (uint32_t i = 0; i < p->nr_mappings; i++)
		if (!strcmp(profile_str(p, p->mappings[i].filename), name))
			return &p->mappings[i];
	fail_msg("no mapping of %s", name);
	return NULL;
}

static void snapshot_leaves_the_window_as_it_was(void **state)
{
	struct world *w = world();
	struct profile *p;

	give_program(w, 20, "p");
	give_mmap(w, 20, 0x700000, 0x10000, "//anon");
	give_user(w, 20, 20, 0x700010, 0x400011);
	p = collect_snapshot(w->c, 0, 1, 2);
	assert_string_equal(folded_of(w, p), "20 p: anon:700010 p:400010 = 1\n");
	assert_int_equal(mapping_of(p, "//anon")->offset, 0);
	profile_free(p);
	p = collect_snapshot(w->c, 0, 1, 2);
	assert_int_equal(mapping_of(p, "//anon")->offset, 0);
	profile_free(p);
	for (unsigned i = 0; i < w->nr_objects; i++)
		answer_object(w, i, OBJECT_FIRST + i);
	give_user(w, 20, 20, 0x700010, 0x400011);
	for (int i = 0; i < 2; i++) {
		p = collect_snapshot(w->c, 0, 1, 2);
		assert_string_equal(folded_of(w, p), "20 p: anon:700010 p:400010 = 2\n");
		/* By a map of its functions an address is found as it is. */
		assert_int_equal(mapping_of(p, "//anon")->offset, 0x700000);
		assert_int_equal(mapping_of(p, "/bin/p")->offset, 0x1000);
		assert_int_equal(p->nr_mappings, 3);
		profile_free(p);
	}
	assert_string_equal(folded(w), "20 p: anon:700010 p:400010 = 2\n");
	world_free(w);
}

static void object_comes_after_its_process_has_gone(void **state)
{
	struct world *w = world();
	struct profile *p;
	uint32_t object;

	give_program(w, 10, "a");
	give_user(w, 10, 10, 0x400010);
	give_exit(w, 10);
	collect_tick(w->c, w->now + SECOND);
	assert_null(process_find(w->t, 10));
	answer_object(w, 0, 9);
	p = collect_finish(w->c, 0, 0, 0);
	assert_int_equal(nr_named(p, "/bin/a", &object), 1);
	assert_int_equal(object, 9);
	profile_free(p);
	world_free(w);
}

static void refused_object_is_asked_for_again(void **state)
{
	struct world *w = world();

	w->refuse = true;
	give_program(w, 10, "a");
	give_user(w, 10, 10, 0x400010);
	collect_tick(w->c, w->now);
	w->refuse = false;
	assert_int_equal(w->nr_objects, 0);
	collect_tick(w->c, w->now);
	assert_int_equal(w->nr_objects, 1);
	collect_tick(w->c, w->now);
	assert_int_equal(w->nr_objects, 1);
	world_free(w);
}

static void what_names_code_is_asked_for_when_it_has_come(void **state)
{
	struct world *w = world();
	struct process *p;
	struct profile *profile;
	uint32_t object;

	give_program(w, 20, "p");
	give_mmap(w, 20, 0x700000, 0x10000, "//anon");
	give_user(w, 20, 20, 0x700010, 0x400011);
	assert_int_equal(w->nr_objects, 2);
	answer_object(w, 0, OBJECT_MISSING);
	answer_object(w, 1, OBJECT_MISSING);
	p = process_find(w->t, 20);
	collect_ask_code(w->c, 20, p->fork_ns, p->exec_count + 1); /* another image */
	collect_ask_code(w->c, 21, p->fork_ns, p->exec_count);
	assert_int_equal(w->nr_objects, 2);
	w->refuse = true;
	collect_ask_code(w->c, 20, p->fork_ns, p->exec_count);
	w->refuse = false;
	collect_tick(w->c, w->now);
	assert_int_equal(w->nr_objects, 3);
	assert_string_equal(w->objects[2].path, "//anon");
	collect_ask_code(w->c, 20, p->fork_ns, p->exec_count); /* under way */
	assert_int_equal(w->nr_objects, 3);
	answer_object(w, 2, 9);
	collect_ask_code(w->c, 20, p->fork_ns, p->exec_count); /* known */
	assert_int_equal(w->nr_objects, 3);
	profile = collect_finish(w->c, 0, 0, 0);
	assert_int_equal(nr_named(profile, "//anon", &object), 1);
	assert_int_equal(object, 9);
	profile_free(profile);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sample_waits_for_its_maps),
		cmocka_unit_test(waiting_ends_after_its_time),
		cmocka_unit_test(waiting_samples_outlive_the_window),
		cmocka_unit_test(maps_that_cannot_be_had_are_not_waited_for),
		cmocka_unit_test(refused_ask_is_repeated),
		cmocka_unit_test(exec_while_waiting_loses_the_old_image),
		cmocka_unit_test(pid_reuse_while_waiting_mixes_nothing),
		cmocka_unit_test(answer_for_another_life_is_dropped),
		cmocka_unit_test(what_has_exited_is_not_asked_for),
		cmocka_unit_test(fork_shares_what_is_asked_for),
		cmocka_unit_test(what_waits_is_in_the_last_window),
		cmocka_unit_test(next_collector_of_a_table_starts_afresh),
		cmocka_unit_test(waiting_memory_is_bounded),
		cmocka_unit_test(stale_maps_are_read_again_ever_more_rarely),
		cmocka_unit_test(sample_inside_execve_asks_nothing),
		cmocka_unit_test(mapping_that_grew_holds_its_locations),
		cmocka_unit_test(one_object_is_one_mapping),
		cmocka_unit_test(what_is_known_is_not_waited_for),
		cmocka_unit_test(what_is_known_is_recalled_before_a_sample_hits_it),
		cmocka_unit_test(without_one_object_nothing_is_merged),
		cmocka_unit_test(build_ids_alone_merge_nothing),
		cmocka_unit_test(snapshot_leaves_the_window_as_it_was),
		cmocka_unit_test(object_comes_after_its_process_has_gone),
		cmocka_unit_test(refused_object_is_asked_for_again),
		cmocka_unit_test(what_names_code_is_asked_for_when_it_has_come),
	};

	return cmocka_run_group_tests_name("collect_answers", tests, NULL, NULL);
}
