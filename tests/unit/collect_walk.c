/* collect: samples with copied stacks, whose files and unwind tables come late, or never. */
#include "tests/unit/collect_world.h"

#include "unwind/table.h"

#define NAME 9 /* of the program's object */
#define STACK 0x7ffc00001000ull
#define REG_FP 6
#define REG_SP 7
#define REG_IP 8

/* The world, and the tables' side of it. */
struct walks {
	struct world *w;
	struct unwind_tables *tables;
	bool never; /* pages cannot be had */
	unsigned nr_pages;
	uint32_t object;
	uint64_t offset;
};

static struct walks *current; /* of the running test: the world's ctx is the world */

static bool ask_page(void *ctx, uint32_t object, uint64_t offset)
{
	current->nr_pages++;
	current->object = object;
	current->offset = offset;
	return !current->never;
}

static void setup(struct walks *t)
{
	static const struct collect_kind cpu = { "cpu", "nanoseconds", PERIOD, 0 };
	struct collect_options o = options();

	*t = (struct walks){ .w = world(), .tables = unwind_tables_new(1 << 20) };
	current = t;
	t->w->asks.page = ask_page;
	collect_free(t->w->c);
	t->w->c = collect_new(t->w->t, &o, &t->w->asks);
	collect_add_kind(t->w->c, &cpu);
	collect_set_tables(t->w->c, t->tables);
	t->w->layout.sample_type |= PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER;
	t->w->layout.regs_user = 1 << REG_FP | 1 << REG_SP | 1 << REG_IP;
}

static void teardown(struct walks *t)
{
	world_free(t->w);
	unwind_tables_free(t->tables);
}

/* Functions without a frame of their own below file offset 0x8000, the outermost one from there. */
static void page_comes(struct walks *t)
{
	static const struct unwind_rule rules[] = { { 0 }, { .cfa_off = 8, .cfa = UNWIND_SP },
						    { .cfa = UNWIND_END } };
	static const uint32_t rows[] = { 1, 0x8000u << 16 | 2 };
	struct unwind_page page = { .nr_rows = 2, .nr_rules = 3, .rows = rows, .rules = rules };

	assert_int_equal(unwind_tables_add(t->tables, NAME, &page), 0);
	collect_pages(t->w->c);
}

/* The leaf at 0x400010, called before 0x402001, called before 0x407101 in the outermost function. */
static void give_stack(struct walks *t, uint32_t pid, uint16_t mode, const uint64_t *ips, uint64_t nr)
{
	static uint64_t stack[2048] = { 0x402001, 0x407101 };
	const uint64_t regs[] = { 0, STACK, 0x400010 };
	struct record rec = record_of(t->w, PERF_RECORD_SAMPLE, pid, pid);

	rec.misc = mode;
	rec.sample.period = PERIOD;
	rec.sample.ip = mode == PERF_RECORD_MISC_USER ? 0x400010 : TEXT + 1;
	rec.sample.ips = ips;
	rec.sample.nr_ips = nr;
	rec.sample.has_stack = true;
	rec.sample.stack = stack;
	rec.sample.stack_size = sizeof(stack);
	rec.sample.regs_abi = PERF_SAMPLE_REGS_ABI_64;
	rec.sample.regs = regs;
	give(t->w, &rec);
}

static void give_user_stack(struct walks *t, uint32_t pid)
{
	static const uint64_t chain[] = { USER, 0x400010 };

	give_stack(t, pid, PERF_RECORD_MISC_USER, chain, 2);
}

static void a_walk_waits_for_its_file_and_its_page(void **state)
{
	struct walks t;

	setup(&t);
	give_program(t.w, 10, "a");
	give_user_stack(&t, 10);
	assert_int_equal(t.w->nr_objects, 1);
	assert_int_equal(t.nr_pages, 0);
	assert_int_equal(COUNTER(t.w, samples_waited), 1);
	answer_object(t.w, 0, NAME);
	collect_pages(t.w->c);
	assert_int_equal(t.nr_pages, 1);
	assert_int_equal(t.object, NAME);
	assert_int_equal(t.offset, 0);
	assert_int_equal(COUNTER(t.w, stacks_walked), 0);
	page_comes(&t);
	assert_int_equal(COUNTER(t.w, stacks_walked), 1);
	give_user_stack(&t, 10); /* at once */
	assert_int_equal(COUNTER(t.w, samples_waited), 1);
	assert_string_equal(folded(t.w), "10 a: a:400010 a:402000 a:407100 = 2\n");
	assert_int_equal(COUNTER(t.w, stacks_truncated), 0);
	teardown(&t);
}

