/* proc/space: random mappings, forks and maps texts against a model that knows each page. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "proc/table.h"

#define NR_PROCESSES 6
#define NR_PAGES 64
#define NR_FILES 5
#define PAGE 0x1000ull
#define LIFE 20000

/* What a page is: 0 is nothing, else the file and the page of it. */
struct model {
	uint32_t pages[NR_PAGES];
};

struct world {
	struct process_table *t;
	struct model models[NR_PROCESSES];
	uint64_t now;
	uint32_t random;
};

static uint32_t pick(struct world *w, uint32_t n)
{
	w->random = w->random * 1664525 + 1013904223;
	return (w->random >> 12) % n;
}

static uint32_t meaning(uint32_t file, uint32_t page)
{
	return file << 16 | (file ? page + 1 : 1); /* file 0 is //anon: a page is like another */
}

static const char *const names[NR_FILES] = { "//anon", "/a", "/b", "/c", "/d" };

static void do_map(struct world *w, uint32_t nr)
{
	uint32_t start = pick(w, NR_PAGES), size = 1 + pick(w, NR_PAGES - start);
	uint32_t file = pick(w, NR_FILES);
	uint32_t pgoff = pick(w, 4) ? start : pick(w, 3); /* often what is there already */
	struct process_mmap m = { .start = (start + 1) * PAGE, .size = size * PAGE,
				  .pgoff = pgoff * PAGE, .path = names[file], .inode = file };

	process_mmap(w->t, nr + 1, &m, w->now);
	for (uint32_t i = 0; i < size; i++)
		w->models[nr].pages[start + i] = meaning(file, pgoff + i);
}

static void do_fork(struct world *w, uint32_t nr)
{
	uint32_t parent = pick(w, NR_PROCESSES);

	if (parent == nr)
		return;
	process_fork(w->t, nr + 1, parent + 1, nr + 1, parent + 1, w->now);
	w->models[nr] = w->models[parent];
	process_reap(w->t, w->now);
}

static void do_exec(struct world *w, uint32_t nr)
{
	process_comm(w->t, nr + 1, nr + 1, "x", true, w->now);
	memset(&w->models[nr], 0, sizeof(w->models[nr]));
}

/* Some pages are unmapped without a record; then the maps are read. */
static void do_read(struct world *w, uint32_t nr)
{
	char text[NR_PAGES * 64];
	size_t n = 0;

	for (uint32_t i = 0; i < NR_PAGES; i++) {
		uint32_t *page = &w->models[nr].pages[i], file = *page >> 16;

		if (!pick(w, 50))
			*page = 0;
		if (!*page)
			continue;
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "%llx-%llx r-xp %llx 00:00 %u %s\n", (i + 1) * PAGE,
				      (i + 2) * PAGE,
				      file ? ((*page & 0xffff) - 1) * PAGE : 0, file,
				      file ? names[file] : "");
	}
	assert_true(n < sizeof(text));
	process_set_maps(w->t, process_find(w->t, nr + 1), text, n, w->now);
}

static uint32_t meaning_at(struct world *w, struct space *s, uint32_t page)
{
	const struct process_map *m = space_find(s, (page + 1) * PAGE);
	uint32_t file = 0;

	if (!m)
		return 0;
	while (strcmp(names[file], process_file(w->t, m->file)->path))
		assert_true(++file < NR_FILES);
	return meaning(file, (uint32_t)(((page + 1) * PAGE - m->start + m->pgoff) / PAGE));
}

static void check_space(struct world *w, uint32_t nr)
{
	struct space *s = process_find(w->t, nr + 1)->space;

	for (uint32_t i = 0; i < NR_PAGES; i++)
		assert_int_equal(meaning_at(w, s, i), w->models[nr].pages[i]);
	for (uint32_t i = 0; i < s->nr_maps; i++) {
		assert_true(space_map(s, i)->start < space_map(s, i)->end);
		assert_true(!i || space_map(s, i - 1)->end <= space_map(s, i)->start);
	}
	assert_true(s->nr_maps <= s->nr_slots && s->nr_slots <= s->maps_cap);
}

/* Under one serial no address ever means two things, whoever has it and whenever. */
static void check_serial(struct world *w, uint32_t nr, uint32_t seen[][NR_PAGES])
{
	const struct space *s = process_find(w->t, nr + 1)->space;

	assert_in_range(s->serial, 1, LIFE * 2);
	for (uint32_t i = 0; i < NR_PAGES; i++) {
		uint32_t *first = &seen[s->serial][i], is = w->models[nr].pages[i];

		if (!*first)
			*first = is;
		else
			assert_int_equal(*first, is);
	}
}

static void any_history_agrees_with_the_model(void **state)
{
	static uint32_t seen[LIFE * 2 + 1][NR_PAGES];
	struct world w = { .t = process_table_new(), .random = 4711 };
	struct process_stats stats;

	for (uint32_t nr = 0; nr < NR_PROCESSES; nr++)
		do_exec(&w, nr);
	for (w.now = 1; w.now < LIFE; w.now++) {
		uint32_t nr = pick(&w, NR_PROCESSES), what = pick(&w, 20);

		if (what < 13)
			do_map(&w, nr);
		else if (what < 16)
			do_fork(&w, nr);
		else if (what < 19)
			do_read(&w, nr);
		else if (!pick(&w, 5))
			do_exec(&w, nr);
		for (nr = 0; nr < NR_PROCESSES; nr++) {
			check_space(&w, nr);
			check_serial(&w, nr, seen);
		}
	}
	process_table_stats(w.t, &stats);
	assert_true(stats.nr_processes <= NR_PROCESSES + 1);
	assert_true(stats.nr_files <= NR_FILES * 2);
	assert_int_equal(stats.nr_refused + stats.nr_bad, 0);
	for (uint32_t nr = 0; nr < NR_PROCESSES; nr++)
		process_exit(w.t, nr + 1, nr + 1, w.now);
	process_reap(w.t, UINT64_MAX);
	process_table_stats(w.t, &stats);
	assert_int_equal(stats.nr_processes + stats.nr_spaces + stats.nr_maps + stats.nr_files, 0);
	process_table_free(w.t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_history_agrees_with_the_model),
	};

	return cmocka_run_group_tests_name("space", tests, NULL, NULL);
}
