/* unwind/mirror: what the walker in the kernel would read, read as it reads it. And extents, compact records. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unwind/compact.h"
#include "unwind/extents.h"
#include "unwind/mirror.h"

#define SLABS 4
#define MS 1000000ull
#define NR_RULES 10
#define ROW(low, rule) ((uint32_t)(low) << 16 | (rule))

/* --- Extents --- */

static void extents_wait_before_they_are_used_again(void **state)
{
	struct extents e;

	extents_init(&e, 100);
	assert_int_equal(extents_get(&e, 0, 100), EXTENTS_NONE);
	assert_int_equal(extents_get(&e, 60, 100), 0);
	assert_int_equal(extents_get(&e, 41, 100), EXTENTS_NONE);
	assert_int_equal(extents_get(&e, 40, 100), 60);
	extents_put(&e, 0, 60, 5);
	assert_int_equal(extents_get(&e, 1, 100), EXTENTS_NONE);
	extents_settle(&e, 5); /* nothing that was put before 5 */
	assert_int_equal(extents_get(&e, 1, 100), EXTENTS_NONE);
	extents_settle(&e, 6);
	assert_int_equal(extents_get(&e, 1, 100), 0);
	assert_int_equal(extents_get(&e, 59, 100), 1);
	extents_fini(&e);
}

static void extents_stay_within_a_run(void **state)
{
	struct extents e;

	extents_init(&e, 64);
	assert_int_equal(extents_get(&e, 17, 16), EXTENTS_NONE);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(extents_get(&e, 10, 16), i * 16);
	assert_int_equal(extents_get(&e, 10, 16), EXTENTS_NONE);
	assert_int_equal(extents_get(&e, 6, 16), 10);
	extents_fini(&e);
}

/* --- Memory as the kernel has it --- */

struct world {
	struct unwind_bucket buckets[8];
	struct unwind_kmap kmaps[64];
	struct unwind_kpage kpages[64];
	struct unwind_rule rules[UNWIND_RULES_MAX];
	uint32_t slabs[SLABS][UNWIND_SLAB_ROWS];
	uint32_t nr_slabs; /* that can be had */
	struct unwind_tables *tables;
	struct unwind_mirror *mirror;
};

static uint32_t *slab(void *ctx, uint32_t index)
{
	struct world *w = ctx;

	return index < w->nr_slabs ? w->slabs[index] : NULL;
}

static struct world *world_new(uint32_t nr_slabs, size_t limit)
{
	struct world *w = calloc(1, sizeof(*w));
	struct mirror_memory m = {
		.buckets = w->buckets, .kmaps = w->kmaps, .kpages = w->kpages, .rules = w->rules,
		.nr_buckets = 8, .nr_kmaps = 64, .nr_kpages = 64, .nr_slabs = SLABS, .slab = slab, .ctx = w,
	};

	w->nr_slabs = nr_slabs;
	w->tables = unwind_tables_new(limit);
	w->mirror = mirror_new(&m, w->tables);
	return w;
}

static void world_free(struct world *w)
{
	mirror_free(w->mirror);
	unwind_tables_free(w->tables);
	free(w);
}

#define LOOK_NO_PROCESS (-1)
#define LOOK_NO_MAP (-2)
#define LOOK_ASK (-3)
#define LOOK_FAILED (-4)
#define LOOK_FILELESS (-5)

