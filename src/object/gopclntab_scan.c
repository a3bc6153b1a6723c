/* Where a Go program has its table, and what the table's numbers are relative to. */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "object/elf.h"
#include "object/gopclntab_impl.h"

#define PIECE_SIZE       (48u << 10) /* a multiple of what is looked for in it */
#define DATA_SCAN_MAX    (64u << 20) /* bytes of data searched for the module's description */
#define RELOCS_SCAN_MAX  (128u << 20)
#define TABLE_ALIGN      8

/* Words of runtime.moduledata: its first is the table's address, the second that of the names. */
#define MODULE_TEXT        22
#define MODULE_GOFUNC_1_18 38
#define MODULE_GOFUNC_1_20 40

_Static_assert(PIECE_SIZE % sizeof(Elf64_Rela) == 0 && PIECE_SIZE % sizeof(Elf32_Rela) == 0,
	       "whole relocations");

bool go_magic(const struct elf *e, const uint8_t bytes[8], enum go_version *version)
{
	struct reader r = reader_of(bytes, 8);

	r.swap = elf_swap(e);
	switch (reader_u32(&r)) {
	case 0xfffffffb: *version = GO_1_2; break;
	case 0xfffffffa: *version = GO_1_16; break;
	case 0xfffffff0: *version = GO_1_18; break;
	case 0xfffffff1: *version = GO_1_20; break;
	default: return false;
	}
	return !bytes[4] && !bytes[5] && (bytes[6] == 1 || bytes[6] == 2 || bytes[6] == 4) &&
	       bytes[7] == (elf_is_64(e) ? 8 : 4);
}

/* Calls FN for the bytes of [OFFSET, OFFSET + SIZE) of the file, piece by piece, until it returns
 * true (*FOUND). */
typedef bool piece_fn(void *ctx, uint64_t offset, const uint8_t *bytes, size_t size);

static int each_piece(const struct elf *e, uint64_t offset, uint64_t size, piece_fn *fn, void *ctx,
		      bool *found)
{
	uint8_t *piece = malloc(PIECE_SIZE);
	int err = piece ? 0 : -ENOMEM;

	*found = false;
	while (!err && size && !*found) {
		size_t part = size < PIECE_SIZE ? size : PIECE_SIZE;

		err = elf_read(e, offset, piece, part);
		if (!err)
			*found = fn(ctx, offset, piece, part);
		offset += part;
		size -= part;
	}
	free(piece);
	return err;
}

/* --- the table --- */

struct magic {
	const struct elf *elf;
	uint64_t offset;
};

static bool has_magic(void *ctx, uint64_t offset, const uint8_t *bytes, size_t size)
{
	struct magic *m = ctx;
	enum go_version version;

	for (size_t i = 0; i + 8 <= size; i += TABLE_ALIGN) {
		/* All magic numbers have ff in the middle of their four bytes. */
		if (bytes[i + 1] == 0xff && bytes[i + 2] == 0xff &&
		    go_magic(m->elf, bytes + i, &version)) {
			m->offset = offset + i;
			return true;
		}
	}
	return false;
}

int go_scan(const struct elf *e, uint64_t *offset, uint64_t *size)
{
	for (unsigned i = 0; i < elf_nr_segments(e); i++) {
		const struct elf_segment *s = elf_segment(e, i);
		uint64_t start = (s->offset + TABLE_ALIGN - 1) & ~(uint64_t)(TABLE_ALIGN - 1),
			 end = s->offset + s->file_size;
		struct magic m = { .elf = e };
		bool found;
		int err;

		if (start < *offset)
			start = *offset;
		if (end > GOPCLNTAB_SCAN_MAX)
			end = GOPCLNTAB_SCAN_MAX;
		if (start >= end)
			continue;
		err = each_piece(e, start, end - start, has_magic, &m, &found);
		if (err)
			return err;
		if (found) {
			*offset = m.offset;
			*size = s->offset + s->file_size - m.offset;
			return 0;
		}
	}
	return -ENODATA;
}

/* --- relocations: in position-independent files what the loader will write --- */

struct reloc_search {
	const struct gopclntab *t;
	bool by_addend; /* find the relocation with addend KEY, else the one of address KEY */
	uint64_t key, address, addend;
};

