#include "object/line.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/array.h"
#include "base/io.h"
#include "base/reader.h"
#include "object/strings.h"

#define NEAR_MAX 16           /* functions looked at behind one that ends before the address */
#define CHECK_SIZE (64u << 10) /* bytes read at once to check a section */
#define BLOB_SIZE 512         /* bytes of a blob read at first */

/* Bytes of a section read last. */
struct piece {
	uint8_t *data;
	size_t size, cap;
	uint64_t offset;
};

struct line_index {
	struct line_header header;
	uint64_t starts[LINE_NR];
	uint32_t nr_functions, nr_blocks;
	const struct line_function *functions;
	const struct line_block *blocks;
	uint8_t *image; /* NULL: fd */
	int fd;
	uint8_t *tables; /* functions and blocks, of a file */
	struct piece rows, blob;
	struct strings strings;
	size_t size;
};

static uint32_t crc_of(const void *p, size_t size)
{
	return (uint32_t)crc32(crc32(0, NULL, 0), p, (uInt)size);
}

static int check_header(struct line_index *x, uint64_t size, const struct object_id *id)
{
	struct line_header h = x->header;
	uint64_t at = sizeof(h);

	if (memcmp(h.magic, LINE_MAGIC, sizeof(h.magic)))
		return -EBADMSG;
	if (h.version != LINE_VERSION)
		return -ESTALE;
	h.crc = 0;
	if (crc_of(&h, sizeof(h)) != x->header.crc)
		return -EBADMSG;
	if (id && memcmp(&h.id, id, sizeof(*id)))
		return -ESTALE;
	for (unsigned i = 0; i < LINE_NR; i++) {
		x->starts[i] = at;
		at += h.sections[i].size;
	}
	if (at != size || size > LINE_SIZE_MAX ||
	    h.sections[LINE_FUNCTIONS].size % sizeof(struct line_function) ||
	    h.sections[LINE_BLOCKS].size % sizeof(struct line_block) ||
	    !h.sections[LINE_STRINGS].size)
		return -EBADMSG;
	x->nr_functions = h.sections[LINE_FUNCTIONS].size / sizeof(struct line_function);
	x->nr_blocks = h.sections[LINE_BLOCKS].size / sizeof(struct line_block);
	return 0;
}

/* Both tables begin at multiples of 4: the header's size and the functions' are. */
static void set_tables(struct line_index *x, const uint8_t *tables)
{
	x->functions = (const void *)tables;
	x->blocks = (const void *)(tables + x->header.sections[LINE_FUNCTIONS].size);
}

static struct line_index *index_new(void)
{
	struct line_index *x = calloc(1, sizeof(*x));

	if (x)
		x->fd = -1;
	return x;
}

int line_open_memory(struct line_index **out, void *image, size_t size, const struct object_id *id)
{
	struct line_index *x = index_new();
	int err = -EBADMSG;

	if (!x) {
		free(image);
		return -ENOMEM;
	}
	x->image = image;
	x->size = sizeof(*x) + size;
	if (size >= sizeof(x->header)) {
		memcpy(&x->header, image, sizeof(x->header));
		err = check_header(x, size, id);
	}
	for (unsigned i = 0; i < LINE_NR && !err; i++)
		if (crc_of(x->image + x->starts[i], x->header.sections[i].size) !=
		    x->header.sections[i].crc)
			err = -EBADMSG;
	if (err) {
		line_close(x);
		return err;
	}
	set_tables(x, x->image + x->starts[LINE_FUNCTIONS]);
	*out = x;
	return 0;
}

static int read_exactly(int fd, void *p, size_t size, uint64_t offset)
{
	ssize_t n = io_pread(fd, p, size, offset);

	return n < 0 ? (int)n : (size_t)n < size ? -EBADMSG : 0;
}

static int check_section(const struct line_index *x, enum line_section section, uint8_t *buffer)
{
	uint64_t at = x->starts[section], left = x->header.sections[section].size;
	uLong crc = crc32(0, NULL, 0);
	int err = 0;

	while (left && !err) {
		size_t size = left < CHECK_SIZE ? (size_t)left : CHECK_SIZE;

		err = read_exactly(x->fd, buffer, size, at);
		if (!err)
			crc = crc32(crc, buffer, (uInt)size);
		at += size;
		left -= size;
	}
	return err ? err : (uint32_t)crc == x->header.sections[section].crc ? 0 : -EBADMSG;
}

