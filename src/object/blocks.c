#include "object/blocks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"

#define BLOCK_SIZE 4096u /* by default */

struct blocks_line {
	uint64_t block; /* of the file */
	size_t size;    /* bytes of it; 0: the line is empty */
	uint8_t *data;
};

void blocks_trim(struct blocks *b)
{
	for (uint32_t i = 0; b->lines && i < b->nr_lines; i++)
		free(b->lines[i].data);
	free(b->lines);
	b->lines = NULL;
	b->held = 0;
}

static int load(struct blocks *b, int fd, uint64_t block, struct blocks_line *line)
{
	ssize_t n;

	if (!line->data) {
		line->data = xmalloc(b->block_size);
		b->held += b->block_size;
	}
	line->size = 0;
	n = io_pread(fd, line->data, b->block_size, block * b->block_size);
	if (n < 0)
		return (int)n;
	line->block = block;
	line->size = (size_t)n;
	return 0;
}

int blocks_peek(struct blocks *b, int fd, uint64_t offset, const uint8_t **p, size_t *room)
{
	struct blocks_line *line;
	uint64_t block, in;

	if (offset > INT64_MAX - BLOCK_SIZE)
		return -EBADMSG;
	if (!b->lines) {
		if (!b->block_size)
			b->block_size = BLOCK_SIZE;
		b->lines = xcalloc(b->nr_lines, sizeof(*b->lines));
		b->held = b->nr_lines * sizeof(*b->lines);
	}
	block = offset / b->block_size;
	in = offset & (b->block_size - 1);
	line = &b->lines[block % b->nr_lines];
	if (line->block != block || !line->size) {
		int err = load(b, fd, block, line);

		if (err)
			return err;
	}
	if (in >= line->size)
		return -EBADMSG;
	*p = line->data + in;
	*room = line->size - in;
	return 0;
}

int blocks_read(struct blocks *b, int fd, uint64_t offset, void *out, size_t size)
{
	uint8_t *to = out;

	while (size) {
		const uint8_t *p;
		size_t room;
		int err = blocks_peek(b, fd, offset, &p, &room);

		if (err)
			return err;
		if (room > size)
			room = size;
		memcpy(to, p, room);
		to += room;
		offset += room;
		size -= room;
	}
	return 0;
}

int blocks_string(struct blocks *b, int fd, uint64_t offset, uint64_t end, char *out,
		  size_t out_size)
{
	size_t length = 0;

	while (offset < end && length + 1 < out_size) {
		const uint8_t *p, *nul;
		size_t room;
		int err = blocks_peek(b, fd, offset, &p, &room);

		if (err)
			return err;
		if (room > end - offset)
			room = end - offset;
		if (room > out_size - 1 - length)
			room = out_size - 1 - length;
		nul = memchr(p, 0, room);
		if (nul)
			room = (size_t)(nul - p);
		memcpy(out + length, p, room);
		length += room;
		offset += room;
		if (nul)
			break;
	}
	out[length] = 0;
	return (int)length;
}
