#include "object/cfi_code.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "object/code_state.h"
#include "object/elf.h"

#define SYMBOLS_FROM 1024     /* bytes of code: a library's few start files are worth no symbol table */
#define STARTS_MAX (1u << 18) /* symbols that are kept */
#define SYMBOLS_AT_ONCE 512
#define TRY_MAX 256           /* instructions that a guess is tried on, */
#define TRIED_MAX (1u << 19)  /* and all of a window; of libraries 20 000 */
#define ALIGNMENT 16

struct cfi_code {
	const struct elf *elf;
	uint64_t *starts; /* of functions, by symbols; sorted */
	uint32_t nr_starts, starts_cap;
	bool has_symbols; /* they have been looked for */
	uint64_t entry;
	/* A window of code, while it is looked at. */
	uint64_t base;
	uint32_t size;
	struct code_state *at; /* of each byte */
	uint32_t *todo, nr_todo;
	uint32_t nr_tried;
	uint8_t *bytes;
};

static const struct code_state at_entry = { .sp = UNWIND_WORD, .flags = CODE_SP };

/* --- Where functions begin --- */

static void take_symbol(struct cfi_code *k, const Elf64_Sym *s)
{
	unsigned type = ELF64_ST_TYPE(s->st_info);

	if ((type == STT_FUNC || type == STT_GNU_IFUNC) && s->st_shndx != SHN_UNDEF && s->st_value &&
	    k->nr_starts < STARTS_MAX)
		*array_push(k->starts, k->nr_starts, k->starts_cap) = s->st_value;
}

static void take_symbols(struct cfi_code *k, const char *name, uint32_t type)
{
	const struct elf_section *s = elf_find_section(k->elf, name);
	Elf64_Sym symbols[SYMBOLS_AT_ONCE];

	if (!s || s->type != type)
		return;
	for (uint64_t at = 0; s->size - at >= sizeof(symbols[0]) && k->nr_starts < STARTS_MAX;) {
		uint64_t nr = (s->size - at) / sizeof(symbols[0]);

		nr = nr < SYMBOLS_AT_ONCE ? nr : SYMBOLS_AT_ONCE;
		if (elf_read(k->elf, s->offset + at, symbols, nr * sizeof(symbols[0])))
			return;
		for (uint64_t i = 0; i < nr; i++)
			take_symbol(k, &symbols[i]);
		at += nr * sizeof(symbols[0]);
	}
}

