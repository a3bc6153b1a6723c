/* elfgen: small ELF files made in memory, of either class and byte order, for tests and fuzz seeds.
 */
#ifndef TESTS_ELFGEN_H
#define TESTS_ELFGEN_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ELFGEN_SIZE 16384
#define ELFGEN_SYMBOLS 64

enum { ELFGEN_TEXT = 1, ELFGEN_SYMTAB, ELFGEN_STRTAB, ELFGEN_NOTE, ELFGEN_SHSTRTAB, ELFGEN_NR };

struct elfgen_symbol {
	const char *name;
	uint64_t value, size;
	uint8_t info;
	uint16_t section; /* 0: ELFGEN_TEXT; SHN_UNDEF is 0xfffe here */
	uint8_t other;
};

/* The text: file offset 0x1000, address 0x401000, 0x1000 bytes, executable; before it a segment
 * that is not. */
struct elfgen {
	bool is_32, big;
	bool dynsym;      /* .dynsym instead of .symtab */
	uint16_t machine; /* 0: EM_X86_64 */
	const struct elfgen_symbol *symbols;
	unsigned nr_symbols;
	uint8_t build_id[20];
	unsigned build_id_size;
	uint8_t *p;
	size_t size;
	uint8_t bytes[ELFGEN_SIZE];
};

static inline void elfgen_uint(struct elfgen *g, uint64_t v, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		*g->p++ = (uint8_t)(v >> 8 * (g->big ? size - 1 - i : i));
}

static inline void elfgen_word(struct elfgen *g, uint64_t v)
{
	elfgen_uint(g, v, g->is_32 ? 4 : 8);
}

static inline size_t elfgen_at(const struct elfgen *g)
{
	return (size_t)(g->p - g->bytes);
}

static inline void elfgen_ehdr(struct elfgen *g, size_t shoff)
{
	g->p = g->bytes;
	memcpy(g->p, ELFMAG, SELFMAG);
	g->p[EI_CLASS] = g->is_32 ? ELFCLASS32 : ELFCLASS64;
	g->p[EI_DATA] = g->big ? ELFDATA2MSB : ELFDATA2LSB;
	g->p[EI_VERSION] = EV_CURRENT;
	g->p += EI_NIDENT;
	elfgen_uint(g, ET_EXEC, 2);
	elfgen_uint(g, g->machine ? g->machine : EM_X86_64, 2);
	elfgen_uint(g, EV_CURRENT, 4);
	elfgen_word(g, 0x401000);
	elfgen_word(g, g->is_32 ? sizeof(Elf32_Ehdr) : sizeof(Elf64_Ehdr));
	elfgen_word(g, shoff);
	elfgen_uint(g, 0, 4);
	elfgen_uint(g, g->is_32 ? sizeof(Elf32_Ehdr) : sizeof(Elf64_Ehdr), 2);
	elfgen_uint(g, g->is_32 ? sizeof(Elf32_Phdr) : sizeof(Elf64_Phdr), 2);
	elfgen_uint(g, 3, 2);
	elfgen_uint(g, g->is_32 ? sizeof(Elf32_Shdr) : sizeof(Elf64_Shdr), 2);
	elfgen_uint(g, ELFGEN_NR, 2);
	elfgen_uint(g, ELFGEN_SHSTRTAB, 2);
}

static inline void elfgen_phdr(struct elfgen *g, uint32_t type, uint32_t flags, uint64_t offset,
			       uint64_t vaddr, uint64_t size)
{
	elfgen_uint(g, type, 4);
	if (!g->is_32)
		elfgen_uint(g, flags, 4);
	elfgen_word(g, offset);
	elfgen_word(g, vaddr);
	elfgen_word(g, vaddr);
	elfgen_word(g, size);
	elfgen_word(g, size);
	if (g->is_32)
		elfgen_uint(g, flags, 4);
	elfgen_word(g, type == PT_NOTE ? 4 : 0x1000);
}

static inline void elfgen_shdr(struct elfgen *g, uint32_t name, uint32_t type, uint64_t flags,
			       uint64_t addr, uint64_t offset, uint64_t size, uint32_t link,
			       uint64_t entry_size)
{
	elfgen_uint(g, name, 4);
	elfgen_uint(g, type, 4);
	elfgen_word(g, flags);
	elfgen_word(g, addr);
	elfgen_word(g, offset);
	elfgen_word(g, size);
	elfgen_uint(g, link, 4);
	elfgen_uint(g, 0, 4);
	elfgen_word(g, 4);
	elfgen_word(g, entry_size);
}

