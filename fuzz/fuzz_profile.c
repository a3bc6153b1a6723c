/* profile: what decode takes, encode writes so that decoding and encoding again changes nothing. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "profile/decode.h"
#include "profile/encode.h"
#include "profile/merge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct profile *p = NULL, *q = NULL, *merged;
	struct buf first = { 0 }, second = { 0 };
	uint8_t *copy = malloc(size + !size);
	char error[128];

	memcpy(copy, data, size);
	if (!profile_decode(copy, size, &p, error, sizeof(error))) {
		profile_encode(p, &first);
		if (profile_decode(first.data, first.size, &q, error, sizeof(error)))
			abort();
		profile_encode(q, &second);
		assert(first.size == second.size && !memcmp(first.data, second.data, first.size));
		merged = profile_new();
		assert(!profile_merge(merged, p) && !profile_merge(merged, q));
		assert(merged->nr_samples <= p->nr_samples);
		profile_free(merged);
	}
	free(copy);
	buf_fini(&first);
	buf_fini(&second);
	profile_free(p);
	profile_free(q);
	return 0;
}
