#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void buf_fini(struct buf *b)
{
	free(b->data);
	memset(b, 0, sizeof(*b));
}

uint8_t *buf_reserve(struct buf *b, size_t size)
{
	if (size > b->cap - b->size) {
		size_t cap = b->cap ? b->cap + b->cap / 2 : 256;

		if (cap < b->size + size)
			cap = b->size + size;
		b->data = xreallocarray(b->data, cap, 1);
		b->cap = cap;
	}
	return b->data + b->size;
}

void buf_add(struct buf *b, const void *p, size_t size)
{
	if (!size)
		return;
	memcpy(buf_reserve(b, size), p, size);
	b->size += size;
}

void buf_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf((char *)buf_reserve(b, 128), 128, fmt, ap);
	if (n >= 128)
		n = vsnprintf((char *)buf_reserve(b, (size_t)n + 1), (size_t)n + 1, fmt, again);
	if (n > 0)
		b->size += (size_t)n;
	va_end(again);
	va_end(ap);
}
