/* unwind_stack: registers, a page and a stack of any bytes; a walk ends, and says what holds. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "unwind/stack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void find(void *ctx, uint64_t address, struct unwind_code *code)
{
	*code = (struct unwind_code){ (address >> 20) & 3, 1, address & ~UINT64_C(0xfffff) };
}

/* Input: registers, nr_rows, nr_rules, 6 bytes; rows, rules; the rest is the stack. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t head[32] = { 0 }, *bytes = memcpy(malloc(size + 1), data, size);
	struct unwind_rule rules[256] = { { 0 } };
	uint32_t rows[256] = { 0 };
	struct unwind_page page = { .rows = rows, .rules = rules };
	struct unwind_space space = { 1, NULL, find };
	struct unwind_tables *t = unwind_tables_new(1 << 20);
	struct unwinder *u = unwinder_new(t);
	static struct unwind_walk w;
	struct unwind_regs regs;
	size_t page_size;

	memcpy(head, bytes, size < 32 ? size : 32);
	page.nr_rows = head[24];
	page.nr_rules = head[25];
	page_size = page.nr_rows * 4 + page.nr_rules * 8;
	if (size >= 32 + page_size) {
		memcpy(&regs, head, sizeof(regs));
		memcpy(rows, bytes + 32, page.nr_rows * 4);
		memcpy(rules, bytes + 32 + page.nr_rows * 4, page.nr_rules * 8);
		unwind_tables_add(t, 1, &page);
		size -= 32 + page_size;
		memmove(bytes, bytes + 32 + page_size, size);
		bytes = realloc(bytes, size + !size);
		unwind_stack(u, &space, &regs, bytes, size, &w);
		assert(w.stop < UNWIND_NR_STOPS && w.nr && w.nr <= UNWIND_FRAMES_MAX);
		assert(w.nr_guessed < w.nr && !unwind_is_guess(&w, 0));
	}
	free(bytes);
	unwinder_free(u);
	unwind_tables_free(t);
	return 0;
}
