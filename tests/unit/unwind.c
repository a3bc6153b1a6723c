/* unwind: pages that are checked, kept and dropped; a walk over made-up stacks. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unwind/stack.h"

#define BASE 0x400000ull /* of object 1; another mapping has no file */
#define JIT 0x7f0000000000ull
#define STACK 0x7ffc00001000ull
#define ROW(low, rule) ((uint32_t)(low) << 16 | (rule))

/* --- Pages --- */

static struct unwind_page page_of(const uint32_t *rows, uint32_t nr_rows,
				  const struct unwind_rule *rules, uint32_t nr_rules)
{
	return (struct unwind_page){ 0, nr_rows, nr_rules, rows, rules };
}

static void pages_are_checked(void **state)
{
	struct unwind_rule rules[] = { { 0 }, { 8, 0, UNWIND_SP, 0 },
				       { 16, -16, UNWIND_SP, UNWIND_FP_CFA } };
	uint32_t rows[] = { ROW(0, 1), ROW(4, 2), ROW(9, 0) };
	struct unwind_page p = page_of(rows, 3, rules, 3);

	assert_true(unwind_page_valid(&p));
	p.offset = 4096;
	assert_false(unwind_page_valid(&p));
	p = page_of(rows, 0, rules, 3);
	assert_false(unwind_page_valid(&p));
	p = page_of(rows, UNWIND_PAGE_ROWS_MAX + 1, rules, 3);
	assert_false(unwind_page_valid(&p));
	p = page_of(rows, 3, rules, 2); /* a row names a rule that is not there */
	assert_false(unwind_page_valid(&p));
	p = page_of(rows + 1, 2, rules, 3); /* the first row is not at 0 */
	assert_false(unwind_page_valid(&p));
	p = page_of(rows, 3, rules + 1, 2); /* rule 0 is not none */
	assert_false(unwind_page_valid(&p));
	rows[2] = ROW(4, 0);
	p = page_of(rows, 3, rules, 3); /* two rows at one place */
	assert_false(unwind_page_valid(&p));
	rows[2] = ROW(3, 0);
	assert_false(unwind_page_valid(&p));
}

static void rules_are_checked(void **state)
{
	const struct unwind_rule good[] = {
		{ 0 }, { .cfa = UNWIND_END }, { -8, 0, UNWIND_FP, UNWIND_FP_LOST },
		{ 8, 0, UNWIND_SP, UNWIND_FP_TRAMPOLINE }, { 160, 120, UNWIND_SIGNAL, 0 },
		{ unwind_lo_hi(8, 11), 0, UNWIND_PLT, 0 },
		{ unwind_lo_hi(-8, 16), 3, UNWIND_FP_DEREF, UNWIND_FP_SLOT },
	};
	const struct unwind_rule bad[] = {
		{ 1, 0, UNWIND_NONE, 0 }, { 0, 1, UNWIND_END, 0 }, { 0, 0, UNWIND_SWITCH, 1 },
		{ 8, 1, UNWIND_SP, UNWIND_FP_SAME }, { 8, 1, UNWIND_SP, UNWIND_FP_LOST },
		{ 8, 0, UNWIND_SP, UNWIND_NR_FP }, { 8, 0, UNWIND_NR_CFA, 0 },
		{ unwind_lo_hi(8, 16), 0, UNWIND_PLT, 0 },
		{ unwind_lo_hi(8, -1), 0, UNWIND_PLT, 0 },
		{ 160, 120, UNWIND_SIGNAL, 1 }, { 0, 0, 255, 255 },
	};

	for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(unwind_rule_valid(&good[i]));
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(unwind_rule_valid(&bad[i]));
}

static void rows_are_found(void **state)
{
	uint32_t rows[700];

	for (uint32_t nr = 1; nr <= 700; nr = nr * 3 / 2 + 1) {
		for (uint32_t i = 0; i < nr; i++)
			rows[i] = ROW(i * 64, i);
		for (uint32_t low = 0; low < nr * 64 + 100 && low < 65536; low += 7)
			assert_int_equal(unwind_row(rows, nr, low) & 0xffff,
					 low / 64 < nr ? low / 64 : nr - 1);
	}
	assert_int_equal(unwind_row(rows, 1, 0xffff), rows[0]);
}

static void add_page(struct unwind_tables *t, uint32_t object, uint64_t number, int32_t off)
{
	struct unwind_rule rules[] = { { 0 }, { off, 0, UNWIND_SP, 0 } };
	uint32_t rows[] = { ROW(0, 1) };
	struct unwind_page p = page_of(rows, 1, rules, 2);

	p.offset = number * UNWIND_PAGE_SIZE;
	assert_int_equal(unwind_tables_add(t, object, &p), 0);
}

