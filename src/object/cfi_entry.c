/* Entries of .eh_frame and .debug_frame: CIEs and FDEs. */
#include <errno.h>

#include "object/cfi_impl.h"
#include "object/dwarf_cfa.h"

#define CIE_SIZE_MAX 4096

uint64_t cfi_pointer(struct reader *r, uint8_t encoding, uint64_t at)
{
	uint64_t v;

	switch (encoding & PE_FORMAT) {
	case PE_ABSPTR:
	case PE_UDATA8:
	case PE_SDATA8:
		v = reader_u64(r);
		break;
	case PE_ULEB128:
		v = reader_uleb(r);
		break;
	case PE_SLEB128:
		v = (uint64_t)reader_sleb(r);
		break;
	case PE_UDATA2:
		v = reader_u16(r);
		break;
	case PE_SDATA2:
		v = (uint64_t)(int16_t)reader_u16(r);
		break;
	case PE_UDATA4:
		v = reader_u32(r);
		break;
	case PE_SDATA4:
		v = (uint64_t)(int32_t)reader_u32(r);
		break;
	default:
		reader_fail(r);
		return 0;
	}
	/* Text-, data- and function-relative ones nobody writes here, and what an indirect one
	 * points to is known to a running program only. */
	if (encoding & PE_INDIRECT || ((encoding & PE_BASE) && (encoding & PE_BASE) != PE_PCREL))
		reader_fail(r);
	return (encoding & PE_BASE) == PE_PCREL ? v + at : v;
}

int cfi_entry(const struct cfi_frames *f, struct cfi_window *w, uint64_t offset,
	      struct cfi_entry *out)
{
	const struct cfi_section *s = &f->section;
	const uint8_t *bytes;
	uint64_t size, head = 4, id_size = 4, id;
	struct reader r;
	int err = cfi_read(w, s, offset, 4, &bytes);

	if (err)
		return err;
	r = reader_of(bytes, 4);
	size = reader_u32(&r);
	if (!size)
		return -ENOENT;
	if (size == UINT32_MAX) {
		head = 12;
		id_size = s->is_debug_frame ? 8 : 4;
		err = cfi_read(w, s, offset, head, &bytes);
		if (err)
			return err;
		r = reader_of(bytes + 4, 8);
		size = reader_u64(&r);
	}
	if (size > CFI_ENTRY_MAX || size < id_size) {
		/* Too large to look into, but what follows can be found. */
		out->next = size <= s->size ? offset + head + size : s->size;
		return -EMSGSIZE;
	}
	err = cfi_read(w, s, offset, head + size, &bytes);
	if (err)
		return err;
	out->body = reader_of(bytes + head, size);
	id = id_size == 8 ? reader_u64(&out->body) : reader_u32(&out->body);
	out->next = offset + head + size;
	out->body_at = offset + head + id_size;
	out->is_64 = head == 12;
	if (s->is_debug_frame) {
		out->is_cie = id == (id_size == 8 ? UINT64_MAX : UINT32_MAX);
		out->cie = id;
	} else { /* a distance back */
		out->is_cie = !id;
		out->cie = offset + head - id;
	}
	return 0;
}

/* --- CIEs --- */

static void augmentation(struct cfi_cie *cie, struct reader *r, const char *letters, uint64_t at,
			 const uint8_t *first)
{
	struct reader data;

	if (!*letters)
		return;
	if (*letters != 'z') { /* "eh" of gcc 2: how long its data are is not said */
		reader_fail(r);
		return;
	}
	cie->augmented = true;
	data = reader_sub(r, reader_uleb(r));
	while (*++letters && !data.failed) {
		switch (*letters) {
		case 'R':
			cie->pointers = reader_u8(&data);
			break;
		case 'P': { /* the personality routine: read to get past it */
			uint8_t encoding = reader_u8(&data) & (uint8_t)~PE_INDIRECT;

			cfi_pointer(&data, encoding, at + (uint64_t)(data.pos - first));
			break;
		}
		case 'L':
			reader_u8(&data);
			break;
		case 'S':
			cie->trampoline = true;
			break;
		default:
			reader_fail(&data);
		}
	}
	if (data.failed)
		reader_fail(r);
}

static void cie_parse(const struct cfi_frames *f, struct cfi_entry *e, struct cfi_cie *cie)
{
	const uint8_t *first = e->body.pos;
	uint64_t at = f->section.addr + e->body_at, loc = 0;
	struct reader *r = &e->body;
	uint8_t version = reader_u8(r);
	const char *letters = reader_str(r);

	cie->err = -EBADMSG;
	if (!letters || (version != 1 && version != 3 && version != 4))
		return;
	if (version == 4 && (reader_u8(r) != 8 || reader_u8(r))) /* address and selector sizes */
		return;
	cie->code_align = reader_uleb(r);
	cie->data_align = reader_sleb(r);
	if ((version == 1 ? reader_u8(r) : reader_uleb(r)) != REG_RA)
		return;
	augmentation(cie, r, letters, at, first);
	if (r->failed || cie->pointers == PE_OMIT)
		return;
	if (!cfi_exec(cie, *r, at + (uint64_t)(r->pos - first), &cie->state, &loc, NULL, NULL))
		return;
	cie->err = 0;
}

/* The CIE at OFFSET, perhaps from the ones that are kept. */
static int cie_at(struct cfi_frames *f, uint64_t offset, const struct cfi_cie **out)
{
	struct cfi_cie *cie = &f->cies[(offset ^ offset >> 7) % CFI_CIES];
	struct cfi_cie fresh = { .offset = offset };
	struct cfi_entry e;
	int err;

	if (cie->offset != offset) {
		err = cfi_entry(f, &f->cie_entries, offset, &e);
		if (err)
			return err;
		if (!e.is_cie || reader_left(&e.body) > CIE_SIZE_MAX)
			return -EBADMSG;
		cie_parse(f, &e, &fresh);
		*cie = fresh;
	}
	*out = cie;
	return cie->err;
}

/* --- FDEs --- */

int cfi_fde_of(struct cfi_frames *f, const struct cfi_entry *e, struct cfi_fde *out)
{
	struct reader r = e->body;
	const uint8_t *first = r.pos;
	uint64_t at = f->section.addr + e->body_at, size;
	int err;

	if (e->is_cie)
		return -EBADMSG;
	err = cie_at(f, e->cie, &out->cie);
	if (err)
		return err == -ENOENT || err == -EMSGSIZE ? -EBADMSG : err;
	out->start = cfi_pointer(&r, out->cie->pointers, at);
	size = cfi_pointer(&r, out->cie->pointers & PE_FORMAT, 0);
	if (out->cie->augmented)
		reader_skip(&r, reader_uleb(&r));
	if (r.failed || !size || __builtin_add_overflow(out->start, size, &out->end))
		return -EBADMSG;
	out->instructions = r;
	out->addr = at + (uint64_t)(r.pos - first);
	return 0;
}

int cfi_fde(struct cfi_frames *f, uint64_t offset, struct cfi_fde *out)
{
	struct cfi_entry e;
	int err = cfi_entry(f, &f->entries, offset, &e);

	if (err)
		return err == -ENOENT || err == -EMSGSIZE ? -EBADMSG : err;
	return cfi_fde_of(f, &e, out);
}