/* As find_image, find_map and find_row of bpf/unwind.bpf.c: the cfa_off of the rule, which our pages make tell. */
static int look(struct world *w, uint32_t pid, uint64_t address, uint32_t *serial)
{
	uint64_t slot = 0, rows, offset;
	const struct unwind_kmap *head, *m = NULL;
	struct unwind_kpage *page;

	for (uint32_t second = 0; second < 2; second++)
		for (unsigned i = 0; i < UNWIND_BUCKET_SLOTS; i++) {
			uint64_t s = w->buckets[unwind_bucket_hash(pid, second) & 7].slots[i];

			if ((s & ((1u << UNWIND_PID_BITS) - 1)) == pid)
				slot = s;
		}
	if (!slot)
		return LOOK_NO_PROCESS;
	head = &w->kmaps[slot >> 38];
	*serial = (uint32_t)head->start;
	for (uint32_t i = 1; i <= (slot >> 22 & 0xffff); i++)
		if (address >= head[i].start && address < head[i].end)
			m = &head[i];
	if (!m)
		return LOOK_NO_MAP;
	if (m->kind != UNWIND_KMAP_TABLES)
		return m->kind == UNWIND_KMAP_ASK ? LOOK_ASK : LOOK_FILELESS;
	offset = address - m->start + m->skew;
	page = &w->kpages[m->page + (offset >> 16)];
	rows = page->rows;
	if (rows == UNWIND_ROWS_NONE || rows == UNWIND_ROWS_FAILED)
		return rows == UNWIND_ROWS_NONE ? LOOK_ASK : LOOK_FAILED;
	page->used = 1;
	rows = unwind_row(&w->slabs[unwind_rows_slab(rows)][unwind_rows_first(rows)], unwind_rows_nr(rows),
			  offset & 0xffff);
	return w->rules[rows & 0xffff].cfa_off;
}

/* A page of OBJECT whose rule at its byte 16 × k has the CFA offset FIRST + 8 × (k mod 10). */
static void add_page(struct world *w, uint32_t object, uint64_t number, int first, uint32_t nr_rows)
{
	struct unwind_rule rules[NR_RULES + 1] = { 0 };
	uint32_t *rows = calloc(nr_rows, sizeof(*rows));
	struct unwind_page p = { number * UNWIND_PAGE_SIZE, nr_rows, NR_RULES + 1, rows, rules };

	for (int k = 0; k < NR_RULES; k++)
		rules[k + 1] = (struct unwind_rule){ first + k * 8, 0, UNWIND_SP, 0 };
	for (uint32_t k = 0; k < nr_rows; k++)
		rows[k] = ROW(k * 16, k % NR_RULES + 1);
	assert_int_equal(unwind_tables_add(w->tables, object, &p), 0);
	free(rows);
}

static struct mirror_map map_of(uint64_t start, uint64_t size, uint64_t pgoff, uint32_t object)
{
	return (struct mirror_map){ start, start + size, pgoff, object, UNWIND_KMAP_TABLES };
}

static void pages_are_found_by_address(void **state)
{
	struct world *w = world_new(SLABS, 1 << 20);
	struct mirror_map maps[] = { map_of(0x400000, 0x30000, 0x1f000, 5),
				     { 0x500000, 0x501000, 0, 0, UNWIND_KMAP_FILELESS },
				     { 0x600000, 0x601000, 0, 0, UNWIND_KMAP_ASK } };
	uint32_t serial = 0;

	add_page(w, 5, 1, 1000, 10);
	assert_int_equal(look(w, 7, 0x400000, &serial), LOOK_NO_PROCESS);
	assert_true(mirror_put(w->mirror, 7, 99, maps, 3));
	/* Offset 0x1f000 is in page 1, behind all its rows. */
	assert_int_equal(look(w, 7, 0x400000, &serial), 1000 + 9 * 8);
	assert_int_equal(serial, 99);
	assert_int_equal(look(w, 7, 0x401000, &serial), LOOK_ASK); /* page 2 */
	add_page(w, 5, 2, 2000, 3);
	assert_int_equal(look(w, 7, 0x401000, &serial), 2000);
	assert_int_equal(look(w, 7, 0x401010, &serial), 2008);
	assert_int_equal(look(w, 7, 0x401fff, &serial), 2016);
	add_page(w, 5, 2, 3000, 1); /* in its place */
	assert_int_equal(look(w, 7, 0x401010, &serial), 3000);
	assert_int_equal(look(w, 7, 0x500000, &serial), LOOK_FILELESS);
	assert_int_equal(look(w, 7, 0x600000, &serial), LOOK_ASK);
	assert_int_equal(look(w, 7, 0x430000, &serial), LOOK_NO_MAP);
	mirror_del(w->mirror, 7);
	mirror_del(w->mirror, 7);
	assert_int_equal(look(w, 7, 0x400000, &serial), LOOK_NO_PROCESS);
	world_free(w);
}