static int32_t off_at(struct unwind_tables *t, uint32_t object, uint64_t offset)
{
	struct unwind_rule r;

	return unwind_tables_find(t, object, offset, &r) ? r.cfa_off : -1;
}

static void pages_come_and_go(void **state)
{
	struct unwind_tables *t = unwind_tables_new(SIZE_MAX);
	struct unwind_tables_stats s;

	add_page(t, 1, 0, 8);
	add_page(t, 1, 5, 16);
	add_page(t, 2, 5, 8);
	assert_int_equal(off_at(t, 1, 0xffff), 8);
	assert_int_equal(off_at(t, 1, 0x10000), -1);
	assert_int_equal(off_at(t, 1, 0x50123), 16);
	assert_int_equal(off_at(t, 2, 0x50123), 8);
	add_page(t, 1, 5, 24); /* in place of the other */
	assert_int_equal(off_at(t, 1, 0x50123), 24);
	unwind_tables_stats(t, &s);
	assert_int_equal(s.nr_pages, 3);
	assert_int_equal(s.nr_rules, 4); /* none, unsupported, 8, 24 */
	unwind_tables_forget(t, 1);
	assert_int_equal(off_at(t, 1, 0), -1);
	assert_int_equal(off_at(t, 2, 0x50123), 8);
	unwind_tables_stats(t, &s);
	assert_int_equal(s.nr_pages, 1);
	assert_int_equal(s.nr_rules, 3);
	unwind_tables_free(t);
}

static void the_longest_unused_go(void **state)
{
	struct unwind_tables *t = unwind_tables_new(SIZE_MAX);
	struct unwind_tables_stats s;
	size_t empty;

	unwind_tables_stats(t, &s);
	empty = s.size;
	for (unsigned i = 0; i < 100; i++)
		add_page(t, 1, i, 8);
	unwind_tables_stats(t, &s);
	unwind_tables_set_limit(t, (s.size - empty) / 2);
	for (unsigned i = 100; i < 1000; i++) {
		if (i == 100 && off_at(t, 1, 7 * UNWIND_PAGE_SIZE) < 0)
			add_page(t, 1, 7, 8);
		add_page(t, 1, i, 8);
		assert_int_equal(off_at(t, 1, 7 * UNWIND_PAGE_SIZE), 8);
	}
	unwind_tables_stats(t, &s);
	assert_in_range(s.nr_pages, 49, 50);
	assert_in_range(s.nr_evicted, 1000 - s.nr_pages, 1001 - s.nr_pages);
	unwind_tables_set_limit(t, 0);
	unwind_tables_stats(t, &s);
	assert_int_equal(s.size, empty);
	assert_int_equal(s.nr_rules, 2);
	add_page(t, 1, 3, 8); /* one always stays */
	assert_int_equal(off_at(t, 1, 3 * UNWIND_PAGE_SIZE), 8);
	unwind_tables_free(t);
}

static void an_object_has_its_share_of_rules(void **state)
{
	struct unwind_tables *t = unwind_tables_new(SIZE_MAX);
	static struct unwind_rule rules[UNWIND_PAGE_RULES_MAX];
	static uint32_t rows[UNWIND_PAGE_RULES_MAX];
	struct unwind_tables_stats s;
	struct unwind_rule r;

	for (uint32_t object = 1; object < 8; object++) {
		for (uint32_t i = 0; i < UNWIND_PAGE_RULES_MAX; i++) {
			if (i)
				rules[i] = (struct unwind_rule){
					(int32_t)(object * 100000 + i), 0, UNWIND_SP, 0 };
			rows[i] = ROW(i, i);
		}
		for (uint32_t k = 0; k < 2; k++) { /* the second brings one new rule too many */
			struct unwind_page p = page_of(rows, UNWIND_PAGE_RULES_MAX, rules,
						       UNWIND_PAGE_RULES_MAX);

			p.offset = k * UNWIND_PAGE_SIZE;
			rules[1].cfa_off += (int32_t)k;
			rules[2].cfa_off += 7000 * (int32_t)k;
			rules[3].cfa_off += 7000 * (int32_t)k;
			assert_int_equal(unwind_tables_add(t, object, &p), 0);
		}
	}
	unwind_tables_stats(t, &s);
	assert_int_equal(s.nr_rules, UNWIND_RULES_MAX);
	assert_true(unwind_tables_find(t, 1, 1000, &r) && r.cfa == UNWIND_SP);
	assert_true(unwind_tables_find(t, 1, UNWIND_PAGE_SIZE + 2, &r) && r.cfa == UNWIND_SP);
	assert_true(unwind_tables_find(t, 1, UNWIND_PAGE_SIZE + 3, &r));
	assert_int_equal(r.cfa, UNWIND_UNSUPPORTED);
	assert_true(unwind_tables_find(t, 7, 1000, &r) && r.cfa == UNWIND_UNSUPPORTED);
	unwind_tables_forget(t, 1);
	add_page(t, 9, 0, 12345); /* there is room again */
	assert_int_equal(off_at(t, 9, 0), 12345);
	unwind_tables_free(t);
}

