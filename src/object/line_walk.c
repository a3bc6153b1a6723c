#include <string.h>

#include "base/array.h"
#include "object/line_build_impl.h"

#define DIE_WORK 64 /* a DIE looked at for its name */

static uint32_t intern_value(struct line_build *b, struct dwarf *d, const struct dwarf_unit *u,
			     const struct dwarf_value *v)
{
	const char *s = dwarf_value_string(d, u, v);

	return s ? line_intern(b, s, strnlen(s, DWARF_STRING_MAX)) : 0;
}

static struct line_name *find_name(struct line_build *b, const struct dwarf_ref *ref, uint32_t hash)
{
	uint32_t pos, i;

	for (i = hash_first(&b->name_hash, hash, &pos); i != HASH_NONE;
	     i = hash_next(&b->name_hash, hash, &pos))
		if (b->names[i].offset == ref->offset && b->names[i].file == ref->file)
			return &b->names[i];
	return NULL;
}

/* What is known so far on the way from one DIE along its links. */
struct naming {
	struct dwarf *d;
	const struct dwarf_unit *u;
	uint32_t linkage, plain, line;
};

static void take(struct line_build *b, struct naming *n, const struct dwarf_die *die)
{
	if (!n->linkage && dwarf_has(die, SLOT_LINKAGE_NAME))
		n->linkage = intern_value(b, n->d, n->u, &die->values[SLOT_LINKAGE_NAME]);
	if (!n->linkage && !n->plain && dwarf_has(die, SLOT_NAME))
		n->plain = intern_value(b, n->d, n->u, &die->values[SLOT_NAME]);
	if (!n->line && dwarf_has(die, SLOT_DECL_LINE) &&
	    dwarf_value_is_number(&die->values[SLOT_DECL_LINE]))
		n->line = (uint32_t)die->values[SLOT_DECL_LINE].u;
}

static bool link_of(const struct naming *n, const struct dwarf_die *die, struct dwarf_ref *ref)
{
	if (dwarf_has(die, SLOT_ORIGIN))
		return dwarf_value_ref(n->d, n->u, &die->values[SLOT_ORIGIN], ref);
	return dwarf_has(die, SLOT_SPECIFICATION) &&
	       dwarf_value_ref(n->d, n->u, &die->values[SLOT_SPECIFICATION], ref);
}

static bool follow(struct line_build *b, struct naming *n, const struct dwarf_ref *ref,
		   struct dwarf_die *die)
{
	struct reader r;

	n->u = dwarf_unit_at(ref->file, ref->file == n->d ? n->u : NULL, ref->offset);
	n->d = ref->file;
	if (!n->u || !dwarf_charge(b->d, DIE_WORK))
		return false;
	r = dwarf_section_at(&n->d->sections[DWARF_INFO], ref->offset, n->u->end - ref->offset,
			     n->d->swap);
	return dwarf_die_read(n->d, n->u, &r, true, die);
}

/* Name and line of a function: DW_AT_linkage_name of whichever DIE has one along abstract_origin
 * and specification, else the first DW_AT_name; the first line. */
static struct line_name name_of(struct line_build *b, struct dwarf *d, const struct dwarf_unit *u,
				const struct dwarf_die *die)
{
	struct naming n = { .d = d, .u = u };
	struct dwarf_die linked;
	struct line_name *known, made = { 0 };
	struct dwarf_ref first, ref;
	uint32_t hash;

	take(b, &n, die);
	if (link_of(&n, die, &ref)) {
		first = ref;
		hash = hash_2u64(first.offset, (uintptr_t)first.file);
		known = n.linkage || n.plain || n.line ? NULL : find_name(b, &first, hash);
		if (known)
			return *known;
		for (unsigned hop = 0; hop < DWARF_HOPS_MAX && follow(b, &n, &ref, &linked); hop++) {
			take(b, &n, &linked);
			if (!link_of(&n, &linked, &ref))
				break;
		}
		made = (struct line_name){ first.file, first.offset, 0, 0 };
	}
	made.name = n.linkage ? n.linkage : n.plain;
	made.line = n.line;
	return made;
}

static void remember(struct line_build *b, const struct line_name *n)
{
	hash_add(&b->name_hash, hash_2u64(n->offset, (uintptr_t)n->file), b->nr_names);
	*array_push(b->names, b->nr_names, b->names_cap) = *n;
}

/* Those of DIE that are code that is there, into ranges; their number. */
static uint32_t take_ranges(struct line_build *b, struct dwarf *d, const struct dwarf_unit *u,
			    const struct dwarf_die *die)
{
	uint32_t nr = dwarf_ranges(d, u, die, b->scratch, DWARF_RANGES_MAX), first = b->nr_ranges;

	for (uint32_t i = 0; i < nr; i++) {
		const struct dwarf_range *r = &b->scratch[i];

		if (line_in_text(b, r->start) && r->end - b->base < UINT32_MAX)
			*array_push(b->ranges, b->nr_ranges, b->ranges_cap) = (struct dwarf_range){
				r->start - b->base, r->end - b->base
			};
	}
	return b->nr_ranges - first;
}

