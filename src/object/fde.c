#include "object/fde.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/reader.h"
#include "object/blocks.h"
#include "object/elf.h"

/* Encodings of pointers: the lower four bits say how they are written, the next three to what they
 * are relative. */
#define PE_ABSPTR   0x00
#define PE_ULEB128  0x01
#define PE_UDATA2   0x02
#define PE_UDATA4   0x03
#define PE_UDATA8   0x04
#define PE_SLEB128  0x09
#define PE_SDATA2   0x0a
#define PE_SDATA4   0x0b
#define PE_SDATA8   0x0c
#define PE_FORMAT   0x0f
#define PE_PCREL    0x10
#define PE_DATAREL  0x30
#define PE_RELATIVE 0x70
#define PE_INDIRECT 0x80

#define TABLE_ENTRY (PE_DATAREL | PE_SDATA4)
#define ENTRY_SIZE  8  /* a function's start and its FDE, both relative to the header */
#define HEAD_SIZE   24 /* the header, with its longest pointers */
#define FDE_HEAD    48 /* of an FDE up to its range */
#define CIE_HEAD    128
#define LINES       64

struct fde_place {
	uint64_t start, fde; /* addresses, of a function and of its FDE */
};

struct fde_table {
	uint32_t nr, cap;
	struct fde_place *places;   /* sorted; NULL: the table is in the file */
	uint64_t offset;            /* of the table in the file */
	uint64_t base;              /* address of .eh_frame_hdr; 0: none */
	struct elf_segment segment; /* holds the FDEs */
	bool is_64, swap;
	uint64_t cie; /* address of the CIE seen last, 0: none */
	uint8_t cie_encoding;
	struct blocks blocks;
};

static struct reader reader_in(const struct fde_table *t, const void *p, size_t size)
{
	struct reader r = reader_of(p, size);

	r.swap = t->swap;
	return r;
}

/* A pointer of ENCODING that lies at address AT. */
static uint64_t read_pointer(const struct fde_table *t, struct reader *r, uint8_t encoding,
			     uint64_t at)
{
	uint64_t v = 0;

	switch (encoding & PE_FORMAT) {
	case PE_ABSPTR: v = t->is_64 ? reader_u64(r) : reader_u32(r); break;
	case PE_UDATA8:
	case PE_SDATA8: v = reader_u64(r); break;
	case PE_UDATA4: v = reader_u32(r); break;
	case PE_SDATA4: v = (uint64_t)(int32_t)reader_u32(r); break;
	case PE_UDATA2: v = reader_u16(r); break;
	case PE_SDATA2: v = (uint64_t)(int16_t)reader_u16(r); break;
	case PE_ULEB128: v = reader_uleb(r); break;
	case PE_SLEB128: v = (uint64_t)reader_sleb(r); break;
	default: reader_fail(r); return 0;
	}
	switch (encoding & (PE_RELATIVE | PE_INDIRECT)) {
	case 0: break;
	case PE_PCREL: v += at; break;
	case PE_DATAREL:
		if (!t->base)
			reader_fail(r);
		v += t->base;
		break;
	default: reader_fail(r);
	}
	return t->is_64 ? v : (uint32_t)v;
}

/* The loaded segment whose part in the file holds ADDRESS. */
static bool find_segment(const struct elf *e, uint64_t address, struct elf_segment *out)
{
	for (unsigned i = 0; i < elf_nr_segments(e); i++) {
		const struct elf_segment *s = elf_segment(e, i);

		if (address >= s->vaddr && address - s->vaddr < s->file_size) {
			*out = *s;
			return true;
		}
	}
	return false;
}