static int by_address(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

struct cfi_code *cfi_code_new(const struct elf *e)
{
	struct cfi_code *k = calloc(1, sizeof(*k));
	Elf64_Ehdr header;

	if (!k)
		return NULL;
	k->elf = e;
	if (!elf_read(e, 0, &header, sizeof(header)))
		k->entry = header.e_entry;
	return k;
}

static void need_symbols(struct cfi_code *k)
{
	if (k->has_symbols)
		return;
	k->has_symbols = true;
	take_symbols(k, ".symtab", SHT_SYMTAB);
	if (!k->nr_starts)
		take_symbols(k, ".dynsym", SHT_DYNSYM);
	if (k->nr_starts)
		qsort(k->starts, k->nr_starts, sizeof(k->starts[0]), by_address);
}

void cfi_code_free(struct cfi_code *k)
{
	if (!k)
		return;
	free(k->starts);
	free(k);
}

size_t cfi_code_size(const struct cfi_code *k)
{
	return sizeof(*k) + k->starts_cap * sizeof(k->starts[0]);
}

/* --- Following it --- */

static bool goes_on(const struct x86_insn *insn)
{
	return insn->kind != X86_JUMP && insn->kind != X86_JUMP_INDIRECT && insn->kind != X86_RETURN &&
	       insn->kind != X86_TRAP;
}

static unsigned decode(struct cfi_code *k, uint32_t at, struct x86_insn *insn)
{
	return x86_decode(k->bytes + at, k->size - at, insn);
}

/* Where the jump INSN, which ends at NEXT, leads in the window. False: out of it. */
static bool target(const struct cfi_code *k, const struct x86_insn *insn, uint32_t next, uint32_t *out)
{
	int64_t at = (int64_t)next + insn->value;

	if (insn->kind != X86_JUMP && insn->kind != X86_BRANCH && insn->kind != X86_CALL)
		return false;
	if (at < 0 || at >= k->size)
		return false;
	*out = (uint32_t)at;
	return true;
}

/* STATE is that before the instruction AT, unless something else is known. */
static void reach(struct cfi_code *k, uint32_t at, const struct code_state *state, uint8_t flags)
{
	struct code_state *s = &k->at[at];

	s->flags |= flags;
	if (s->flags & CODE_REACHED)
		return;
	s->sp = state->sp;
	s->fp = state->fp;
	s->saved = state->saved;
	s->flags |= CODE_REACHED | (state->flags & CODE_OF_FLOW);
	k->todo[k->nr_todo++] = at; /* once each */
}

/* --- What fits --- */

/* How well STATE fits the code from AT on: 1: it agrees with where that leads, −1: it does not, 0: nobody knows. */
static int try(struct cfi_code *k, uint32_t at, struct code_state s)
{
	for (unsigned i = 0; i < TRY_MAX && at < k->size && k->nr_tried < TRIED_MAX; i++, k->nr_tried++) {
		const struct code_state *there = &k->at[at];
		struct x86_insn insn;
		uint32_t to;

		if (!(s.flags & CODE_SP))
			return 0;
		if (there->flags & CODE_START) /* the call before does not return */
			return 0;
		if (there->flags & CODE_SP)
			return there->sp == s.sp ? 1 : -1;
		if (!decode(k, at, &insn))
			return -1;
		at += insn.size;
		if (insn.kind == X86_RETURN)
			return s.sp == UNWIND_WORD ? 1 : -1;
		code_state_pass(&s, &insn);
		if (insn.kind != X86_CALL && target(k, &insn, at, &to)) {
			if (k->at[to].flags & CODE_SP)
				return k->at[to].sp == s.sp ? 1 : -1;
			if (insn.kind == X86_JUMP) {
				at = to;
				continue;
			}
		}
		if (!goes_on(&insn))
			return 0;
	}
	return 0;
}

/* As compilers begin functions, and some of their parts. */
static bool is_aligned(const struct cfi_code *k, uint32_t at)
{
	return !((k->base + at) % ALIGNMENT);
}

/* Bytes of what stands AT and is never run: nop, int3 or zeros, of assemblers and linkers. 0: it is something else. */
static unsigned padding(struct cfi_code *k, uint32_t at)
{
	struct x86_insn insn;

	if (k->bytes[at] == 0 || k->bytes[at] == 0xcc)
		return 1;
	return decode(k, at, &insn) && insn.kind == X86_NOP ? insn.size : 0;
}

/* Whether what follows a call that perhaps does not return, behind padding AT, begins a function: *NEXT. */
static bool begins_behind(struct cfi_code *k, uint32_t at, const struct code_state *s, uint32_t *next)
{
	int as_rest, as_start;
	unsigned size;

	for (*next = at; *next < k->size && (size = padding(k, *next)); *next += size)
		;
	if (*next >= k->size || !is_aligned(k, *next))
		return false;
	as_rest = try(k, *next, *s);
	as_start = try(k, *next, at_entry);
	return as_start > as_rest || (!as_start && !as_rest && *next > at);
}

/* --- Following it --- */

/* From the instruction AT, which is reached, to where it has been before. */
static void follow(struct cfi_code *k, uint32_t at)
{
	while (at < k->size && !(k->at[at].flags & CODE_TRACED)) {
		struct code_state s = k->at[at];
		struct x86_insn insn;
		uint32_t to;

		k->at[at].flags |= CODE_TRACED;
		if (!decode(k, at, &insn))
			return;
		k->at[at].size = insn.size;
		at += insn.size;
		code_state_pass(&s, &insn);
		if (target(k, &insn, at, &to))
			reach(k, to, insn.kind == X86_CALL ? &at_entry : &s, insn.kind == X86_CALL ? CODE_START : 0);
		if (!goes_on(&insn) || at >= k->size)
			return;
		if ((insn.kind == X86_CALL || insn.kind == X86_CALL_INDIRECT) && begins_behind(k, at, &s, &to)) {
			reach(k, to, &at_entry, CODE_START);
			return;
		}
		if (!(k->at[at].flags & CODE_REACHED)) {
			k->at[at].sp = s.sp;
			k->at[at].fp = s.fp;
			k->at[at].saved = s.saved;
			k->at[at].flags |= CODE_REACHED | (s.flags & CODE_OF_FLOW);
		}
	}
}

static void follow_all(struct cfi_code *k)
{
	while (k->nr_todo)
		follow(k, k->todo[--k->nr_todo]);
}

static void start_at(struct cfi_code *k, uint64_t address, uint8_t flags)
{
	struct code_state s = at_entry;

	if (address < k->base || address - k->base >= k->size)
		return;
	s.flags |= flags;
	reach(k, (uint32_t)(address - k->base), &s, CODE_START);
}

static void follow_symbols(struct cfi_code *k)
{
	uint32_t first = array_partition(k->starts, k->nr_starts, s, *s < k->base);

	if (k->entry)
		start_at(k, k->entry, CODE_OUTERMOST);
	for (uint32_t i = first; i < k->nr_starts && k->starts[i] - k->base < k->size; i++)
		start_at(k, k->starts[i], 0);
	follow_all(k);
}

/* --- What nothing leads to --- */

/* The code AT is a case of the switch that jumps by a table, where the stack is as in *CASES, or begins a function. */
static void guess(struct cfi_code *k, uint32_t at, const struct code_state *cases)
{
	int as_case = cases ? try(k, at, *cases) : -1, as_start = try(k, at, at_entry);

	if (cases && as_case >= as_start && as_case >= 0)
		reach(k, at, cases, 0);
	else if (as_start > 0 || (!as_start && is_aligned(k, at)))
		reach(k, at, &at_entry, CODE_START);
	follow_all(k);
}

/* In order of address, from where an instruction is known to begin. */
static void sweep(struct cfi_code *k, uint32_t at)
{
	struct code_state cases;
	bool has_cases = false;

	while (at < k->size) {
		struct code_state *s = &k->at[at];
		struct x86_insn insn;

		if (!(s->flags & CODE_TRACED)) {
			unsigned size = padding(k, at);

			if (size) {
				at += size;
				continue;
			}
			guess(k, at, has_cases ? &cases : NULL);
		}
		if (s->flags & CODE_START)
			has_cases = false;
		if (!decode(k, at, &insn)) {
			at++;
			continue;
		}
		if (s->flags & CODE_TRACED && insn.kind == X86_JUMP_INDIRECT && s->flags & CODE_SP && s->sp > at_entry.sp) {
			cases = *s;
			has_cases = true;
		}
		s->size = insn.size;
		at += insn.size;
	}
}

/* --- Rules --- */

/* The instructions that return from a signal: mov $15, %eax or %rax; syscall. 0: they are not at AT. */
static uint32_t signal_return(const struct cfi_code *k, uint32_t at)
{
	static const uint8_t narrow[] = { 0xb8, 15, 0, 0, 0, 0x0f, 5 }, wide[] = { 0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 5 };

	if (k->size - at >= sizeof(wide) && !memcmp(k->bytes + at, wide, sizeof(wide)))
		return sizeof(wide);
	return k->size - at >= sizeof(narrow) && !memcmp(k->bytes + at, narrow, sizeof(narrow)) ? sizeof(narrow) : 0;
}

/* Nobody calls it: a handler returns to its first byte, and a caller's address is taken one byte before. The frame is
 * ucontext's. */
static uint32_t put_signal_return(const struct cfi_code *k, uint32_t at, uint32_t size, cfi_code_fn *put, void *ctx)
{
	static const struct unwind_rule rule = { .cfa = UNWIND_SIGNAL, .cfa_off = 160, .fp_off = 120 };

	put(ctx, k->base + at - (at ? 1 : 0), &rule);
	return at + size;
}

static void put_all(struct cfi_code *k, cfi_code_fn *put, void *ctx)
{
	for (uint32_t at = 0; at < k->size;) {
		const struct code_state *s = &k->at[at];
		uint32_t returns = signal_return(k, at);
		struct unwind_rule rule = code_state_rule(s);
		unsigned size = s->flags & CODE_TRACED ? 0 : padding(k, at);

		if (returns) {
			at = put_signal_return(k, at, returns, put, ctx);
		} else if (size) { /* a row less */
			at += size;
		} else {
			put(ctx, k->base + at, &rule);
			at += s->size ? s->size : 1;
		}
	}
}

/* --- A window --- */

static void window_fini(struct cfi_code *k)
{
	free(k->at);
	free(k->todo);
	free(k->bytes);
	k->at = NULL;
	k->todo = NULL;
	k->bytes = NULL;
}

static int window_init(struct cfi_code *k, uint64_t low, uint64_t high)
{
	size_t size = high - low;
	uint64_t offset;
	int err;

	if (!elf_offset(k->elf, low, size, &offset))
		return -EBADMSG;
	k->at = calloc(size, sizeof(k->at[0]));
	k->todo = malloc(size * sizeof(k->todo[0]));
	k->bytes = malloc(size);
	err = k->at && k->todo && k->bytes ? elf_read(k->elf, offset, k->bytes, size) : -ENOMEM;
	if (err)
		window_fini(k);
	k->base = low;
	k->size = (uint32_t)size;
	k->nr_todo = k->nr_tried = 0;
	return err;
}

int cfi_code_rules(struct cfi_code *k, uint64_t from, uint64_t to, uint64_t start, uint64_t end, cfi_code_fn *put,
		   void *ctx)
{
	uint64_t low = start - from > CFI_CODE_BEFORE ? start - CFI_CODE_BEFORE : from;
	uint64_t high = to - end > CFI_CODE_BEHIND ? end + CFI_CODE_BEHIND : to;
	uint32_t at = 0;
	int err;

	if (start < from || end > to || start >= end || end - start > CFI_CODE_RANGE_MAX)
		return -EBADMSG;
	err = window_init(k, low, high);
	if (err)
		return err;
	if (to - from >= SYMBOLS_FROM)
		need_symbols(k);
	follow_symbols(k);
	/* In the middle of code nobody knows where an instruction begins, but at a function. */
	while (low > from && at < k->size && !(k->at[at].flags & CODE_START))
		at++;
	sweep(k, at);
	put_all(k, put, ctx);
	window_fini(k);
	return 0;
}
