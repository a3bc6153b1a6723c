/* wire: protobuf's encoding, read (protobuf.dev/programming-guides/encoding). */
#ifndef PROFILE_WIRE_H
#define PROFILE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/reader.h"

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

/* What all of one file's messages share: once something is wrong, all reading ends. */
struct wire {
	bool failed;
	char *error; /* the first thing that was wrong; may be NULL */
	size_t error_size;
};

struct wire_field {
	uint64_t number;
	enum wire_type type;
	uint64_t value;      /* WIRE_VARINT */
	struct reader bytes; /* WIRE_BYTES */
};

void wire_fail(struct wire *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The next field of the message R; false at its end, or where it is no message. */
bool wire_next(struct wire *w, struct reader *r, struct wire_field *f);

/* The contents of F; another type fails W and gives 0, or nothing. */
uint64_t wire_scalar(struct wire *w, const struct wire_field *f);
struct reader wire_message(struct wire *w, const struct wire_field *f);

/* A repeated scalar comes packed or one by one:
 *	struct reader r = wire_numbers(w, f);
 *	while (wire_next_number(w, f, &r, &v)) ...
 */
struct reader wire_numbers(struct wire *w, const struct wire_field *f);
bool wire_next_number(struct wire *w, struct wire_field *f, struct reader *r, uint64_t *v);

#endif
