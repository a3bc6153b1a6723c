#include "object/dwarf_constants.h"
#include "object/dwarf_impl.h"

uint64_t dwarf_read_sized(struct reader *r, unsigned size)
{
	const uint8_t *p;

	switch (size) {
	case 1: return reader_u8(r);
	case 2: return reader_u16(r);
	case 3:
		p = reader_bytes(r, 3);
		if (!p)
			return 0;
		return r->swap == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
			       ? p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16
			       : p[2] | (uint32_t)p[1] << 8 | (uint32_t)p[0] << 16;
	case 4: return reader_u32(r);
	case 8: return reader_u64(r);
	default: reader_fail(r); return 0;
	}
}

uint32_t dwarf_form_size(uint16_t form, const struct dwarf_unit *u)
{
	switch (form) {
	case DW_FORM_flag_present:
	case DW_FORM_implicit_const: return 0;
	case DW_FORM_data1:
	case DW_FORM_flag:
	case DW_FORM_ref1:
	case DW_FORM_strx1:
	case DW_FORM_addrx1: return 1;
	case DW_FORM_data2:
	case DW_FORM_ref2:
	case DW_FORM_strx2:
	case DW_FORM_addrx2: return 2;
	case DW_FORM_strx3:
	case DW_FORM_addrx3: return 3;
	case DW_FORM_data4:
	case DW_FORM_ref4:
	case DW_FORM_ref_sup4:
	case DW_FORM_strx4:
	case DW_FORM_addrx4: return 4;
	case DW_FORM_data8:
	case DW_FORM_ref8:
	case DW_FORM_ref_sig8:
	case DW_FORM_ref_sup8: return 8;
	case DW_FORM_data16: return 16;
	case DW_FORM_addr: return u->addr_size;
	case DW_FORM_ref_addr: return u->version < 3 ? u->addr_size : u->offset_size;
	case DW_FORM_strp:
	case DW_FORM_sec_offset:
	case DW_FORM_strp_sup:
	case DW_FORM_line_strp:
	case DW_FORM_GNU_ref_alt:
	case DW_FORM_GNU_strp_alt: return u->offset_size;
	default: return DWARF_VARIES;
	}
}

/* Forms whose size is not known beforehand. */
static uint64_t read_varying(struct reader *r, uint16_t form)
{
	switch (form) {
	case DW_FORM_sdata: return (uint64_t)reader_sleb(r);
	case DW_FORM_udata:
	case DW_FORM_ref_udata:
	case DW_FORM_strx:
	case DW_FORM_addrx:
	case DW_FORM_loclistx:
	case DW_FORM_rnglistx:
	case DW_FORM_GNU_addr_index:
	case DW_FORM_GNU_str_index: return reader_uleb(r);
	case DW_FORM_string: return (uintptr_t)reader_str(r);
	case DW_FORM_block1: reader_skip(r, reader_u8(r)); return 0;
	case DW_FORM_block2: reader_skip(r, reader_u16(r)); return 0;
	case DW_FORM_block4: reader_skip(r, reader_u32(r)); return 0;
	case DW_FORM_block:
	case DW_FORM_exprloc: reader_skip(r, reader_uleb(r)); return 0;
	default: reader_fail(r); return 0;
	}
}

void dwarf_form_read(struct reader *r, const struct dwarf_unit *u, const struct dwarf_attr *a,
		     struct dwarf_value *v)
{
	uint16_t form = a->form;
	uint32_t size;

	if (form == DW_FORM_indirect) {
		uint64_t said = reader_uleb(r);

		form = said > UINT16_MAX || said == DW_FORM_indirect ||
				       said == DW_FORM_implicit_const ? 0 : (uint16_t)said;
	}
	v->form = form;
	size = dwarf_form_size(form, u);
	if (size == DWARF_VARIES) {
		v->u = read_varying(r, form);
	} else if (size == 16) {
		reader_skip(r, 16);
		v->u = 0;
	} else if (size) {
		v->u = dwarf_read_sized(r, size);
	} else {
		v->u = form == DW_FORM_implicit_const ? (uint64_t)a->implicit : 1;
	}
}

