#include "profile/decode.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/reader.h"
#include "profile/ids.h"

/* Wire types: protobuf.dev/programming-guides/encoding. Field numbers below are profile.proto's. */
enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

struct field {
	uint64_t number;
	unsigned wire;
	uint64_t value;      /* VARINT */
	struct reader bytes; /* BYTES */
};

struct decode {
	struct profile *p;
	bool failed;
	char *error;
	size_t error_size;
	struct ids mappings, functions, locations;
	/* The file's string indexes → ours. */
	uint32_t *strings, nr_strings, strings_cap;
	/* Room for one location, or one sample. */
	struct profile_line *lines;
	uint32_t *stack;
	struct profile_label *labels;
	uint32_t lines_cap, stack_cap, labels_cap;
};

__attribute__((format(printf, 2, 3))) static void fail(struct decode *d, const char *fmt, ...)
{
	va_list ap;

	if (!d->failed && d->error && d->error_size) {
		va_start(ap, fmt);
		vsnprintf(d->error, d->error_size, fmt, ap);
		va_end(ap);
	}
	d->failed = true;
}

/* The next field of a message; false at its end, or where it is no message. */
static bool next_field(struct decode *d, struct reader *r, struct field *f)
{
	uint64_t key;

	if (d->failed || (!reader_left(r) && !r->failed))
		return false;
	key = reader_uleb(r);
	f->number = key >> 3;
	f->wire = key & 7;
	switch (f->wire) {
	case VARINT:
		f->value = reader_uleb(r);
		break;
	case FIXED64:
		reader_skip(r, 8);
		break;
	case BYTES:
		f->bytes = reader_sub(r, reader_uleb(r));
		break;
	case FIXED32:
		reader_skip(r, 4);
		break;
	default:
		reader_fail(r);
	}
	if (r->failed || !f->number)
		fail(d, "not a pprof profile, or damaged");
	return !d->failed;
}

static uint64_t scalar(struct decode *d, const struct field *f)
{
	if (f->wire != VARINT)
		fail(d, "field %llu has the wrong type", (unsigned long long)f->number);
	return f->wire == VARINT ? f->value : 0;
}

static struct reader message(struct decode *d, const struct field *f)
{
	if (f->wire != BYTES)
		fail(d, "field %llu has the wrong type", (unsigned long long)f->number);
	return f->wire == BYTES ? f->bytes : (struct reader){ 0 };
}

/* A repeated scalar comes packed or one by one: NUMBERS reads both. */
static struct reader numbers(struct decode *d, struct field *f)
{
	return f->wire == VARINT ? (struct reader){ 0 } : message(d, f);
}

static bool next_number(struct decode *d, struct field *f, struct reader *r, uint64_t *v)
{
	if (d->failed)
		return false;
	if (f->wire == VARINT) {
		*v = f->value;
		f->wire = BYTES; /* that was all of it */
		return true;
	}
	if (!reader_left(r))
		return false;
	*v = reader_uleb(r);
	if (r->failed)
		fail(d, "damaged list of numbers");
	return !r->failed;
}

static uint32_t string(struct decode *d, const struct field *f)
{
	uint64_t i = scalar(d, f);

	if (i < d->nr_strings)
		return d->strings[i];
	fail(d, "string %llu is not in the table", (unsigned long long)i);
	return 0;
}

static void add_id(struct decode *d, struct ids *t, const char *what, uint64_t id, uint32_t number)
{
	if (!ids_add(t, id, number))
		fail(d, id ? "%s id %llu comes twice" : "a %s has id %llu", what,
		     (unsigned long long)id);
}

static uint32_t get_id(struct decode *d, const struct ids *t, const char *what, uint64_t id)
{
	uint32_t number = ids_find(t, id);

	if (number != HASH_NONE)
		return number;
	fail(d, "%s id %llu does not exist", what, (unsigned long long)id);
	return 0;
}

static void decode_string(struct decode *d, const struct field *f)
{
	struct reader r = message(d, f);
	uint32_t i;

	if (d->failed)
		return;
	if (!d->nr_strings && reader_left(&r)) {
		fail(d, "the first string is not empty");
		return;
	}
	i = profile_string_n(d->p, (const char *)r.pos, reader_left(&r));
	*array_push(d->strings, d->nr_strings, d->strings_cap) = i;
}

static struct profile_value_type value_type(struct decode *d, const struct field *field)
{
	struct profile_value_type t = { 0 };
	struct reader r = message(d, field);
	struct field f;

