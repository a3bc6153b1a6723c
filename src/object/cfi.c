#include "object/cfi.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "object/cfi_impl.h"
#include "object/dwarf_cfa.h"

#define HDR_TABLE (PE_DATAREL | PE_SDATA4) /* what all linkers write: pairs of 32 bits */
#define HDR_ENTRY_SIZE 8
#define ENTRIES_MAX (2 * CFI_FDES_MAX) /* of a section that is scanned */

/* --- Reading --- */

int cfi_read(struct cfi_window *w, const struct cfi_section *s, uint64_t offset, size_t size,
	     const uint8_t **out)
{
	uint64_t want = size > CFI_READ_SIZE ? size : CFI_READ_SIZE, start = offset;
	int err;

	if (offset > s->size || size > s->size - offset)
		return -EBADMSG;
	if (w->data && offset >= w->start && offset - w->start <= w->size &&
	    size <= w->size - (offset - w->start)) {
		*out = w->data + (offset - w->start);
		return 0;
	}
	/* With a little of what is before it: lists are walked both ways. */
	if (size <= CFI_READ_SIZE / 2)
		start = offset > CFI_READ_SIZE / 8 ? offset - CFI_READ_SIZE / 8 : 0;
	if (want > s->size - start)
		want = s->size - start;
	if (!w->data) {
		w->data = malloc(CFI_ENTRY_MAX + 16);
		if (!w->data)
			return -ENOMEM;
	}
	w->size = 0;
	err = elf_read(s->elf, s->offset + start, w->data, want);
	if (err)
		return err;
	w->start = start;
	w->size = want;
	*out = w->data + (offset - start);
	return 0;
}

int cfi_place(struct cfi *c, uint64_t i, struct cfi_place *out)
{
	const uint8_t *bytes;
	struct reader r;
	int err;

	if (c->places) {
		*out = c->places[i];
		return 0;
	}
	err = cfi_read(&c->hdr_entries, &c->hdr, c->table + i * HDR_ENTRY_SIZE, HDR_ENTRY_SIZE,
		       &bytes);
	if (err)
		return err;
	r = reader_of(bytes, HDR_ENTRY_SIZE);
	out->start = c->hdr.addr + (uint64_t)(int32_t)reader_u32(&r);
	out->offset = c->hdr.addr + (uint64_t)(int32_t)reader_u32(&r) - c->section.addr;
	return 0;
}

/* --- Finding the sections --- */

static bool usable(const struct elf_section *s)
{
	return s && s->type != SHT_NOBITS && s->type != SHT_NULL && s->size &&
	       !(s->flags & SHF_COMPRESSED);
}

static bool take_section(struct cfi_section *out, const struct elf *e, const char *name)
{
	const struct elf_section *s = elf_find_section(e, name);

	if (!usable(s))
		return false;
	*out = (struct cfi_section){ .elf = e, .offset = s->offset, .addr = s->addr,
				     .size = s->size };
	return true;
}

/* What the file has at virtual address ADDR, to the end of its segment. */
static bool take_segment_at(struct cfi_section *out, const struct elf *e, uint64_t addr)
{
	for (unsigned i = 0; i < elf_nr_segments(e); i++) {
		const struct elf_segment *s = elf_segment(e, i);

		if (addr >= s->vaddr && addr - s->vaddr < s->file_size) {
			*out = (struct cfi_section){
				.elf = e, .offset = s->offset + (addr - s->vaddr), .addr = addr,
				.size = s->file_size - (addr - s->vaddr) };
			return true;
		}
	}
	return false;
}

/* --- .eh_frame_hdr --- */

/* Its table, and where it says that .eh_frame is. False: there is none that could be used. */
static bool hdr_open(struct cfi *c, uint64_t *eh_frame)
{
	const struct elf_segment *s = elf_eh_frame_hdr(c->elf);
	uint8_t eh_frame_encoding, count_encoding, table_encoding;
	const uint8_t *bytes;
	struct reader r;
	size_t size;

	if (s)
		c->hdr = (struct cfi_section){ .elf = c->elf, .offset = s->offset, .addr = s->vaddr,
					       .size = s->file_size };
	else if (!take_section(&c->hdr, c->elf, ".eh_frame_hdr"))
		return false;
	size = c->hdr.size < 32 ? c->hdr.size : 32;
	if (cfi_read(&c->hdr_entries, &c->hdr, 0, size, &bytes))
		return false;
	r = reader_of(bytes, size);
	if (reader_u8(&r) != 1)
		return false;
	eh_frame_encoding = reader_u8(&r);
	count_encoding = reader_u8(&r);
	table_encoding = reader_u8(&r);
	*eh_frame = cfi_pointer(&r, eh_frame_encoding, c->hdr.addr + 4);
	if (r.failed || count_encoding == PE_OMIT || table_encoding != HDR_TABLE)
		return false;
	c->nr = cfi_pointer(&r, count_encoding, c->hdr.addr + (uint64_t)(r.pos - bytes));
	c->table = (uint64_t)(r.pos - bytes);
	return !r.failed && c->nr && c->nr <= (c->hdr.size - c->table) / HDR_ENTRY_SIZE;
}