bool dwarf_value_is_number(const struct dwarf_value *v)
{
	switch (v->form) {
	case DW_FORM_data1:
	case DW_FORM_data2:
	case DW_FORM_data4:
	case DW_FORM_data8:
	case DW_FORM_udata:
	case DW_FORM_sdata:
	case DW_FORM_implicit_const: return true;
	default: return false;
	}
}

bool dwarf_address_at(struct dwarf *d, const struct dwarf_unit *u, uint64_t index,
		      uint64_t *address)
{
	const struct dwarf *file = d->split ? d->skeleton : d;
	const struct dwarf_section *s;
	uint64_t base = d->split && u->skeleton ? u->skeleton->addr_base : u->addr_base;
	struct reader r;

	if (!file)
		return false;
	s = &file->sections[DWARF_ADDR];
	if (index > s->size || base > s->size)
		return false;
	r = dwarf_section_at(s, base + index * u->addr_size, u->addr_size, d->swap);
	*address = dwarf_read_sized(&r, u->addr_size);
	return !r.failed;
}

bool dwarf_value_address(struct dwarf *d, const struct dwarf_unit *u, const struct dwarf_value *v,
			 uint64_t *address)
{
	switch (v->form) {
	case DW_FORM_addr: *address = v->u; return true;
	case DW_FORM_addrx:
	case DW_FORM_addrx1:
	case DW_FORM_addrx2:
	case DW_FORM_addrx3:
	case DW_FORM_addrx4:
	case DW_FORM_GNU_addr_index: return dwarf_address_at(d, u, v->u, address);
	default: return false;
	}
}

/* A 0 follows each section, so that every string ends. */
static const char *string_at(const struct dwarf_section *s, uint64_t offset)
{
	return offset < s->ready ? (const char *)s->data + offset : NULL;
}

/* Section 7.26. */
static const char *string_by_index(struct dwarf *d, const struct dwarf_unit *u, uint64_t index)
{
	const struct dwarf_section *s = &d->sections[DWARF_STR_OFFSETS];
	struct reader r;
	uint64_t offset;

	if (index > s->size || u->str_offsets_base > s->size)
		return NULL;
	r = dwarf_section_at(s, u->str_offsets_base + index * u->offset_size, u->offset_size,
			     d->swap);
	offset = dwarf_read_sized(&r, u->offset_size);
	return r.failed ? NULL : string_at(&d->sections[DWARF_STR], offset);
}

const char *dwarf_value_string(struct dwarf *d, const struct dwarf_unit *u,
			       const struct dwarf_value *v)
{
	switch (v->form) {
	case DW_FORM_string: return (const char *)(uintptr_t)v->u;
	case DW_FORM_strp: return string_at(&d->sections[DWARF_STR], v->u);
	case DW_FORM_line_strp: return string_at(&d->sections[DWARF_LINE_STR], v->u);
	case DW_FORM_strp_sup:
	case DW_FORM_GNU_strp_alt:
		return d->alt ? string_at(&d->alt->sections[DWARF_STR], v->u) : NULL;
	case DW_FORM_strx:
	case DW_FORM_strx1:
	case DW_FORM_strx2:
	case DW_FORM_strx3:
	case DW_FORM_strx4:
	case DW_FORM_GNU_str_index: return string_by_index(d, u, v->u);
	default: return NULL;
	}
}

bool dwarf_value_ref(struct dwarf *d, const struct dwarf_unit *u, const struct dwarf_value *v,
		     struct dwarf_ref *ref)
{
	switch (v->form) {
	case DW_FORM_ref1:
	case DW_FORM_ref2:
	case DW_FORM_ref4:
	case DW_FORM_ref8:
	case DW_FORM_ref_udata:
		if (v->u >= u->end - u->offset)
			return false;
		*ref = (struct dwarf_ref){ d, u->offset + v->u };
		return true;
	case DW_FORM_ref_addr: *ref = (struct dwarf_ref){ d, v->u }; return true;
	case DW_FORM_ref_sup4:
	case DW_FORM_ref_sup8:
	case DW_FORM_GNU_ref_alt: *ref = (struct dwarf_ref){ d->alt, v->u }; return d->alt;
	default: return false;
	}
}