static void a_sample_in_the_kernel_is_walked_from_where_it_entered(void **state)
{
	static const uint64_t chain[] = { KERNEL, TEXT + 1 };
	struct walks t;

	setup(&t);
	give_program(t.w, 10, "a");
	give_stack(&t, 10, PERF_RECORD_MISC_KERNEL, chain, 2);
	answer_object(t.w, 0, NAME);
	page_comes(&t);
	assert_string_equal(folded(t.w), "10 a: [kernel.kallsyms]:ffffffff81000001 a:400010 a:402000 "
					 "a:407100 = 1\n");
	teardown(&t);
}

static void pages_that_cannot_be_had_leave_the_kernels_chain(void **state)
{
	static const uint64_t chain[] = { USER, 0x400010, 0x402001 };
	struct walks t;

	setup(&t);
	t.never = true;
	give_program(t.w, 10, "a");
	give_stack(&t, 10, PERF_RECORD_MISC_USER, chain, 3);
	answer_object(t.w, 0, NAME);
	collect_pages(t.w->c);
	give_user_stack(&t, 10);
	assert_string_equal(folded(t.w), "10 a: a:400010 a:402000 [truncated] = 1\n"
					 "10 a: a:400010 [truncated] = 1\n");
	assert_int_equal(COUNTER(t.w, stacks_no_table), 2);
	teardown(&t);
}

static void files_that_cannot_be_had_are_not_waited_for(void **state)
{
	struct walks t;

	setup(&t);
	give_program(t.w, 10, "a");
	give_user_stack(&t, 10);
	answer_object(t.w, 0, OBJECT_MISSING);
	collect_pages(t.w->c);
	give_user_stack(&t, 10);
	assert_string_equal(folded(t.w), "10 a: a:400010 [truncated] = 2\n");
	assert_int_equal(COUNTER(t.w, samples_waited), 1);
	teardown(&t);
}

static void a_walk_does_not_wait_for_ever(void **state)
{
	struct walks t;

	setup(&t);
	give_program(t.w, 10, "a");
	give_user_stack(&t, 10);
	collect_tick(t.w->c, t.w->now + COLLECT_WAIT_NS - SECOND / 10);
	assert_int_equal(COUNTER(t.w, stacks_walked), 0);
	collect_tick(t.w->c, t.w->now + COLLECT_WAIT_NS);
	assert_string_equal(folded(t.w), "10 a: a:400010 [truncated] = 1\n");
	teardown(&t);
}

static void an_exec_enters_what_waits_under_the_old_name(void **state)
{
	struct walks t;

	setup(&t);
	give_program(t.w, 10, "a");
	give_user_stack(&t, 10);
	give_comm(t.w, 10, 10, "b", true);
	give_mmap(t.w, 10, 0x400000, 0x10000, "/bin/b");
	assert_string_equal(folded(t.w), "10 a: a:400010 [truncated] = 1\n");
	teardown(&t);
}

static void a_mapping_in_the_place_of_another_enters_what_waits(void **state)
{
	struct walks t;

	setup(&t);
	give_program(t.w, 10, "a");
	give_user_stack(&t, 10);
	give_mmap(t.w, 10, 0x900000, 0x10000, "/lib/elsewhere");
	assert_int_equal(COUNTER(t.w, stacks_truncated), 0);
	give_mmap(t.w, 10, 0x402000, 0x1000, "/lib/b");
	assert_int_equal(COUNTER(t.w, stacks_truncated), 1);
	answer_object(t.w, 0, NAME);
	page_comes(&t);
	assert_string_equal(folded(t.w), "10 a: a:400010 [truncated] = 1\n");
	teardown(&t);
}

