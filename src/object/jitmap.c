#include "object/jitmap.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "object/blocks.h"
#include "object/jitcode.h"

#define PIECE_SIZE (64u << 10)
#define BLOCKS     64

struct jitmap {
	struct jitcode code; /* a function's number is the place of its name in the file */
	uint32_t nr;
	uint64_t file_size;
	struct blocks blocks;
};

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A hexadecimal number at *P and the blank behind it. */
static bool take_hex(const char **p, const char *end, uint64_t *v)
{
	const char *at = *p;
	unsigned digits = 0;

	if (end - at >= 2 && at[0] == '0' && (at[1] | 0x20) == 'x')
		at += 2;
	for (*v = 0; at < end && digit(*at) >= 0; at++, digits++)
		*v = *v << 4 | (unsigned)digit(*at);
	if (!digits || digits > 16 || at == end || *at != ' ')
		return false;
	*p = at + 1;
	return true;
}

/* The line at LINE, which is at OFFSET in the file. */
static int take_line(struct jitmap *m, const char *line, const char *end, uint64_t offset)
{
	const char *p = line;
	uint64_t start, size;

	if (!take_hex(&p, end, &start) || !take_hex(&p, end, &size) || p == end)
		return 0;
	return jitcode_add(&m->code, start, size, (uint32_t)(offset + (uint64_t)(p - line)));
}

/* The lines that begin in the SIZE bytes at P, which are at OFFSET, and end there too. *USED: bytes of them; *SKIP: within
 * a line that has been taken already. */
static int take_piece(struct jitmap *m, const char *p, size_t size, uint64_t offset, bool *skip, size_t *used)
{
	const char *at = p, *end = p + size, *nl;
	int err = 0;

	while (!err && (nl = memchr(at, '\n', (size_t)(end - at)))) {
		if (!*skip)
			err = take_line(m, at, nl, offset + (uint64_t)(at - p));
		*skip = false;
		at = nl + 1;
	}
	if (at == p && !err) { /* a line that is longer than the piece */
		if (!*skip)
			err = take_line(m, at, end, offset);
		*skip = true;
		at = end;
	}
	*used = (size_t)(at - p);
	return err;
}

static int read_lines(struct jitmap *m, int fd)
{
	char *piece = malloc(PIECE_SIZE);
	uint64_t offset = 0;
	bool skip = false;
	int err = piece ? 0 : -ENOMEM;

	while (!err && offset < m->file_size) {
		size_t want = m->file_size - offset < PIECE_SIZE ? m->file_size - offset : PIECE_SIZE, used;
		ssize_t n = io_pread(fd, piece, want, offset);

		if (n < 0)
			err = (int)n;
		/* A last line without its end is being written. */
		if (n <= 0 || ((size_t)n < PIECE_SIZE && !memchr(piece, '\n', (size_t)n)))
			break;
		err = take_piece(m, piece, (size_t)n, offset, &skip, &used);
		offset += used;
	}
	free(piece);
	return err;
}

int jitmap_open(struct jitmap **out, int fd)
{
	struct jitmap *m = calloc(1, sizeof(*m));
	struct stat st;
	int err;

	if (!m)
		return -ENOMEM;
	m->blocks.nr_lines = BLOCKS;
	err = fstat(fd, &st) ? -errno : 0;
	if (!err && st.st_size > JITMAP_SIZE_MAX)
		err = -EFBIG;
	if (!err) {
		m->file_size = st.st_size > 0 ? (uint64_t)st.st_size : 0;
		err = read_lines(m, fd);
	}
	m->nr = m->code.nr;
	if (!err && !m->nr)
		err = -ENODATA;
	if (!err)
		err = jitcode_settle(&m->code);
	if (err)
		jitmap_free(m);
	else
		*out = m;
	return err;
}

void jitmap_free(struct jitmap *m)
{
	if (!m)
		return;
	jitmap_trim(m);
	jitcode_fini(&m->code);
	free(m);
}

size_t jitmap_size(const struct jitmap *m)
{
	return sizeof(*m) + jitcode_size(&m->code) + m->blocks.held;
}

uint32_t jitmap_nr(const struct jitmap *m)
{
	return m->nr;
}

void jitmap_trim(struct jitmap *m)
{
	blocks_trim(&m->blocks);
}

int jitmap_find(const struct jitmap *m, uint64_t address, uint32_t *name)
{
	return jitcode_find(&m->code, address, name);
}

int jitmap_name(struct jitmap *m, int fd, uint32_t name, char *out, size_t out_size)
{
	int length = blocks_string(&m->blocks, fd, name, m->file_size, out, out_size);
	char *nl = length > 0 ? memchr(out, '\n', (size_t)length) : NULL;

	if (nl) {
		*nl = 0;
		length = (int)(nl - out);
	}
	return length;
}
