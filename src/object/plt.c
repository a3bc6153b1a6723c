#include "object/plt.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/reader.h"
#include "object/blocks.h"
#include "object/elf.h"
#include "object/plt_slots.h"
#include "object/strings.h"

#define ADDRESS_MAX (UINT64_C(1) << 60)
#define CODE_PIECE (64u << 10)
#define CODE_STEP 8 /* stubs begin at multiples of it */
#define SYMBOL_LINES 64

#define ANY 0x100 /* any byte */
#define ANY_4 ANY, ANY, ANY, ANY
#define ENDBR64 0xf3, 0x0f, 0x1e, 0xfa
#define STUB_SIZE_MAX 16

/* What a stub looks like: a jump by the slot at a distance, of four bytes at DISTANCE, which counts
 * from behind them. */
struct form {
	uint8_t size, distance;
	uint16_t bytes[STUB_SIZE_MAX];
};

static const struct form forms[] = {
	/* jmp *slot; push $n; jmp first */
	{ 16, 2, { 0xff, 0x25, ANY_4, 0x68, ANY_4, 0xe9, ANY_4 } },
	/* endbr64; jmp *slot; nop */
	{ 16, 6, { ENDBR64, 0xff, 0x25, ANY_4, 0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00 } },
	/* endbr64; bnd jmp *slot; nop */
	{ 16, 7, { ENDBR64, 0xf2, 0xff, 0x25, ANY_4, 0x0f, 0x1f, 0x44, 0x00, 0x00 } },
	/* endbr64; mov $n,%r11d; jmp *slot: mold's */
	{ 16, 12, { ENDBR64, 0x41, 0xbb, ANY_4, 0xff, 0x25, ANY_4 } },
	/* jmp *slot; xchg %ax,%ax */
	{ 8, 2, { 0xff, 0x25, ANY_4, 0x66, 0x90 } },
	/* bnd jmp *slot; nop */
	{ 8, 3, { 0xf2, 0xff, 0x25, ANY_4, 0x90 } },
};

struct stub {
	uint64_t start;
	uint32_t size, slot;
};

struct plt {
	struct plt_slots slots;
	struct stub *stubs; /* by start */
	uint32_t nr_stubs, stubs_cap;
	uint64_t symbols; /* offset of .dynsym in the file */
	struct blocks symbol_blocks;
	struct strings names;
	uint64_t code_left;
};

static const struct form *form_of(const uint8_t *code, size_t left)
{
	for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
		unsigned i = 0;

		if (forms[f].size > left)
			continue;
		while (i < forms[f].size && (forms[f].bytes[i] == ANY || forms[f].bytes[i] == code[i]))
			i++;
		if (i == forms[f].size)
			return &forms[f];
	}
	return NULL;
}

static int add_stub(struct plt *p, const struct stub *s)
{
	struct stub *added = array_try_push(p->stubs, p->nr_stubs, p->stubs_cap);

	if (!added)
		return -ENOMEM;
	*added = *s;
	return 0;
}

/* The stubs that begin in the first SIZE bytes of CODE, of which there are LEFT, loaded at ADDRESS.
 * *POS: where the first can be, then where the next. */
static int take_stubs(struct plt *p, const uint8_t *code, size_t size, size_t left,
		      uint64_t address, size_t *pos)
{
	int err = 0;

	while (*pos < size && !err) {
		const struct form *f = form_of(code + *pos, left - *pos);
		struct stub s = { .start = address + *pos };
		struct reader r;

		if (!f) {
			*pos += CODE_STEP;
			continue;
		}
		r = reader_of(code + *pos + f->distance, 4);
		s.size = f->size;
		if (plt_slots_find(&p->slots, s.start + f->distance + 4 + (uint64_t)(int32_t)reader_u32(&r),
				   &s.slot))
			err = add_stub(p, &s);
		*pos += f->size;
	}
	*pos -= size < *pos ? size : *pos;
	return err;
}

static int read_code(struct plt *p, const struct elf *e, uint64_t offset, uint64_t size,
		     uint64_t address)
{
	uint8_t *piece;
	size_t pos = 0;
	int err = 0;

	if (address >= ADDRESS_MAX)
		return -EBADMSG;
	if (size > p->code_left)
		return -EFBIG;
	p->code_left -= size;
	piece = malloc(CODE_PIECE + STUB_SIZE_MAX); /* the last may reach over the end */
	if (!piece)
		return -ENOMEM;
	while (size && !err) {
		size_t part = size < CODE_PIECE ? size : CODE_PIECE,
		       left = size < CODE_PIECE + STUB_SIZE_MAX ? size : CODE_PIECE + STUB_SIZE_MAX;

		err = elf_read(e, offset, piece, left);
		if (!err)
			err = take_stubs(p, piece, part, left, address, &pos);
		offset += part;
		address += part;
		size -= part;
	}
	free(piece);
	return err;
}

