/* cfi_code: whatever the code is, rules come by rising address, and are such as tables may have. */
#include <assert.h>
#include <unistd.h>

#include "base/io.h"
#include "object/cfi_code.h"
#include "object/elf.h"
#include "tests/elfgen.h"

#define TEXT 0x401000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put(void *ctx, uint64_t address, const struct unwind_rule *rule)
{
	uint64_t *last = ctx;

	assert(address >= *last && address < TEXT + 0x1000);
	assert(rule->cfa < UNWIND_NR_CFA && rule->fp < UNWIND_NR_FP);
	assert(rule->cfa != UNWIND_SP || rule->cfa_off >= 8);
	*last = address;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elfgen_symbol f = { .name = "f", .value = TEXT + 64, .size = 64, .info = 2 };
	struct elfgen g = { .symbols = &f, .nr_symbols = size % 2 };
	uint64_t last = TEXT, end = TEXT + (size < 0x1000 ? size : 0x1000);
	struct cfi_code *k;
	struct elf *e;
	int fd;

	elfgen_make(&g);
	memcpy(g.bytes + 0x1000, data, end - TEXT);
	fd = io_memfd("code", g.bytes, g.size);
	assert(!elf_open(&e, fd));
	k = cfi_code_new(e);
	assert(k);
	cfi_code_rules(k, TEXT, TEXT + 0x1000, TEXT, TEXT + 0x1000, put, &last);
	last = TEXT;
	cfi_code_rules(k, TEXT, end, TEXT + size / 4, end - size / 4, put, &last);
	cfi_code_free(k);
	elf_close(e);
	close(fd);
	return 0;
}
