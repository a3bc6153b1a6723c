/* cfi_code: what instructions say of the stack, in functions written for it. */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "object/cfi_code.h"
#include "object/elf.h"
#include "tests/elfgen.h"

#ifdef __x86_64__

#define TEXT 0x401000

/* Code between BEGIN and the end, with names for places in it: CODE(NAME, "…") is NAME_code to NAME_code_end. */
#define CODE(name, text)                                                                                               \
	__asm__(".pushsection .text\n.balign 16\n" #name "_code:\n" text "\n" #name "_code_end:\n.popsection\n");    \
	extern const uint8_t name##_code[], name##_code_end[]
#define PLACE(name) extern const uint8_t name[]

struct rules {
	struct unwind_rule at[0x1000];
	uint64_t last;
	struct unwind_rule rule;
};

static void fill(struct rules *r, uint64_t to)
{
	while (r->last < to)
		r->at[r->last++ - TEXT] = r->rule;
}

static void put(void *ctx, uint64_t address, const struct unwind_rule *rule)
{
	struct rules *r = ctx;

	assert_true(address >= r->last || address + 1 == r->last);
	fill(r, address);
	r->last = address;
	r->rule = *rule;
}

struct code {
	const uint8_t *begin;
	struct rules rules;
};

/* Of the code from BEGIN to END, which has SYMBOLS; the file's entry is elfgen's, the first byte, unless it has a symbol. */
static struct code *analyse(const uint8_t *begin, const uint8_t *end, const struct elfgen_symbol *symbols, unsigned nr)
{
	struct elfgen g = { .symbols = symbols, .nr_symbols = nr };
	struct code *c = calloc(1, sizeof(*c));
	size_t size = (size_t)(end - begin);
	struct cfi_code *k;
	struct elf *e;
	int fd;

	assert_true(c && size < 0xf00);
	elfgen_make(&g);
	memset(g.bytes + 24, 0, 8); /* e_entry */
	memcpy(g.bytes + 0x1000, begin, size);
	fd = io_memfd("code", g.bytes, g.size);
	assert_int_equal(elf_open(&e, fd), 0);
	k = cfi_code_new(e);
	assert_non_null(k);
	assert_true(cfi_code_size(k) > 0);
	c->begin = begin;
	c->rules.last = TEXT;
	assert_int_equal(cfi_code_rules(k, TEXT, TEXT + size, TEXT, TEXT + size, put, &c->rules), 0);
	fill(&c->rules, TEXT + size);
	cfi_code_free(k);
	elf_close(e);
	close(fd);
	return c;
}
#define ANALYSE(name) analyse(name##_code, name##_code_end, NULL, 0)

static void assert_at(const struct code *c, const uint8_t *place, enum unwind_cfa cfa, int off, enum unwind_fp fp, int fp_off)
{
	const struct unwind_rule *r = &c->rules.at[place - c->begin];

	assert_int_equal(r->cfa, cfa);
	assert_int_equal(r->cfa_off, off);
	assert_int_equal(r->fp, fp);
	assert_int_equal(r->fp_off, fp_off);
}

static void assert_sp(const struct code *c, const uint8_t *place, int off)
{
	assert_at(c, place, UNWIND_SP, off, UNWIND_FP_SAME, 0);
}

static void assert_none(const struct code *c, const uint8_t *place)
{
	assert_at(c, place, UNWIND_NONE, 0, UNWIND_FP_SAME, 0);
}

CODE(plain, "push %rbx\np1: push %rbp\np2: sub $32, %rsp\np3: xor %ebp, %ebp\np4: mov %rax, 8(%rsp)\ntest %eax, %eax\njne p7\n"
	    "add $32, %rsp\npop %rbp\np5: pop %rbx\np6: ret\np7: add $32, %rsp\np8: pop %rbp\npop %rbx\nret");
PLACE(p1); PLACE(p2); PLACE(p3); PLACE(p4); PLACE(p5); PLACE(p6); PLACE(p7); PLACE(p8);

static void prologues_and_epilogues(void **state)
{
	struct code *c = ANALYSE(plain);

	(void)state;
	assert_sp(c, plain_code, 8);
	assert_sp(c, p1, 16);
	assert_at(c, p2, UNWIND_SP, 24, UNWIND_FP_CFA, -24);
	assert_at(c, p3, UNWIND_SP, 56, UNWIND_FP_CFA, -24);
	assert_at(c, p4, UNWIND_SP, 56, UNWIND_FP_CFA, -24);
	assert_sp(c, p5, 16);
	assert_sp(c, p6, 8);
	assert_at(c, p7, UNWIND_SP, 56, UNWIND_FP_CFA, -24); /* by the jump, not by what is before it */
	assert_at(c, p8, UNWIND_SP, 24, UNWIND_FP_CFA, -24);
	free(c);
}

CODE(frame, "push %rbp\nmov %rsp, %rbp\nf1: push %rbx\nsub %rax, %rsp\nf2: and $-32, %rsp\ncall *%rax\nf3: lea -8(%rbp), %rsp\n"
	    "pop %rbx\nf4: pop %rbp\nf5: ret\n.balign 16\nf6: push %rbp\nmov %rsp, %rbp\nsub %rax, %rsp\nleave\nf7: ret\n"
	    ".balign 16\nf8: sub %rax, %rsp\nf9: nop\nmov %rbx, %rsp\nret");
PLACE(f1); PLACE(f2); PLACE(f3); PLACE(f4); PLACE(f5); PLACE(f6); PLACE(f7); PLACE(f8); PLACE(f9);

static void frame_pointers(void **state)
{
	struct code *c = ANALYSE(frame);

	(void)state;
	assert_at(c, f1, UNWIND_FP, 16, UNWIND_FP_CFA, -16);
	assert_at(c, f2, UNWIND_FP, 16, UNWIND_FP_CFA, -16);
	assert_at(c, f3, UNWIND_FP, 16, UNWIND_FP_CFA, -16);
	assert_at(c, f4, UNWIND_FP, 16, UNWIND_FP_CFA, -16);
	assert_sp(c, f5, 8);
	assert_sp(c, f6, 8);
	assert_sp(c, f7, 8);
	assert_sp(c, f8, 8);
	assert_none(c, f9);
	free(c);
}

CODE(moved, "sub $24, %rsp\nmov %rbp, 8(%rsp)\nm1: mov %eax, %ebp\nm2: mov 8(%rsp), %rbp\nm3: add $24, %rsp\nret\n.balign 16\n"
	    "m4: mov %eax, %ebp\nm5: ret");
PLACE(m1); PLACE(m2); PLACE(m3); PLACE(m4); PLACE(m5);

static void frame_pointers_that_are_none(void **state)
{
	struct code *c = ANALYSE(moved);

	(void)state;
	assert_at(c, m1, UNWIND_SP, 32, UNWIND_FP_CFA, -24);
	assert_at(c, m2, UNWIND_SP, 32, UNWIND_FP_CFA, -24);
	assert_sp(c, m3, 32);
	assert_sp(c, m4, 8);
	assert_at(c, m5, UNWIND_SP, 8, UNWIND_FP_LOST, 0);
	free(c);
}

CODE(cases, "push %rbx\nsub $16, %rsp\njmp *(%rax,%rdi,8)\n.balign 8\nc1: mov $1, %eax\nadd $16, %rsp\npop %rbx\nret\n.balign 16\n"
	    "c2: mov $2, %eax\njmp c4\n.balign 16\nc3: push %rcx\npop %rcx\nc4: add $16, %rsp\npop %rbx\nret\n.balign 16\n"
	    "c5: sub $8, %rsp\nc6: call *%rax\nadd $8, %rsp\nret");
PLACE(c1); PLACE(c2); PLACE(c3); PLACE(c4); PLACE(c5); PLACE(c6);

static void cases_of_a_switch(void **state)
{
	struct code *c = ANALYSE(cases);

	(void)state;
	assert_sp(c, c1, 32);
	assert_sp(c, c2, 32);
	assert_sp(c, c3, 32);
	assert_sp(c, c4, 32);
	assert_sp(c, c5, 8);
	assert_sp(c, c6, 16);
	free(c);
}

CODE(deadly, "sub $8, %rsp\ntest %edi, %edi\njne d1\nadd $8, %rsp\nret\nd1: call d5\n.balign 16\nd2: push %rbx\nd3: mov %rdi, %rbx\n"
	     "pop %rbx\nret\n.balign 16\nd4: call *%rbx\n.balign 16\nd5: sub $40, %rsp\nd6: call *%rdi\nhlt");
PLACE(d1); PLACE(d2); PLACE(d3); PLACE(d4); PLACE(d5); PLACE(d6);

static void calls_that_do_not_return(void **state)
{
	struct code *c = ANALYSE(deadly);

	(void)state;
	assert_sp(c, d1, 16);
	assert_sp(c, d2, 8);
	assert_sp(c, d3, 16);
	assert_sp(c, d4, 8);
	assert_sp(c, d5, 8);
	assert_sp(c, d6, 48);
	free(c);
}

CODE(ends, "xor %ebp, %ebp\ne1: pop %rdi\ncall *%r9\ne2: hlt\n.balign 16\npush %rbp\nxor %ebp, %ebp\ne3: pop %rbp\nret\n"
	   "e4: nop\ne5: mov $15, %rax\nsyscall\n.balign 16\nret\ne7: nop\ne6: mov $15, %eax\nsyscall");
PLACE(e1); PLACE(e2); PLACE(e3); PLACE(e4); PLACE(e5); PLACE(e6); PLACE(e7);

static void ends_of_stacks_and_returns_from_signals(void **state)
{
	struct code *c = ANALYSE(ends);

	(void)state;
	assert_sp(c, ends_code, 8);
	assert_at(c, e1, UNWIND_END, 0, UNWIND_FP_SAME, 0);
	assert_at(c, e2, UNWIND_END, 0, UNWIND_FP_SAME, 0);
	assert_at(c, e3, UNWIND_SP, 16, UNWIND_FP_CFA, -16);
	assert_at(c, e4, UNWIND_SIGNAL, 160, UNWIND_FP_SAME, 120);
	assert_at(c, e5, UNWIND_SIGNAL, 160, UNWIND_FP_SAME, 120);
	assert_at(c, e7, UNWIND_SIGNAL, 160, UNWIND_FP_SAME, 120);
	free(c);
}

/* Nothing says that SECOND begins a function but its symbol: it seems a part of what is before. */
CODE(named, "push %rax\njmp *%rcx\nn1: mov %rdi, %rax\njmp *%rdx\n.skip 1024, 0x90");
PLACE(n1);

static void symbols_say_where_functions_begin(void **state)
{
	struct elfgen_symbol s = { .name = "second", .value = TEXT + (uint64_t)(n1 - named_code), .size = 5, .info = STT_FUNC };
	struct code *c = ANALYSE(named);

	(void)state;
	assert_sp(c, n1, 16);
	free(c);
	c = analyse(named_code, named_code_end, &s, 1);
	assert_sp(c, n1, 8);
	free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prologues_and_epilogues),
		cmocka_unit_test(frame_pointers),
		cmocka_unit_test(frame_pointers_that_are_none),
		cmocka_unit_test(cases_of_a_switch),
		cmocka_unit_test(calls_that_do_not_return),
		cmocka_unit_test(ends_of_stacks_and_returns_from_signals),
		cmocka_unit_test(symbols_say_where_functions_begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else
int main(void)
{
	puts("1..0 # SKIP x86-64 only");
	return 0;
}
#endif
