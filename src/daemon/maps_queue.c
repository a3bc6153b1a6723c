#include "daemon/maps_queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/mem.h"
#include "proc/procfs.h"

void maps_queue_fini(struct maps_queue *q)
{
	for (uint32_t i = 0; i < q->nr; i++)
		free(q->texts[i].text);
	free(q->texts);
	*q = (struct maps_queue){ 0 };
}

void maps_queue_add(struct maps_queue *q, const struct maps_text *text)
{
	struct maps_text *to = array_push(q->texts, q->nr, q->cap);

	*to = *text;
	to->text = xmalloc(text->size + 1);
	to->size = procfs_executable_maps(text->text, text->size, to->text);
	to->text = xreallocarray(to->text, to->size + 1, 1);
}

bool maps_queue_next(struct maps_queue *q, uint64_t horizon_ns, struct maps_text *out)
{
	if (!q->nr || q->texts[0].answered_ns > horizon_ns)
		return false;
	*out = q->texts[0];
	memmove(q->texts, q->texts + 1, --q->nr * sizeof(*q->texts));
	return true;
}

bool maps_queue_waiting(const struct maps_queue *q, uint64_t number)
{
	for (uint32_t i = 0; i < q->nr; i++)
		if (q->texts[i].number <= number)
			return true;
	return false;
}
