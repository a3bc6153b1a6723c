#include "object/strings.h"

#include <errno.h>

void strings_trim(struct strings *s)
{
	blocks_trim(&s->blocks);
}

int strings_get(struct strings *s, int fd, uint32_t pos, char *out, size_t out_size)
{
	if (pos >= s->size)
		return -EBADMSG;
	return blocks_string(&s->blocks, fd, s->offset + pos, s->offset + s->size, out, out_size);
}
