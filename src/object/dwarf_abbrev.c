#include <stdlib.h>

#include "base/array.h"
#include "object/dwarf_constants.h"
#include "object/dwarf_impl.h"

#define TABLES_SIZE_MAX (64u << 20) /* bytes of tables kept for units to come */
#define TABLES_MAX 1024
#define ENTRY_WORK 4                /* a table costs more than its bytes */

static uint8_t slot_of(uint64_t at)
{
	switch (at) {
	case DW_AT_name: return SLOT_NAME;
	case DW_AT_linkage_name:
	case DW_AT_MIPS_linkage_name: return SLOT_LINKAGE_NAME;
	case DW_AT_low_pc: return SLOT_LOW_PC;
	case DW_AT_high_pc: return SLOT_HIGH_PC;
	case DW_AT_ranges: return SLOT_RANGES;
	case DW_AT_abstract_origin: return SLOT_ORIGIN;
	case DW_AT_specification: return SLOT_SPECIFICATION;
	case DW_AT_call_file: return SLOT_CALL_FILE;
	case DW_AT_call_line: return SLOT_CALL_LINE;
	case DW_AT_decl_line: return SLOT_DECL_LINE;
	case DW_AT_stmt_list: return SLOT_STMT_LIST;
	case DW_AT_comp_dir: return SLOT_COMP_DIR;
	case DW_AT_addr_base:
	case DW_AT_GNU_addr_base: return SLOT_ADDR_BASE;
	case DW_AT_str_offsets_base: return SLOT_STR_OFFSETS_BASE;
	case DW_AT_rnglists_base: return SLOT_RNGLISTS_BASE;
	case DW_AT_GNU_ranges_base: return SLOT_GNU_RANGES_BASE;
	case DW_AT_dwo_name:
	case DW_AT_GNU_dwo_name: return SLOT_DWO_NAME;
	case DW_AT_GNU_dwo_id: return SLOT_DWO_ID;
	default: return SLOT_NONE;
	}
}

static uint8_t kind_of(uint64_t tag)
{
	switch (tag) {
	case DW_TAG_compile_unit:
	case DW_TAG_partial_unit:
	case DW_TAG_skeleton_unit: return KIND_UNIT;
	case DW_TAG_subprogram: return KIND_FUNCTION;
	case DW_TAG_inlined_subroutine: return KIND_INLINED;
	default: return KIND_OTHER;
	}
}

/* The attributes of one abbreviation; false: no memory. */
static bool read_attrs(struct dwarf_abbrevs *t, struct dwarf_abbrev *a, struct reader *r,
		       const struct dwarf_unit *u)
{
	a->first_attr = t->nr_attrs;
	a->size = 0;
	for (;;) {
		uint64_t at = reader_uleb(r), form = reader_uleb(r);
		struct dwarf_attr *attr;
		uint32_t size;

		if (r->failed || (!at && !form))
			break;
		attr = array_try_push(t->attrs, t->nr_attrs, t->attrs_cap);
		if (!attr)
			return false;
		*attr = (struct dwarf_attr){
			.form = form > UINT16_MAX ? 0 : (uint16_t)form,
			.slot = slot_of(at),
			.implicit = form == DW_FORM_implicit_const ? reader_sleb(r) : 0,
		};
		size = dwarf_form_size(attr->form, u);
		if (size == DWARF_VARIES || a->size >= UINT32_MAX - 16)
			a->size = DWARF_VARIES;
		else
			a->size += size;
	}
	a->nr_attrs = t->nr_attrs - a->first_attr;
	return true;
}

static int compare(const void *a, const void *b)
{
	const struct dwarf_abbrev *x = a, *y = b;

	return x->code < y->code ? -1 : x->code > y->code;
}

/* Section 7.5.3. False: no memory. What cannot be read ends the table. */
static bool read_table(struct dwarf_abbrevs *t, struct reader *r, const struct dwarf_unit *u)
{
	bool sorted = true;

	for (;;) {
		struct dwarf_abbrev a = { .code = reader_uleb(r) }, *added;

		if (!a.code)
			break;
		a.kind = kind_of(reader_uleb(r));
		a.children = reader_u8(r);
		if (!read_attrs(t, &a, r, u))
			return false;
		if (r->failed)
			break;
		added = array_try_push(t->abbrevs, t->nr, t->abbrevs_cap);
		if (!added)
			return false;
		*added = a;
		sorted = sorted && (t->nr == 1 || added[-1].code < a.code);
	}
	if (!sorted)
		qsort(t->abbrevs, t->nr, sizeof(*t->abbrevs), compare);
	return true;
}

static void table_free(struct dwarf_abbrevs *t)
{
	free(t->abbrevs);
	free(t->attrs);
	free(t);
}

static size_t table_size(const struct dwarf_abbrevs *t)
{
	return sizeof(*t) + t->abbrevs_cap * sizeof(*t->abbrevs) + t->attrs_cap * sizeof(*t->attrs);
}

void dwarf_abbrevs_trim(struct dwarf *d)
{
	if (d->nr_tables <= TABLES_MAX && d->tables_size <= TABLES_SIZE_MAX)
		return;
	for (uint32_t i = 0; i < d->nr_tables; i++)
		table_free(d->tables[i]);
	d->nr_tables = 0;
	d->tables_size = 0;
	for (uint32_t i = 0; i < d->nr_units; i++)
		d->units[i].opened = false;
}

void dwarf_abbrevs_fini(struct dwarf *d)
{
	for (uint32_t i = 0; i < d->nr_tables; i++)
		table_free(d->tables[i]);
	free(d->tables);
}

/* Mostly the table asked for last, or a new one: units come in order of their tables. */
static const struct dwarf_abbrevs *find(const struct dwarf *d, const struct dwarf_unit *u)
{
	for (uint32_t i = d->nr_tables; i-- > 0;) {
		const struct dwarf_abbrevs *t = d->tables[i];

		if (t->offset == u->abbrev_offset && t->version == u->version &&
		    t->addr_size == u->addr_size && t->offset_size == u->offset_size)
			return t;
	}
	return NULL;
}

const struct dwarf_abbrevs *dwarf_abbrevs_get(struct dwarf *d, const struct dwarf_unit *u)
{
	const struct dwarf_section *s = &d->sections[DWARF_ABBREV];
	const struct dwarf_abbrevs *found = find(d, u);
	struct dwarf_abbrevs *t, **added;
	struct reader r;
	uint64_t left;

	if (found || u->abbrev_offset >= s->size || !dwarf_charge(d, 1 + d->nr_tables))
		return found;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->offset = u->abbrev_offset;
	t->version = u->version;
	t->addr_size = u->addr_size;
	t->offset_size = u->offset_size;
	left = s->size - u->abbrev_offset;
	r = dwarf_section_at(s, u->abbrev_offset, left, d->swap);
	if (!read_table(t, &r, u) || !dwarf_charge(d, ENTRY_WORK * (left - reader_left(&r))))
		goto out;
	added = array_try_push(d->tables, d->nr_tables, d->tables_cap);
	if (!added)
		goto out;
	*added = t;
	d->tables_size += table_size(t);
	return t;
out:
	table_free(t);
	return NULL;
}

const struct dwarf_abbrev *dwarf_abbrev_find(const struct dwarf_abbrevs *t, uint64_t code)
{
	uint32_t low;

	if (code - 1 < t->nr && t->abbrevs[code - 1].code == code)
		return &t->abbrevs[code - 1];
	low = array_partition(t->abbrevs, t->nr, e, e->code < code);
	return low < t->nr && t->abbrevs[low].code == code ? &t->abbrevs[low] : NULL;
}
