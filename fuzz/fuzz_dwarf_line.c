/* Line programs: a byte of flags (offset size, address size, byte order), then .debug_line. */
#include <stdlib.h>
#include <string.h>

#include "object/dwarf_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool row(void *ctx, uint64_t address, uint32_t file, uint32_t line, bool end)
{
	struct dwarf_line *l = ctx;
	char path[64];

	if (file != UINT32_MAX)
		dwarf_line_path(l, file, path, sizeof(path));
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dwarf_work work = { 1 << 24 };
	struct dwarf d = { .work = &work };
	struct dwarf_unit u = { .version = 5, .offset_size = 4, .addr_size = 8, .comp_dir = "/d" };
	struct dwarf_line l = { 0 };

	if (!size)
		return 0;
	d.swap = data[0] & 1;
	d.sections[DWARF_LINE].data = malloc(size); /* a 0 in place of the flags, at the end */
	memcpy(d.sections[DWARF_LINE].data, data + 1, size - 1);
	d.sections[DWARF_LINE].data[size - 1] = 0;
	d.sections[DWARF_LINE].size = d.sections[DWARF_LINE].ready = size - 1;
	d.sections[DWARF_LINE_STR] = d.sections[DWARF_STR] = d.sections[DWARF_LINE];
	if (!dwarf_line_open(&l, &d, &u))
		dwarf_line_run(&l, &d, row, &l);
	dwarf_line_fini(&l);
	free(d.sections[DWARF_LINE].data);
	return 0;
}
