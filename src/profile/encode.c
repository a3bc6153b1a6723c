#include "profile/encode.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Wire types: protobuf.dev/programming-guides/encoding. Field numbers below are profile.proto's. */
enum { VARINT = 0, BYTES = 2 };

static void put_tag(struct buf *b, unsigned field, unsigned wire)
{
	*buf_reserve(b, 1) = (uint8_t)(field << 3 | wire); /* all fields are below 16 */
	b->size++;
}

/* A scalar field; proto3 leaves out what is 0. */
static void put_u64(struct buf *b, unsigned field, uint64_t v)
{
	if (!v)
		return;
	put_tag(b, field, VARINT);
	buf_varint(b, v);
}

static void put_i64(struct buf *b, unsigned field, int64_t v)
{
	put_u64(b, field, (uint64_t)v);
}

/* A length goes before what it measures: one byte is left for it, and the few messages that are
 * longer than that are moved. */
static size_t begin(struct buf *b, unsigned field)
{
	put_tag(b, field, BYTES);
	buf_reserve(b, 1);
	return ++b->size;
}

static void end(struct buf *b, size_t start)
{
	size_t size = b->size - start, more = varint_size(size) - 1;

	if (more) {
		buf_reserve(b, more);
		memmove(b->data + start + more, b->data + start, size);
		b->size += more;
	}
	varint_put(b->data + start - 1, size);
}

static void put_value_type(struct buf *b, unsigned field, const struct profile_value_type *t)
{
	size_t at = begin(b, field);

	put_u64(b, 1, t->type);
	put_u64(b, 2, t->unit);
	end(b, at);
}

static void put_mapping(struct buf *b, uint32_t number, const struct profile_mapping *m)
{
	size_t at = begin(b, 3);

	put_u64(b, 1, (uint64_t)number + 1);
	put_u64(b, 2, m->start);
	put_u64(b, 3, m->limit);
	put_u64(b, 4, m->offset);
	put_u64(b, 5, m->filename);
	put_u64(b, 6, m->build_id);
	put_u64(b, 7, m->has_functions);
	put_u64(b, 8, m->has_filenames);
	put_u64(b, 9, m->has_line_numbers);
	put_u64(b, 10, m->has_inline_frames);
	end(b, at);
}

static void put_location(struct buf *b, const struct profile *p, uint32_t number)
{
	const struct profile_location *l = &p->locations[number];
	size_t at = begin(b, 4);

	put_u64(b, 1, (uint64_t)number + 1);
	if (l->mapping != PROFILE_NO_MAPPING)
		put_u64(b, 2, (uint64_t)l->mapping + 1);
	put_u64(b, 3, l->address);
	for (uint32_t i = 0; i < l->nr_lines; i++) {
		const struct profile_line *line = &p->lines[l->first_line + i];
		size_t line_at = begin(b, 4);

		put_u64(b, 1, (uint64_t)line->function + 1);
		put_i64(b, 2, line->line);
		end(b, line_at);
	}
	end(b, at);
}

static void put_function(struct buf *b, uint32_t number, const struct profile_function *f)
{
	size_t at = begin(b, 5);

	put_u64(b, 1, (uint64_t)number + 1);
	put_u64(b, 2, f->name);
	put_u64(b, 3, f->system_name);
	put_u64(b, 4, f->filename);
	put_i64(b, 5, f->start_line);
	end(b, at);
}

static void put_label(struct buf *b, const struct profile_label *l)
{
	size_t at = begin(b, 3);

	put_u64(b, 1, l->key);
	put_u64(b, 2, l->str);
	if (!l->str) {
		put_i64(b, 3, l->num);
		put_u64(b, 4, l->num_unit);
	}
	end(b, at);
}

/* Many samples share a label set: each is encoded once, to be copied. */
struct label_bytes {
	struct buf bytes;
	size_t *ends;
};

