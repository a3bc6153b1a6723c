#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "object/dwarf_constants.h"
#include "object/dwarf_impl.h"
#include "object/elf.h"

#define LENGTH_64 0xffffffffu /* section 7.4: a 64-bit length follows */
#define LENGTH_RESERVED 0xfffffff0u
#define UNITS_MAX (1u << 20)

bool dwarf_charge(struct dwarf *d, uint64_t work)
{
	d->work->left = work < d->work->left ? d->work->left - work : 0;
	return d->work->left;
}

static int open_sections(struct dwarf *d, uint64_t limit)
{
	static const char *const names[2][DWARF_NR_SECTIONS] = {
		{ ".debug_info", ".debug_abbrev", ".debug_line", ".debug_str", ".debug_line_str",
		  ".debug_addr", ".debug_str_offsets", ".debug_ranges", ".debug_rnglists" },
		{ ".debug_info.dwo", ".debug_abbrev.dwo", ".debug_line.dwo", ".debug_str.dwo",
		  ".debug_line_str", ".debug_addr", ".debug_str_offsets.dwo", ".debug_ranges",
		  ".debug_rnglists.dwo" },
	};
	int err = 0;

	for (unsigned i = 0; i < DWARF_NR_SECTIONS && !err; i++) {
		err = dwarf_section_open(&d->sections[i], d->elf, names[d->split][i], limit);
		if (!err && i != DWARF_INFO)
			err = dwarf_section_need(&d->sections[i], UINT64_MAX);
	}
	if (!err && (!d->sections[DWARF_INFO].size || !d->sections[DWARF_ABBREV].size))
		err = -ENODATA;
	return err;
}

int dwarf_open(struct dwarf **out, int fd, bool split, uint64_t limit, struct dwarf_work *work)
{
	struct dwarf *d = calloc(1, sizeof(*d));
	int err = d ? elf_open(&d->elf, fd) : -ENOMEM;

	if (!err) {
		d->split = split;
		d->work = work;
		d->swap = elf_swap(d->elf);
		err = open_sections(d, limit);
	}
	if (err)
		dwarf_close(d);
	else
		*out = d;
	return err;
}

void dwarf_close(struct dwarf *d)
{
	if (!d)
		return;
	for (unsigned i = 0; i < DWARF_NR_SECTIONS; i++)
		dwarf_section_close(&d->sections[i]);
	dwarf_abbrevs_fini(d);
	free(d->units);
	elf_close(d->elf);
	free(d);
}

/* The tables lie one behind the other; one that does not is not seen here, and what refers by it is
 * not found later. */
bool dwarf_has_far_refs(struct dwarf *d)
{
	const struct dwarf_section *s = &d->sections[DWARF_ABBREV];
	struct reader r = dwarf_section_at(s, 0, s->size, d->swap);

	while (reader_left(&r)) {
		if (!reader_uleb(&r))
			continue;
		reader_uleb(&r);
		reader_u8(&r);
		for (;;) {
			uint64_t at = reader_uleb(&r), form = reader_uleb(&r);

			if (r.failed || (!at && !form))
				break;
			if (form == DW_FORM_ref_addr || form == DW_FORM_indirect)
				return true;
			if (form == DW_FORM_implicit_const)
				reader_sleb(&r);
		}
	}
	return false;
}

/* Section 7.5.1. */
static void read_header(struct reader *r, struct dwarf_unit *u)
{
	if (u->version >= 5) {
		u->type = reader_u8(r);
		u->addr_size = reader_u8(r);
		u->abbrev_offset = dwarf_read_sized(r, u->offset_size);
	} else {
		u->type = DW_UT_compile;
		u->abbrev_offset = dwarf_read_sized(r, u->offset_size);
		u->addr_size = reader_u8(r);
	}
	if (u->type == DW_UT_skeleton || u->type == DW_UT_split_compile)
		u->dwo_id = reader_u64(r);
	else if (u->type == DW_UT_type || u->type == DW_UT_split_type)
		reader_skip(r, 8u + u->offset_size);
	if (u->addr_size != 4 && u->addr_size != 8)
		reader_fail(r);
}

int dwarf_unit_header(struct dwarf *d, uint64_t offset, struct dwarf_unit *u)
{
	struct dwarf_section *s = &d->sections[DWARF_INFO];
	uint64_t length, left, start;
	struct reader r;
	int err;

	if (offset >= s->size)
		return -ENODATA;
	left = s->size - offset;
	err = dwarf_section_need(s, offset + (left < 64 ? left : 64));
	if (err)
		return err;
	r = dwarf_section_at(s, offset, left < 64 ? left : 64, d->swap);
	memset(u, 0, sizeof(*u));
	u->offset = offset;
	u->offset_size = 4;
	length = reader_u32(&r);
	start = 4;
	if (length == LENGTH_64) {
		length = reader_u64(&r);
		u->offset_size = 8;
		start = 12;
	} else if (length >= LENGTH_RESERVED) {
		return -EBADMSG;
	}
	if (r.failed || length > left - start)
		return -EBADMSG;
	u->end = offset + start + length;
	u->dies = u->end; /* nothing in it, unless we understand it */
	u->version = (uint8_t)reader_u16(&r);
	if (u->version < 2 || u->version > 5)
		return dwarf_charge(d, 16) ? 0 : -EFBIG;
	left = reader_left(&r);
	read_header(&r, u);
	left = start + 2 + (left - reader_left(&r));
	if (!r.failed && left <= u->end - offset)
		u->dies = offset + left;
	return dwarf_charge(d, 64) ? 0 : -EFBIG;
}