static uint32_t call_value(const struct dwarf_die *die, enum dwarf_slot slot)
{
	const struct dwarf_value *v = &die->values[slot];

	return dwarf_has(die, slot) && dwarf_value_is_number(v) && v->u <= UINT32_MAX
		       ? (uint32_t)v->u : 0;
}

/* Adds DIE as a node in PARENT (LINE_NO_NODE: a function); its number or LINE_NO_NODE. */
static uint32_t add_node(struct line_build *b, struct dwarf *d, const struct dwarf_unit *u,
			 const struct dwarf_die *die, uint32_t parent)
{
	struct line_node node = { .parent = parent, .first_range = b->nr_ranges };
	bool function = die->kind == KIND_FUNCTION, own_name;
	struct line_name name;

	node.nr_ranges = take_ranges(b, d, u, die);
	if (!node.nr_ranges)
		return LINE_NO_NODE;
	if (!function) {
		node.call_line = call_value(die, SLOT_CALL_LINE);
		if (dwarf_has(die, SLOT_CALL_FILE))
			node.call_file = line_file(b, call_value(die, SLOT_CALL_FILE));
	}
	own_name = die->have & (1u << SLOT_NAME | 1u << SLOT_LINKAGE_NAME | 1u << SLOT_DECL_LINE);
	name = name_of(b, d, u, die);
	if (name.file && !own_name &&
	    !find_name(b, &(struct dwarf_ref){ (struct dwarf *)(uintptr_t)name.file, name.offset },
		       hash_2u64(name.offset, (uintptr_t)name.file)))
		remember(b, &name);
	node.name = name.name;
	node.start_line = name.line;
	*array_push(b->nodes, b->nr_nodes, b->nodes_cap) = node;
	return b->nr_nodes - 1;
}

/* A function's nodes are complete: they become a blob and are forgotten. */
static void close_function(struct line_build *b, uint32_t node)
{
	const struct line_node *n = &b->nodes[node];
	uint32_t first_range = n->first_range;

	for (uint32_t i = 0; i < n->nr_ranges; i++) {
		const struct dwarf_range *r = &b->ranges[n->first_range + i];

		*array_push(b->functions, b->nr_functions, b->functions_cap) =
			(struct radix_entry){ r->start, (uint32_t)(r->end - r->start),
					      (uint32_t)b->blobs.size };
	}
	line_encode_function(b, node);
	b->nr_nodes = node;
	b->nr_ranges = first_range;
}

static void close_top(struct line_build *b)
{
	const struct line_open *o = &b->open[--b->nr_open];

	if (o->function && o->node != LINE_NO_NODE)
		close_function(b, o->node);
}

/* A function, or one inlined, at DEPTH. */
static void enter(struct line_build *b, struct dwarf *d, const struct dwarf_unit *u,
		  const struct dwarf_die *die, uint32_t depth)
{
	bool function = die->kind == KIND_FUNCTION;
	uint32_t node = LINE_NO_NODE,
		 parent = b->nr_open ? b->open[b->nr_open - 1].node : LINE_NO_NODE;

	if (b->nr_open == LINE_DEPTH_MAX) /* what is in it goes to what it is in */
		return;
	if (function)
		node = add_node(b, d, u, die, LINE_NO_NODE);
	else if (parent != LINE_NO_NODE)
		node = add_node(b, d, u, die, parent);
	if (die->children || function) {
		b->open[b->nr_open++] = (struct line_open){ depth, node, function };
		if (!die->children)
			close_top(b);
	}
}

void line_read_functions(struct line_build *b, struct dwarf *d, const struct dwarf_unit *u)
{
	const struct dwarf_section *s = &d->sections[DWARF_INFO];
	struct reader r = dwarf_section_at(s, u->dies, u->end - u->dies, d->swap);
	struct dwarf_die die;
	uint32_t depth = 0;

	b->nr_open = b->nr_nodes = b->nr_ranges = 0;
	dwarf_charge(b->d, u->end - u->dies);
	while (reader_left(&r) && b->work.left) {
		if (dwarf_die_read(d, u, &r, false, &die)) {
			if (die.kind == KIND_FUNCTION || die.kind == KIND_INLINED)
				enter(b, d, u, &die, depth);
			depth += die.children;
			continue;
		}
		if (r.failed || !depth || !--depth) /* padding follows the unit's own DIE */
			break;
		if (b->nr_open && b->open[b->nr_open - 1].depth == depth)
			close_top(b);
	}
	while (b->nr_open)
		close_top(b);
}
