/* Objects' pages in the memory of the walker in the kernel. */
#include <string.h>

#include "base/array.h"
#include "unwind/mirror_impl.h"

static bool covers(const struct mirror_range *r, uint32_t object, uint64_t page)
{
	return r->nr && r->object == object && page >= r->page && page - r->page < r->nr;
}

static uint64_t *rows_of(struct unwind_mirror *m, const struct mirror_range *r, uint64_t page)
{
	return &m->memory.kpages[r->index + (page - r->page)].rows;
}

static bool is_rows(uint64_t rows)
{
	return rows != UNWIND_ROWS_NONE && rows != UNWIND_ROWS_FAILED;
}

static void publish(uint64_t *at, uint64_t value)
{
	__atomic_store_n(at, value, __ATOMIC_RELEASE);
}

static uint32_t units_of(uint32_t nr_rows)
{
	return (nr_rows + MIRROR_UNIT_ROWS - 1) / MIRROR_UNIT_ROWS;
}

/* --- Rows --- */

static void rows_free(struct unwind_mirror *m, uint64_t rows)
{
	uint32_t unit = unwind_rows_slab(rows) * MIRROR_SLAB_UNITS + unwind_rows_first(rows) / MIRROR_UNIT_ROWS;

	extents_put(&m->units, unit, units_of(unwind_rows_nr(rows)), m->now_ns);
	m->nr_pages--;
}

/* ROWS are R's; they are free when no other range has them. */
static void rows_put(struct unwind_mirror *m, const struct mirror_range *r, uint64_t page, uint64_t rows)
{
	for (uint32_t i = 0; i < m->nr_ranges; i++)
		if (&m->ranges[i] != r && covers(&m->ranges[i], r->object, page) &&
		    *rows_of(m, &m->ranges[i], page) == rows)
			return;
	rows_free(m, rows);
}

static void range_free(struct unwind_mirror *m, struct mirror_range *r)
{
	for (uint32_t k = 0; k < r->nr; k++) {
		struct unwind_kpage *page = &m->memory.kpages[r->index + k];

		if (is_rows(page->rows))
			rows_put(m, r, r->page + k, page->rows);
	}
	extents_put(&m->kpages, r->index, r->nr, m->now_ns);
	r->nr = 0;
}

/* Nobody maps them any more. Their room is free after the grace. */
static void free_unused(struct unwind_mirror *m)
{
	for (uint32_t i = 0; i < m->nr_ranges; i++)
		if (m->ranges[i].nr && !m->ranges[i].refs)
			range_free(m, &m->ranges[i]);
}

/* Such samples are copied until there is room. */
static uint64_t rows_refused(struct unwind_mirror *m)
{
	m->nr_no_room++;
	if (!m->room_ns)
		m->room_ns = m->now_ns + MIRROR_NO_ROOM_NS;
	return UNWIND_ROWS_NONE;
}

/* Copies in the rows of a page. UNWIND_ROWS_NONE: no room. */
static uint64_t rows_copy(struct unwind_mirror *m, const uint32_t *rows, uint32_t nr)
{
	uint32_t unit = extents_get(&m->units, units_of(nr), MIRROR_SLAB_UNITS), slab, first;

	if (unit == EXTENTS_NONE) {
		free_unused(m);
		return rows_refused(m);
	}
	slab = unit / MIRROR_SLAB_UNITS;
	first = unit % MIRROR_SLAB_UNITS * MIRROR_UNIT_ROWS;
	if (!m->slabs[slab])
		m->slabs[slab] = m->memory.slab(m->memory.ctx, slab);
	if (!m->slabs[slab]) {
		extents_put(&m->units, unit, units_of(nr), m->now_ns);
		return rows_refused(m);
	}
	for (uint32_t i = 0; i < nr; i++)
		m->memory.rules[rows[i] & 0xffff] = *unwind_tables_rule(m->tables, rows[i] & 0xffff);
	memcpy(m->slabs[slab] + first, rows, nr * sizeof(*rows));
	m->nr_pages++;
	return unwind_rows_at(slab, first, nr);
}

/* --- What the tables tell --- */

static void added(void *ctx, uint32_t object, uint64_t offset)
{
	struct unwind_mirror *m = ctx;
	uint64_t page = offset >> UNWIND_PAGE_SHIFT, at = UNWIND_ROWS_NONE;
	const uint32_t *rows = NULL;
	bool wanted = false;
	uint32_t nr;

	for (uint32_t i = 0; i < m->nr_ranges; i++) {
		if (!covers(&m->ranges[i], object, page))
			continue;
		if (is_rows(*rows_of(m, &m->ranges[i], page)))
			at = *rows_of(m, &m->ranges[i], page); /* all ranges have the same */
		else
			wanted = true;
	}
	if (wanted && !is_rows(at))
		rows = unwind_tables_rows(m->tables, object, offset, &nr);
	if (rows)
		at = rows_copy(m, rows, nr);
	for (uint32_t i = 0; wanted && i < m->nr_ranges; i++)
		if (covers(&m->ranges[i], object, page))
			publish(rows_of(m, &m->ranges[i], page), at);
}