/* --- Walks --- */

struct scene {
	struct unwind_tables *t;
	struct unwinder *u;
	struct unwind_space space;
	uint64_t stack[64];
	size_t size;
	struct unwind_regs regs;
	struct unwind_walk w;
};

static void find(void *ctx, uint64_t address, struct unwind_code *code)
{
	code->kind = UNWIND_CODE_UNMAPPED;
	if (address - BASE < 0x20000)
		*code = (struct unwind_code){ UNWIND_CODE_OBJECT, 1, BASE };
	else if (address - JIT < 0x1000)
		code->kind = UNWIND_CODE_FILELESS;
	else if (address - JIT < 0x2000)
		code->kind = UNWIND_CODE_UNKNOWN;
}

/* The rule at BASE + 0x100 × I is RULES[I]. */
static struct scene *scene(const struct unwind_rule *rules, uint32_t nr)
{
	struct scene *s = calloc(1, sizeof(*s));
	struct unwind_rule all[16] = { { 0 } };
	uint32_t rows[16];
	struct unwind_page p = page_of(rows, nr, all, nr + 1);

	assert_non_null(s);
	for (uint32_t i = 0; i < nr; i++) {
		all[i + 1] = rules[i];
		rows[i] = ROW(i * 0x100, i + 1);
	}
	s->t = unwind_tables_new(SIZE_MAX);
	s->u = unwinder_new(s->t);
	s->space = (struct unwind_space){ 7, NULL, find };
	s->size = sizeof(s->stack);
	s->regs = (struct unwind_regs){ BASE + 0x10, STACK, 0 };
	assert_int_equal(unwind_tables_add(s->t, 1, &p), 0);
	return s;
}

static void scene_free(struct scene *s)
{
	unwinder_free(s->u);
	unwind_tables_free(s->t);
	free(s);
}

/* Walks twice, the second time by what is remembered. */
static void walk(struct scene *s, enum unwind_stop stop, uint32_t nr)
{
	for (unsigned i = 0; i < 2; i++) {
		memset(&s->w, 0xff, sizeof(s->w));
		unwind_stack(s->u, &s->space, &s->regs, s->stack, s->size, &s->w);
		assert_string_equal(unwind_stop_text[s->w.stop], unwind_stop_text[stop]);
		assert_int_equal(s->w.nr, nr);
	}
}

#define SP_RULE(off) { off, 0, UNWIND_SP, UNWIND_FP_SAME }
#define END_RULE { .cfa = UNWIND_END }
#define AT(i) (BASE + (i) * 0x100 + 0x21) /* a return address into rule I */

static void a_stack_to_its_end(void **state)
{
	const struct unwind_rule rules[] = {
		{ 32, -24, UNWIND_SP, UNWIND_FP_CFA }, { 16, -16, UNWIND_FP, UNWIND_FP_CFA },
		{ unwind_lo_hi(-8, 8), 0, UNWIND_FP_DEREF, UNWIND_FP_SLOT }, END_RULE,
	};
	struct scene *s = scene(rules, 4);

	s->stack[1] = STACK + 8 * 8; /* the caller's frame pointer */
	s->stack[3] = AT(1);
	s->stack[8] = STACK + 8 * 20;
	s->stack[9] = AT(2);
	s->stack[19] = STACK + 8 * 29;
	s->stack[20] = 0xabc; /* its caller's frame pointer */
	s->stack[29] = AT(3);
	walk(s, UNWIND_STOP_COMPLETE, 4);
	assert_int_equal(s->w.addresses[0], BASE + 0x10);
	assert_int_equal(s->w.addresses[1], AT(1) - 1);
	assert_int_equal(s->w.addresses[2], AT(2) - 1);
	assert_int_equal(s->w.addresses[3], AT(3) - 1);
	assert_int_equal(s->w.nr_guessed, 0);
	s->stack[3] = 0; /* as good as an outermost frame */
	walk(s, UNWIND_STOP_COMPLETE, 1);
	scene_free(s);
}

