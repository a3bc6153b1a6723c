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

static unsigned nr_executable(const char *text, size_t size)
{
	struct procfs_map m;
	uint32_t nr_bad = 0;
	unsigned nr = 0;

	for (size_t pos = 0; procfs_next_map(text, size, &pos, &m, &nr_bad);)
		nr += m.exec;
	return nr;
}

/* What is left of a text has all that is executable, and is left as it is. */
static void keep_executable(const char *text, size_t size)
{
	char *kept = malloc(size), *again = malloc(size);
	size_t nr = procfs_executable_maps(text, size, kept);

	assert(nr <= size && nr_executable(kept, nr) == nr_executable(text, size));
	assert(procfs_executable_maps(kept, nr, again) == nr && !memcmp(kept, again, nr));
	free(kept);
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct process_table *t = process_table_new();
	struct process *p = process_get(t, 7);
	const struct space *s;
	char *copy = malloc(size);

	memcpy(copy, data, size);
	keep_executable(copy, size);
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