static void relatives_share(void **state)
{
	struct world *w = world_new(SLABS, 1 << 20);
	struct mirror_map map = map_of(0x400000, 0x10000, 0, 5);
	struct mirror_stats s;
	uint32_t serial;

	add_page(w, 5, 0, 8, 4);
	for (uint32_t pid = 1; pid < 10; pid++)
		assert_true(mirror_put(w->mirror, pid, 3, &map, 1));
	assert_true(mirror_put(w->mirror, 9, 4, &map, 1)); /* has become another */
	mirror_stats(w->mirror, &s);
	assert_int_equal(s.nr_processes, 9);
	assert_int_equal(s.nr_images, 2);
	assert_int_equal(s.nr_ranges, 1);
	assert_int_equal(s.nr_pages, 1);
	assert_int_equal(look(w, 9, 0x400000, &serial), 8);
	assert_int_equal(serial, 4);
	for (uint32_t pid = 1; pid < 10; pid++)
		mirror_del(w->mirror, pid);
	mirror_stats(w->mirror, &s);
	assert_int_equal(s.nr_images, 0);
	assert_int_equal(s.nr_ranges, 1); /* until its room is needed */
	assert_true(mirror_put(w->mirror, 11, 5, &map, 1));
	assert_int_equal(look(w, 11, 0x400000, &serial), 8);
	world_free(w);
}

/* A page of a process, there since 1000 ms, whose rule says 8. */
static struct unwind_kpage *page_at_1000(struct world **out)
{
	struct world *w = world_new(SLABS, 1 << 20);
	struct mirror_map map = map_of(0x400000, 0x10000, 0, 5);

	mirror_tick(w->mirror, 1000 * MS);
	add_page(w, 5, 0, 8, 4);
	assert_true(mirror_put(w->mirror, 1, 3, &map, 1));
	*out = w;
	return &w->kpages[w->kmaps[1].page];
}

/* What the rule of the first of ROWS says. */
static int32_t first_offset(const struct world *w, uint64_t rows)
{
	return w->rules[w->slabs[0][unwind_rows_first(rows)] & 0xffff].cfa_off;
}

/* Who is walking now goes on to see what was there when it began. */
static void what_is_replaced_stays_for_a_while(void **state)
{
	struct world *w;
	struct unwind_kpage *page = page_at_1000(&w);
	uint64_t rows = page->rows;

	add_page(w, 5, 0, 800, 4);
	assert_int_not_equal(page->rows, rows);
	assert_int_equal(first_offset(w, rows), 8);
	mirror_tick(w->mirror, 1050 * MS);
	add_page(w, 5, 0, 1600, 4);
	assert_int_not_equal(page->rows, rows);
	/* 1000 and 1050: neither is 100 ms ago. Then both are. */
	mirror_tick(w->mirror, 1100 * MS);
	assert_int_equal(first_offset(w, rows), 8);
	mirror_tick(w->mirror, 1300 * MS);
	add_page(w, 5, 0, 2400, 4);
	assert_int_equal(page->rows, rows);
	world_free(w);
}

/* However long no tick has come, what goes between two of them has its time from then on. */
static void time_between_ticks_counts_for_nothing(void **state)
{
	struct world *w;
	struct unwind_kpage *page = page_at_1000(&w);
	uint64_t rows = page->rows;

	add_page(w, 5, 0, 800, 4); /* at 1999, say */
	mirror_tick(w->mirror, 2000 * MS);
	add_page(w, 5, 0, 1600, 4);
	assert_int_not_equal(page->rows, rows);
	assert_int_equal(first_offset(w, rows), 8);
	mirror_tick(w->mirror, 2100 * MS);
	add_page(w, 5, 0, 2400, 4);
	assert_int_equal(page->rows, rows);
	world_free(w);
}

