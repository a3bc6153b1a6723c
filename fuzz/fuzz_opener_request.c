/* opener/protocol: a request as the opener's child gets it; base/debug_path: its path as a name of dwz's. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "opener/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void make_link(const char *name)
{
	struct debug_names n = { .build_id = { 1, 2 }, .build_id_size = 2 };

	if (debug_dwz_link(name, n.link))
		assert(debug_names_valid(&n) && !strstr(n.link, "/../"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct opener_request *q = malloc(size);
	char path[PATH_MAX];
	size_t sum = 0;

	memcpy(q, data, size);
	if (opener_request_valid(q, size)) {
		for (uint32_t i = 0; i < q->nr_ranges; i++)
			sum += strlen(q->ranges[i].path);
		for (int i = 0; q->what == OPENER_DEBUG && i < DEBUG_NR_PLACES; i++)
			if (debug_path(&q->debug.names, (enum debug_place)i, q->debug.object, q->debug.folder, path))
				assert(path[0] == '/' && strlen(path) < sizeof(path));
		if (q->what == OPENER_DEBUG)
			make_link(q->debug.object);
		assert(sum < size);
	}
	free(q);
	return 0;
}