static void reasons_to_stop(void **state)
{
	const struct unwind_rule rules[] = { SP_RULE(16), SP_RULE(8), { .cfa = UNWIND_UNSUPPORTED },
					     SP_RULE(0), SP_RULE(-8), SP_RULE(12), { 0 },
					     { unwind_lo_hi(-8, 8), 0, UNWIND_SP_DEREF, 0 } };
	struct scene *s = scene(rules, 8);

	s->stack[1] = 0x1234;
	walk(s, UNWIND_STOP_NO_MAPPING, 1);
	s->stack[1] = AT(2);
	walk(s, UNWIND_STOP_UNSUPPORTED, 2);
	s->stack[1] = AT(3);
	walk(s, UNWIND_STOP_BAD_CFA, 2);
	s->stack[1] = AT(4);
	walk(s, UNWIND_STOP_BAD_CFA, 2);
	s->stack[1] = AT(5);
	walk(s, UNWIND_STOP_BAD_CFA, 2);
	s->stack[1] = AT(6);
	s->regs.fp = 8; /* below the stack: none */
	walk(s, UNWIND_STOP_NO_ROW, 2);
	s->regs.fp = 0;
	walk(s, UNWIND_STOP_COMPLETE, 2);
	s->stack[1] = JIT + 0x1001;
	walk(s, UNWIND_STOP_NO_PAGE, 2);
	assert_int_equal(s->w.missing_object, 0);
	s->stack[1] = BASE + 0x10001;
	walk(s, UNWIND_STOP_NO_PAGE, 2);
	assert_int_equal(s->w.missing_object, 1);
	assert_int_equal(s->w.missing_offset, 0x10000);
	s->regs.ip = AT(7); /* reads below the stack pointer */
	walk(s, UNWIND_STOP_FAULT, 1);
	s->regs.ip = BASE + 1;
	for (s->size = 0; s->size < 16; s->size++)
		walk(s, UNWIND_STOP_SHORT, 1);
	s->regs.ip = 0x55; /* nothing there: what is wrong is for others to tell */
	walk(s, UNWIND_STOP_NO_MAPPING, 1);
	scene_free(s);
}

static void a_deep_stack(void **state)
{
	const struct unwind_rule rules[] = { SP_RULE(8) };
	struct scene *s = scene(rules, 1);
	uint64_t *stack = malloc((UNWIND_FRAMES_MAX + 1) * sizeof(*stack));

	assert_non_null(stack);
	for (unsigned i = 0; i <= UNWIND_FRAMES_MAX; i++)
		stack[i] = AT(0);
	unwind_stack(s->u, &s->space, &s->regs, stack, (UNWIND_FRAMES_MAX + 1) * sizeof(*stack),
		     &s->w);
	assert_int_equal(s->w.stop, UNWIND_STOP_DEEP);
	assert_int_equal(s->w.nr, UNWIND_FRAMES_MAX);
	free(stack);
	scene_free(s);
}

static void popped_registers_are_kept(void **state)
{
	/* After "pop %rbp" the rule may still say that it is at CFA − 16: below the stack. */
	const struct unwind_rule rules[] = { { 8, -16, UNWIND_SP, UNWIND_FP_CFA },
					     { 16, 0, UNWIND_FP, 0 }, END_RULE };
	struct scene *s = scene(rules, 3);

	s->regs.fp = STACK + 8 * 4;
	s->stack[0] = AT(1);
	s->stack[5] = AT(2);
	walk(s, UNWIND_STOP_COMPLETE, 3);
	scene_free(s);
}

static void guesses_by_frame_pointer(void **state)
{
	const struct unwind_rule rules[] = { { 0 }, END_RULE };
	struct scene *s = scene(rules, 2);

	s->regs = (struct unwind_regs){ JIT + 5, STACK, STACK + 16 };
	s->stack[2] = STACK + 48;
	s->stack[3] = JIT + 0x81;
	s->stack[6] = 5;
	s->stack[7] = AT(1);
	walk(s, UNWIND_STOP_COMPLETE, 3);
	assert_int_equal(s->w.nr_guessed, 2);
	assert_false(unwind_is_guess(&s->w, 0));
	assert_true(unwind_is_guess(&s->w, 1) && unwind_is_guess(&s->w, 2));
	s->stack[7] = 0x9999; /* a wrong guess is not taken into the stack */
	walk(s, UNWIND_STOP_NO_ROW, 2);
	s->regs.fp = STACK - 8;
	walk(s, UNWIND_STOP_NO_ROW, 1);
	s->regs.fp = STACK + 17;
	walk(s, UNWIND_STOP_NO_ROW, 1);
	s->regs.fp = UINT64_MAX - 7;
	walk(s, UNWIND_STOP_NO_ROW, 1);
	scene_free(s);
}

