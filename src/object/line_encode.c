#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "object/line_build_impl.h"

/* Where varints go, or where they would. */
struct out {
	uint8_t *p; /* NULL: only their size is asked for */
	size_t size;
};

static void put(struct out *o, uint64_t v)
{
	if (o->p)
		varint_put(o->p + o->size, v);
	o->size += varint_size(v);
}

static uint64_t zigzag(int64_t v)
{
	return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

static void put_node(struct out *o, const struct line_build *b, const struct line_node *n)
{
	const struct dwarf_range *r = &b->ranges[n->first_range];
	uint64_t from = b->ranges[b->nodes[n->parent].first_range].start;

	put(o, (uint64_t)n->bytes << 1 | (n->nr_ranges > 1));
	put(o, n->name);
	put(o, n->start_line);
	put(o, n->call_file);
	put(o, n->call_line);
	if (n->nr_ranges > 1)
		put(o, n->nr_ranges);
	for (uint32_t i = 0; i < n->nr_ranges; i++) {
		put(o, zigzag((int64_t)(r[i].start - from)));
		put(o, r[i].end - r[i].start);
		from = r[i].end;
	}
}

static void put_function(struct out *o, const struct line_build *b, const struct line_node *f)
{
	put(o, f->name);
	put(o, f->start_line);
	put(o, b->ranges[f->first_range].start);
}

/* Sizes from the last node to the first: what is inlined comes after what it is inlined into. */
void line_encode_function(struct line_build *b, uint32_t first)
{
	struct line_node *f = &b->nodes[first];
	struct out o = { 0 };
	size_t size;

	for (uint32_t i = b->nr_nodes; i-- > first + 1;) {
		struct line_node *n = &b->nodes[i];
		struct out own = { 0 };

		put_node(&own, b, n);
		b->nodes[n->parent].bytes += (uint32_t)own.size + n->bytes;
	}
	put_function(&o, b, f);
	size = o.size + f->bytes;
	o = (struct out){ .p = buf_reserve(&b->blobs, size + 10) };
	put(&o, size);
	put_function(&o, b, f);
	for (uint32_t i = first + 1; i < b->nr_nodes; i++)
		put_node(&o, b, &b->nodes[i]);
	b->blobs.size += o.size;
}

/* The rows of all sequences in order of address: of those that overlap the one that begins first
 * counts. */
struct rows_out {
	struct buf rows, blocks;
	struct line_row last;
	unsigned nr; /* in the block */
	uint64_t end;
	bool gap; /* the last one began one */
};

static void put_row(struct rows_out *o, struct line_row row)
{
	if (!(o->nr % LINE_BLOCK_ROWS)) {
		struct line_block b = { row.address, (uint32_t)o->rows.size };

		buf_add(&o->blocks, &b, sizeof(b));
		o->last = (struct line_row){ .address = row.address };
		o->nr = 0;
	}
	o->nr++;
	buf_varint(&o->rows, row.address - o->last.address);
	buf_varint(&o->rows, zigzag((int32_t)(row.file - o->last.file)));
	buf_varint(&o->rows, zigzag((int32_t)(row.line - o->last.line)));
	o->last = row;
}

/* The end of one sequence, which it is only a gap after when no other begins there. */
static void put_gap(struct rows_out *o)
{
	if (o->gap)
		put_row(o, (struct line_row){ (uint32_t)o->end, LINE_NO_ROW, 0 });
	o->gap = false;
}

static void put_sequences(struct rows_out *o, const struct line_build *b)
{
	for (uint32_t i = 0; i < b->nr_sequences; i++) {
		const struct radix_entry *s = &b->sequences[i];
		const struct line_row *rows = &b->rows[s->a];
		uint32_t last = s->b - 1, k = 0;

		if (rows[last].address <= o->end)
			continue;
		while (k + 1 < last && rows[k + 1].address <= o->end)
			k++;
		if (rows[k].address > o->end)
			put_gap(o);
		o->gap = false;
		for (uint32_t n = k; n < last; n++) {
			struct line_row row = rows[n];

			if (row.address < o->end)
				row.address = (uint32_t)o->end;
			put_row(o, row);
		}
		o->end = rows[last].address;
		o->gap = true;
	}
	put_gap(o);
}

static uint32_t crc_of(const void *p, size_t size)
{
	return (uint32_t)crc32(crc32(0, NULL, 0), p, (uInt)size);
}

static void *assemble(const struct line_build *b, const struct object_id *id,
		      const struct buf *const parts[LINE_NR], size_t *size)
{
	struct line_header h = { .magic = LINE_MAGIC, .version = LINE_VERSION, .id = *id,
				 .base = b->base };
	size_t at = sizeof(h);
	uint8_t *image;

	for (unsigned i = 0; i < LINE_NR; i++)
		at += parts[i]->size;
	image = malloc(at);
	if (!image)
		return NULL;
	*size = at;
	at = sizeof(h);
	for (unsigned i = 0; i < LINE_NR; i++) {
		if (parts[i]->size)
			memcpy(image + at, parts[i]->data, parts[i]->size);
		h.sections[i].size = (uint32_t)parts[i]->size;
		h.sections[i].crc = crc_of(image + at, parts[i]->size);
		at += parts[i]->size;
	}
	h.crc = crc_of(&h, sizeof(h));
	memcpy(image, &h, sizeof(h));
	return image;
}

int line_build_finish(struct line_build *b, const struct object_id *id, void **image, size_t *size)
{
	struct rows_out o = { 0 };
	struct buf functions = { 0 };
	const struct buf *const parts[LINE_NR] = { &functions, &o.blocks, &o.rows, &b->blobs,
						   &b->strings };
	uint64_t all = 0;
	int err;

	if (!b->nr_functions && !b->nr_sequences)
		return -ENODATA;
	err = radix_sort(b->functions, b->nr_functions);
	if (!err)
		err = radix_sort(b->sequences, b->nr_sequences);
	if (err)
		return err;
	for (uint32_t i = 0; i < b->nr_functions; i++) {
		const struct radix_entry *f = &b->functions[i];
		struct line_function out = { (uint32_t)f->key, f->a, f->b };

		buf_add(&functions, &out, sizeof(out));
	}
	put_sequences(&o, b);
	for (unsigned i = 0; i < LINE_NR; i++)
		all += parts[i]->size;
	if (all + sizeof(struct line_header) > LINE_SIZE_MAX)
		err = -EFBIG;
	else if (!(*image = assemble(b, id, parts, size)))
		err = -ENOMEM;
	buf_fini(&functions);
	buf_fini(&o.blocks);
	buf_fini(&o.rows);
	return err;
}
