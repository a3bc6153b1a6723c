/* worker/protocol_pages: a request for pages of unwind tables, and an answer to it, as either end takes it: a byte says which.
 * What passes is walked over to its end, as its taker does. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "unwind/table.h"
#include "worker/protocol_pages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_page(const struct worker_page *p)
{
	struct unwind_tables *t = unwind_tables_new(1 << 20);
	struct unwind_page page = {
		.offset = p->offset, .nr_rows = p->nr_rows, .nr_rules = p->nr_rules,
		.rules = (const struct unwind_rule *)p->data, .rows = (const uint32_t *)(p->data + p->nr_rules),
	};

	unwind_tables_add(t, 3, &page);
	unwind_tables_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct worker_pages request = { .type = WORKER_PAGES, .nr = 1, .cookie = 1 };
	void *msg;

	if (!size)
		return 0;
	msg = malloc(size - 1);
	memcpy(msg, data + 1, --size);
	if (*data & 1 && worker_pages_valid(msg, size, *data >> 1))
		assert(((const struct worker_pages *)msg)->nr <= WORKER_PAGES_MAX);
	else if (!(*data & 1) && worker_page_valid(msg, size, &request, 0))
		take_page(msg);
	else if (worker_pages_want_valid(msg, size, &request))
		assert(debug_names_valid(&((const struct worker_want *)msg)->names));
	else if (worker_pages_parsing_valid(msg, size, &request))
		assert(((const struct worker_parsing *)msg)->type == WORKER_PARSING);
	free(msg);
	return 0;
}