static void signals_and_switches(void **state)
{
	const struct unwind_rule rules[] = {
		{ 160, 120, UNWIND_SIGNAL, 0 }, { .cfa = UNWIND_SWITCH }, END_RULE,
		{ 16, 0, UNWIND_SP, UNWIND_FP_TRAMPOLINE }, { .cfa = UNWIND_CHAIN },
		{ unwind_lo_hi(8, 11), 0, UNWIND_PLT, 0 },
	};
	struct scene *s = scene(rules, 6);

	s->stack[120 / 8] = STACK + 8 * 40;
	s->stack[160 / 8] = STACK + 8 * 30;
	s->stack[168 / 8] = BASE + 0x100; /* the first byte of its function */
	s->stack[41] = AT(2);
	walk(s, UNWIND_STOP_COMPLETE, 3);
	assert_int_equal(s->w.addresses[1], BASE + 0x100);
	assert_int_equal(s->w.addresses[2], AT(2) - 1);
	s->stack[120 / 8] = 0xc000000000; /* a goroutine's */
	walk(s, UNWIND_STOP_SWITCHED, 2);
	s->stack[160 / 8] = STACK; /* the frame that it is */
	s->stack[168 / 8] = BASE + 0x10;
	walk(s, UNWIND_STOP_LOOP, 1);

	s->regs.ip = AT(5);
	s->stack[0] = AT(3); /* is called, and is a trampoline: exact both */
	s->stack[2] = BASE + 0x200;
	walk(s, UNWIND_STOP_COMPLETE, 3);
	assert_int_equal(s->w.addresses[1], AT(3));
	assert_int_equal(s->w.addresses[2], BASE + 0x200);

	s->regs = (struct unwind_regs){ AT(4), STACK, STACK + 8 * 40 };
	walk(s, UNWIND_STOP_COMPLETE, 2);
	s->regs.fp = 0;
	walk(s, UNWIND_STOP_COMPLETE, 1);
	s->regs.fp = STACK + 8 * 40 + 1;
	walk(s, UNWIND_STOP_BAD_CFA, 1);
	s->regs.fp = STACK + 8 * 63;
	walk(s, UNWIND_STOP_SHORT, 1);
	s->regs.fp = 0xc000000000;
	walk(s, UNWIND_STOP_SWITCHED, 1);

	s->stack[0] = AT(2);
	s->regs.ip = BASE + 0x500; /* the stub's first byte, and one where it has pushed */
	walk(s, UNWIND_STOP_COMPLETE, 2);
	s->stack[0] = 0x1234;
	s->stack[1] = AT(2);
	s->regs.ip = BASE + 0x50b;
	walk(s, UNWIND_STOP_COMPLETE, 2);
	scene_free(s);
}

static void spaces_do_not_mix(void **state)
{
	const struct unwind_rule rules[] = { SP_RULE(8), END_RULE };
	const struct unwind_rule others[] = { SP_RULE(16), END_RULE };
	struct scene *s = scene(rules, 2);
	struct unwind_rule all[3] = { { 0 }, others[0], others[1] };
	uint32_t rows[] = { ROW(0, 1), ROW(0x100, 2) };
	struct unwind_page p = page_of(rows, 2, all, 3);

	s->stack[0] = AT(1);
	walk(s, UNWIND_STOP_COMPLETE, 2);
	assert_int_equal(unwind_tables_add(s->t, 1, &p), 0);
	walk(s, UNWIND_STOP_COMPLETE, 2); /* what is remembered of a space holds */
	s->space.serial = 8;
	s->stack[1] = AT(1);
	s->stack[0] = 0x1234;
	walk(s, UNWIND_STOP_COMPLETE, 2);
	unwinder_forget(s->u);
	s->space.serial = 7;
	walk(s, UNWIND_STOP_COMPLETE, 2);
	scene_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_are_checked),
		cmocka_unit_test(rules_are_checked),
		cmocka_unit_test(rows_are_found),
		cmocka_unit_test(pages_come_and_go),
		cmocka_unit_test(the_longest_unused_go),
		cmocka_unit_test(an_object_has_its_share_of_rules),
		cmocka_unit_test(a_stack_to_its_end),
		cmocka_unit_test(reasons_to_stop),
		cmocka_unit_test(a_deep_stack),
		cmocka_unit_test(popped_registers_are_kept),
		cmocka_unit_test(guesses_by_frame_pointer),
		cmocka_unit_test(signals_and_switches),
		cmocka_unit_test(spaces_do_not_mix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