static void an_answer_is_not_for_what_came_to_its_place(void **state)
{
	struct walks t;

	setup(&t);
	give_program(t.w, 10, "a");
	give_user_stack(&t, 10);
	give_mmap(t.w, 10, 0x400000, 0x10000, "/lib/b");
	give_user_stack(&t, 10);
	assert_int_equal(t.w->nr_objects, 2);
	answer_object(t.w, 0, NAME + 1);
	page_comes(&t);
	assert_int_equal(COUNTER(t.w, stacks_walked), 1); /* the first one, as far as it came */
	answer_object(t.w, 1, NAME);
	page_comes(&t);
	assert_int_equal(COUNTER(t.w, stacks_walked), 2);
	assert_string_equal(folded(t.w), "10 a: a:400010 [truncated] = 1\n10 a: b:400010 b:402000 b:407100 = 1\n");
	teardown(&t);
}

static void who_has_exited_is_kept_for_its_walks(void **state)
{
	struct walks t;

	setup(&t);
	give_program(t.w, 10, "a");
	give_user_stack(&t, 10);
	give_exit(t.w, 10);
	collect_tick(t.w->c, t.w->now + SECOND);
	assert_non_null(process_find(t.w->t, 10));
	answer_object(t.w, 0, NAME);
	page_comes(&t);
	assert_string_equal(folded(t.w), "10 a: a:400010 a:402000 a:407100 = 1\n");
	collect_tick(t.w->c, t.w->now + 2 * SECOND);
	assert_null(process_find(t.w->t, 10));
	teardown(&t);
}

static void what_waits_has_a_limit_and_nothing_is_lost(void **state)
{
	const unsigned nr = 2 * COLLECT_WAIT_SIZE / 16384;
	struct walks t;
	char want[128];

	setup(&t);
	give_program(t.w, 10, "a");
	for (unsigned i = 0; i < nr; i++) {
		give_user_stack(&t, 10);
		assert_true(collect_size(t.w->c) < COLLECT_WAIT_SIZE + (1 << 20));
	}
	assert_true(COUNTER(t.w, stacks_no_table) > nr / 3);
	collect_flush(t.w->c);
	snprintf(want, sizeof(want), "10 a: a:400010 [truncated] = %u\n", nr);
	assert_string_equal(folded(t.w), want);
	teardown(&t);
}

static void walks_are_counted_by_the_file_they_end_in(void **state)
{
	const struct collect_walks *all;
	struct walks t;
	uint32_t nr;

	setup(&t);
	give_program(t.w, 10, "a");
	give_user_stack(&t, 10);
	answer_object(t.w, 0, NAME);
	page_comes(&t);
	all = collect_walks(t.w->c, &nr);
	assert_int_equal(nr, 1);
	assert_string_equal(all[0].path, "/bin/a");
	assert_int_equal(all[0].object, NAME);
	assert_int_equal(all[0].nr_ended[UNWIND_STOP_COMPLETE], 1);
	teardown(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_walk_waits_for_its_file_and_its_page),
		cmocka_unit_test(a_sample_in_the_kernel_is_walked_from_where_it_entered),
		cmocka_unit_test(pages_that_cannot_be_had_leave_the_kernels_chain),
		cmocka_unit_test(files_that_cannot_be_had_are_not_waited_for),
		cmocka_unit_test(a_walk_does_not_wait_for_ever),
		cmocka_unit_test(an_exec_enters_what_waits_under_the_old_name),
		cmocka_unit_test(a_mapping_in_the_place_of_another_enters_what_waits),
		cmocka_unit_test(an_answer_is_not_for_what_came_to_its_place),
		cmocka_unit_test(who_has_exited_is_kept_for_its_walks),
		cmocka_unit_test(what_waits_has_a_limit_and_nothing_is_lost),
		cmocka_unit_test(walks_are_counted_by_the_file_they_end_in),
	};

	return cmocka_run_group_tests_name("collect_walk", tests, NULL, NULL);
}