int dwarf_list_units(struct dwarf *d)
{
	uint64_t offset = 0;
	struct dwarf_unit u, *added;
	int err;

	d->whole = true;
	while (!(err = dwarf_unit_header(d, offset, &u))) {
		if (d->nr_units == UNITS_MAX)
			return -EFBIG;
		added = array_try_push(d->units, d->nr_units, d->units_cap);
		if (!added)
			return -ENOMEM;
		*added = u;
		offset = u.end;
	}
	return err == -ENODATA || err == -EBADMSG ? dwarf_section_need(&d->sections[DWARF_INFO],
								      UINT64_MAX)
						  : err;
}

/* Section 7.26 to 7.28: without a base, what follows the one header in a split file, or the GNU
 * extension's tables, which have none. */
static uint64_t default_base(const struct dwarf *d, const struct dwarf_unit *u, unsigned header)
{
	return u->version >= 5 && d->split ? header + (u->offset_size == 8 ? 8u : 0u) : 0;
}

static uint64_t base_of(const struct dwarf_die *die, enum dwarf_slot slot, uint64_t otherwise)
{
	return dwarf_has(die, slot) ? die->values[slot].u : otherwise;
}

static const char *string_of(struct dwarf *d, const struct dwarf_unit *u,
			     const struct dwarf_die *die, enum dwarf_slot slot)
{
	return dwarf_has(die, slot) ? dwarf_value_string(d, u, &die->values[slot]) : NULL;
}

int dwarf_unit_open(struct dwarf *d, struct dwarf_unit *u)
{
	struct dwarf_section *s = &d->sections[DWARF_INFO];
	struct dwarf_die die;
	struct reader r;
	int err = dwarf_section_need(s, u->end);

	if (err)
		return err;
	u->opened = false;
	u->abbrevs = dwarf_abbrevs_get(d, u);
	if (!u->abbrevs)
		return -EBADMSG;
	r = dwarf_section_at(s, u->dies, u->end - u->dies, d->swap);
	if (!dwarf_die_read(d, u, &r, true, &die))
		return -EBADMSG;
	u->addr_base = base_of(&die, SLOT_ADDR_BASE, 0);
	u->str_offsets_base = base_of(&die, SLOT_STR_OFFSETS_BASE, default_base(d, u, 8));
	u->rnglists_base = base_of(&die, SLOT_RNGLISTS_BASE, default_base(d, u, 12));
	u->ranges_base = base_of(&die, SLOT_GNU_RANGES_BASE, 0);
	u->has_line = dwarf_has(&die, SLOT_STMT_LIST);
	u->line = base_of(&die, SLOT_STMT_LIST, 0);
	u->comp_dir = string_of(d, u, &die, SLOT_COMP_DIR);
	u->dwo_name = string_of(d, u, &die, SLOT_DWO_NAME);
	if (dwarf_has(&die, SLOT_DWO_ID))
		u->dwo_id = die.values[SLOT_DWO_ID].u;
	if (d->split)
		u->skeleton = d->split_from;
	if (!dwarf_has(&die, SLOT_LOW_PC) ||
	    !dwarf_value_address(d, u, &die.values[SLOT_LOW_PC], &u->low_pc))
		u->low_pc = u->skeleton ? u->skeleton->low_pc : 0;
	u->opened = true;
	return 0;
}

const struct dwarf_unit *dwarf_unit_at(struct dwarf *d, const struct dwarf_unit *near,
				       uint64_t offset)
{
	uint32_t low;
	struct dwarf_unit *u;

	if (near && offset >= near->dies && offset < near->end)
		return near;
	low = array_partition(d->units, d->nr_units, e, e->offset <= offset);
	u = low ? &d->units[low - 1] : NULL;
	if (!u || offset < u->dies || offset >= u->end)
		return NULL;
	return u->opened || !dwarf_unit_open(d, u) ? u : NULL;
}

bool dwarf_die_read(struct dwarf *d, const struct dwarf_unit *u, struct reader *r, bool all,
		    struct dwarf_die *die)
{
	const struct dwarf_section *s = &d->sections[DWARF_INFO];
	const struct dwarf_abbrev *a;
	uint64_t code;

	die->offset = (uint64_t)(r->pos - s->data);
	code = reader_uleb(r);
	if (!code)
		return false;
	a = dwarf_abbrev_find(u->abbrevs, code);
	if (!a) {
		reader_fail(r);
		return false;
	}
	die->kind = a->kind;
	die->children = a->children;
	die->have = 0;
	if (a->size != DWARF_VARIES && !all && a->kind == KIND_OTHER) {
		reader_skip(r, a->size);
		return !r->failed;
	}
	for (uint32_t i = 0; i < a->nr_attrs && !r->failed; i++) {
		const struct dwarf_attr *attr = &u->abbrevs->attrs[a->first_attr + i];
		struct dwarf_value other;
		unsigned slot = attr->slot;

		/* Of two of one kind the first counts: a linkage name in both spellings. */
		if (slot == SLOT_NONE || (die->have >> slot & 1)) {
			dwarf_form_read(r, u, attr, &other);
			continue;
		}
		dwarf_form_read(r, u, attr, &die->values[slot]);
		die->have |= 1u << slot;
	}
	return !r->failed;
}
