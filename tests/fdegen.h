/* fdegen: an ELF file of elfgen's with .eh_frame_hdr and .eh_frame in its text, for tests and fuzz
 * seeds. */
#ifndef TESTS_FDEGEN_H
#define TESTS_FDEGEN_H

#include "tests/elfgen.h"

#define FDEGEN_HDR   0x1800 /* offsets in the file; addresses are 0x400000 more */
#define FDEGEN_FRAME 0x1a00
#define FDEGEN_MAX   32

struct fdegen_function {
	uint64_t start, size;
};

struct fdegen {
	struct elfgen elf;
	const struct fdegen_function *functions; /* sorted */
	unsigned nr;
	const char *letters; /* of the augmentation; NULL: "zR" */
	uint8_t encoding;    /* of FDEs' addresses; 0: 0x1b */
	uint8_t version;     /* of the CIE; 0: 1 */
	bool long_length;    /* as in 64-bit DWARF */
	bool no_table;       /* a section .eh_frame instead of .eh_frame_hdr */
	size_t table, cie;   /* offsets */
	size_t fde[FDEGEN_MAX];
};

static inline uint64_t fdegen_address(const struct fdegen *g)
{
	return 0x400000 + elfgen_at(&g->elf);
}

static inline void fdegen_pointer(struct fdegen *g, uint8_t encoding, uint64_t v)
{
	if ((encoding & 0x70) == 0x10)
		v -= fdegen_address(g);
	else if ((encoding & 0x70) == 0x30)
		v -= 0x400000 + FDEGEN_HDR;
	switch (encoding & 7) {
	case 0: elfgen_word(&g->elf, v); break;
	case 1:
		for (; v >= 0x80; v >>= 7)
			*g->elf.p++ = (uint8_t)v | 0x80;
		*g->elf.p++ = (uint8_t)v;
		break;
	case 2: elfgen_uint(&g->elf, v, 2); break;
	case 3: elfgen_uint(&g->elf, v, 4); break;
	default: elfgen_uint(&g->elf, v, 8);
	}
}

/* An entry of LENGTH bytes; what follows is written after the length. */
static inline uint8_t *fdegen_entry(struct fdegen *g, uint64_t length)
{
	if (g->long_length)
		elfgen_uint(&g->elf, UINT32_MAX, 4);
	elfgen_uint(&g->elf, length, g->long_length ? 8 : 4);
	return g->elf.p + length;
}

static inline void fdegen_cie(struct fdegen *g)
{
	const char *letters = g->letters ? g->letters : "zR";
	uint8_t *end;

	g->cie = elfgen_at(&g->elf);
	end = fdegen_entry(g, 44);
	elfgen_uint(&g->elf, 0, 4);
	*g->elf.p++ = g->version ? g->version : 1;
	strcpy((char *)g->elf.p, letters);
	g->elf.p += strlen(letters) + 1;
	*g->elf.p++ = 1;    /* code alignment */
	*g->elf.p++ = 0x78; /* data alignment: −8 */
	*g->elf.p++ = 16;
	for (const char *c = letters; *c; c++) {
		if (*c == 'P') {
			*g->elf.p++ = 0x9b;
			elfgen_uint(&g->elf, 1, 4);
		} else if (*c == 'L') {
			*g->elf.p++ = 0x1b;
		} else if (*c == 'R') {
			*g->elf.p++ = g->encoding ? g->encoding : 0x1b;
		} else if (*c == 'z') {
			*g->elf.p++ = 9;
		}
	}
	g->elf.p = end;
}

static inline void fdegen_make(struct fdegen *g)
{
	uint8_t encoding = g->encoding ? g->encoding : 0x1b;

	g->elf.build_id_size = 0;
	elfgen_make(&g->elf);
	g->elf.p = g->elf.bytes + (g->elf.is_32 ? 52 + 2 * 32 : 64 + 2 * 56);
	elfgen_phdr(&g->elf, g->no_table ? PT_NULL : PT_GNU_EH_FRAME, PF_R, FDEGEN_HDR, 0x400000 + FDEGEN_HDR,
		    12 + 8 * g->nr);

	g->elf.p = g->elf.bytes + FDEGEN_FRAME;
	fdegen_cie(g);
	for (unsigned i = 0; i < g->nr; i++) {
		uint8_t *end;

		g->fde[i] = elfgen_at(&g->elf);
		end = fdegen_entry(g, 28);
		elfgen_uint(&g->elf, elfgen_at(&g->elf) - g->cie, 4);
		fdegen_pointer(g, encoding, g->functions[i].start);
		fdegen_pointer(g, encoding & 0xf, g->functions[i].size);
		g->elf.p = end;
	}

	if (g->no_table) {
		size_t size = elfgen_at(&g->elf) - FDEGEN_FRAME;

		g->elf.p = g->elf.bytes + elfgen_shdr_at(&g->elf, ELFGEN_NOTE);
		elfgen_shdr(&g->elf, ELFGEN_EH_FRAME, SHT_PROGBITS, SHF_ALLOC, 0x400000 + FDEGEN_FRAME,
			    FDEGEN_FRAME, size, 0, 0);
		return;
	}
	g->elf.p = g->elf.bytes + FDEGEN_HDR;
	elfgen_uint(&g->elf, 1, 1);
	elfgen_uint(&g->elf, 0x1b, 1);
	elfgen_uint(&g->elf, 0x03, 1);
	elfgen_uint(&g->elf, 0x3b, 1);
	fdegen_pointer(g, 0x1b, 0x400000 + FDEGEN_FRAME);
	elfgen_uint(&g->elf, g->nr, 4);
	g->table = elfgen_at(&g->elf);
	for (unsigned i = 0; i < g->nr; i++) {
		fdegen_pointer(g, 0x3b, g->functions[i].start);
		fdegen_pointer(g, 0x3b, 0x400000 + g->fde[i]);
	}
}

#endif
