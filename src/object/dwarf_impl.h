/* dwarf_impl: what the dwarf_*.c alone share: abbreviations, and how values are encoded. */
#ifndef OBJECT_DWARF_IMPL_H
#define OBJECT_DWARF_IMPL_H

#include "object/dwarf.h"

struct dwarf_attr {
	uint16_t form;
	uint8_t slot;
	int64_t implicit; /* DW_FORM_implicit_const */
};

#define DWARF_VARIES UINT32_MAX

struct dwarf_abbrev {
	uint64_t code;
	uint32_t first_attr, nr_attrs;
	uint32_t size; /* of a DIE's attributes, or DWARF_VARIES */
	uint8_t kind;
	bool children;
};

struct dwarf_abbrevs {
	uint64_t offset;
	uint8_t version, addr_size, offset_size; /* which sizes are for */
	uint32_t nr, abbrevs_cap, nr_attrs, attrs_cap;
	struct dwarf_abbrev *abbrevs; /* in order of code */
	struct dwarf_attr *attrs;
};

/* dwarf_abbrev.c: the table that U names, kept with D; NULL: there is none, no memory
 * for it, or the budget is used up. */
const struct dwarf_abbrevs *dwarf_abbrevs_get(struct dwarf *d, const struct dwarf_unit *u);
const struct dwarf_abbrev *dwarf_abbrev_find(const struct dwarf_abbrevs *t, uint64_t code);
void dwarf_abbrevs_fini(struct dwarf *d);

/* dwarf_form.c: section 7.5.6. */
uint32_t dwarf_form_size(uint16_t form, const struct dwarf_unit *u); /* or DWARF_VARIES */
void dwarf_form_read(struct reader *r, const struct dwarf_unit *u, const struct dwarf_attr *a,
		     struct dwarf_value *v);
bool dwarf_value_address(struct dwarf *d, const struct dwarf_unit *u, const struct dwarf_value *v,
			 uint64_t *address);
/* Element INDEX of the table of addresses. */
bool dwarf_address_at(struct dwarf *d, const struct dwarf_unit *u, uint64_t index,
		      uint64_t *address);
uint64_t dwarf_read_sized(struct reader *r, unsigned size); /* 1–4 or 8 bytes */

#endif