static int read_header(struct fde_table *t, const struct elf *e, const struct elf_segment *hdr)
{
	uint8_t bytes[HEAD_SIZE], frame_encoding, count_encoding, table_encoding;
	size_t size = hdr->file_size < sizeof(bytes) ? hdr->file_size : sizeof(bytes), used;
	int err = elf_read(e, hdr->offset, bytes, size);
	uint64_t frame, nr;
	struct reader r;

	if (err)
		return err;
	r = reader_in(t, bytes, size);
	if (reader_u8(&r) != 1)
		return -EBADMSG;
	frame_encoding = reader_u8(&r);
	count_encoding = reader_u8(&r);
	table_encoding = reader_u8(&r);
	if (r.failed)
		return -EBADMSG;
	if (table_encoding != TABLE_ENTRY)
		return -ENODATA;
	frame = read_pointer(t, &r, frame_encoding, hdr->vaddr + 4);
	nr = read_pointer(t, &r, count_encoding, hdr->vaddr + (uint64_t)(r.pos - bytes));
	used = (size_t)(r.pos - bytes);
	if (r.failed || nr > (hdr->file_size - used) / ENTRY_SIZE || nr > UINT32_MAX)
		return -EBADMSG;
	if (!nr)
		return -ENODATA;
	if (!find_segment(e, frame, &t->segment))
		return -EBADMSG;
	t->nr = (uint32_t)nr;
	t->offset = hdr->offset + used;
	return 0;
}

void fde_free(struct fde_table *t)
{
	if (!t)
		return;
	fde_trim(t);
	free(t->places);
	free(t);
}

void fde_trim(struct fde_table *t)
{
	blocks_trim(&t->blocks);
}

size_t fde_size(const struct fde_table *t)
{
	return sizeof(*t) + t->cap * sizeof(t->places[0]) + t->blocks.held;
}

uint32_t fde_nr(const struct fde_table *t)
{
	return t->nr;
}

static int read_entry(struct fde_table *t, int fd, uint32_t i, uint64_t *start, uint64_t *fde)
{
	uint8_t bytes[ENTRY_SIZE];
	struct reader r;
	int err;

	if (t->places) {
		*start = t->places[i].start;
		*fde = t->places[i].fde;
		return 0;
	}
	err = blocks_read(&t->blocks, fd, t->offset + (uint64_t)i * ENTRY_SIZE, bytes,
			  sizeof(bytes));
	if (err)
		return err;
	r = reader_in(t, bytes, sizeof(bytes));
	*start = read_pointer(t, &r, TABLE_ENTRY, 0);
	*fde = read_pointer(t, &r, TABLE_ENTRY, 0);
	return 0;
}

/* The beginning of the entry (CIE or FDE) at ADDRESS into BYTES, at most SIZE. *R reads what is
 * there from behind its length on, *AT is where that begins, *NEXT where it ends. */
static int read_head(struct fde_table *t, int fd, uint64_t address, uint8_t *bytes, size_t size,
		     struct reader *r, uint64_t *at, uint64_t *next)
{
	uint64_t in = address - t->segment.vaddr, length, left;
	int err;

	if (address < t->segment.vaddr || in >= t->segment.file_size)
		return -EBADMSG;
	left = t->segment.file_size - in;
	if (left < size)
		size = left;
	err = blocks_read(&t->blocks, fd, t->segment.offset + in, bytes, size);
	if (err)
		return err;
	*r = reader_in(t, bytes, size);
	length = reader_u32(r);
	if (length == UINT32_MAX)
		length = reader_u64(r);
	if (r->failed || !length)
		return -EBADMSG;
	if (length < reader_left(r))
		*r = reader_in(t, r->pos, length);
	*at = address + (uint64_t)(r->pos - bytes);
	*next = *at + length;
	return 0;
}

/* How FDEs of the CIE at ADDRESS write addresses. */
static int read_cie(struct fde_table *t, int fd, uint64_t address, uint8_t *encoding)
{
	uint8_t bytes[CIE_HEAD], version, found = PE_ABSPTR;
	const char *letters;
	struct reader r;
	uint64_t at, next;
	int err;

	if (address == t->cie) {
		*encoding = t->cie_encoding;
		return 0;
	}
	err = read_head(t, fd, address, bytes, sizeof(bytes), &r, &at, &next);
	if (err)
		return err;
	if (reader_u32(&r)) /* a CIE's pointer to a CIE */
		return -EBADMSG;
	version = reader_u8(&r);
	letters = reader_str(&r);
	if (!letters || (version != 1 && version != 3))
		return -EBADMSG;
	reader_uleb(&r); /* alignments of code and data */
	reader_sleb(&r);
	if (version == 1)
		reader_u8(&r); /* the return address's register */
	else
		reader_uleb(&r);
	if (*letters == 'z') {
		reader_uleb(&r); /* bytes that belong to the letters */
		while (*++letters) {
			uint8_t of_personality;

			if (*letters == 'R') {
				found = reader_u8(&r);
			} else if (*letters == 'L') {
				reader_u8(&r);
			} else if (*letters == 'P') {
				of_personality = reader_u8(&r) & PE_FORMAT;
				read_pointer(t, &r, of_personality, 0);
			} else if (*letters != 'S' && *letters != 'B') {
				break;
			}
		}
	} else if (*letters) {
		return -EBADMSG;
	}
	if (r.failed)
		return -EBADMSG;
	t->cie = address;
	*encoding = t->cie_encoding = found;
	return 0;
}

