/* replay: a whole file to profiles, and those through the encoder and back. */
#include <assert.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "profile/decode.h"
#include "profile/encode.h"
#include "replay/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(const struct profile *p)
{
	struct profile *back = NULL;
	struct buf b = { 0 };

	profile_encode(p, &b);
	assert(!profile_decode(b.data, b.size, &back, NULL, 0));
	profile_free(back);
	buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct replay_options o = { .limit = 4 << 20 };
	int fd = io_memfd("perf.data", data, size);
	struct replay *r;
	char error[128];

	if (!replay_file(&r, fd, &o, error, sizeof(error))) {
		for (unsigned i = 0; i < r->nr_events; i++)
			if (r->events[i].profile)
				round_trip(r->events[i].profile);
		replay_free(r);
	}
	close(fd);
	return 0;
}