	while (next_field(d, &r, &f)) {
		if (f.number == 1)
			t.type = string(d, &f);
		else if (f.number == 2)
			t.unit = string(d, &f);
	}
	return t;
}

static void decode_type(struct decode *d, const struct field *f)
{
	struct profile_value_type t = value_type(d, f);

	if (d->p->nr_types == PROFILE_TYPES_MAX)
		fail(d, "more than %d sample types", PROFILE_TYPES_MAX);
	if (!d->failed)
		profile_add_type(d->p, d->p->strings[t.type], d->p->strings[t.unit]);
}

static void decode_header(struct decode *d, struct field *f)
{
	struct profile *p = d->p;
	struct profile_value_type t;
	struct reader r;
	uint64_t v;

	switch (f->number) {
	case 7:
		p->drop_frames = string(d, f);
		break;
	case 8:
		p->keep_frames = string(d, f);
		break;
	case 9:
		p->time_nanos = (int64_t)scalar(d, f);
		break;
	case 10:
		p->duration_nanos = (int64_t)scalar(d, f);
		break;
	case 11:
		t = value_type(d, f);
		profile_set_period(p, p->strings[t.type], p->strings[t.unit], p->period);
		break;
	case 12:
		p->period = (int64_t)scalar(d, f);
		break;
	case 13:
		r = numbers(d, f);
		while (next_number(d, f, &r, &v)) {
			struct field one = { .number = 13, .wire = VARINT, .value = v };

			profile_add_comment(p, p->strings[string(d, &one)]);
		}
		break;
	case 14:
		p->default_type = profile_type_name(p, p->strings[string(d, f)]);
	}
}

static void decode_mapping(struct decode *d, const struct field *field)
{
	struct profile_mapping m = { 0 };
	struct reader r = message(d, field);
	struct field f;
	uint64_t id = 0;

	while (next_field(d, &r, &f)) {
		switch (f.number) {
		case 1:
			id = scalar(d, &f);
			break;
		case 2:
			m.start = scalar(d, &f);
			break;
		case 3:
			m.limit = scalar(d, &f);
			break;
		case 4:
			m.offset = scalar(d, &f);
			break;
		case 5:
			m.filename = string(d, &f);
			break;
		case 6:
			m.build_id = string(d, &f);
			break;
		case 7:
			m.has_functions = scalar(d, &f);
			break;
		case 8:
			m.has_filenames = scalar(d, &f);
			break;
		case 9:
			m.has_line_numbers = scalar(d, &f);
			break;
		case 10:
			m.has_inline_frames = scalar(d, &f);
		}
	}
	if (!d->failed)
		add_id(d, &d->mappings, "mapping", id, profile_mapping(d->p, &m));
}

static void decode_function(struct decode *d, const struct field *field)
{
	struct profile_function fn = { 0 };
	struct reader r = message(d, field);
	struct field f;
	uint64_t id = 0;

	while (next_field(d, &r, &f)) {
		switch (f.number) {
		case 1:
			id = scalar(d, &f);
			break;
		case 2:
			fn.name = string(d, &f);
			break;
		case 3:
			fn.system_name = string(d, &f);
			break;
		case 4:
			fn.filename = string(d, &f);
			break;
		case 5:
			fn.start_line = (int64_t)scalar(d, &f);
		}
	}
	if (!d->failed)
		add_id(d, &d->functions, "function", id, profile_function(d->p, &fn));
}

static struct profile_line decode_line(struct decode *d, const struct field *field)
{
	struct profile_line line = { 0 };
	struct reader r = message(d, field);
	struct field f;
	uint64_t function = 0;

	while (next_field(d, &r, &f)) {
		if (f.number == 1)
			function = scalar(d, &f);
		else if (f.number == 2)
			line.line = (int64_t)scalar(d, &f);
	}
	if (!d->failed)
		line.function = get_id(d, &d->functions, "function", function);
	return line;
}

static void decode_location(struct decode *d, const struct field *field)
{
	struct reader r = message(d, field);
	struct field f;
	uint64_t id = 0, mapping_id = 0, address = 0;
	uint32_t mapping = PROFILE_NO_MAPPING, nr = 0;

	while (next_field(d, &r, &f)) {
		switch (f.number) {
		case 1:
			id = scalar(d, &f);
			break;
		case 2:
			mapping_id = scalar(d, &f);
			break;
		case 3:
			address = scalar(d, &f);
			break;
		case 4:
			*array_push(d->lines, nr, d->lines_cap) = decode_line(d, &f);
		}
	}
	if (mapping_id && !d->failed)
		mapping = get_id(d, &d->mappings, "mapping", mapping_id);
	if (!d->failed)
		add_id(d, &d->locations, "location", id,
			profile_location_lines(d->p, mapping, address, d->lines, nr));
}

