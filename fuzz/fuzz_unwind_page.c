/* unwind_page: a page from another process; what is taken has a valid rule for every offset. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "unwind/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Input: offset, nr_rows, nr_rules; then rows; the rest are rules. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct unwind_tables *t = unwind_tables_new(1 << 20);
	struct unwind_page page = { 0 };
	size_t nr_rows, nr_rules;
	struct unwind_rule *rules, rule;
	uint32_t *rows;

	if (size >= 16) {
		memcpy(&page.offset, data, 8);
		memcpy(&page.nr_rows, data + 8, 4);
		memcpy(&page.nr_rules, data + 12, 4);
		nr_rows = page.nr_rows <= (size - 16) / 4 ? page.nr_rows : (size - 16) / 4;
		nr_rules = (size - 16 - nr_rows * 4) / 8;
		rows = memcpy(malloc(nr_rows * 4 + 1), data + 16, nr_rows * 4);
		rules = memcpy(malloc(nr_rules * 8 + 1), data + 16 + nr_rows * 4, nr_rules * 8);
		page.rows = rows;
		page.rules = rules;
		if (page.nr_rows == nr_rows && page.nr_rules == nr_rules &&
		    !unwind_tables_add(t, 1, &page))
			for (uint32_t at = 0; at < UNWIND_PAGE_SIZE; at += 61)
				assert(unwind_tables_find(t, 1, page.offset + at, &rule) &&
				       unwind_rule_valid(&rule));
		free(rows);
		free(rules);
	}
	unwind_tables_free(t);
	return 0;
}
