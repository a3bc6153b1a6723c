#include "object/dwarf_constants.h"
#include "object/dwarf_impl.h"

/* Where ranges are gathered. */
struct ranges {
	struct dwarf *d;
	const struct dwarf_unit *u;
	struct dwarf_range *out;
	uint32_t nr, max;
	uint64_t base;
};

static void add(struct ranges *g, uint64_t start, uint64_t end)
{
	if (end > start && g->nr < g->max)
		g->out[g->nr++] = (struct dwarf_range){ start, end };
}

static struct reader at(struct ranges *g, const struct dwarf *file, enum dwarf_section_id id,
			uint64_t offset)
{
	const struct dwarf_section *s = &file->sections[id];

	return dwarf_section_at(s, offset, offset < s->size ? s->size - offset : 0, g->d->swap);
}

/* DWARF 4 section 2.17.3. */
static void old_list(struct ranges *g, struct reader *r)
{
	unsigned size = g->u->addr_size;
	uint64_t top = size == 4 ? UINT32_MAX : UINT64_MAX;

	while (g->nr < g->max && dwarf_charge(g->d, 2 * size)) {
		uint64_t start = dwarf_read_sized(r, size), end = dwarf_read_sized(r, size);

		if (r->failed || (!start && !end))
			break;
		if (start == top)
			g->base = end;
		else
			add(g, g->base + start, g->base + end);
	}
}

static uint64_t indexed(struct ranges *g, struct reader *r)
{
	uint64_t address = 0;

	if (!dwarf_address_at(g->d, g->u, reader_uleb(r), &address))
		reader_fail(r);
	return address;
}

/* Section 7.25. */
static void list(struct ranges *g, struct reader *r)
{
	unsigned size = g->u->addr_size;

	while (g->nr < g->max && dwarf_charge(g->d, 4)) {
		struct dwarf_range v = { 0 };
		uint8_t kind = reader_u8(r);

		switch (kind) {
		case DW_RLE_base_addressx: g->base = indexed(g, r); continue;
		case DW_RLE_base_address: g->base = dwarf_read_sized(r, size); continue;
		case DW_RLE_startx_endx:
			v.start = indexed(g, r);
			v.end = indexed(g, r);
			break;
		case DW_RLE_startx_length:
			v.start = indexed(g, r);
			v.end = v.start + reader_uleb(r);
			break;
		case DW_RLE_offset_pair:
			v.start = g->base + reader_uleb(r);
			v.end = g->base + reader_uleb(r);
			break;
		case DW_RLE_start_end:
			v.start = dwarf_read_sized(r, size);
			v.end = dwarf_read_sized(r, size);
			break;
		case DW_RLE_start_length:
			v.start = dwarf_read_sized(r, size);
			v.end = v.start + reader_uleb(r);
			break;
		default: return;
		}
		if (r->failed)
			return;
		add(g, v.start, v.end);
	}
}

static void listed(struct ranges *g, const struct dwarf_value *v)
{
	const struct dwarf *d = g->d;
	const struct dwarf_unit *u = g->u;
	uint64_t offset = v->u;
	struct reader r;

	if (u->version < 5) {
		const struct dwarf *file = d->split ? d->skeleton : d;

		if (!file)
			return;
		if (d->split && u->skeleton)
			offset += u->skeleton->ranges_base;
		r = at(g, file, DWARF_RANGES, offset);
		old_list(g, &r);
		return;
	}
	if (v->form == DW_FORM_rnglistx) {
		if (offset > d->sections[DWARF_RNGLISTS].size)
			return;
		r = at(g, d, DWARF_RNGLISTS, u->rnglists_base + offset * u->offset_size);
		offset = u->rnglists_base + dwarf_read_sized(&r, u->offset_size);
		if (r.failed)
			return;
	}
	r = at(g, d, DWARF_RNGLISTS, offset);
	list(g, &r);
}

uint32_t dwarf_ranges(struct dwarf *d, const struct dwarf_unit *u, const struct dwarf_die *die,
		      struct dwarf_range *ranges, uint32_t max)
{
	struct ranges g = { .d = d, .u = u, .out = ranges, .max = max, .base = u->low_pc };
	const struct dwarf_value *high = &die->values[SLOT_HIGH_PC];
	uint64_t start, end;

	if (dwarf_has(die, SLOT_RANGES)) {
		listed(&g, &die->values[SLOT_RANGES]);
	} else if (dwarf_has(die, SLOT_LOW_PC) && dwarf_has(die, SLOT_HIGH_PC) &&
		   dwarf_value_address(d, u, &die->values[SLOT_LOW_PC], &start)) {
		if (dwarf_value_is_number(high))
			end = start + high->u;
		else if (!dwarf_value_address(d, u, high, &end))
			return 0;
		add(&g, start, end);
	}
	return g.nr;
}
