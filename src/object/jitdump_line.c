/* Lines of code made at run time: rows of an address, a line and a file's name, in the record before the code's own. */
#include <errno.h>
#include <string.h>

#include "base/reader.h"
#include "object/jitdump_impl.h"

#define INFO_SIZE      32 /* bytes before the first row: type, size, time, address of the code, number of rows */
#define ROW_SIZE       16 /* bytes of a row before its string */
#define ROWS_SIZE_MAX  (4u << 20) /* bytes of one function's that are looked through */
#define ELF_HEADER     64 /* bytes that V8 thinks of before the code */
#define SKEW_FUNCTIONS 1000 /* that are looked at to tell */
#define SKEW_ENOUGH    8 /* all of which have no row so early: one would have, if rows were where they are said to be */

/* A walk along one function's rows. */
struct rows {
	struct jitdump *d;
	int fd;
	uint64_t at, end, nr, start;
	uint32_t file; /* of the last row */
};

struct row {
	uint64_t offset; /* from the function's start */
	uint32_t line, file;
};

static int rows_open(struct rows *rows, struct jitdump *d, int fd, uint32_t record)
{
	uint8_t bytes[INFO_SIZE];
	struct reader f = reader_of(bytes, sizeof(bytes));
	uint32_t size;
	int err = blocks_read(&d->blocks, fd, record, bytes, sizeof(bytes));

	if (err)
		return err;
	f.swap = d->swap;
	reader_skip(&f, 4);
	size = reader_u32(&f);
	reader_skip(&f, 8);
	if (size > ROWS_SIZE_MAX)
		size = ROWS_SIZE_MAX;
	*rows = (struct rows){ .d = d, .fd = fd, .at = record + INFO_SIZE, .end = (uint64_t)record + size };
	rows->start = reader_u64(&f);
	rows->nr = reader_u64(&f);
	return 0;
}

/* Behind the string at ROWS' place; its length with the NUL, or negative errno. */
static int64_t skip_string(struct rows *rows)
{
	uint64_t from = rows->at;

	while (rows->at < rows->end) {
		const uint8_t *p, *nul;
		size_t room;
		int err = blocks_peek(&rows->d->blocks, rows->fd, rows->at, &p, &room);

		if (err)
			return err;
		if (room > rows->end - rows->at)
			room = rows->end - rows->at;
		nul = memchr(p, 0, room);
		rows->at += nul ? (size_t)(nul - p) + 1 : room;
		if (nul)
			return (int64_t)(rows->at - from);
	}
	return -EBADMSG;
}

/* A name of one byte, 0xff, is the last row's name again. */
static int take_file(struct rows *rows)
{
	uint64_t from = rows->at;
	int64_t length = skip_string(rows);
	uint8_t first;
	int err;

	if (length < 0)
		return (int)length;
	if (length == 2) {
		err = blocks_read(&rows->d->blocks, rows->fd, from, &first, 1);
		if (err || first == 0xff)
			return err;
	}
	rows->file = length > 1 ? (uint32_t)from : 0;
	return 0;
}

/* The next row: 0; -ENOENT: that was the last; or another negative errno. */
static int rows_next(struct rows *rows, struct row *row)
{
	uint8_t bytes[ROW_SIZE];
	struct reader f = reader_of(bytes, sizeof(bytes));
	uint64_t from = rows->at;
	int err;

	if (!rows->nr || rows->at + ROW_SIZE >= rows->end)
		return -ENOENT;
	if (rows->d->walked >= JITDUMP_WALK_MAX)
		return -EFBIG;
	err = blocks_read(&rows->d->blocks, rows->fd, rows->at, bytes, sizeof(bytes));
	if (err)
		return err;
	f.swap = rows->d->swap;
	row->offset = reader_u64(&f) - rows->start;
	row->line = reader_u32(&f);
	rows->at += ROW_SIZE;
	rows->nr--;
	err = take_file(rows);
	row->file = rows->file;
	rows->d->walked += rows->at - from;
	return err;
}

/* The offsets of function I's first and last row. */
static int extent(struct jitdump *d, int fd, uint32_t i, uint64_t *first, uint64_t *last)
{
	struct rows rows;
	struct row row;
	int err = rows_open(&rows, d, fd, d->functions[i].lines);

	*first = UINT64_MAX;
	*last = 0;
	while (!err) {
		err = rows_next(&rows, &row);
		if (err)
			break;
		if (row.offset < *first)
			*first = row.offset;
		if (row.offset > *last)
			*last = row.offset;
	}
	return err == -ENOENT ? 0 : err;
}

/* Whether all rows are so far behind their functions' starts, and not by chance: some lie beyond a function's end, or it is
 * so of many functions. */
static uint32_t find_skew(struct jitdump *d, int fd)
{
	uint32_t seen = 0;
	bool beyond = false;

	for (uint32_t i = 0; i < d->nr && seen < SKEW_FUNCTIONS; i++) {
		const struct jitdump_function *f = &d->functions[i];
		uint64_t first, last;

		if (!f->lines || extent(d, fd, i, &first, &last) || first == UINT64_MAX)
			continue;
		seen++;
		if (first < ELF_HEADER)
			return 0;
		beyond |= last >= f->size && last - f->size <= ELF_HEADER;
	}
	return beyond || seen >= SKEW_ENOUGH ? ELF_HEADER : 0;
}

int jitdump_line(struct jitdump *d, int fd, uint64_t address, struct jit_line *l)
{
	uint64_t offset, best = 0;
	struct jit_line found = { 0 };
	struct rows rows;
	struct row row;
	uint32_t i;
	int err = jitdump_find(d, address, &i);

	if (err || !d->functions[i].lines)
		return -ENOENT;
	if (!d->skew_known) {
		d->skew = find_skew(d, fd);
		d->skew_known = true;
	}
	offset = address - d->functions[i].start + d->skew;
	err = rows_open(&rows, d, fd, d->functions[i].lines);
	while (!err) {
		err = rows_next(&rows, &row);
		if (!err && row.offset <= offset && row.offset >= best) {
			best = row.offset;
			found = (struct jit_line){ row.file, row.line };
		}
	}
	if (err != -ENOENT)
		return err;
	if (!found.file && !found.line)
		return -ENOENT;
	*l = found;
	return 0;
}

int jitdump_file(struct jitdump *d, int fd, uint32_t file, char *out, size_t out_size)
{
	return blocks_string(&d->blocks, fd, file, d->file_size, out, out_size);
}
