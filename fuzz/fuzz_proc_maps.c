/* A maps text and an address space that it is put in. The first byte chooses what is there. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proc/process.h"
#include "proc/procfs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void map(struct process_table *t, uint64_t start, const char *path, uint64_t time_ns)
{
	struct process_mmap m = { .start = start, .size = 0x3000, .path = path, .inode = 42 };

	process_mmap(t, 7, &m, time_ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct process_table *t = process_table_new();
	struct process *p = process_get(t, 7);
	const struct space *s;
	char *copy = malloc(size);

	memcpy(copy, data, size);
	if (size && data[0] & 1)
		map(t, 0x401000, "/usr/bin/prog", 1);
	if (size && data[0] & 2)
		map(t, 0x400000, "//anon", 3);
	if (size && data[0] & 4)
		process_fork(t, 8, 7, 8, 7, 1);
	process_set_maps(t, p, copy, size, 2);
	map(t, 0x402000, "/usr/bin/prog", 4);
	process_set_maps(t, process_get(t, 8), copy, size / 2, 5);
	s = p->space;
	for (uint32_t i = 1; i < s->nr_maps; i++)
		assert(space_map(s, i - 1)->end <= space_map(s, i)->start);
	process_table_free(t);
	free(copy);
	return 0;
}