/* Two ranges of one object, of which the later one stands first: one copy of the rows, and none when they go. */
static void overlapping_ranges_have_one_copy(void **state)
{
	struct world *w = world_new(SLABS, 1 << 20);
	struct mirror_map other = map_of(0x400000, 62 * UNWIND_PAGE_SIZE, 0, 7), one = map_of(0x400000, 0x20000, 0, 5),
			  two = map_of(0x400000, 0x20000, 0x10000, 5);
	struct mirror_stats s;
	uint32_t serial;

	mirror_tick(w->mirror, 1000 * MS);
	add_page(w, 5, 1, 8, 4);
	assert_true(mirror_put(w->mirror, 1, 3, &other, 1));
	assert_true(mirror_put(w->mirror, 2, 3, &one, 1));
	assert_int_equal(look(w, 2, 0x410000, &serial), 8);
	mirror_del(w->mirror, 1);
	assert_true(mirror_put(w->mirror, 3, 3, &two, 1)); /* no room: what nobody has goes */
	assert_int_equal(look(w, 3, 0x400000, &serial), LOOK_ASK);
	mirror_tick(w->mirror, 2000 * MS);
	mirror_tick(w->mirror, 3000 * MS);
	assert_true(mirror_put(w->mirror, 3, 3, &two, 1));
	assert_int_equal(look(w, 3, 0x400000, &serial), 8);
	mirror_stats(w->mirror, &s);
	assert_int_equal(s.nr_ranges, 2);
	assert_int_equal(s.nr_pages, 1);
	unwind_tables_forget(w->tables, 5);
	mirror_stats(w->mirror, &s);
	assert_int_equal(s.nr_pages, 0);
	assert_int_equal(look(w, 2, 0x410000, &serial), LOOK_ASK);
	assert_int_equal(look(w, 3, 0x400000, &serial), LOOK_ASK);
	world_free(w);
}

/* A page for which there was no room is taken when there is. */
static void room_comes_back(void **state)
{
	struct world *w = world_new(1, 1 << 24);
	struct mirror_map map = map_of(0x400000, 17 * UNWIND_PAGE_SIZE, 0, 5);
	uint32_t serial;

	mirror_tick(w->mirror, 1000 * MS);
	assert_true(mirror_put(w->mirror, 1, 3, &map, 1));
	for (unsigned page = 0; page < 17; page++) /* a 16th of the slab each */
		add_page(w, 5, page, 8 + (int)page * 100, page < 16 ? 4096 : 1);
	assert_int_equal(look(w, 1, 0x400000 + 15 * UNWIND_PAGE_SIZE, &serial), 8 + 15 * 100);
	assert_int_equal(look(w, 1, 0x400000 + 16 * UNWIND_PAGE_SIZE, &serial), LOOK_ASK);
	add_page(w, 5, 3, 8, 1);
	mirror_tick(w->mirror, 1500 * MS);
	mirror_tick(w->mirror, 2000 * MS);
	mirror_tick(w->mirror, 3000 * MS);
	assert_int_equal(look(w, 1, 0x400000 + 16 * UNWIND_PAGE_SIZE, &serial), 8 + 16 * 100);
	assert_int_equal(look(w, 1, 0x400000 + 3 * UNWIND_PAGE_SIZE, &serial), 8);
	world_free(w);
}

static void no_room(void **state)
{
	struct world *w = world_new(0, 1 << 20);
	struct mirror_map maps[64], big = map_of(0x400000, 65 * UNWIND_PAGE_SIZE, 0, 6);
	struct mirror_stats s;
	uint32_t serial;
	unsigned nr = 0;

	for (unsigned i = 0; i < 64; i++)
		maps[i] = (struct mirror_map){ 0x1000 * (i + 1), 0x1000 * (i + 2), 0, 0, UNWIND_KMAP_FILELESS };
	assert_false(mirror_put(w->mirror, 1, 3, maps, 64)); /* and a head */
	assert_true(mirror_put(w->mirror, 1, 3, maps, 60));
	assert_false(mirror_put(w->mirror, 1, 4, maps, 64)); /* nor stays what it was before */
	assert_int_equal(look(w, 1, 0x1000, &serial), LOOK_NO_PROCESS);
	mirror_tick(w->mirror, 1000 * MS);
	mirror_tick(w->mirror, 2000 * MS);
	/* More pages than there are; a slab that cannot be made: such samples are copied. */
	assert_true(mirror_put(w->mirror, 1, 5, &big, 1));
	assert_int_equal(look(w, 1, 0x400000, &serial), LOOK_ASK);
	big.end = big.start + UNWIND_PAGE_SIZE;
	assert_true(mirror_put(w->mirror, 1, 6, &big, 1));
	add_page(w, 6, 0, 8, 1);
	assert_int_equal(look(w, 1, 0x400000, &serial), LOOK_ASK);
	/* As many pids as there are slots, some of which have no place in either bucket. */
	for (uint32_t pid = 2; pid < 200; pid++)
		nr += mirror_put(w->mirror, pid, 6, &big, 1);
	assert_in_range(nr, 32, 63);
	for (uint32_t pid = 2; pid < 200; pid++)
		mirror_del(w->mirror, pid);
	assert_false(mirror_put(w->mirror, 1u << UNWIND_PID_BITS, 6, &big, 1));
	mirror_stats(w->mirror, &s);
	assert_int_equal(s.nr_processes, 1);
	assert_true(s.nr_no_room > 100);
	world_free(w);
}