static struct profile_label decode_label(struct decode *d, const struct field *field)
{
	struct profile_label l = { 0 };
	struct reader r = message(d, field);
	struct field f;

	while (next_field(d, &r, &f)) {
		switch (f.number) {
		case 1:
			l.key = string(d, &f);
			break;
		case 2:
			l.str = string(d, &f);
			break;
		case 3:
			l.num = (int64_t)scalar(d, &f);
			break;
		case 4:
			l.num_unit = string(d, &f);
		}
	}
	return l;
}

static void decode_sample(struct decode *d, const struct field *field)
{
	struct reader r = message(d, field), list;
	struct field f;
	int64_t values[PROFILE_TYPES_MAX];
	uint32_t nr = 0, nr_values = 0, nr_labels = 0;
	uint64_t v;

	while (next_field(d, &r, &f)) {
		switch (f.number) {
		case 1:
			list = numbers(d, &f);
			while (next_number(d, &f, &list, &v))
				*array_push(d->stack, nr, d->stack_cap) =
					get_id(d, &d->locations, "location", v);
			break;
		case 2:
			list = numbers(d, &f);
			while (next_number(d, &f, &list, &v)) {
				if ((int64_t)v < 0)
					fail(d, "a value is negative: a difference of profiles?");
				if (nr_values < PROFILE_TYPES_MAX)
					values[nr_values] = (int64_t)v;
				nr_values++;
			}
			break;
		case 3:
			*array_push(d->labels, nr_labels, d->labels_cap) = decode_label(d, &f);
		}
	}
	if (nr_values != d->p->nr_types)
		fail(d, "a sample has %u values, not %u", nr_values, d->p->nr_types);
	if (d->failed)
		return;
	if (!nr) /* readers count it and show it nowhere */
		*array_push(d->stack, nr, d->stack_cap) = profile_pseudo(d->p, "[no stack]");
	nr = profile_stack(d->p, d->stack, nr);
	profile_add(d->p, nr, profile_label_set(d->p, d->labels, nr_labels), values);
}

/* What refers to something comes after it here, wherever it stands in the file. */
enum pass { STRINGS, HEADER, MAPPINGS, FUNCTIONS, LOCATIONS, SAMPLES, NR_PASSES };

static void decode_field(struct decode *d, enum pass pass, struct field *f)
{
	static const enum pass pass_of[] = {
		[1] = HEADER,	 [2] = SAMPLES,	 [3] = MAPPINGS, [4] = LOCATIONS,
		[5] = FUNCTIONS, [6] = STRINGS,	 [7] = HEADER,	 [8] = HEADER,
		[9] = HEADER,	 [10] = HEADER,	 [11] = HEADER,	 [12] = HEADER,
		[13] = HEADER,	 [14] = HEADER,
	};

	if (f->number > 14 || pass_of[f->number] != pass)
		return;
	switch (f->number) {
	case 1:
		decode_type(d, f);
		break;
	case 2:
		decode_sample(d, f);
		break;
	case 3:
		decode_mapping(d, f);
		break;
	case 4:
		decode_location(d, f);
		break;
	case 5:
		decode_function(d, f);
		break;
	case 6:
		decode_string(d, f);
		break;
	default:
		decode_header(d, f);
	}
}

int profile_decode(const void *data, size_t size, struct profile **out, char *error,
		   size_t error_size)
{
	struct decode d = { .error = error, .error_size = error_size };
	struct field f;

	d.p = profile_new();
	for (enum pass pass = 0; pass < NR_PASSES && !d.failed; pass++) {
		struct reader r = reader_of(data, size);

		while (next_field(&d, &r, &f))
			decode_field(&d, pass, &f);
		if (pass == HEADER && !d.p->nr_types)
			fail(&d, "no sample types: not a pprof profile");
	}
	ids_fini(&d.mappings);
	ids_fini(&d.functions);
	ids_fini(&d.locations);
	free(d.strings);
	free(d.lines);
	free(d.stack);
	free(d.labels);
	if (d.failed) {
		profile_free(d.p);
		return -EBADMSG;
	}
	*out = d.p;
	return 0;
}
