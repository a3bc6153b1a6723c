/* gopclntab_impl: what the files of gopclntab share. gopclntab.c opens tables and finds functions,
 * gopclntab_scan.c finds tables, gopclntab_frames.c reads lines and inlined calls. */
#ifndef OBJECT_GOPCLNTAB_IMPL_H
#define OBJECT_GOPCLNTAB_IMPL_H

#include <stdbool.h>

#include "base/reader.h"
#include "object/blocks.h"
#include "object/gopclntab.h"

enum go_version { GO_1_2, GO_1_16, GO_1_18, GO_1_20 };

#define GO_HEADER_MAX 72 /* bytes: eight words after the first eight bytes */
#define GO_FUNC_MAX 56   /* of a function's record, without what varies */

struct gopclntab {
	enum go_version version;
	uint64_t offset, size; /* in the file */
	uint64_t addr;         /* where it is loaded */
	uint64_t text;         /* what functions' addresses are relative to; before 1.18: 0 */
	bool swap;
	uint8_t word, quantum; /* bytes of a pointer, of an instruction at least */
	uint32_t nr;
	uint64_t names, cus, files, pcs, functions; /* offsets in the table */
	/* The data of functions: file offsets of what they are relative to and of where they end, 0:
	 * not found; before 1.18 also its address. */
	uint64_t inlined, inlined_end, inlined_addr;
	struct blocks blocks;
};

/* A function's record, decoded. */
struct go_func {
	uint64_t entry, end;
	uint32_t name, pcfile, pcln, cu;
	int32_t start_line;
	uint32_t nr_pcdata;
	uint8_t nr_funcdata;
	uint64_t pcdata; /* offset in the table of what follows the record */
};

static inline uint64_t go_word(const struct gopclntab *t, struct reader *r)
{
	return t->word == 8 ? reader_u64(r) : reader_u32(r);
}

static inline struct reader go_reader(const struct gopclntab *t, const void *p, size_t size)
{
	struct reader r = reader_of(p, size);

	r.swap = t->swap;
	return r;
}

/* gopclntab.c */
/* SIZE bytes at OFFSET of the table; -EBADMSG past its end. */
int go_read(struct gopclntab *t, int fd, uint64_t offset, void *p, size_t size);
int go_find(struct gopclntab *t, int fd, uint64_t vaddr, uint32_t *index, struct go_func *f);

/* gopclntab_scan.c */
/* The next place from *OFFSET on, in the file, where a table may begin; its space to the segment's
 * end. 0; -ENODATA: no more; or the errno of reading. */
int go_scan(const struct elf *e, uint64_t *offset, uint64_t *size);
bool go_magic(const struct elf *e, const uint8_t bytes[8], enum go_version *version);
/* Sets text and inlined by what the linker wrote into the file or left to the loader. */
int go_find_bases(struct gopclntab *t, const struct elf *e);

#endif
