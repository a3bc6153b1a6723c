#include "base/gzip.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"

#define GZIP_WINDOW (15 + 16) /* 32 KiB window, gzip wrapper: zlib.h, deflateInit2 */
#define GZIP_PIECE (64 << 10)

bool gzip_is(const void *data, size_t size)
{
	return size >= 2 && !memcmp(data, "\x1f\x8b", 2);
}

/* Where the plain bytes come from: memory, or a descriptor by way of a piece. */
struct gzip_source {
	const uint8_t *data; /* NULL: data_fd */
	int data_fd;
	uint64_t offset, size;
	uint8_t piece[GZIP_PIECE];
};

/* Gives Z its next bytes: avail_in is 32 bits wide. 0 or negative errno. */
static int gzip_feed(z_stream *z, struct gzip_source *src)
{
	uint64_t left = src->size - src->offset, most = src->data ? 1u << 30 : GZIP_PIECE;
	size_t n = left < most ? (size_t)left : (size_t)most;

	z->next_in = src->data ? (void *)(uintptr_t)(src->data + src->offset) : src->piece;
	if (!src->data) {
		ssize_t got = io_pread(src->data_fd, src->piece, n, src->offset);

		if (got < 0)
			return (int)got;
		if ((size_t)got < n)
			return -EBADMSG;
	}
	z->avail_in = (uInt)n;
	src->offset += n;
	return 0;
}

static int gzip_write(int fd, struct gzip_source *src, int level, size_t *written)
{
	z_stream z = { 0 };
	uint8_t *piece;
	size_t total = 0;
	int ret = Z_OK, err = 0;

	if (deflateInit2(&z, level, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	piece = xmalloc(GZIP_PIECE);
	do {
		if (!z.avail_in)
			err = gzip_feed(&z, src);
		if (err)
			break;
		z.next_out = piece;
		z.avail_out = GZIP_PIECE;
		ret = deflate(&z, src->offset < src->size ? Z_NO_FLUSH : Z_FINISH);
		err = io_write(fd, piece, GZIP_PIECE - z.avail_out);
		total += GZIP_PIECE - z.avail_out;
	} while (!err && ret == Z_OK);
	deflateEnd(&z);
	free(piece);
	if (!err && ret != Z_STREAM_END)
		err = -EIO;
	if (!err && written)
		*written = total;
	return err;
}

int gzip_to_fd(int fd, const void *data, size_t size, int level, size_t *written)
{
	struct gzip_source *src = xcalloc(1, sizeof(*src));
	int err;

	src->data = data ? data : (const void *)"";
	src->size = size;
	err = gzip_write(fd, src, level, written);
	free(src);
	return err;
}

int gzip_fd_to_fd(int fd, int data_fd, uint64_t size, int level, size_t *written)
{
	struct gzip_source *src = xcalloc(1, sizeof(*src));
	int err;

	src->data_fd = data_fd;
	src->size = size;
	err = gzip_write(fd, src, level, written);
	free(src);
	return err;
}

int gzip_inflate(const void *data, size_t size, size_t limit, struct buf *out)
{
	z_stream z = { 0 };
	size_t start = out->size;
	int ret = Z_OK, err = 0;

	if (size > UINT32_MAX)
		return -EFBIG;
	if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
		return -ENOMEM;
	z.next_in = (void *)(uintptr_t)data;
	z.avail_in = (uInt)size;
	while (!err) {
		z.next_out = buf_reserve(out, GZIP_PIECE);
		z.avail_out = GZIP_PIECE;
		ret = inflate(&z, Z_NO_FLUSH);
		out->size += GZIP_PIECE - z.avail_out;
		if (out->size - start > limit)
			err = -EFBIG;
		else if (ret == Z_STREAM_END && z.avail_in && gzip_is(z.next_in, z.avail_in))
			inflateReset(&z);
		else if (ret == Z_STREAM_END)
			break;
		else if (ret != Z_OK)
			err = ret == Z_MEM_ERROR ? -ENOMEM : -EBADMSG;
	}
	if (!err && z.avail_in)
		err = -EBADMSG;
	inflateEnd(&z);
	return err;
}
