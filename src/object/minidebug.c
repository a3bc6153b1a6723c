#include "object/minidebug.h"

#include <elf.h>
#include <errno.h>
#include <lzma.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "object/elf.h"

#define PIECE_SIZE (64u << 10)

struct pieces {
	uint8_t in[PIECE_SIZE], out[PIECE_SIZE];
};

static int error_of(lzma_ret ret)
{
	switch (ret) {
	case LZMA_OK:
	case LZMA_STREAM_END: return 0;
	case LZMA_MEM_ERROR: return -ENOMEM;
	case LZMA_MEMLIMIT_ERROR: return -EFBIG;
	default: return -EBADMSG;
	}
}

/* Inflates SIZE bytes at OFFSET of the file into FD. */
static int inflate_into(lzma_stream *z, struct pieces *p, const struct elf *e, uint64_t offset,
			uint64_t size, int fd)
{
	lzma_ret ret = LZMA_OK;
	int err = 0;

	while (!err && ret != LZMA_STREAM_END) {
		if (!z->avail_in && size) {
			size_t part = size < PIECE_SIZE ? size : PIECE_SIZE;

			err = elf_read(e, offset, p->in, part);
			z->next_in = p->in;
			z->avail_in = part;
			offset += part;
			size -= part;
			if (err)
				break;
		}
		z->next_out = p->out;
		z->avail_out = PIECE_SIZE;
		/* LZMA_FINISH: an end that comes too early is LZMA_BUF_ERROR. */
		ret = lzma_code(z, size ? LZMA_RUN : LZMA_FINISH);
		err = error_of(ret);
		if (!err && z->total_out > MINIDEBUG_SIZE_MAX)
			err = -EFBIG;
		if (!err)
			err = io_write(fd, p->out, PIECE_SIZE - z->avail_out);
	}
	return err;
}

int minidebug_open(const struct elf *e, size_t *size)
{
	const struct elf_section *s = elf_find_section(e, ".gnu_debugdata");
	lzma_stream z = LZMA_STREAM_INIT;
	struct pieces *p;
	int fd, err;

	if (!s || s->type != SHT_PROGBITS || !s->size || (s->flags & SHF_COMPRESSED))
		return -ENODATA;
	fd = io_memfd_new("minidebug");
	if (fd < 0)
		return fd;
	p = malloc(sizeof(*p));
	err = p ? error_of(lzma_stream_decoder(&z, MINIDEBUG_MEMORY_MAX, 0)) : -ENOMEM;
	if (!err)
		err = inflate_into(&z, p, e, s->offset, s->size, fd);
	if (!err)
		*size = (size_t)z.total_out;
	lzma_end(&z);
	free(p);
	if (!err)
		return fd;
	close(fd);
	return err;
}
