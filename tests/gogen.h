/* gogen: an ELF file of elfgen's with a Go program's table of functions, of each version of the
 * format, for tests and fuzz seeds.
 *
 *	0x401000 main.main    a.go, line 10; from 0x401010 to 0x401020 b.go:20 of main.inner, which
 *	                      was inlined into main.outer (c.go:30), which was inlined at a.go:11
 *	0x401040 main.helper  b.go, line 40
 *	0x401060 the end */
#ifndef TESTS_GOGEN_H
#define TESTS_GOGEN_H

#include "tests/elfgen.h"

#define GOGEN_TABLE  0x1400 /* offsets in the file; addresses are 0x400000 more */
#define GOGEN_MODULE 0x400
#define GOGEN_DATA   0x800
#define GOGEN_SIZE   0x600

enum gogen_version { GOGEN_1_2, GOGEN_1_16, GOGEN_1_18, GOGEN_1_20 };

struct gogen {
	struct elfgen elf;
	enum gogen_version version;
	bool no_section; /* found by searching */
	bool no_text;    /* nor in the header: where the module says */
	uint32_t names, cus, files, pcs, functions; /* offsets in the table */
	uint32_t record[2];                         /* of the two functions */
};

static inline void gogen_seek(struct gogen *g, uint32_t offset)
{
	g->elf.p = g->elf.bytes + GOGEN_TABLE + offset;
}

static inline uint32_t gogen_at(const struct gogen *g)
{
	return (uint32_t)(elfgen_at(&g->elf) - GOGEN_TABLE);
}

/* Appends a string; its offset from BASE. */
static inline uint32_t gogen_string(struct gogen *g, uint32_t base, const char *s)
{
	uint32_t at = gogen_at(g) - base;

	memcpy(g->elf.p, s, strlen(s) + 1);
	g->elf.p += strlen(s) + 1;
	return at;
}

/* A table of values: pairs of a value and the number of bytes that have it, ended by −2. */
static inline uint32_t gogen_values(struct gogen *g, const int *pairs)
{
	uint32_t at = gogen_at(g) - g->pcs;
	int last = -1;

	for (; pairs[0] != -2; pairs += 2) {
		int delta = pairs[0] - last;

		*g->elf.p++ = (uint8_t)(delta < 0 ? ~((unsigned)delta << 1) : (unsigned)delta << 1);
		*g->elf.p++ = (uint8_t)pairs[1];
		last = pairs[0];
	}
	*g->elf.p++ = 0;
	return at;
}

struct gogen_function {
	uint64_t entry;
	uint32_t name, file, line, calls;
	int start_line;
};

static inline void gogen_record(struct gogen *g, const struct gogen_function *f, bool has_tree)
{
	if (g->version >= GOGEN_1_18)
		elfgen_uint(&g->elf, f->entry - 0x401000, 4);
	else
		elfgen_word(&g->elf, f->entry);
	elfgen_uint(&g->elf, f->name, 4);
	elfgen_uint(&g->elf, 0, 4); /* args, deferreturn, pcsp */
	elfgen_uint(&g->elf, 0, 4);
	elfgen_uint(&g->elf, 0, 4);
	elfgen_uint(&g->elf, f->file, 4);
	elfgen_uint(&g->elf, f->line, 4);
	elfgen_uint(&g->elf, 3, 4); /* pcdata */
	if (g->version >= GOGEN_1_16)
		elfgen_uint(&g->elf, 0, 4); /* unit */
	if (g->version >= GOGEN_1_20)
		elfgen_uint(&g->elf, (uint64_t)f->start_line, 4);
	elfgen_uint(&g->elf, 0, 3);
	elfgen_uint(&g->elf, 4, 1); /* funcdata */
	elfgen_uint(&g->elf, 0, 4);
	elfgen_uint(&g->elf, 0, 4);
	elfgen_uint(&g->elf, f->calls, 4);
	if (g->version >= GOGEN_1_18) {
		for (unsigned i = 0; i < 3; i++)
			elfgen_uint(&g->elf, UINT32_MAX, 4);
		elfgen_uint(&g->elf, has_tree ? 0 : UINT32_MAX, 4);
	} else {
		while (gogen_at(g) % (g->elf.is_32 ? 4 : 8))
			*g->elf.p++ = 0;
		for (unsigned i = 0; i < 3; i++)
			elfgen_word(&g->elf, 0);
		elfgen_word(&g->elf, has_tree ? 0x400000 + GOGEN_TABLE + 0x500 : 0);
	}
}