static void dropped(void *ctx, uint32_t object, uint64_t offset)
{
	struct unwind_mirror *m = ctx;
	uint64_t page = offset >> UNWIND_PAGE_SHIFT, had = UNWIND_ROWS_NONE;

	for (uint32_t i = 0; i < m->nr_ranges; i++) {
		uint64_t *rows;

		if (!covers(&m->ranges[i], object, page))
			continue;
		rows = rows_of(m, &m->ranges[i], page);
		if (is_rows(*rows))
			had = *rows;
		publish(rows, UNWIND_ROWS_NONE);
	}
	if (is_rows(had))
		rows_free(m, had);
}

static bool used(void *ctx, uint32_t object, uint64_t offset)
{
	struct unwind_mirror *m = ctx;
	uint64_t page = offset >> UNWIND_PAGE_SHIFT;
	bool was = false;

	for (uint32_t i = 0; i < m->nr_ranges; i++) {
		struct unwind_kpage *k;

		if (!covers(&m->ranges[i], object, page))
			continue;
		k = &m->memory.kpages[m->ranges[i].index + (page - m->ranges[i].page)];
		was |= __atomic_exchange_n(&k->used, 0, __ATOMIC_RELAXED) != 0;
	}
	return was;
}

void mirror_pages_watch(struct unwind_mirror *m)
{
	struct unwind_watch w = { .ctx = m, .added = added, .dropped = dropped, .used = used };

	unwind_tables_watch(m->tables, &w);
}

/* --- Ranges --- */

struct filling {
	struct unwind_mirror *m;
	uint32_t object;
};

static void fill(void *ctx, uint64_t offset)
{
	const struct filling *f = ctx;

	added(f->m, f->object, offset);
}

uint32_t mirror_range_get(struct unwind_mirror *m, const struct mirror_map *map)
{
	uint64_t page = map->pgoff >> UNWIND_PAGE_SHIFT, last = map->pgoff + (map->end - map->start) - 1;
	struct filling f = { m, map->object };
	struct mirror_range r = { .object = map->object, .page = page, .refs = 1 };
	uint32_t at = HASH_NONE;

	if (last < map->pgoff || (last >> UNWIND_PAGE_SHIFT) - page >= m->kpages.nr)
		return HASH_NONE;
	r.nr = (uint32_t)((last >> UNWIND_PAGE_SHIFT) - page) + 1;
	for (uint32_t i = 0; i < m->nr_ranges; i++) {
		if (covers(&m->ranges[i], r.object, page) && covers(&m->ranges[i], r.object, page + r.nr - 1)) {
			m->ranges[i].refs++;
			return i;
		}
		if (!m->ranges[i].nr)
			at = i;
	}
	r.index = extents_get(&m->kpages, r.nr, m->kpages.nr);
	if (r.index == EXTENTS_NONE) {
		free_unused(m);
		m->nr_no_room++;
		return HASH_NONE;
	}
	memset(&m->memory.kpages[r.index], 0, r.nr * sizeof(m->memory.kpages[0]));
	if (at == HASH_NONE) {
		at = m->nr_ranges;
		array_push(m->ranges, m->nr_ranges, m->ranges_cap);
	}
	m->ranges[at] = r;
	unwind_tables_each(m->tables, r.object, fill, &f);
	return at;
}

/* --- Pages that will not come --- */

void mirror_fail(struct unwind_mirror *m, uint32_t object, uint64_t offset)
{
	uint64_t page = offset >> UNWIND_PAGE_SHIFT;

	for (uint32_t i = 0; i < m->nr_ranges; i++)
		if (covers(&m->ranges[i], object, page) && !is_rows(*rows_of(m, &m->ranges[i], page)))
			publish(rows_of(m, &m->ranges[i], page), UNWIND_ROWS_FAILED);
	if (!m->failed_ns)
		m->failed_ns = m->now_ns + MIRROR_FAILED_NS;
}

void mirror_pages_fill(struct unwind_mirror *m)
{
	m->room_ns = 0;
	for (uint32_t i = 0; i < m->nr_ranges; i++)
		for (uint32_t k = 0; k < m->ranges[i].nr; k++)
			if (m->memory.kpages[m->ranges[i].index + k].rows == UNWIND_ROWS_NONE)
				added(m, m->ranges[i].object, (m->ranges[i].page + k) << UNWIND_PAGE_SHIFT);
}

void mirror_pages_retry(struct unwind_mirror *m)
{
	m->failed_ns = 0;
	for (uint32_t i = 0; i < m->memory.nr_kpages; i++)
		if (m->memory.kpages[i].rows == UNWIND_ROWS_FAILED)
			publish(&m->memory.kpages[i].rows, UNWIND_ROWS_NONE);
}
