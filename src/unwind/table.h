/* table: unwind tables of objects, page by page (format.h). Pages come from a compiler that read
 * hostile files (object/cfi.h), perhaps in another process: they are checked before they are taken.
 *
 * Pages are the unit of everything: asked for when a walk first needs one, counted in bytes, and
 * the ones that were not looked at longest go when a limit is reached. Rules are shared by all
 * pages: each page brings its own list, and its rows are renumbered when it is taken. */
#ifndef UNWIND_TABLE_H
#define UNWIND_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind/format.h"

#define UNWIND_PAGE_RULES_MAX 1024
/* A rule that is new must not be the object's 1025th or the 4097th: its rows are UNWIND_UNSUPPORTED
 * then, so that one strange object does not cost others their tables. */
#define UNWIND_OBJECT_RULES_MAX 1024

/* A page as it is compiled and sent. Rows name rules by their number in this page's list, of which
 * the first is all zeros. The arrays are the owner's. */
struct unwind_page {
	uint64_t offset; /* in the file, of its first byte: a multiple of UNWIND_PAGE_SIZE */
	uint32_t nr_rows, nr_rules;
	const uint32_t *rows;
	const struct unwind_rule *rules;
};

/* P is what the format says: anything that reads pages relies on it. */
bool unwind_rule_valid(const struct unwind_rule *r);
bool unwind_page_valid(const struct unwind_page *p);

/* The last of ROWS at or before LOW, the low 16 bits of an offset; NR ≥ 1, the first is at 0. */
static inline uint32_t unwind_row(const uint32_t *rows, uint32_t nr, uint32_t low)
{
	uint32_t key = low << 16 | 0xffff;

	while (nr > 1) {
		uint32_t half = nr / 2;

		rows += rows[half] <= key ? half : 0; /* a conditional move: no branch to miss */
		nr -= half;
	}
	return *rows;
}

struct unwind_tables;

struct unwind_tables_stats {
	size_t size; /* bytes held */
	uint32_t nr_pages, nr_rows, nr_rules;
	uint64_t nr_evicted;       /* pages that went for the limit */
	uint64_t nr_invalid;       /* pages refused */
	uint64_t nr_rules_refused; /* rules that had no room */
};

/* LIMIT: bytes of pages, at least one of which stays. */
struct unwind_tables *unwind_tables_new(size_t limit);
void unwind_tables_free(struct unwind_tables *t);
void unwind_tables_set_limit(struct unwind_tables *t, size_t limit);
/* Copies P in as a page of OBJECT (the caller's number), in place of an earlier one. 0, -EBADMSG:
 * not valid, -ENOMEM. */
int unwind_tables_add(struct unwind_tables *t, uint32_t object, const struct unwind_page *p);
/* The rule at OFFSET of OBJECT; false: its page is not here. */
bool unwind_tables_find(struct unwind_tables *t, uint32_t object, uint64_t offset,
			struct unwind_rule *rule);
/* OBJECT's number will mean another. */
void unwind_tables_forget(struct unwind_tables *t, uint32_t object);
/* Pages of OBJECT and their bytes. */
void unwind_tables_object(const struct unwind_tables *t, uint32_t object, uint32_t *nr_pages,
			  size_t *size);
void unwind_tables_stats(const struct unwind_tables *t, struct unwind_tables_stats *s);

/* For a copy of the tables elsewhere (mirror.h): a page's rows, by the numbers of unwind_tables_rule.
 * NULL: not here. */
const uint32_t *unwind_tables_rows(struct unwind_tables *t, uint32_t object, uint64_t offset,
				   uint32_t *nr);
const struct unwind_rule *unwind_tables_rule(const struct unwind_tables *t, uint32_t number);
/* Each of OBJECT's pages. FN must not change the tables. */
void unwind_tables_each(struct unwind_tables *t, uint32_t object,
			void (*fn)(void *ctx, uint64_t offset), void *ctx);

/* Who keeps such a copy. */
struct unwind_watch {
	void *ctx;
	void (*added)(void *ctx, uint32_t object, uint64_t offset);
	void (*dropped)(void *ctx, uint32_t object, uint64_t offset);
	/* The page was looked at in the copy since the last call. */
	bool (*used)(void *ctx, uint32_t object, uint64_t offset);
};
/* From now on a rule's number means what it does until unwind_tables_settle has been called twice
 * after no page names it. NULL: nobody watches. */
void unwind_tables_watch(struct unwind_tables *t, const struct unwind_watch *w);
void unwind_tables_settle(struct unwind_tables *t);

#endif
