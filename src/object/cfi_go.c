/* Go's functions have no .eh_frame, but frame pointers; its assembly functions that change stacks
 * or are at the end of one are known by name (runtime/asm_amd64.s, runtime/sys_linux_amd64.s,
 * runtime/cgo/asm_amd64.s; the same from Go 1.17 to 1.24, but for what is said below). Names are of
 * the symbol table, or of Go's own table of functions, which a stripped program has too. */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "object/cfi_impl.h"
#include "object/gopclntab.h"

#define SYMBOLS_SIZE_MAX (256u << 20)
#define NAME_MAX_SIZE 40
#define SIZE_MAX_OVERRIDE (64u << 10) /* of one function */

#define FUNCTIONS_MAX (1u << 20)          /* of Go's table that are looked at */
#define PUSHFQ 0x9c

/* The C caller's registers are pushed in 232 bytes, its frame pointer third, and 24 are for
 * arguments; the return address is above. Some releases (1.19 of Debian is one) have an ordinary
 * frame instead, and no flags are pushed first. */
#define FROM_C { 24 + 232 + 8, 24 + 16, UNWIND_SP, UNWIND_FP_STACK }
/* rt_sigreturn is called at its first byte by returning there, so that its range begins before. The
 * frame: psABI's ucontext, with the same places in any libc. */
#define SIGNAL_FRAME { 160, 120, UNWIND_SIGNAL, 0 }

static const struct {
	const char *name; /* or with .abi0 */
	struct unwind_rule rule;
	uint8_t before;
} functions[] = {
	{ "crosscall2", FROM_C, 0 },
	{ "runtime.asmcgocall", { .cfa = UNWIND_SWITCH }, 0 },
	{ "runtime.cgocallback", { .cfa = UNWIND_SWITCH }, 0 },
	{ "runtime.goexit", { .cfa = UNWIND_END }, 0 },
	{ "runtime.mcall", { .cfa = UNWIND_END }, 0 },
	{ "runtime.morestack", { .cfa = UNWIND_SWITCH }, 0 },
	{ "runtime.mstart", { .cfa = UNWIND_END }, 0 },
	{ "runtime.rt0_go", { .cfa = UNWIND_END }, 0 },
	{ "runtime.sigreturn", SIGNAL_FRAME, 1 },
	{ "runtime.sigreturn__sigaction", SIGNAL_FRAME, 1 },
	{ "runtime.sigtramp", FROM_C, 0 },
	{ "runtime.systemstack", { .cfa = UNWIND_SWITCH }, 0 },
};
#define NR_FUNCTIONS (sizeof(functions) / sizeof(functions[0]))
_Static_assert(2 * NR_FUNCTIONS <= CFI_OVERRIDES_MAX, "each may be there twice");