/* *NEXT, where what comes after it begins, is also set if it is damaged (not if its length is) or a
 * CIE. */
static int read_fde(struct fde_table *t, int fd, uint64_t address, struct fde_range *range,
		    uint64_t *next)
{
	uint8_t bytes[FDE_HEAD], encoding;
	uint64_t at, cie, start, size;
	const uint8_t *first;
	struct reader r;
	int err = read_head(t, fd, address, bytes, sizeof(bytes), &r, &at, next);

	if (err)
		return err;
	first = r.pos;
	cie = reader_u32(&r);
	if (!cie)
		return -EBADMSG;
	err = read_cie(t, fd, at - cie, &encoding);
	if (err)
		return err;
	start = read_pointer(t, &r, encoding, at + (uint64_t)(r.pos - first));
	size = read_pointer(t, &r, encoding & PE_FORMAT, 0);
	if (r.failed || start >= FDE_ADDRESS_MAX || size >= FDE_ADDRESS_MAX)
		return -EBADMSG;
	*range = (struct fde_range){ start, size };
	return 0;
}

/* --- Opening --- */

static int place_order(const void *a, const void *b)
{
	const struct fde_place *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (x->fde > y->fde) - (x->fde < y->fde);
}

/* All that .eh_frame says, from its beginning to what nobody can get past. */
static int scan(struct fde_table *t, const struct elf *e)
{
	const struct elf_section *s = elf_find_section(e, ".eh_frame");
	uint64_t next, end;

	if (!s || s->type != SHT_PROGBITS || !s->addr || __builtin_add_overflow(s->addr, s->size, &end))
		return -ENODATA;
	t->segment = (struct elf_segment){ s->offset, s->addr, s->size, s->size, false };
	for (uint64_t at = s->addr; at < end && t->nr < FDE_SCANNED_MAX; at = next) {
		struct fde_range r;
		int err;

		next = 0;
		err = read_fde(t, elf_fd(e), at, &r, &next);
		if (err && err != -EBADMSG)
			return err;
		if (!err && r.size)
			*array_push(t->places, t->nr, t->cap) = (struct fde_place){ r.start, at };
		if (next <= at)
			break;
	}
	if (!t->nr)
		return -ENODATA;
	qsort(t->places, t->nr, sizeof(t->places[0]), place_order);
	return 0;
}

int fde_open(struct fde_table **out, const struct elf *e)
{
	const struct elf_segment *hdr = elf_eh_frame_hdr(e);
	struct fde_table *t;
	int err;

	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->base = hdr ? hdr->vaddr : 0;
	t->is_64 = elf_is_64(e);
	t->swap = elf_swap(e);
	t->blocks.nr_lines = LINES;
	err = hdr ? read_header(t, e, hdr) : -ENODATA;
	if (err == -ENODATA)
		err = scan(t, e);
	if (err)
		fde_free(t);
	else
		*out = t;
	return err;
}

int fde_find(struct fde_table *t, int fd, uint64_t vaddr, struct fde_range *range)
{
	uint32_t low = 0, high = t->nr;
	struct fde_range found;
	uint64_t start, fde, next;
	int err;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		err = read_entry(t, fd, middle, &start, &fde);
		if (err)
			return err;
		if (start <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return -ENOENT;
	err = read_entry(t, fd, low - 1, &start, &fde);
	if (!err)
		err = read_fde(t, fd, fde, &found, &next);
	if (err)
		return err;
	if (vaddr < found.start || vaddr - found.start >= found.size)
		return -ENOENT;
	*range = found;
	return 0;
}
