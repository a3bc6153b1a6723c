/* dwarf_section: a section of an ELF file, read from its beginning as far as somebody needs it, and
 * decompressed on the way: SHF_COMPRESSED by zlib or zstd (gABI "Section Compression"), and the
 * older .zdebug_… ("ZLIB", size as 64-bit big endian). The contents lie at one address from the
 * start: what has been used can be given back to the system behind the reader's back, so that a
 * large section costs what one unit of it does.
 *
 * Against bombs: a section is not larger than its caller's limit, nor than DWARF_RATIO_MAX times
 * the file; of a stream that yields less than it claims, what it yields is there. */
#ifndef OBJECT_DWARF_SECTION_H
#define OBJECT_DWARF_SECTION_H

#include <stdint.h>

#include "base/reader.h"

#define DWARF_RATIO_MAX 64
#define DWARF_STEP_SIZE (1u << 20) /* read and decompressed at once */

struct elf;
struct dwarf_unpack;

/* A zeroed struct dwarf_section is an empty one. */
struct dwarf_section {
	uint8_t *data;            /* mapped; a 0 follows the contents */
	uint64_t size;            /* of the contents */
	uint64_t ready;           /* bytes of them that are there */
	uint64_t gone;            /* bytes at the beginning that were given back */
	const struct elf *elf;
	uint64_t offset, left;    /* in the file: what comes next, bytes to come */
	struct dwarf_unpack *unpack; /* NULL: not compressed */
};

/* The section called NAME (".debug_info"); S stays empty where there is none. 0; -EFBIG: over LIMIT
 * or a bomb; -EBADMSG; -ENOTSUP: compressed in a way that we cannot read; -ENOMEM. E must outlive
 * S. */
int dwarf_section_open(struct dwarf_section *s, const struct elf *e, const char *name,
		       uint64_t limit);
void dwarf_section_close(struct dwarf_section *s);
/* The first UPTO bytes (cut at the size) are there. 0 or negative errno. */
int dwarf_section_need(struct dwarf_section *s, uint64_t upto);
/* Nobody will look at the first UPTO bytes again; they read as 0. */
void dwarf_section_forget(struct dwarf_section *s, uint64_t upto);

/* A reader of SIZE bytes at OFFSET, all of which are there; failed and empty when they are not. */
static inline struct reader dwarf_section_at(const struct dwarf_section *s, uint64_t offset,
					     uint64_t size, bool swap)
{
	struct reader r = { .failed = true, .swap = swap };

	if (offset <= s->ready && size <= s->ready - offset && offset >= s->gone) {
		r = reader_of(offset ? s->data + offset : s->data, size); /* an empty one has no data */
		r.swap = swap;
	}
	return r;
}

#endif
