/* Go's functions have no .eh_frame, but frame pointers; its assembly functions that change stacks
 * or are at the end of one are known by name (runtime/asm_amd64.s, runtime/sys_linux_amd64.s,
 * runtime/cgo/asm_amd64.s; the same from Go 1.17 to 1.24). */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "object/cfi_impl.h"

#define SYMBOLS_SIZE_MAX (256u << 20)
#define NAME_MAX_SIZE 40
#define SIZE_MAX_OVERRIDE (64u << 10) /* of one function */

/* The C caller's registers are pushed in 232 bytes, its frame pointer third, and 24 are for
 * arguments; the return address is above. */
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

static void take_symbol(struct reader *r, struct cfi_window *w, const struct cfi_section *strings,
			struct cfi_override *out, unsigned *nr)
{
	uint32_t name = reader_u32(r);
	uint8_t info = reader_u8(r);
	uint64_t value, size, left;
	const uint8_t *text;
	const void *nul;
	int i;

	reader_skip(r, 3); /* visibility, section */
	value = reader_u64(r);
	size = reader_u64(r);
	if (r->failed || (info & 0xf) != STT_FUNC || !value || name >= strings->size)
		return;
	left = strings->size - name;
	if (left > NAME_MAX_SIZE)
		left = NAME_MAX_SIZE;
	if (cfi_read(w, strings, name, left, &text))
		return;
	nul = memchr(text, 0, left);
	i = nul ? find_function((const char *)text, (size_t)((const uint8_t *)nul - text)) : -1;
	if (i < 0 || !size || size > SIZE_MAX_OVERRIDE || value > UINT64_MAX - size ||
	    *nr == CFI_OVERRIDES_MAX)
		return;
	out[(*nr)++] = (struct cfi_override){ value - functions[i].before, value + size,
					      functions[i].rule };
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
	const struct elf_section *symtab = elf_find_section(e, ".symtab"), *strtab;
	struct cfi_section symbols, strings;
	struct cfi_window w = { 0 }, names = { 0 };

	*nr = 0;
	if (!is_go(e))
		return false;
	strtab = symtab && symtab->type == SHT_SYMTAB ? elf_section(e, symtab->link) : NULL;
	if (!strtab || strtab->type != SHT_STRTAB || symtab->size > SYMBOLS_SIZE_MAX)
		return true;
	symbols = (struct cfi_section){ .elf = e, .offset = symtab->offset, .size = symtab->size };
	strings = (struct cfi_section){ .elf = e, .offset = strtab->offset, .size = strtab->size };
	for (uint64_t at = 0; symbols.size - at >= sizeof(Elf64_Sym); at += sizeof(Elf64_Sym)) {
		const uint8_t *bytes;
		struct reader r;

		if (cfi_read(&w, &symbols, at, sizeof(Elf64_Sym), &bytes))
			break;
		r = reader_of(bytes, sizeof(Elf64_Sym));
		take_symbol(&r, &names, &strings, out, nr);
	}
	free(w.data);
	free(names.data);
	*nr = make_disjoint(out, *nr);
	return true;
}
