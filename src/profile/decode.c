#include "profile/decode.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "profile/ids.h"
#include "profile/wire.h"

/* Field numbers are profile.proto's. */

struct decode {
	struct profile *p;
	struct wire w;
	struct ids mappings, functions, locations;
	/* The file's string indexes → ours. */
	uint32_t *strings, nr_strings, strings_cap;
	/* Room for one location, or one sample. */
	struct profile_line *lines;
	uint32_t *stack;
	struct profile_label *labels;
	uint32_t lines_cap, stack_cap, labels_cap;
};

static uint32_t string(struct decode *d, const struct wire_field *f)
{
	uint64_t i = wire_scalar(&d->w, f);

	if (i < d->nr_strings)
		return d->strings[i];
	wire_fail(&d->w, "string %llu is not in the table", (unsigned long long)i);
	return 0;
}

static void add_id(struct decode *d, struct ids *t, const char *what, uint64_t id, uint32_t number)
{
	if (!ids_add(t, id, number))
		wire_fail(&d->w, id ? "%s id %llu comes twice" : "a %s has id %llu", what,
		     (unsigned long long)id);
}

static uint32_t get_id(struct decode *d, const struct ids *t, const char *what, uint64_t id)
{
	uint32_t number = ids_find(t, id);

	if (number != HASH_NONE)
		return number;
	wire_fail(&d->w, "%s id %llu does not exist", what, (unsigned long long)id);
	return 0;
}

static void decode_string(struct decode *d, const struct wire_field *f)
{
	struct reader r = wire_message(&d->w, f);
	uint32_t i;

	if (d->w.failed)
		return;
	if (!d->nr_strings && reader_left(&r)) {
		wire_fail(&d->w, "the first string is not empty");
		return;
	}
	i = profile_string_n(d->p, (const char *)r.pos, reader_left(&r));
	*array_push(d->strings, d->nr_strings, d->strings_cap) = i;
}

static struct profile_value_type value_type(struct decode *d, const struct wire_field *field)
{
	struct profile_value_type t = { 0 };
	struct reader r = wire_message(&d->w, field);
	struct wire_field f;

	while (wire_next(&d->w, &r, &f)) {
		if (f.number == 1)
			t.type = string(d, &f);
		else if (f.number == 2)
			t.unit = string(d, &f);
	}
	return t;
}

static void decode_type(struct decode *d, const struct wire_field *f)
{
	struct profile_value_type t = value_type(d, f);

	if (d->p->nr_types == PROFILE_TYPES_MAX)
		wire_fail(&d->w, "more than %d sample types", PROFILE_TYPES_MAX);
	if (!d->w.failed)
		profile_add_type(d->p, d->p->strings[t.type], d->p->strings[t.unit]);
}

static void decode_header(struct decode *d, struct wire_field *f)
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
		p->time_nanos = (int64_t)wire_scalar(&d->w, f);
		break;
	case 10:
		p->duration_nanos = (int64_t)wire_scalar(&d->w, f);
		break;
	case 11:
		t = value_type(d, f);
		profile_set_period(p, p->strings[t.type], p->strings[t.unit], p->period);
		break;
	case 12:
		p->period = (int64_t)wire_scalar(&d->w, f);
		break;
	case 13:
		r = wire_numbers(&d->w, f);
		while (wire_next_number(&d->w, f, &r, &v)) {
			struct wire_field one = { .number = 13, .type = WIRE_VARINT, .value = v };

			profile_add_comment(p, p->strings[string(d, &one)]);
		}
		break;
	case 14:
		p->default_type = profile_type_name(p, p->strings[string(d, f)]);
	}
}

static void decode_mapping(struct decode *d, const struct wire_field *field)
{
	struct profile_mapping m = { 0 };
	struct reader r = wire_message(&d->w, field);
	struct wire_field f;
	uint64_t id = 0;

	while (wire_next(&d->w, &r, &f)) {
		switch (f.number) {
		case 1:
			id = wire_scalar(&d->w, &f);
			break;
		case 2:
			m.start = wire_scalar(&d->w, &f);
			break;
		case 3:
			m.limit = wire_scalar(&d->w, &f);
			break;
		case 4:
			m.offset = wire_scalar(&d->w, &f);
			break;
		case 5:
			m.filename = string(d, &f);
			break;
		case 6:
			m.build_id = string(d, &f);
			break;
		case 7:
			m.has_functions = wire_scalar(&d->w, &f);
			break;
		case 8:
			m.has_filenames = wire_scalar(&d->w, &f);
			break;
		case 9:
			m.has_line_numbers = wire_scalar(&d->w, &f);
			break;
		case 10:
			m.has_inline_frames = wire_scalar(&d->w, &f);
		}
	}
	if (!d->w.failed)
		add_id(d, &d->mappings, "mapping", id, profile_mapping(d->p, &m));
}

static void decode_function(struct decode *d, const struct wire_field *field)
{
	struct profile_function fn = { 0 };
	struct reader r = wire_message(&d->w, field);
	struct wire_field f;
	uint64_t id = 0;

	while (wire_next(&d->w, &r, &f)) {
		switch (f.number) {
		case 1:
			id = wire_scalar(&d->w, &f);
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
			fn.start_line = (int64_t)wire_scalar(&d->w, &f);
		}
	}
	if (!d->w.failed)
		add_id(d, &d->functions, "function", id, profile_function(d->p, &fn));
}