static void label_bytes_init(struct label_bytes *lb, const struct profile *p)
{
	memset(lb, 0, sizeof(*lb));
	lb->ends = xreallocarray(NULL, (size_t)p->nr_label_sets + 1, sizeof(*lb->ends));
	lb->ends[0] = 0;
	for (uint32_t i = 0; i < p->nr_label_sets; i++) {
		const struct profile_label_set *s = &p->label_sets[i];

		for (uint32_t k = 0; k < s->nr; k++)
			put_label(&lb->bytes, &p->labels[s->first + k]);
		lb->ends[i + 1] = lb->bytes.size;
	}
}

static void label_bytes_fini(struct label_bytes *lb)
{
	buf_fini(&lb->bytes);
	free(lb->ends);
}

static void put_sample(struct buf *b, const struct profile *p, uint32_t number,
		       const struct label_bytes *lb)
{
	const struct profile_sample *s = &p->samples[number];
	const struct profile_stack *stack = &p->stacks[s->stack];
	const uint32_t *locations = &p->stack_locations[stack->first];
	const int64_t *values = &p->values[(size_t)number * p->nr_types];
	size_t labels_size = lb->ends[s->label_set + 1] - lb->ends[s->label_set];
	size_t at = begin(b, 2), packed = begin(b, 1);
	uint8_t *out = buf_reserve(b, (size_t)stack->nr * 5);

	for (uint32_t i = 0; i < stack->nr; i++)
		out = varint_put(out, (uint64_t)locations[i] + 1);
	b->size = (size_t)(out - b->data);
	end(b, packed);
	packed = begin(b, 2);
	for (uint32_t t = 0; t < p->nr_types; t++)
		buf_varint(b, (uint64_t)values[t]);
	end(b, packed);
	if (labels_size)
		buf_add(b, lb->bytes.data + lb->ends[s->label_set], labels_size);
	end(b, at);
}

static bool sample_counts(const struct profile *p, uint32_t number)
{
	const int64_t *values = &p->values[(size_t)number * p->nr_types];

	if (!p->stacks[p->samples[number].stack].nr)
		return false;
	for (uint32_t t = 0; t < p->nr_types; t++)
		if (values[t])
			return true;
	return false;
}

static void put_samples(struct buf *b, const struct profile *p)
{
	struct label_bytes lb;

	label_bytes_init(&lb, p);
	for (uint32_t i = 0; i < p->nr_samples; i++)
		if (sample_counts(p, i))
			put_sample(b, p, i, &lb);
	label_bytes_fini(&lb);
}

static void put_strings(struct buf *b, const struct profile *p)
{
	for (uint32_t i = 0; i < p->nr_strings; i++) {
		size_t size = strlen(p->strings[i]);

		put_tag(b, 6, BYTES);
		buf_varint(b, size);
		buf_add(b, p->strings[i], size);
	}
}

static void put_comments(struct buf *b, const struct profile *p)
{
	size_t at = begin(b, 13);

	for (uint32_t i = 0; i < p->nr_comments; i++)
		buf_varint(b, p->comments[i]);
	end(b, at);
}

void profile_encode(const struct profile *p, struct buf *out)
{
	for (uint32_t i = 0; i < p->nr_types; i++)
		put_value_type(out, 1, &p->types[i]);
	put_samples(out, p);
	for (uint32_t i = 0; i < p->nr_mappings; i++)
		put_mapping(out, i, &p->mappings[i]);
	for (uint32_t i = 0; i < p->nr_locations; i++)
		put_location(out, p, i);
	for (uint32_t i = 0; i < p->nr_functions; i++)
		put_function(out, i, &p->functions[i]);
	put_strings(out, p);
	put_u64(out, 7, p->drop_frames);
	put_u64(out, 8, p->keep_frames);
	put_i64(out, 9, p->time_nanos);
	put_i64(out, 10, p->duration_nanos);
	if (p->period_type.type || p->period_type.unit)
		put_value_type(out, 11, &p->period_type);
	put_i64(out, 12, p->period);
	if (p->nr_comments)
		put_comments(out, p);
	put_u64(out, 14, p->default_type);
	/* Not 15, doc_url: readers that tell pprof files by their fields do not know it. */
}
