/* worker/protocol_window: what the sampler and the worker tell each other beside the window: two bytes
 * (objects of the request, descriptors that came), then the message. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "worker/protocol_window.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct worker_window w = { .cookie = 1 };
	void *msg;

	if (size < 2)
		return 0;
	w.nr_objects = data[0];
	msg = malloc(size - 2);
	memcpy(msg, data + 2, size - 2);
	if (worker_objects_valid(msg, size - 2, data[1], &w, 0)) {
		const struct worker_objects *o = msg;

		assert(o->nr <= data[1] && o->nr <= w.nr_objects);
		assert(o->objects[o->nr - 1].build_id_size <= 20);
	}
	if (worker_parsing_valid(msg, size - 2, &w))
		assert(((const struct worker_parsing *)msg)->type == WORKER_PARSING);
	if (worker_index_valid(msg, size - 2, data[1]))
		assert(((const struct worker_index *)msg)->size);
	if (worker_want_valid(msg, size - 2, &w))
		assert(strlen(((const struct worker_want *)msg)->names.link) < DEBUG_LINK_MAX);
	if (worker_symbols_valid(msg, size - 2, &w, data[1], 0))
		assert(((const struct worker_symbols *)msg)->nr <= WORKER_SYMBOLS_PER_MESSAGE);
	if (worker_done_valid(msg, size - 2, &w))
		assert(((const struct worker_done *)msg)->status <= 0);
	free(msg);
	return 0;
}