static int read_tables(struct line_index *x)
{
	size_t size = x->header.sections[LINE_FUNCTIONS].size + x->header.sections[LINE_BLOCKS].size;
	int err;

	x->tables = malloc(size + 1);
	if (!x->tables)
		return -ENOMEM;
	err = read_exactly(x->fd, x->tables, size, x->starts[LINE_FUNCTIONS]);
	if (err)
		return err;
	x->size += size;
	set_tables(x, x->tables);
	/* What is in use is what has been checked, even when the file changes. */
	if (crc_of(x->functions, x->header.sections[LINE_FUNCTIONS].size) !=
		    x->header.sections[LINE_FUNCTIONS].crc ||
	    crc_of(x->blocks, x->header.sections[LINE_BLOCKS].size) !=
		    x->header.sections[LINE_BLOCKS].crc)
		return -EBADMSG;
	return 0;
}

int line_open(struct line_index **out, int fd, const struct object_id *id)
{
	struct line_index *x = index_new();
	uint8_t *buffer = malloc(CHECK_SIZE);
	struct stat st;
	int err = x && buffer ? 0 : -ENOMEM;

	if (err)
		goto out;
	x->fd = fd;
	x->size = sizeof(*x);
	err = fstat(fd, &st) ? -errno : read_exactly(fd, &x->header, sizeof(x->header), 0);
	if (!err)
		err = check_header(x, (uint64_t)st.st_size, id);
	if (!err)
		err = read_tables(x);
	for (unsigned i = LINE_ROWS; i < LINE_NR && !err; i++)
		err = check_section(x, i, buffer);
	if (err)
		goto out;
	x->strings = strings_of(x->starts[LINE_STRINGS], x->header.sections[LINE_STRINGS].size);
	*out = x;
out:
	free(buffer);
	if (err)
		line_close(x);
	return err;
}

void line_trim(struct line_index *x)
{
	free(x->rows.data);
	free(x->blob.data);
	memset(&x->rows, 0, sizeof(x->rows));
	memset(&x->blob, 0, sizeof(x->blob));
	strings_trim(&x->strings);
}

void line_close(struct line_index *x)
{
	if (!x)
		return;
	line_trim(x);
	free(x->image);
	free(x->tables);
	free(x);
}

size_t line_size(const struct line_index *x)
{
	return x->size + x->rows.cap + x->blob.cap + x->strings.blocks.held;
}

uint64_t line_file_size(const struct line_index *x)
{
	return x->image ? 0 : x->starts[LINE_STRINGS] + x->header.sections[LINE_STRINGS].size;
}

/* SIZE bytes at OFFSET of SECTION, cut at its end, into R. */
static int read_piece(struct line_index *x, enum line_section section, struct piece *p,
		      uint64_t offset, uint64_t size, struct reader *r)
{
	uint64_t all = x->header.sections[section].size;
	int err;

	if (offset > all)
		return -EBADMSG;
	if (size > all - offset)
		size = all - offset;
	if (x->image) {
		*r = reader_of(x->image + x->starts[section] + offset, size);
		return 0;
	}
	if (p->offset != offset || p->size < size) {
		if (p->cap < size) {
			uint8_t *data = realloc(p->data, size);

			if (!data)
				return -ENOMEM;
			p->data = data;
			p->cap = size;
		}
		p->size = 0;
		err = read_exactly(x->fd, p->data, size, x->starts[section] + offset);
		if (err)
			return err;
		p->size = size;
		p->offset = offset;
	}
	*r = reader_of(p->data, size);
	return 0;
}

