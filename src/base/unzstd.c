#include "base/unzstd.h"

#include <errno.h>
#include <stdlib.h>
#include <zstd.h>

struct unzstd {
	ZSTD_DStream *stream;
};

int unzstd_new(struct unzstd **out)
{
	struct unzstd *z = calloc(1, sizeof(*z));

	if (!z)
		return -ENOMEM;
	z->stream = ZSTD_createDStream();
	if (!z->stream || ZSTD_isError(ZSTD_initDStream(z->stream))) {
		unzstd_free(z);
		return -ENOMEM;
	}
	*out = z;
	return 0;
}

void unzstd_free(struct unzstd *z)
{
	if (!z)
		return;
	ZSTD_freeDStream(z->stream);
	free(z);
}

static int grow(uint8_t **out, size_t *cap, size_t limit)
{
	size_t want = *cap ? *cap * 2 : 64 << 10;
	uint8_t *p;

	if (want > limit)
		want = limit;
	if (want <= *cap)
		return -EFBIG;
	p = realloc(*out, want);
	if (!p)
		return -ENOMEM;
	*out = p;
	*cap = want;
	return 0;
}

int unzstd_add(struct unzstd *z, const void *data, size_t size, size_t limit, uint8_t **out,
	       size_t keep, size_t *out_size)
{
	ZSTD_inBuffer in = { .src = data, .size = size };
	ZSTD_outBuffer o = { .dst = *out, .size = keep, .pos = keep };
	size_t cap = keep;

	/* A full output may mean that more waits inside, even when all input has been taken. */
	while (in.pos < in.size || o.pos == o.size) {
		size_t in_before = in.pos, out_before, left;

		if (o.pos == o.size) {
			int err = grow(out, &cap, limit);

			if (err)
				return err;
			o.dst = *out;
			o.size = cap;
		}
		out_before = o.pos;
		left = ZSTD_decompressStream(z->stream, &o, &in);
		if (ZSTD_isError(left))
			return -EBADMSG;
		if (in.pos == in_before && o.pos == out_before)
			break;
	}
	*out_size = o.pos;
	return in.pos == in.size ? 0 : -EBADMSG;
}

int unzstd_step(struct unzstd *z, const void *in, size_t *in_size, void *out, size_t *out_size)
{
	ZSTD_inBuffer i = { .src = in, .size = *in_size };
	ZSTD_outBuffer o = { .dst = out, .size = *out_size };

	if (ZSTD_isError(ZSTD_decompressStream(z->stream, &o, &i)))
		return -EBADMSG;
	*in_size = i.pos;
	*out_size = o.pos;
	return 0;
}