static int by_start(const void *a, const void *b)
{
	const struct stub *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static bool holds_code(const struct elf_section *s)
{
	return s && s->type == SHT_PROGBITS && (s->flags & SHF_EXECINSTR) && !(s->flags & SHF_COMPRESSED);
}

static const char *const sections[] = { ".plt", ".plt.sec", ".plt.got", ".plt.bnd" };
#define NR_SECTIONS (sizeof(sections) / sizeof(sections[0]))

static int read_sections(struct plt *p, const struct elf *e)
{
	int err = 0;

	for (size_t i = 0; i < NR_SECTIONS && !err; i++) {
		const struct elf_section *s = elf_find_section(e, sections[i]);

		if (holds_code(s))
			err = read_code(p, e, s->offset, s->size, s->addr);
	}
	return err;
}

static int read_segments(struct plt *p, const struct elf *e)
{
	int err = 0;

	for (unsigned i = 0; i < elf_nr_segments(e) && !err; i++) {
		const struct elf_segment *s = elf_segment(e, i);

		if (s->exec)
			err = read_code(p, e, s->offset, s->file_size, s->vaddr);
	}
	return err;
}

static bool has_sections(const struct elf *e)
{
	for (size_t i = 0; i < NR_SECTIONS; i++)
		if (holds_code(elf_find_section(e, sections[i])))
			return true;
	return false;
}

static int read_stubs(struct plt *p, const struct elf *e)
{
	bool named = elf_nr_sections(e) != 0;
	struct plt_dynamic d = { 0 };
	int err;

	if (named && !has_sections(e))
		return -ENODATA;
	err = plt_dynamic_read(&d, e);
	if (!err)
		err = plt_slots_read(&p->slots, e, &d, named);
	if (!err)
		err = named ? read_sections(p, e) : read_segments(p, e);
	if (err)
		return err;
	if (!p->nr_stubs)
		return -ENODATA;
	qsort(p->stubs, p->nr_stubs, sizeof(*p->stubs), by_start);
	/* Without them, stubs have no names but those of resolvers. */
	if (elf_offset(e, d.symtab, sizeof(Elf64_Sym), &p->symbols) &&
	    elf_offset(e, d.strtab, d.strtab_size, &p->names.offset))
		p->names = strings_of(p->names.offset, d.strtab_size);
	return 0;
}

int plt_open(struct plt **out, const struct elf *e)
{
	struct plt *p;
	int err;

	if (elf_machine(e) != EM_X86_64 || !elf_is_64(e) || elf_swap(e))
		return -ENODATA;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->code_left = PLT_CODE_SIZE_MAX;
	p->symbol_blocks.nr_lines = SYMBOL_LINES;
	err = read_stubs(p, e);
	if (err)
		plt_free(p);
	else
		*out = p;
	return err;
}

void plt_free(struct plt *p)
{
	if (!p)
		return;
	plt_trim(p);
	free(p->slots.slots);
	free(p->stubs);
	free(p);
}

size_t plt_size(const struct plt *p)
{
	return sizeof(*p) + p->slots.cap * sizeof(*p->slots.slots) + p->stubs_cap * sizeof(*p->stubs) +
	       p->symbol_blocks.held + p->names.blocks.held;
}

uint32_t plt_nr(const struct plt *p)
{
	return p->nr_stubs;
}

void plt_trim(struct plt *p)
{
	blocks_trim(&p->symbol_blocks);
	strings_trim(&p->names);
}

int plt_find(const struct plt *p, uint64_t vaddr, struct plt_stub *stub)
{
	uint32_t low = array_partition(p->stubs, p->nr_stubs, at, at->start <= vaddr);
	const struct stub *s = low ? &p->stubs[low - 1] : NULL;

	if (!s || vaddr - s->start >= s->size)
		return -ENOENT;
	*stub = (struct plt_stub){ s->start, s->size, low - 1 };
	return 0;
}

static int read_symbol(struct plt *p, int fd, uint32_t symbol, char *name, size_t size)
{
	uint8_t bytes[sizeof(Elf64_Sym)];
	struct reader r = reader_of(bytes, sizeof(bytes));
	uint64_t offset;
	int err;

	if (__builtin_add_overflow(p->symbols, symbol * sizeof(bytes), &offset))
		return -EBADMSG;
	err = blocks_read(&p->symbol_blocks, fd, offset, bytes, sizeof(bytes));
	return err ? err : strings_get(&p->names, fd, reader_u32(&r), name, size);
}

int plt_name(struct plt *p, int fd, uint32_t index, char name[PLT_NAME_MAX])
{
	const struct plt_slot *s = &p->slots.slots[p->stubs[index].slot];
	char addend[32] = "";
	int length;

	if (s->addend)
		snprintf(addend, sizeof(addend), "+0x%" PRIx64, s->addend);
	if (s->symbol)
		length = read_symbol(p, fd, s->symbol, name, PLT_NAME_MAX - sizeof(addend) - sizeof(PLT_SUFFIX));
	else
		length = snprintf(name, PLT_NAME_MAX, "*ABS*");
	if (length < 0)
		return length;
	if (!length)
		return -EBADMSG;
	return length + snprintf(name + length, PLT_NAME_MAX - (size_t)length, "%s" PLT_SUFFIX, addend);
}