static int64_t zigzag(uint64_t v)
{
	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

/* File and line of ADDRESS; false: none. */
static int find_row(struct line_index *x, uint32_t address, uint32_t *file, uint32_t *line)
{
	uint32_t low = array_partition(x->blocks, x->nr_blocks, e, e->start <= address), at, f = 0, n = 0;
	const struct line_block *b;
	struct reader r;
	int err;

	if (!low)
		return -ENOENT;
	b = &x->blocks[low - 1];
	if (low < x->nr_blocks && b[1].offset < b->offset)
		return -EBADMSG;
	err = read_piece(x, LINE_ROWS, &x->rows, b->offset,
			 low < x->nr_blocks ? b[1].offset - b->offset : UINT32_MAX, &r);
	if (err)
		return err;
	at = b->start;
	*file = LINE_NO_ROW;
	for (unsigned i = 0; i < LINE_BLOCK_ROWS && reader_left(&r); i++) {
		at += (uint32_t)reader_uleb(&r);
		f += (uint32_t)zigzag(reader_uleb(&r));
		n += (uint32_t)zigzag(reader_uleb(&r));
		if (r.failed)
			return -EBADMSG;
		if (at > address)
			break;
		*file = f;
		*line = n;
	}
	return *file == LINE_NO_ROW ? -ENOENT : 0;
}

static const struct line_function *find_function(const struct line_index *x, uint32_t address)
{
	uint32_t low = array_partition(x->functions, x->nr_functions, e, e->start <= address);

	for (unsigned i = 0; i < NEAR_MAX && low; i++) {
		const struct line_function *f = &x->functions[--low];

		if (address - f->start < f->size)
			return f;
	}
	return NULL;
}

/* What a function, or one inlined, says of itself. */
struct scope {
	uint32_t name, start_line, call_file, call_line;
	uint64_t start;
};

/* The ranges of what is inlined; whether ADDRESS is in one of them. */
static bool read_ranges(struct reader *r, uint64_t nr, uint64_t from, uint64_t address,
			struct scope *s)
{
	bool inside = false;

	for (uint64_t i = 0; i < nr && !r->failed; i++) {
		uint64_t start = from + (uint64_t)zigzag(reader_uleb(r)), size = reader_uleb(r);

		if (!i)
			s->start = start;
		inside = inside || address - start < size;
		from = start + size;
	}
	return inside;
}

/* The chain at ADDRESS into SCOPES, outermost first; its length. */
static unsigned walk(struct reader *r, uint64_t address, struct scope *scopes)
{
	unsigned nr = 1;

	while (reader_left(r) && nr < LINE_DEPTH_MAX) {
		uint64_t head = reader_uleb(r), nr_ranges = 1;
		struct scope s = { 0 };

		s.name = (uint32_t)reader_uleb(r);
		s.start_line = (uint32_t)reader_uleb(r);
		s.call_file = (uint32_t)reader_uleb(r);
		s.call_line = (uint32_t)reader_uleb(r);
		if (head & 1)
			nr_ranges = reader_uleb(r);
		if (read_ranges(r, nr_ranges, scopes[nr - 1].start, address, &s) && !r->failed) {
			*r = reader_sub(r, head >> 1);
			scopes[nr++] = s;
		} else {
			reader_skip(r, head >> 1);
		}
	}
	return nr;
}

static int read_scopes(struct line_index *x, const struct line_function *f, uint32_t address,
		       struct scope *scopes, unsigned *nr)
{
	struct reader r;
	uint64_t size, head;
	int err = read_piece(x, LINE_BLOBS, &x->blob, f->blob, BLOB_SIZE, &r);

	if (err)
		return err;
	head = reader_left(&r);
	size = reader_uleb(&r);
	head -= reader_left(&r);
	if (r.failed || size > LINE_SIZE_MAX)
		return -EBADMSG;
	if (size > reader_left(&r)) {
		err = read_piece(x, LINE_BLOBS, &x->blob, f->blob, head + size, &r);
		reader_skip(&r, head);
	}
	if (err)
		return err;
	r = reader_sub(&r, size);
	scopes[0].name = (uint32_t)reader_uleb(&r);
	scopes[0].start_line = (uint32_t)reader_uleb(&r);
	scopes[0].start = reader_uleb(&r);
	*nr = walk(&r, address, scopes);
	return r.failed ? -EBADMSG : 0;
}

int line_find(struct line_index *x, uint64_t vaddr, struct line_frame *frames, unsigned *nr)
{
	uint64_t relative = vaddr - x->header.base;
	uint32_t address = (uint32_t)relative, file = 0, line = 0;
	const struct line_function *f;
	struct scope scopes[LINE_DEPTH_MAX] = { 0 };
	unsigned n = 1;
	int row, err = 0;

	if (relative > UINT32_MAX)
		return -ENOENT;
	f = find_function(x, address);
	row = find_row(x, address, &file, &line);
	if (row && row != -ENOENT)
		return row;
	if (row) {
		if (!f)
			return row;
		file = line = 0;
	}
	if (f)
		err = read_scopes(x, f, address, scopes, &n);
	if (err)
		return err;
	for (unsigned i = 0; i < n; i++) {
		const struct scope *s = &scopes[n - 1 - i];

		frames[i] = (struct line_frame){ s->name, file, line, s->start_line };
		file = s->call_file;
		line = s->call_line;
	}
	*nr = n;
	return 0;
}

int line_string(struct line_index *x, uint32_t number, char *out, size_t out_size)
{
	uint64_t all = x->header.sections[LINE_STRINGS].size;
	const char *s;
	size_t size;

	if (!x->image)
		return strings_get(&x->strings, x->fd, number, out, out_size);
	if (number >= all)
		return -EBADMSG;
	s = (const char *)x->image + x->starts[LINE_STRINGS] + number;
	size = strnlen(s, all - number < out_size - 1 ? all - number : out_size - 1);
	memcpy(out, s, size);
	out[size] = 0;
	return (int)size;
}