/* Inlined calls 0: outer, 1: inner in it. */
static inline void gogen_tree(struct gogen *g, const uint32_t names[2])
{
	static const unsigned parents[2] = { 0x22, 0x24 }; /* places of c.go:30 and a.go:11 */

	for (int i = 0; i < 2; i++) {
		if (g->version >= GOGEN_1_20) {
			elfgen_uint(&g->elf, 0, 4);
			elfgen_uint(&g->elf, names[i], 4);
			elfgen_uint(&g->elf, parents[!i], 4);
			elfgen_uint(&g->elf, i ? 19 : 29, 4);
		} else {
			elfgen_uint(&g->elf, (uint64_t)(i - 1), 2);
			elfgen_uint(&g->elf, 0, 2);
			elfgen_uint(&g->elf, 0, 4);
			elfgen_uint(&g->elf, 0, 4);
			elfgen_uint(&g->elf, names[i], 4);
			elfgen_uint(&g->elf, parents[!i], 4);
		}
	}
}

static inline void gogen_header(struct gogen *g)
{
	static const uint32_t magic[] = { 0xfffffffb, 0xfffffffa, 0xfffffff0, 0xfffffff1 };

	gogen_seek(g, 0);
	elfgen_uint(&g->elf, magic[g->version], 4);
	elfgen_uint(&g->elf, 0, 2);
	elfgen_uint(&g->elf, 1, 1);
	elfgen_uint(&g->elf, g->elf.is_32 ? 4 : 8, 1);
	elfgen_word(&g->elf, 2);
	if (g->version == GOGEN_1_2) {
		g->functions = gogen_at(g);
		return;
	}
	elfgen_word(&g->elf, 3);
	if (g->version >= GOGEN_1_18)
		elfgen_word(&g->elf, g->no_text ? 0 : 0x401000);
	elfgen_word(&g->elf, g->names);
	elfgen_word(&g->elf, g->cus);
	elfgen_word(&g->elf, g->files);
	elfgen_word(&g->elf, g->pcs);
	elfgen_word(&g->elf, g->functions);
}

static inline void gogen_module(struct gogen *g)
{
	unsigned word = g->elf.is_32 ? 4 : 8;
	uint8_t *start = g->elf.bytes + GOGEN_MODULE;

	g->elf.p = start;
	elfgen_word(&g->elf, 0x400000 + GOGEN_TABLE);
	elfgen_word(&g->elf, 0x400000 + GOGEN_TABLE + g->names);
	g->elf.p = start + 22 * word;
	elfgen_word(&g->elf, 0x401000);
	g->elf.p = start + (g->version >= GOGEN_1_20 ? 40 : 38) * word;
	elfgen_word(&g->elf, 0x400000 + GOGEN_DATA);
}

static inline void gogen_functions(struct gogen *g, const struct gogen_function f[2])
{
	uint32_t base = g->version == GOGEN_1_2 ? 0 : g->functions;

	gogen_seek(g, 0x300);
	for (unsigned i = 0; i < 2; i++) {
		while (gogen_at(g) % 8)
			*g->elf.p++ = 0;
		g->record[i] = gogen_at(g);
		gogen_record(g, &f[i], !i && g->version >= GOGEN_1_16);
	}
	gogen_seek(g, g->functions);
	for (unsigned i = 0; i < 3; i++) {
		uint64_t entry = i < 2 ? f[i].entry : 0x401060;

		if (g->version >= GOGEN_1_18) {
			elfgen_uint(&g->elf, entry - 0x401000, 4);
			elfgen_uint(&g->elf, i < 2 ? g->record[i] - base : 0, 4);
		} else {
			elfgen_word(&g->elf, entry);
			elfgen_word(&g->elf, i < 2 ? g->record[i] - base : 0);
		}
	}
}