/* --- Without it --- */

static int by_start(const void *a, const void *b)
{
	const struct cfi_place *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start ? 1 :
	       x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int scan(struct cfi *c)
{
	struct cfi_place *places = NULL;
	uint32_t nr = 0, cap = 0;
	uint64_t offset = 0;
	int err = 0;

	for (uint32_t i = 0;
	     offset < c->section.size && nr < CFI_FDES_MAX && i < ENTRIES_MAX; i++) {
		struct cfi_entry e = { .next = UINT64_MAX };
		struct cfi_fde fde;

		err = cfi_entry(c, &c->entries, offset, &e);
		if (err && err != -EMSGSIZE)
			break; /* the end, or nobody knows where the next is */
		if (!err && !e.is_cie) {
			err = cfi_fde_of(c, &e, &fde);
			if (!err)
				*array_push(places, nr, cap) =
					(struct cfi_place){ fde.start, offset };
			else if (err != -EBADMSG)
				break;
		}
		offset = e.next;
	}
	if (err && err != -ENOENT && err != -EBADMSG && err != -EMSGSIZE) {
		free(places);
		return err;
	}
	if (!nr) {
		free(places);
		return -ENODATA;
	}
	qsort(places, nr, sizeof(*places), by_start);
	c->places = places;
	c->nr = nr;
	return 0;
}

/* --- Opening --- */

static int open_eh_frame(struct cfi *c)
{
	uint64_t eh_frame = 0;
	bool has_table = hdr_open(c, &eh_frame);

	if (!take_section(&c->section, c->elf, ".eh_frame") &&
	    (!eh_frame || !take_segment_at(&c->section, c->elf, eh_frame)))
		return -ENODATA;
	return has_table ? 0 : scan(c);
}

static int open_debug_frame(struct cfi *c, const struct elf *e)
{
	if (!e || !take_section(&c->section, e, ".debug_frame"))
		return -ENODATA;
	c->section.is_debug_frame = true;
	c->section.addr = 0;
	c->entries.size = c->cie_entries.size = 0; /* of another section */
	for (unsigned i = 0; i < CFI_CIES; i++)
		c->cies[i].offset = UINT64_MAX;
	return scan(c);
}

int cfi_open(struct cfi **out, const struct elf *e, const struct elf *debug)
{
	struct cfi *c;
	bool go;
	int err;

	if (!elf_is_64(e) || elf_swap(e) || elf_machine(e) != EM_X86_64)
		return -ENOTSUP;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->elf = e;
	for (unsigned i = 0; i < CFI_CIES; i++)
		c->cies[i].offset = UINT64_MAX;
	go = cfi_go(e, c->overrides, &c->nr_overrides);
	if (go)
		c->gap.cfa = UNWIND_CHAIN;
	err = open_eh_frame(c);
	/* Go's .debug_frame does not say where frame pointers are, and frame pointers do better. */
	if (err == -ENODATA && !go)
		err = open_debug_frame(c, e);
	if (err == -ENODATA && !go)
		err = open_debug_frame(c, debug);
	if (err == -ENODATA && go) {
		c->nr = 0;
		err = 0;
	}
	if (err)
		cfi_close(c);
	else
		*out = c;
	return err;
}

void cfi_close(struct cfi *c)
{
	if (!c)
		return;
	free(c->places);
	free(c->entries.data);
	free(c->cie_entries.data);
	free(c->hdr_entries.data);
	free(c);
}

size_t cfi_size(const struct cfi *c)
{
	unsigned nr_windows = !!c->entries.data + !!c->cie_entries.data + !!c->hdr_entries.data;

	return sizeof(*c) + nr_windows * CFI_ENTRY_MAX +
	       (c->places ? c->nr * sizeof(*c->places) : 0);
}