static inline void elfgen_symbol(struct elfgen *g, const struct elfgen_symbol *s, uint32_t name)
{
	uint16_t section = s->section == 0xfffe ? SHN_UNDEF : s->section ? s->section : ELFGEN_TEXT;

	elfgen_uint(g, name, 4);
	if (g->is_32) {
		elfgen_uint(g, s->value, 4);
		elfgen_uint(g, s->size, 4);
	}
	elfgen_uint(g, s->info, 1);
	elfgen_uint(g, s->other, 1);
	elfgen_uint(g, section, 2);
	if (!g->is_32) {
		elfgen_uint(g, s->value, 8);
		elfgen_uint(g, s->size, 8);
	}
}

/* Fills bytes and size. */
static inline void elfgen_make(struct elfgen *g)
{
	static const char shstrtab[] = "\0.text\0.symtab\0.strtab\0.note.gnu.build-id\0.shstrtab"
				       "\0.eh_frame\0.debug_frame";
	uint64_t symbol_size = g->is_32 ? sizeof(Elf32_Sym) : sizeof(Elf64_Sym);
	size_t symbols = 0x2000, strings, note, names, shoff, string = 1;
	uint32_t name[ELFGEN_SYMBOLS] = { 0 };

	memset(g->bytes, 0, sizeof(g->bytes));
	strings = symbols + (g->nr_symbols + 1) * symbol_size;
	for (unsigned i = 0; i < g->nr_symbols; i++) {
		name[i] = (uint32_t)string;
		strcpy((char *)g->bytes + strings + string, g->symbols[i].name);
		string += strlen(g->symbols[i].name) + 1;
	}
	g->p = g->bytes + symbols + symbol_size;
	for (unsigned i = 0; i < g->nr_symbols; i++)
		elfgen_symbol(g, &g->symbols[i], name[i]);
	note = (strings + string + 3) & ~(size_t)3;
	g->p = g->bytes + note;
	elfgen_uint(g, 4, 4);
	elfgen_uint(g, g->build_id_size, 4);
	elfgen_uint(g, NT_GNU_BUILD_ID, 4);
	memcpy(g->p, "GNU", 4);
	memcpy(g->p + 4, g->build_id, g->build_id_size);
	names = note + 16 + g->build_id_size;
	memcpy(g->bytes + names, shstrtab, sizeof(shstrtab));
	shoff = (names + sizeof(shstrtab) + 7) & ~(size_t)7;

	elfgen_ehdr(g, shoff);
	elfgen_phdr(g, PT_LOAD, PF_R, 0, 0x400000, 0x1000);
	elfgen_phdr(g, PT_LOAD, PF_R | PF_X, 0x1000, 0x401000, 0x1000);
	elfgen_phdr(g, g->build_id_size ? PT_NOTE : PT_NULL, PF_R, note, 0, 16 + g->build_id_size);
	g->p = g->bytes + shoff;
	elfgen_shdr(g, 0, SHT_NULL, 0, 0, 0, 0, 0, 0);
	elfgen_shdr(g, 1, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 0x401000, 0x1000, 0x1000, 0, 0);
	elfgen_shdr(g, 7, g->dynsym ? SHT_DYNSYM : SHT_SYMTAB, 0, 0, symbols, strings - symbols,
		    ELFGEN_STRTAB, symbol_size);
	elfgen_shdr(g, 15, SHT_STRTAB, 0, 0, strings, string, 0, 0);
	elfgen_shdr(g, 23, g->build_id_size ? SHT_NOTE : SHT_NULL, 0, 0, note,
		    16 + g->build_id_size, 0, 0);
	elfgen_shdr(g, 42, SHT_STRTAB, 0, 0, names, sizeof(shstrtab), 0, 0);
	g->size = elfgen_at(g);
}

#define ELFGEN_EH_FRAME 52 /* such names among those of sections */
#define ELFGEN_DEBUG_FRAME 62

/* Where section header I begins, for tests that damage it. */
static inline size_t elfgen_shdr_at(const struct elfgen *g, unsigned i)
{
	return g->size - (ELFGEN_NR - i) * (g->is_32 ? sizeof(Elf32_Shdr) : sizeof(Elf64_Shdr));
}

#endif
