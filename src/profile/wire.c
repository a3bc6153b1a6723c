#include "profile/wire.h"

#include <stdarg.h>
#include <stdio.h>

void wire_fail(struct wire *w, const char *fmt, ...)
{
	va_list ap;

	if (!w->failed && w->error && w->error_size) {
		va_start(ap, fmt);
		vsnprintf(w->error, w->error_size, fmt, ap);
		va_end(ap);
	}
	w->failed = true;
}

bool wire_next(struct wire *w, struct reader *r, struct wire_field *f)
{
	uint64_t key;

	if (w->failed || (!reader_left(r) && !r->failed))
		return false;
	key = reader_uleb(r);
	f->number = key >> 3;
	f->type = (enum wire_type)(key & 7);
	switch (f->type) {
	case WIRE_VARINT:
		f->value = reader_uleb(r);
		break;
	case WIRE_FIXED64:
		reader_skip(r, 8);
		break;
	case WIRE_BYTES:
		f->bytes = reader_sub(r, reader_uleb(r));
		break;
	case WIRE_FIXED32:
		reader_skip(r, 4);
		break;
	default:
		reader_fail(r);
	}
	if (r->failed || !f->number)
		wire_fail(w, "not a pprof profile, or damaged");
	return !w->failed;
}

uint64_t wire_scalar(struct wire *w, const struct wire_field *f)
{
	if (f->type != WIRE_VARINT)
		wire_fail(w, "field %llu has the wrong type", (unsigned long long)f->number);
	return f->type == WIRE_VARINT ? f->value : 0;
}

struct reader wire_message(struct wire *w, const struct wire_field *f)
{
	if (f->type != WIRE_BYTES)
		wire_fail(w, "field %llu has the wrong type", (unsigned long long)f->number);
	return f->type == WIRE_BYTES ? f->bytes : (struct reader){ 0 };
}

struct reader wire_numbers(struct wire *w, const struct wire_field *f)
{
	return f->type == WIRE_VARINT ? (struct reader){ 0 } : wire_message(w, f);
}

bool wire_next_number(struct wire *w, struct wire_field *f, struct reader *r, uint64_t *v)
{
	if (w->failed)
		return false;
	if (f->type == WIRE_VARINT) {
		*v = f->value;
		f->type = WIRE_BYTES; /* that was all of it */
		return true;
	}
	if (!reader_left(r))
		return false;
	*v = reader_uleb(r);
	if (r->failed)
		wire_fail(w, "damaged list of numbers");
	return !r->failed;
}