static void pages_that_fail_are_tried_again(void **state)
{
	struct world *w = world_new(SLABS, 1 << 20);
	struct mirror_map map = map_of(0x400000, 0x10000, 0, 5);
	uint32_t serial;

	mirror_tick(w->mirror, 1000 * MS);
	assert_true(mirror_put(w->mirror, 1, 3, &map, 1));
	mirror_fail(w->mirror, 5, 0);
	assert_int_equal(look(w, 1, 0x400000, &serial), LOOK_FAILED);
	mirror_tick(w->mirror, 1000 * MS + MIRROR_FAILED_NS);
	assert_int_equal(look(w, 1, 0x400000, &serial), LOOK_ASK);
	mirror_fail(w->mirror, 5, 0);
	add_page(w, 5, 0, 8, 1);
	assert_int_equal(look(w, 1, 0x400000, &serial), 8);
	mirror_fail(w->mirror, 5, 0); /* it is there */
	assert_int_equal(look(w, 1, 0x400000, &serial), 8);
	world_free(w);
}

/* What the kernel uses does not go for the limit, though the sampler itself never looks at it: or only when all that is
 * there has been used since the hand came by. */
static void used_pages_stay(void **state)
{
	struct world *w = world_new(SLABS, 40000);
	struct mirror_map map = map_of(0x400000, 32 * UNWIND_PAGE_SIZE, 0, 5);
	unsigned nr_gone = 0;
	uint32_t serial;

	assert_true(mirror_put(w->mirror, 1, 3, &map, 1));
	for (unsigned i = 0; i < 310; i++) {
		unsigned page = 1 + i % 31;

		mirror_tick(w->mirror, (i + 1) * 200 * MS);
		if (look(w, 1, 0x400000, &serial) == LOOK_ASK) {
			nr_gone++;
			add_page(w, 5, 0, 7, 1000);
		}
		assert_int_equal(look(w, 1, 0x400000, &serial), 7);
		add_page(w, 5, page, 1000 * (int)page, 1000);
		assert_int_equal(look(w, 1, 0x400000 + page * UNWIND_PAGE_SIZE, &serial), 1000 * (int)page);
	}
	print_message("# gone %u times\n", nr_gone);
	assert_in_range(nr_gone, 1, 12); /* 35 without */
	world_free(w);
}

/* --- Any order of all that may happen --- */

static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void the_mirror_agrees_with_the_tables(void **state)
{
	struct world *w = world_new(2, 60000);
	uint32_t seed = 1, pids_object[32] = { 0 }, serial;
	uint64_t now = 0;

	for (unsigned i = 0; i < 20000; i++) {
		uint32_t pid = 1 + next(&seed) % 31, object = 3 + next(&seed) % 6, page = next(&seed) % 4;
		struct mirror_map map = map_of(0x10000, 4 * UNWIND_PAGE_SIZE, 0, object);
		struct unwind_rule rule;
		int found;

		switch (next(&seed) % 8) {
		case 0:
			add_page(w, object, page, (int)(object * 1000 + page * 100), 1 + next(&seed) % 900);
			break;
		case 1:
			pids_object[pid] = mirror_put(w->mirror, pid, object, &map, 1) ? object : 0;
			break;
		case 2:
			mirror_del(w->mirror, pid);
			pids_object[pid] = 0;
			break;
		case 3:
			unwind_tables_forget(w->tables, next(&seed) % 50 ? 0 : object);
			break;
		case 4:
			mirror_tick(w->mirror, now += 30 * MS);
			break;
		default:
			found = look(w, pid, 0x10000 + page * UNWIND_PAGE_SIZE + 8, &serial);
			if (!pids_object[pid])
				assert_int_equal(found, LOOK_NO_PROCESS);
			else if (found != LOOK_ASK) {
				assert_true(unwind_tables_find(w->tables, pids_object[pid],
							       page * UNWIND_PAGE_SIZE + 8, &rule));
				assert_int_equal(found, rule.cfa_off);
			}
		}
	}
	world_free(w);
}