static bool has_reloc(void *ctx, uint64_t offset, const uint8_t *bytes, size_t size)
{
	struct reloc_search *s = ctx;
	struct reader r = go_reader(s->t, bytes, size);

	while (reader_left(&r) >= 3u * s->t->word) {
		uint64_t address = go_word(s->t, &r), addend;

		go_word(s->t, &r); /* the kind: all that give a place an address serve */
		addend = go_word(s->t, &r);
		if ((s->by_addend ? addend : address) == s->key) {
			s->address = address;
			s->addend = addend;
			return true;
		}
	}
	return false;
}

static bool find_reloc(struct reloc_search *s, const struct elf *e)
{
	for (unsigned i = 0; i < elf_nr_sections(e); i++) {
		const struct elf_section *section = elf_section(e, i);
		bool found;

		if (section->type == SHT_RELA && (section->flags & SHF_ALLOC) &&
		    section->size <= RELOCS_SCAN_MAX &&
		    !each_piece(e, section->offset, section->size, has_reloc, s, &found) && found)
			return true;
	}
	return false;
}

/* --- runtime.moduledata --- */

struct module_search {
	const struct gopclntab *t;
	uint64_t offset;
};

static bool has_module(void *ctx, uint64_t offset, const uint8_t *bytes, size_t size)
{
	struct module_search *s = ctx;
	unsigned word = s->t->word;

	for (size_t i = 0; i + 2 * word <= size; i += word) {
		struct reader r = go_reader(s->t, bytes + i, 2 * word);

		if (go_word(s->t, &r) == s->t->addr &&
		    go_word(s->t, &r) == s->t->addr + s->t->names) {
			s->offset = offset + i;
			return true;
		}
	}
	return false;
}

static bool find_module(struct module_search *s, const struct elf *e)
{
	for (unsigned i = 0; i < elf_nr_segments(e); i++) {
		const struct elf_segment *segment = elf_segment(e, i);
		uint64_t size = segment->file_size;
		bool found;

		if (segment->exec)
			continue;
		if (size > DATA_SCAN_MAX)
			size = DATA_SCAN_MAX;
		if (!each_piece(e, segment->offset, size, has_module, s, &found) && found)
			return true;
	}
	return false;
}

/* Word I of the module's description, wherever the linker left it; 0: not found. */
static uint64_t module_word(const struct gopclntab *t, const struct elf *e, unsigned i)
{
	struct module_search module = { .t = t };
	struct reloc_search reloc = { .t = t, .by_addend = true, .key = t->addr };
	uint8_t bytes[8] = { 0 };
	struct reader r = go_reader(t, bytes, t->word);

	if (find_module(&module, e))
		return elf_read(e, module.offset + (uint64_t)i * t->word, bytes, t->word)
			       ? 0
			       : go_word(t, &r);
	if (!find_reloc(&reloc, e))
		return 0;
	reloc = (struct reloc_search){ .t = t, .key = reloc.address + (uint64_t)i * t->word };
	return find_reloc(&reloc, e) ? reloc.addend : 0;
}

static uint64_t find_text(const struct gopclntab *t, const struct elf *e)
{
	struct reloc_search reloc = { .t = t, .key = t->addr + 8 + 2u * t->word };
	const struct elf_section *text = elf_find_section(e, ".text");
	uint64_t found;

	if (find_reloc(&reloc, e) && reloc.addend)
		return reloc.addend;
	found = module_word(t, e, MODULE_TEXT);
	return found || !text ? found : text->addr;
}

static const struct elf_segment *segment_of(const struct elf *e, uint64_t address)
{
	for (unsigned i = 0; i < elf_nr_segments(e); i++) {
		const struct elf_segment *s = elf_segment(e, i);

		if (address >= s->vaddr && address - s->vaddr < s->file_size)
			return s;
	}
	return NULL;
}

int go_find_bases(struct gopclntab *t, const struct elf *e)
{
	const struct elf_segment *s;
	uint64_t data = t->addr;

	if (t->version >= GO_1_18) {
		if (!t->text)
			t->text = find_text(t, e);
		data = module_word(t, e, t->version >= GO_1_20 ? MODULE_GOFUNC_1_20
							       : MODULE_GOFUNC_1_18);
	}
	s = data && t->version >= GO_1_16 ? segment_of(e, data) : NULL;
	if (s) { /* of 1.16 functions have addresses of their data, in the table's segment */
		t->inlined = s->offset + (t->version >= GO_1_18 ? data - s->vaddr : 0);
		t->inlined_addr = t->version >= GO_1_18 ? 0 : s->vaddr;
		t->inlined_end = s->offset + s->file_size;
	}
	return 0;
}
