/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* code: what is at an address: the mapping, its page, the row, the rule. As find_rule of unwind/stack.c, but of what the
 * sampler has written; the searches are other code, since the verifier must see an end and bounds. */
#ifndef BPF_CODE_H
#define BPF_CODE_H

#include "bpf/maps.h"

/* Finds the mapping of w->at.pc. */
__attribute__((noinline)) int find_map(void)
{
	struct walk *w = this_walk();
	__u32 base, nr, i;
	struct unwind_kmap *m;
	__u64 pc;

	if (!w)
		return 0;
	base = w->first + 1;
	nr = w->nr_maps;
	pc = w->at.pc;
	if (!nr)
		return 0;
	for (i = 0; i < 13 && nr > 1; i++) { /* of UNWIND_IMAGE_MAPS_MAX */
		__u32 half = nr / 2, at = base + half;

		m = bpf_map_lookup_elem(&kmaps, &at);
		if (!m)
			return 0;
		if (m->start <= pc)
			base = at;
		nr -= half;
	}
	m = bpf_map_lookup_elem(&kmaps, &base);
	if (!m || pc < m->start || pc >= m->end)
		return 0;
	w->map_start = m->start;
	w->map_end = m->end;
	w->map_page = m->page;
	w->map_skew = m->skew;
	w->map_kind = m->kind;
	return 1;
}

/* Finds the row of the code LOW in page number INDEX: w->rule. UNWIND_GO_ON, or NO_PAGE; −1: it may still come. */
__attribute__((noinline)) int find_row(__u32 index, __u32 low)
{
	struct unwind_kpage *page = bpf_map_lookup_elem(&kpages, &index);
	__u32 slab, zero = 0, at, nr, i, key = low << 16 | 0xffff, number;
	struct walk *w = this_walk();
	struct unwind_rule *rule;
	const __u32 *rows;
	__u64 where;
	void *inner;

	if (!page || !w)
		return UNWIND_STOP_NO_PAGE;
	where = *(volatile __u64 *)&page->rows; /* once: it may change */
	if (where == UNWIND_ROWS_NONE)
		return -1;
	if (where == UNWIND_ROWS_FAILED)
		return UNWIND_STOP_NO_PAGE;
	if (!page->used)
		page->used = 1;
	slab = unwind_rows_slab(where);
	at = unwind_rows_first(where);
	nr = unwind_rows_nr(where);
	inner = bpf_map_lookup_elem(&slabs, &slab);
	if (!inner)
		return UNWIND_STOP_NO_PAGE;
	rows = bpf_map_lookup_elem(inner, &zero);
	if (!rows)
		return UNWIND_STOP_NO_PAGE;
	for (i = 0; i < 15 && nr > 1; i++) { /* of UNWIND_PAGE_ROWS_MAX */
		__u32 half = nr / 2, middle = at + half;

		hide(middle);
		middle &= UNWIND_SLAB_ROWS - 1;
		if (rows[middle] <= key)
			at = middle;
		nr -= half;
	}
	hide(at);
	at &= UNWIND_SLAB_ROWS - 1;
	number = rows[at] & 0xffff;
	rule = bpf_map_lookup_elem(&rules, &number);
	if (!rule)
		return UNWIND_STOP_NO_PAGE;
	w->rule = *rule;
	return UNWIND_GO_ON;
}

/* Where the rule of w->at.pc is, if it was found lately. */
static __always_inline struct recent *recent_of(struct walk *w)
{
	__u64 hash = (w->at.pc ^ (__u64)w->out.serial << 32) * 0x9e3779b97f4a7c15ull >> 32;

	hide(hash);
	return &w->recent[hash & (RECENT_RULES - 1)];
}

/* Searches for the rule of w->at.pc. As find_rule in unwind/stack.c; −1: it may still come. */
__attribute__((noinline)) int search(void)
{
	struct walk *w = this_walk();
	struct recent *r;
	__u32 page = NO_PAGE;
	__u64 offset;
	int stop;

	if (!w)
		return UNWIND_STOP_NO_PAGE;
	if ((w->at.pc < w->map_start || w->at.pc >= w->map_end) && !find_map())
		/* An address that a guess found is what was wrong, not the maps. */
		return w->at.guess ? UNWIND_STOP_NO_ROW : UNWIND_STOP_NO_MAPPING;
	switch (w->map_kind) {
	case UNWIND_KMAP_TABLES:
		offset = w->at.pc - w->map_start + w->map_skew;
		page = w->map_page + (__u32)(offset >> UNWIND_PAGE_SHIFT);
		stop = find_row(page, offset & 0xffff);
		if (stop != UNWIND_GO_ON)
			return stop;
		break;
	case UNWIND_KMAP_FILELESS:
		w->rule.cfa = UNWIND_NONE;
		w->rule.fp = 0;
		break;
	case UNWIND_KMAP_ASK:
		return -1;
	default:
		return UNWIND_STOP_NO_PAGE;
	}
	r = recent_of(w);
	*r = (struct recent){ w->at.pc, w->out.serial, page, w->rule };
	return UNWIND_GO_ON;
}

/* A page that nobody looks at may go. */
static __always_inline void mark(struct walk *w, __u32 index)
{
	struct unwind_kpage *page;

	if (index == w->used)
		return;
	w->used = index;
	page = bpf_map_lookup_elem(&kpages, &index);
	if (page && !page->used)
		page->used = 1;
}

/* The rule of w->at.pc: w->rule. UNWIND_GO_ON, why there is none, or −1. */
static __always_inline int find_rule(struct walk *w)
{
	const struct recent *r = recent_of(w);

	if (r->pc != w->at.pc || r->serial != w->out.serial)
		return search();
	mark(w, r->page);
	w->rule = r->rule;
	return UNWIND_GO_ON;
}

#endif