static struct profile_line decode_line(struct decode *d, const struct wire_field *field)
{
	struct profile_line line = { 0 };
	struct reader r = wire_message(&d->w, field);
	struct wire_field f;
	uint64_t function = 0;

	while (wire_next(&d->w, &r, &f)) {
		if (f.number == 1)
			function = wire_scalar(&d->w, &f);
		else if (f.number == 2)
			line.line = (int64_t)wire_scalar(&d->w, &f);
	}
	if (!d->w.failed)
		line.function = get_id(d, &d->functions, "function", function);
	return line;
}

static void decode_location(struct decode *d, const struct wire_field *field)
{
	struct reader r = wire_message(&d->w, field);
	struct wire_field f;
	uint64_t id = 0, mapping_id = 0, address = 0;
	uint32_t mapping = PROFILE_NO_MAPPING, nr = 0;

	while (wire_next(&d->w, &r, &f)) {
		switch (f.number) {
		case 1:
			id = wire_scalar(&d->w, &f);
			break;
		case 2:
			mapping_id = wire_scalar(&d->w, &f);
			break;
		case 3:
			address = wire_scalar(&d->w, &f);
			break;
		case 4:
			*array_push(d->lines, nr, d->lines_cap) = decode_line(d, &f);
		}
	}
	if (mapping_id && !d->w.failed)
		mapping = get_id(d, &d->mappings, "mapping", mapping_id);
	if (!d->w.failed)
		add_id(d, &d->locations, "location", id,
			profile_location_lines(d->p, mapping, address, d->lines, nr));
}

static struct profile_label decode_label(struct decode *d, const struct wire_field *field)
{
	struct profile_label l = { 0 };
	struct reader r = wire_message(&d->w, field);
	struct wire_field f;

	while (wire_next(&d->w, &r, &f)) {
		switch (f.number) {
		case 1:
			l.key = string(d, &f);
			break;
		case 2:
			l.str = string(d, &f);
			break;
		case 3:
			l.num = (int64_t)wire_scalar(&d->w, &f);
			break;
		case 4:
			l.num_unit = string(d, &f);
		}
	}
	return l;
}

static void decode_sample(struct decode *d, const struct wire_field *field)
{
	struct reader r = wire_message(&d->w, field), list;
	struct wire_field f;
	int64_t values[PROFILE_TYPES_MAX], least = 0;
	uint32_t nr = 0, nr_values = 0, nr_labels = 0;
	uint64_t v;

	while (wire_next(&d->w, &r, &f)) {
		switch (f.number) {
		case 1:
			list = wire_numbers(&d->w, &f);
			while (wire_next_number(&d->w, &f, &list, &v))
				*array_push(d->stack, nr, d->stack_cap) =
					get_id(d, &d->locations, "location", v);
			break;
		case 2:
			list = wire_numbers(&d->w, &f);
			while (wire_next_number(&d->w, &f, &list, &v)) {
				if ((int64_t)v < least)
					least = (int64_t)v;
				if (nr_values < PROFILE_TYPES_MAX)
					values[nr_values] = (int64_t)v;
				nr_values++;
			}
			break;
		case 3:
			*array_push(d->labels, nr_labels, d->labels_cap) = decode_label(d, &f);
		}
	}
	if (least < 0)
		wire_fail(&d->w, "a value is negative: a difference of profiles?");
	if (nr_values != d->p->nr_types)
		wire_fail(&d->w, "a sample has %u values, not %u", nr_values, d->p->nr_types);
	if (d->w.failed)
		return;
	if (!nr) /* readers count it and show it nowhere */
		*array_push(d->stack, nr, d->stack_cap) = profile_pseudo(d->p, "[no stack]");
	nr = profile_stack(d->p, d->stack, nr);
	profile_add(d->p, nr, profile_label_set(d->p, d->labels, nr_labels), values);
}

/* What refers to something comes after it here, wherever it stands in the file. */
enum pass { STRINGS, HEADER, MAPPINGS, FUNCTIONS, LOCATIONS, SAMPLES, NR_PASSES };

static void decode_field(struct decode *d, enum pass pass, struct wire_field *f)
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
	struct decode d = { .w = { .error = error, .error_size = error_size } };
	struct wire_field f;

	d.p = profile_new();
	for (enum pass pass = 0; pass < NR_PASSES && !d.w.failed; pass++) {
		struct reader r = reader_of(data, size);

		while (wire_next(&d.w, &r, &f))
			decode_field(&d, pass, &f);
		if (pass == HEADER && !d.p->nr_types)
			wire_fail(&d.w, "no sample types: not a pprof profile");
	}
	ids_fini(&d.mappings);
	ids_fini(&d.functions);
	ids_fini(&d.locations);
	free(d.strings);
	free(d.lines);
	free(d.stack);
	free(d.labels);
	if (d.w.failed) {
		profile_free(d.p);
		return -EBADMSG;
	}
	*out = d.p;
	return 0;
}