static bool is_go(const struct elf *e)
{
	static const char *const sections[] = { ".go.buildinfo", ".gopclntab",
						".data.rel.ro.gopclntab", ".note.go.buildid" };

	for (unsigned i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		if (elf_find_section(e, sections[i]))
			return true;
	return false;
}

/* Index in functions, or −1. */
static int find_function(const char *name, size_t size)
{
	if (size > 5 && !memcmp(name + size - 5, ".abi0", 5))
		size -= 5;
	for (unsigned i = 0; i < NR_FUNCTIONS; i++)
		if (strlen(functions[i].name) == size && !memcmp(functions[i].name, name, size))
			return (int)i;
	return -1;
}

static bool first_byte_is(const struct elf *e, uint64_t vaddr, uint8_t byte)
{
	for (unsigned i = 0; i < elf_nr_segments(e); i++) {
		const struct elf_segment *s = elf_segment(e, i);
		uint8_t found;

		if (vaddr >= s->vaddr && vaddr - s->vaddr < s->file_size)
			return !elf_read(e, s->offset + (vaddr - s->vaddr), &found, 1) && found == byte;
	}
	return false;
}

/* The function NAME at START. */
static void take(const struct elf *e, const char *name, size_t name_size, uint64_t start, uint64_t size,
		 struct cfi_override *out, unsigned *nr)
{
	int i = find_function(name, name_size);
	struct unwind_rule rule;

	if (i < 0 || !start || !size || size > SIZE_MAX_OVERRIDE || start > UINT64_MAX - size ||
	    *nr == CFI_OVERRIDES_MAX)
		return;
	rule = functions[i].rule;
	if (rule.cfa == UNWIND_SP && !first_byte_is(e, start, PUSHFQ))
		rule = (struct unwind_rule){ .cfa = UNWIND_CHAIN };
	out[(*nr)++] = (struct cfi_override){ start - functions[i].before, start + size, rule };
}

static void take_symbol(const struct elf *e, struct reader *r, struct cfi_window *w,
			const struct cfi_section *strings, struct cfi_override *out, unsigned *nr)
{
	uint32_t name = reader_u32(r);
	uint8_t info = reader_u8(r);
	uint64_t value, size, left;
	const uint8_t *text;
	const void *nul;

	reader_skip(r, 3); /* visibility, section */
	value = reader_u64(r);
	size = reader_u64(r);
	if (r->failed || (info & 0xf) != STT_FUNC || name >= strings->size)
		return;
	left = strings->size - name;
	if (left > NAME_MAX_SIZE)
		left = NAME_MAX_SIZE;
	if (cfi_read(w, strings, name, left, &text))
		return;
	nul = memchr(text, 0, left);
	if (nul)
		take(e, (const char *)text, (size_t)((const uint8_t *)nul - text), value, size, out, nr);
}

/* False: there is none. */
static bool take_symbols(const struct elf *e, struct cfi_override *out, unsigned *nr)
{
	const struct elf_section *symtab = elf_find_section(e, ".symtab"), *strtab;
	struct cfi_section symbols, strings;
	struct cfi_window w = { 0 }, names = { 0 };

	strtab = symtab && symtab->type == SHT_SYMTAB ? elf_section(e, symtab->link) : NULL;
	if (!strtab || strtab->type != SHT_STRTAB || symtab->size > SYMBOLS_SIZE_MAX)
		return false;
	symbols = (struct cfi_section){ .elf = e, .offset = symtab->offset, .size = symtab->size };
	strings = (struct cfi_section){ .elf = e, .offset = strtab->offset, .size = strtab->size };
	for (uint64_t at = 0; symbols.size - at >= sizeof(Elf64_Sym); at += sizeof(Elf64_Sym)) {
		const uint8_t *bytes;
		struct reader r;

		if (cfi_read(&w, &symbols, at, sizeof(Elf64_Sym), &bytes))
			break;
		r = reader_of(bytes, sizeof(Elf64_Sym));
		take_symbol(e, &r, &names, &strings, out, nr);
	}
	free(w.data);
	free(names.data);
	return true;
}

static void take_functions(const struct elf *e, struct cfi_override *out, unsigned *nr)
{
	char name[NAME_MAX_SIZE];
	struct go_function f;
	struct gopclntab *t;
	int length;

	if (gopclntab_open(&t, e))
		return;
	for (uint32_t i = 0; i < gopclntab_nr(t) && i < FUNCTIONS_MAX; i++) {
		if (gopclntab_function(t, elf_fd(e), i, &f))
			break;
		length = gopclntab_name(t, elf_fd(e), f.name, name, sizeof(name));
		if (length > 0)
			take(e, name, strlen(name), f.start, f.size, out, nr);
	}
	gopclntab_free(t);
}

static int by_start(const void *a, const void *b)
{
	const struct cfi_override *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Aliases and what overlaps go: the first stays. */
static unsigned make_disjoint(struct cfi_override *o, unsigned nr)
{
	unsigned kept = 0;

	qsort(o, nr, sizeof(*o), by_start);
	for (unsigned i = 0; i < nr; i++)
		if (!kept || o[i].start >= o[kept - 1].end)
			o[kept++] = o[i];
	return kept;
}

bool cfi_go(const struct elf *e, struct cfi_override *out, unsigned *nr)
{
	*nr = 0;
	if (!is_go(e))
		return false;
	if (!take_symbols(e, out, nr))
		take_functions(e, out, nr);
	*nr = make_disjoint(out, *nr);
	return true;
}
