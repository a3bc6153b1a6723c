#include "worker/window.h"

#include <errno.h>

#include "base/reader.h"
#include "profile/decode.h"

int window_decode(const struct worker_window *w, const void *data, size_t size,
		  struct profile **out)
{
	struct reader r = reader_of(data, size);
	const void *bytes = reader_bytes(&r, w->profile_size);
	struct reader table = reader_sub(&r, (uint64_t)w->nr_mappings * sizeof(uint32_t));
	struct profile *p;
	int err;

	if (r.failed)
		return -EBADMSG;
	err = profile_decode(bytes, w->profile_size, &p, NULL, 0);
	if (err)
		return err;
	if (p->nr_mappings != w->nr_mappings) {
		profile_free(p);
		return -EBADMSG;
	}
	for (uint32_t i = 0; i < p->nr_mappings; i++) {
		uint32_t object = reader_u32(&table);

		p->mappings[i].object = object <= w->nr_objects ? object : 0;
	}
	*out = p;
	return 0;
}