/* The section of the build id becomes the table's, or says that this is a Go program. */
static inline void gogen_section(struct gogen *g)
{
	static const char old[] = ".note.gnu.build-id";
	size_t header = elfgen_shdr_at(&g->elf, ELFGEN_NOTE);

	for (uint8_t *p = g->elf.bytes; p < g->elf.bytes + g->elf.size - sizeof(old); p++)
		if (!memcmp(p, old, sizeof(old)))
			strcpy((char *)p, g->no_section ? ".note.go.buildid" : ".gopclntab");
	if (g->no_section)
		return;
	g->elf.p = g->elf.bytes + header + 4;
	elfgen_uint(&g->elf, SHT_PROGBITS, 4);
	g->elf.p = g->elf.bytes + header + (g->elf.is_32 ? 16 : 24);
	elfgen_word(&g->elf, GOGEN_TABLE);
	elfgen_word(&g->elf, GOGEN_SIZE);
}

static inline void gogen_make(struct gogen *g)
{
	static const int files[] = { 0, 0x10, 1, 0x10, 0, 0x02, 2, 0x02, 0, 0x1c, -2 },
			 lines[] = { 10, 0x10, 20, 0x10, 10, 2, 30, 2, 11, 0x1c, -2 },
			 calls[] = { -1, 0x10, 1, 0x10, -1, 2, 0, 2, -1, 0x1c, -2 },
			 files2[] = { 1, 0x20, -2 }, lines2[] = { 40, 0x20, -2 };
	struct gogen_function f[2] = { { .entry = 0x401000, .start_line = 9 },
				       { .entry = 0x401040, .start_line = 39 } };
	uint32_t inlined[2], file[3];

	g->elf.build_id_size = 4;
	elfgen_make(&g->elf);
	g->functions = 0x100;
	g->names = g->version == GOGEN_1_2 ? 0 : 0x180;
	g->files = 0x200;
	g->cus = 0x240;
	g->pcs = g->version == GOGEN_1_2 ? 0 : 0x280;
	gogen_header(g);

	gogen_seek(g, 0x180);
	gogen_string(g, g->names, "");
	f[0].name = gogen_string(g, g->names, "main.main");
	f[1].name = gogen_string(g, g->names, "main.helper");
	inlined[0] = gogen_string(g, g->names, "main.outer");
	inlined[1] = gogen_string(g, g->names, "main.inner");
	gogen_seek(g, g->files);
	file[0] = gogen_string(g, g->files, "a.go");
	file[1] = gogen_string(g, g->files, "b.go");
	file[2] = gogen_string(g, g->files, "c.go");
	gogen_seek(g, g->cus);
	for (unsigned i = 0; i < 3; i++)
		elfgen_uint(&g->elf, file[i], 4);
	gogen_seek(g, 0x281);
	f[0].file = gogen_values(g, files);
	f[0].line = gogen_values(g, lines);
	f[0].calls = gogen_values(g, calls);
	f[1].file = gogen_values(g, files2);
	f[1].line = gogen_values(g, lines2);
	gogen_functions(g, f);
	if (g->version >= GOGEN_1_18)
		gogen_module(g);
	if (g->version >= GOGEN_1_18)
		g->elf.p = g->elf.bytes + GOGEN_DATA;
	else
		gogen_seek(g, 0x500);
	gogen_tree(g, inlined);
	gogen_section(g);
}

#endif
