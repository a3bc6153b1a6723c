#include "object/strings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"

#define BLOCK_SIZE 4096u
#define NR_LINES 1536u /* 6 MiB; larger tables share lines */

struct strings_line {
	uint32_t block; /* the file's block held, plus 1; 0: none */
	char *data;
};

void strings_trim(struct strings *s)
{
	for (unsigned i = 0; s->lines && i < NR_LINES; i++)
		free(s->lines[i].data);
	free(s->lines);
	s->lines = NULL;
	s->held = 0;
}

static int load(struct strings *s, int fd, uint32_t block, struct strings_line *line)
{
	uint64_t start = (uint64_t)block * BLOCK_SIZE, want = s->size - start;
	ssize_t n;

	if (want > BLOCK_SIZE)
		want = BLOCK_SIZE;
	if (!line->data) {
		line->data = xmalloc(BLOCK_SIZE);
		s->held += BLOCK_SIZE;
	}
	line->block = 0;
	n = io_pread(fd, line->data, want, s->offset + start);
	if (n < 0)
		return (int)n;
	if ((uint64_t)n != want)
		return -EBADMSG;
	line->block = block + 1;
	return 0;
}

int strings_get(struct strings *s, int fd, uint32_t pos, char *out, size_t out_size)
{
	size_t length = 0;

	if (pos >= s->size)
		return -EBADMSG;
	if (!s->lines) {
		s->lines = xcalloc(NR_LINES, sizeof(*s->lines));
		s->held = NR_LINES * sizeof(*s->lines);
	}
	for (uint64_t at = pos; at < s->size && length + 1 < out_size;) {
		uint32_t block = (uint32_t)(at / BLOCK_SIZE), in = (uint32_t)(at % BLOCK_SIZE);
		struct strings_line *line = &s->lines[block % NR_LINES];
		uint64_t left = s->size - at, room = BLOCK_SIZE - in;
		const char *nul;

		if (line->block != block + 1) {
			int err = load(s, fd, block, line);

			if (err)
				return err;
		}
		if (room > left)
			room = left;
		if (room > out_size - 1 - length)
			room = out_size - 1 - length;
		nul = memchr(line->data + in, 0, room);
		if (nul)
			room = (uint64_t)(nul - (line->data + in));
		memcpy(out + length, line->data + in, room);
		length += room;
		at += room;
		if (nul)
			break;
	}
	out[length] = 0;
	return (int)length;
}