/* --- Records --- */

static void compact_records_are_checked(void **state)
{
	struct {
		struct unwind_compact head;
	} r = { { .period = 1000, .serial = 3, .nr = 3, .stop = UNWIND_STOP_NO_ROW } };
	struct unwind_walk *walk = malloc(sizeof(*walk));
	struct unwind_compact_info info;
	size_t size = UNWIND_COMPACT_HEAD + 3 * 8;

	r.head.addresses[0] = 0x1000;
	r.head.addresses[1] = 0x2000 | UNWIND_COMPACT_GUESS;
	r.head.addresses[2] = 0x3000;
	assert_int_equal(unwind_compact_read(&r, size, walk, &info), 0);
	assert_int_equal(info.period, 1000);
	assert_int_equal(info.serial, 3);
	assert_false(info.chain);
	assert_int_equal(walk->nr, 3);
	assert_int_equal(walk->stop, UNWIND_STOP_NO_ROW);
	assert_int_equal(walk->nr_guessed, 1);
	assert_true(unwind_is_guess(walk, 1));
	assert_int_equal(walk->addresses[1], 0x2000);
	r.head.flags = UNWIND_COMPACT_CHAIN;
	assert_int_equal(unwind_compact_read(&r, size, walk, &info), 0);
	assert_true(info.chain);
	assert_int_equal(walk->addresses[0], 0x1000);
	assert_int_equal(walk->addresses[2], 0x2fff);
	assert_int_equal(unwind_compact_read(&r, size - 1, walk, &info), -EBADMSG);
	assert_int_equal(unwind_compact_read(&r, UNWIND_COMPACT_HEAD - 1, walk, &info), -EBADMSG);
	r.head.flags = UNWIND_COMPACT_ASK;
	assert_int_equal(unwind_compact_read(&r, size, walk, &info), 0);
	assert_true(info.ask && !info.chain);
	r.head.flags = 4;
	assert_int_equal(unwind_compact_read(&r, size, walk, &info), -EBADMSG);
	r.head.flags = 0;
	r.head.stop = UNWIND_NR_STOPS;
	assert_int_equal(unwind_compact_read(&r, size, walk, &info), -EBADMSG);
	r.head.stop = 0;
	r.head.nr = UNWIND_COMPACT_FRAMES_MAX + 1;
	assert_int_equal(unwind_compact_read(&r, sizeof(r), walk, &info), -EBADMSG);
	r.head.nr = UNWIND_COMPACT_FRAMES_MAX;
	assert_int_equal(unwind_compact_read(&r, sizeof(r), walk, &info), 0);
	r.head.zero = 1;
	assert_int_equal(unwind_compact_read(&r, sizeof(r), walk, &info), -EBADMSG);
	free(walk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(extents_wait_before_they_are_used_again),
		cmocka_unit_test(extents_stay_within_a_run),
		cmocka_unit_test(pages_are_found_by_address),
		cmocka_unit_test(relatives_share),
		cmocka_unit_test(what_is_replaced_stays_for_a_while),
		cmocka_unit_test(time_between_ticks_counts_for_nothing),
		cmocka_unit_test(overlapping_ranges_have_one_copy),
		cmocka_unit_test(room_comes_back),
		cmocka_unit_test(no_room),
		cmocka_unit_test(pages_that_fail_are_tried_again),
		cmocka_unit_test(used_pages_stay),
		cmocka_unit_test(the_mirror_agrees_with_the_tables),
		cmocka_unit_test(compact_records_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
