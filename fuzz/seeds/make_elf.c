/* Writes the seeds of fuzz_elf into the directory given: good files of both classes and byte
 * orders, and the ways in which their headers can lie. cc -I. -o make_elf fuzz/seeds/make_elf.c &&
 * ./make_elf fuzz/seeds/elf */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/elfgen.h"

#define FUNC ELF64_ST_INFO(STB_GLOBAL, STT_FUNC)
#define LABEL ELF64_ST_INFO(STB_LOCAL, STT_NOTYPE)

static const struct elfgen_symbol symbols[] = {
	{ "main", 0x401000, 0x40, FUNC, 0, 0 },
	{ "_ZN3foo3barEi", 0x401100, 0x40, FUNC, 0, 0 },
	{ "alias", 0x401100, 0x40, ELF64_ST_INFO(STB_WEAK, STT_FUNC), 0, 0 },
	{ "__alias", 0x401100, 0, FUNC, 0, 0 },
	{ "versioned@@V_2", 0x401200, 0x10, ELF64_ST_INFO(STB_GLOBAL, STT_GNU_IFUNC), 0, 0 },
	{ "label", 0x401300, 0, LABEL, 0, 0 },
	{ "hidden", 0x401310, 0, LABEL, 0, STV_HIDDEN },
	{ "outer", 0x401400, 0x100, FUNC, 0, 0 },
	{ "inner", 0x401410, 0x10, FUNC, 0, 0 },
	{ "data", 0x401600, 8, ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT), 0, 0 },
	{ "undefined", 0x401700, 8, FUNC, 0xfffe, 0 },
};

static const char *directory;

static void save(const char *name, const struct elfgen *g, size_t size)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	f = fopen(path, "w");
	if (!f || fwrite(g->bytes, 1, size, f) != size || fclose(f)) {
		perror(path);
		exit(1);
	}
}

/* A good 64-bit file with SIZE bytes of VALUE at AT. */
static void damaged(const char *name, size_t at, uint64_t value, size_t size)
{
	struct elfgen g = { .symbols = symbols,
			    .nr_symbols = sizeof(symbols) / sizeof(symbols[0]),
			    .build_id_size = 20 };

	elfgen_make(&g);
	memcpy(g.bytes + at, &value, size);
	save(name, &g, g.size);
}

static size_t section(unsigned i, size_t field)
{
	struct elfgen g = { .symbols = symbols,
			    .nr_symbols = sizeof(symbols) / sizeof(symbols[0]),
			    .build_id_size = 20 };

	elfgen_make(&g);
	return elfgen_shdr_at(&g, i) + field;
}

static void good(void)
{
	char name[32];

	for (unsigned i = 0; i < 8; i++) {
		struct elfgen g = { .is_32 = i & 1,
				    .big = i & 2,
				    .dynsym = i & 4,
				    .symbols = symbols,
				    .nr_symbols = sizeof(symbols) / sizeof(symbols[0]),
				    .build_id_size = i * 3 };

		elfgen_make(&g);
		snprintf(name, sizeof(name), "good-%s-%s-%s", i & 1 ? "32" : "64",
			 i & 2 ? "big" : "little", i & 4 ? "dynsym" : "symtab");
		save(name, &g, g.size);
		if (!i) {
			save("cut-header", &g, 40);
			save("cut-text", &g, 0x1800);
			save("cut-symbols", &g, 0x2030);
		}
		g.machine = i & 1 ? EM_ARM : EM_AARCH64;
		elfgen_make(&g);
		if (i < 2)
			save(i ? "arm" : "aarch64", &g, g.size);
	}
}

int main(int argc, char **argv)
{
	directory = argc > 1 ? argv[1] : ".";
	good();
	damaged("class", EI_CLASS, 7, 1);
	damaged("no-sections-said", offsetof(Elf64_Ehdr, e_shnum), 0, 2);
	damaged("many-sections", offsetof(Elf64_Ehdr, e_shnum), 0xfeff, 2);
	damaged("many-segments", offsetof(Elf64_Ehdr, e_phnum), PN_XNUM, 2);
	damaged("sections-at-the-end", offsetof(Elf64_Ehdr, e_shoff), UINT64_MAX - 63, 8);
	damaged("names-index", offsetof(Elf64_Ehdr, e_shstrndx), SHN_XINDEX, 2);
	damaged("symbols-overflow", section(ELFGEN_SYMTAB, offsetof(Elf64_Shdr, sh_offset)),
		UINT64_MAX - 7, 8);
	damaged("symbols-huge", section(ELFGEN_SYMTAB, offsetof(Elf64_Shdr, sh_size)),
		UINT64_C(1) << 62, 8);
	damaged("symbols-odd", section(ELFGEN_SYMTAB, offsetof(Elf64_Shdr, sh_size)), 100, 8);
	damaged("symbols-compressed", section(ELFGEN_SYMTAB, offsetof(Elf64_Shdr, sh_flags)),
		SHF_COMPRESSED, 8);
	damaged("link-bad", section(ELFGEN_SYMTAB, offsetof(Elf64_Shdr, sh_link)), 9999, 4);
	damaged("link-self", section(ELFGEN_SYMTAB, offsetof(Elf64_Shdr, sh_link)), ELFGEN_SYMTAB,
		4);
	damaged("strings-short", section(ELFGEN_STRTAB, offsetof(Elf64_Shdr, sh_size)), 7, 8);
	damaged("note-huge", section(ELFGEN_NOTE, offsetof(Elf64_Shdr, sh_size)), 0x2000, 8);
	damaged("symbol-size", 0x2000 + sizeof(Elf64_Sym) + offsetof(Elf64_Sym, st_size),
		UINT64_MAX, 8);
	damaged("symbol-value", 0x2000 + sizeof(Elf64_Sym) + offsetof(Elf64_Sym, st_value),
		UINT64_MAX, 8);
	damaged("symbol-name", 0x2000 + sizeof(Elf64_Sym) + offsetof(Elf64_Sym, st_name),
		UINT32_MAX, 4);
	damaged("segment-overflow",
		sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr) + offsetof(Elf64_Phdr, p_filesz),
		UINT64_MAX, 8);
	return 0;
}
