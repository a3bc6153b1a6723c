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
#define UNPACKED_SIZE_MAX (64u << 20) /* of a compressed section, which is held whole */

/* --- Reading --- */

int cfi_read(struct cfi_window *w, const struct cfi_section *s, uint64_t offset, size_t size,
	     const uint8_t **out)
{
	uint64_t want = size > CFI_READ_SIZE ? size : CFI_READ_SIZE, start = offset;
	int err;

	if (offset > s->size || size > s->size - offset)
		return -EBADMSG;
	if (s->contents) {
		*out = s->contents + offset;
		return 0;
	}
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

int cfi_place(struct cfi_frames *f, uint64_t i, struct cfi_place *out)
{
	const uint8_t *bytes;
	struct reader r;
	int err;

	if (f->places) {
		*out = f->places[i];
		return 0;
	}
	err = cfi_read(&f->hdr_entries, &f->hdr, f->table + i * HDR_ENTRY_SIZE, HDR_ENTRY_SIZE,
		       &bytes);
	if (err)
		return err;
	r = reader_of(bytes, HDR_ENTRY_SIZE);
	out->start = f->hdr.addr + (uint64_t)(int32_t)reader_u32(&r);
	out->offset = f->hdr.addr + (uint64_t)(int32_t)reader_u32(&r) - f->section.addr;
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
static bool hdr_open(struct cfi_frames *f, const struct elf *e, uint64_t *eh_frame)
{
	const struct elf_segment *s = elf_eh_frame_hdr(e);
	uint8_t eh_frame_encoding, count_encoding, table_encoding;
	const uint8_t *bytes;
	struct reader r;
	size_t size;

	if (s)
		f->hdr = (struct cfi_section){ .elf = e, .offset = s->offset, .addr = s->vaddr,
					       .size = s->file_size };
	else if (!take_section(&f->hdr, e, ".eh_frame_hdr"))
		return false;
	size = f->hdr.size < 32 ? f->hdr.size : 32;
	if (cfi_read(&f->hdr_entries, &f->hdr, 0, size, &bytes))
		return false;
	r = reader_of(bytes, size);
	if (reader_u8(&r) != 1)
		return false;
	eh_frame_encoding = reader_u8(&r);
	count_encoding = reader_u8(&r);
	table_encoding = reader_u8(&r);
	*eh_frame = cfi_pointer(&r, eh_frame_encoding, f->hdr.addr + 4);
	if (r.failed || count_encoding == PE_OMIT || table_encoding != HDR_TABLE)
		return false;
	f->nr = cfi_pointer(&r, count_encoding, f->hdr.addr + (uint64_t)(r.pos - bytes));
	f->table = (uint64_t)(r.pos - bytes);
	return !r.failed && f->nr && f->nr <= (f->hdr.size - f->table) / HDR_ENTRY_SIZE;
}

/* --- Without it --- */

static int by_start(const void *a, const void *b)
{
	const struct cfi_place *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start ? 1 :
	       x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Linkers leave entries of functions that they have dropped, at 0 or another address of no code. */
static bool is_code(const struct elf *e, uint64_t address)
{
	for (unsigned i = 0; i < elf_nr_segments(e); i++) {
		const struct elf_segment *s = elf_segment(e, i);

		if (s->exec && address >= s->vaddr && address - s->vaddr < s->file_size)
			return true;
	}
	return false;
}

/* Finds the functions of E in F's section. */
static int scan(struct cfi_frames *f, const struct elf *e)
{
	struct cfi_place *places = NULL;
	uint32_t nr = 0, cap = 0;
	uint64_t offset = 0;
	int err = 0;

	for (uint32_t i = 0;
	     offset < f->section.size && nr < CFI_FDES_MAX && i < ENTRIES_MAX; i++) {
		struct cfi_entry entry = { .next = UINT64_MAX };
		struct cfi_fde fde;

		err = cfi_entry(f, &f->entries, offset, &entry);
		if (err && err != -EMSGSIZE)
			break; /* the end, or nobody knows where the next is */
		if (!err && !entry.is_cie) {
			err = cfi_fde_of(f, &entry, &fde);
			if (!err && is_code(e, fde.start))
				*array_push(places, nr, cap) =
					(struct cfi_place){ fde.start, offset };
			else if (err && err != -EBADMSG)
				break;
		}
		offset = entry.next;
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
	f->places = places;
	f->nr = nr;
	return 0;
}

/* --- Opening --- */

static void frames_init(struct cfi_frames *f)
{
	for (unsigned i = 0; i < CFI_CIES; i++)
		f->cies[i].offset = UINT64_MAX;
}

static void frames_fini(struct cfi_frames *f)
{
	free(f->places);
	free(f->entries.data);
	free(f->cie_entries.data);
	free(f->hdr_entries.data);
	dwarf_section_close(&f->unpacked);
	memset(f, 0, sizeof(*f));
	frames_init(f);
}

static size_t frames_size(const struct cfi_frames *f)
{
	unsigned nr_windows = !!f->entries.data + !!f->cie_entries.data + !!f->hdr_entries.data;

	return nr_windows * CFI_ENTRY_MAX + (f->places ? f->nr * sizeof(*f->places) : 0) +
	       f->unpacked.ready;
}

static int open_eh_frame(struct cfi_frames *f, const struct elf *e)
{
	uint64_t eh_frame = 0;
	bool has_table = hdr_open(f, e, &eh_frame);

	if (!take_section(&f->section, e, ".eh_frame") &&
	    (!eh_frame || !take_segment_at(&f->section, e, eh_frame)))
		return -ENODATA;
	return has_table ? 0 : scan(f, e);
}

static int unpack(struct cfi_frames *f, const struct elf *from)
{
	int err = dwarf_section_open(&f->unpacked, from, ".debug_frame", UNPACKED_SIZE_MAX);

	if (!err)
		err = dwarf_section_need(&f->unpacked, UINT64_MAX);
	if (!err && !f->unpacked.size)
		err = -ENODATA;
	if (!err)
		f->section = (struct cfi_section){ .elf = from, .contents = f->unpacked.data,
						   .size = f->unpacked.size };
	return err;
}

/* FROM is E or its debug file, or NULL. */
static int open_debug_frame(struct cfi_frames *f, const struct elf *e, const struct elf *from)
{
	int err = 0;

	if (!from)
		return -ENODATA;
	if (!take_section(&f->section, from, ".debug_frame"))
		err = unpack(f, from);
	f->section.is_debug_frame = true;
	f->section.addr = 0;
	if (!err)
		err = scan(f, e);
	if (err)
		frames_fini(f);
	return err;
}

static int open_frames(struct cfi *c, const struct elf *debug)
{
	bool go = cfi_go(c->elf, c->overrides, &c->nr_overrides);
	int err = open_eh_frame(&c->frames, c->elf), debug_err;

	if (err && err != -ENODATA)
		return err;
	if (err)
		frames_fini(&c->frames);
	if (go) { /* its .debug_frame does not say where frame pointers are, and they do better */
		c->gap.cfa = UNWIND_CHAIN;
		return 0;
	}
	debug_err = open_debug_frame(&c->debug_frames, c->elf, c->elf);
	if (debug_err == -ENODATA)
		debug_err = open_debug_frame(&c->debug_frames, c->elf, debug);
	return err && debug_err != -ENODATA ? debug_err : 0;
}

int cfi_open(struct cfi **out, const struct elf *e, const struct elf *debug)
{
	struct cfi *c;
	int err;

	if (!elf_is_64(e) || elf_swap(e) || elf_machine(e) != EM_X86_64)
		return -ENOTSUP;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->elf = e;
	frames_init(&c->frames);
	frames_init(&c->debug_frames);
	err = open_frames(c, debug);
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
	frames_fini(&c->frames);
	frames_fini(&c->debug_frames);
	cfi_code_free(c->code);
	free(c);
}

size_t cfi_size(const struct cfi *c)
{
	return sizeof(*c) + frames_size(&c->frames) + frames_size(&c->debug_frames) +
	       (c->code ? cfi_code_size(c->code) : 0);
}
