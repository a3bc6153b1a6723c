#include "object/dwarf_line.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "object/dwarf_constants.h"
#include "object/dwarf_impl.h"

#define FORMATS_MAX 16    /* descriptions of a directory or file; the standard has 5 */
#define ENTRIES_MAX 1000000 /* directories, files of one program */

void dwarf_line_fini(struct dwarf_line *l)
{
	free(l->dirs);
	free(l->files);
	memset(l, 0, sizeof(*l));
}

static int add_dir(struct dwarf_line *l, const char *dir)
{
	const char **added;

	if (l->nr_dirs == ENTRIES_MAX)
		return -EFBIG;
	added = array_try_push(l->dirs, l->nr_dirs, l->dirs_cap);
	if (!added)
		return -ENOMEM;
	*added = dir;
	return 0;
}

static int add_file(struct dwarf_line *l, const char *name, uint64_t dir)
{
	struct dwarf_line_file *added;

	if (l->nr_files == ENTRIES_MAX)
		return -EFBIG;
	added = array_try_push(l->files, l->nr_files, l->files_cap);
	if (!added)
		return -ENOMEM;
	*added = (struct dwarf_line_file){ .name = name, .dir = dir };
	return 0;
}

/* DWARF 4 section 6.2.4. */
static int old_tables(struct dwarf_line *l, struct reader *r)
{
	const char *s;
	int err = 0;

	while (!err && (s = reader_str(r)) && *s)
		err = add_dir(l, s);
	while (!err && (s = reader_str(r)) && *s) {
		uint64_t dir = reader_uleb(r);

		reader_uleb(r);
		reader_uleb(r);
		err = add_file(l, s, dir);
	}
	return err;
}

struct format {
	uint64_t type;
	struct dwarf_attr attr;
};

static unsigned read_formats(struct reader *r, struct format *formats)
{
	unsigned nr = reader_u8(r);

	if (nr > FORMATS_MAX)
		reader_fail(r);
	for (unsigned i = 0; i < nr && !r->failed; i++) {
		uint64_t form;

		formats[i] = (struct format){ .type = reader_uleb(r) };
		form = reader_uleb(r);
		formats[i].attr.form = form > UINT16_MAX ? 0 : (uint16_t)form;
	}
	return nr;
}

/* Section 6.2.4.1: the directories, or the files. */
static int table(struct dwarf_line *l, struct dwarf *d, const struct dwarf_unit *sizes,
		 struct reader *r, bool files)
{
	struct format formats[FORMATS_MAX];
	unsigned nr_formats = read_formats(r, formats);
	uint64_t nr = reader_uleb(r);
	int err = 0;

	if (nr > reader_left(r)) /* entries without a byte would have no end */
		reader_fail(r);
	for (uint64_t i = 0; i < nr && !err && !r->failed; i++) {
		const char *name = NULL;
		uint64_t dir = 0;

		for (unsigned k = 0; k < nr_formats; k++) {
			struct dwarf_value v = { 0 };

			dwarf_form_read(r, sizes, &formats[k].attr, &v);
			if (r->failed)
				break;
			if (formats[k].type == DW_LNCT_path)
				name = dwarf_value_string(d, sizes, &v);
			else if (formats[k].type == DW_LNCT_directory_index)
				dir = v.u;
		}
		if (!r->failed)
			err = files ? add_file(l, name ? name : "", dir)
				    : add_dir(l, name ? name : "");
	}
	return err;
}

static int read_header(struct dwarf_line *l, struct dwarf *d, const struct dwarf_unit *u,
		       struct reader *r)
{
	struct dwarf_unit sizes = { .version = l->version, .addr_size = u->addr_size,
				    .offset_size = l->offset_size,
				    .str_offsets_base = u->str_offsets_base };
	struct reader h;
	int err;

	if (l->version >= 5) {
		sizes.addr_size = reader_u8(r);
		reader_u8(r); /* segment selectors: nobody has them */
	}
	l->addr_size = sizes.addr_size;
	h = reader_sub(r, dwarf_read_sized(r, l->offset_size));
	l->program = *r;
	l->min_inst_length = reader_u8(&h);
	l->max_ops = l->version >= 4 ? reader_u8(&h) : 1;
	reader_u8(&h); /* default_is_stmt */
	l->line_base = (int8_t)reader_u8(&h);
	l->line_range = reader_u8(&h);
	l->opcode_base = reader_u8(&h);
	l->lengths = reader_bytes(&h, l->opcode_base ? l->opcode_base - 1u : 0);
	if (h.failed || !l->line_range || !l->opcode_base || !l->max_ops ||
	    (l->addr_size != 4 && l->addr_size != 8))
		return -EBADMSG;
	if (l->version >= 5) {
		err = table(l, d, &sizes, &h, false);
		if (!err)
			err = table(l, d, &sizes, &h, true);
	} else {
		err = old_tables(l, &h);
	}
	return err;
}

int dwarf_line_open(struct dwarf_line *l, struct dwarf *d, const struct dwarf_unit *u)
{
	const struct dwarf_section *s = &d->sections[DWARF_LINE];
	uint64_t length;
	struct reader r, body;
	size_t left;
	int err;

	l->nr_dirs = l->nr_files = 0;
	l->program = (struct reader){ .failed = true };
	l->comp_dir = u->comp_dir;
	if (u->line >= s->size)
		return -EBADMSG;
	r = dwarf_section_at(s, u->line, s->size - u->line, d->swap);
	length = reader_u32(&r);
	l->offset_size = 4;
	if (length == UINT32_MAX) {
		l->offset_size = 8;
		length = reader_u64(&r);
	}
	body = reader_sub(&r, length);
	l->version = (uint8_t)reader_u16(&body);
	if (body.failed || l->version < 2 || l->version > 5)
		return -EBADMSG;
	left = reader_left(&body);
	err = read_header(l, d, u, &body);
	if (!err && !dwarf_charge(d, left - reader_left(&l->program)))
		err = -EFBIG;
	return err;
}

struct state {
	uint64_t address, file;
	uint32_t line, op_index;
};

static void reset(struct state *st)
{
	*st = (struct state){ .file = 1, .line = 1 };
}

static void advance(const struct dwarf_line *l, struct state *st, uint64_t operations)
{
	uint64_t ops = st->op_index + operations;

	if (l->max_ops == 1) {
		st->address += l->min_inst_length * operations;
		return;
	}
	st->address += l->min_inst_length * (ops / l->max_ops);
	st->op_index = (uint32_t)(ops % l->max_ops);
}

/* Section 6.2.5.3. False: the caller of the program wants no more. */
static bool extended(struct dwarf_line *l, struct state *st, struct reader *r, dwarf_row_fn fn,
		     void *ctx)
{
	struct reader e = reader_sub(r, reader_uleb(r));
	bool more = true;

	switch (reader_u8(&e)) {
	case DW_LNE_end_sequence:
		if (!e.failed)
			more = fn(ctx, st->address, UINT32_MAX, 0, true);
		reset(st);
		break;
	case DW_LNE_set_address:
		st->address = dwarf_read_sized(&e, reader_left(&e) > 8 ? 0 : (unsigned)reader_left(&e));
		st->op_index = 0;
		break;
	case DW_LNE_define_file: {
		const char *name = reader_str(&e);
		uint64_t dir = reader_uleb(&e);

		more = !name || l->version >= 5 || !add_file(l, name, dir);
		break;
	}
	default: break;
	}
	return more;
}

/* Section 6.2.5.2. */
static void standard(const struct dwarf_line *l, struct state *st, struct reader *r, uint8_t op)
{
	switch (op) {
	case DW_LNS_advance_pc: advance(l, st, reader_uleb(r)); break;
	case DW_LNS_advance_line: st->line += (uint32_t)reader_sleb(r); break;
	case DW_LNS_set_file: st->file = reader_uleb(r); break;
	case DW_LNS_const_add_pc: advance(l, st, (255u - l->opcode_base) / l->line_range); break;
	case DW_LNS_fixed_advance_pc:
		st->address += reader_u16(r);
		st->op_index = 0;
		break;
	default:
		for (unsigned i = 0; i < l->lengths[op - 1]; i++)
			reader_uleb(r);
	}
}

void dwarf_line_run(struct dwarf_line *l, struct dwarf *d, dwarf_row_fn fn, void *ctx)
{
	struct reader r = l->program;
	struct state st;
	bool more = dwarf_charge(d, reader_left(&r));

	reset(&st);
	while (more && reader_left(&r)) {
		uint8_t op = reader_u8(&r);

		if (op >= l->opcode_base) {
			unsigned special = op - l->opcode_base;

			advance(l, &st, special / l->line_range);
			st.line += (uint32_t)(l->line_base + (int)(special % l->line_range));
			more = fn(ctx, st.address, dwarf_line_file(l, st.file), st.line, false);
		} else if (!op) {
			more = extended(l, &st, &r, fn, ctx);
		} else if (op == DW_LNS_copy) {
			more = fn(ctx, st.address, dwarf_line_file(l, st.file), st.line, false);
		} else {
			standard(l, &st, &r, op);
		}
	}
}

uint32_t dwarf_line_file(const struct dwarf_line *l, uint64_t file)
{
	uint64_t index = l->version >= 5 ? file : file - 1;

	return index < l->nr_files ? (uint32_t)index : UINT32_MAX;
}

static size_t append(char *out, size_t n, size_t out_size, const char *s)
{
	size_t size = strnlen(s, out_size);

	if (n && out[n - 1] != '/' && n + 1 < out_size)
		out[n++] = '/';
	if (size > out_size - 1 - n)
		size = out_size - 1 - n;
	memcpy(out + n, s, size);
	out[n + size] = 0;
	return n + size;
}

/* Version 5 has the compilation's directory as number 0, before it that has no entry. */
static const char *dir_of(const struct dwarf_line *l, uint64_t dir)
{
	if (l->version >= 5)
		return dir < l->nr_dirs ? l->dirs[dir] : "";
	return dir && dir - 1 < l->nr_dirs ? l->dirs[dir - 1] : "";
}

size_t dwarf_line_path(const struct dwarf_line *l, uint32_t index, char *out, size_t out_size)
{
	const struct dwarf_line_file *f = &l->files[index];
	const char *dir = dir_of(l, f->dir);
	size_t n = 0;

	out[0] = 0;
	if (*f->name != '/') {
		if (*dir != '/' && l->comp_dir)
			n = append(out, n, out_size, l->comp_dir);
		if (*dir)
			n = append(out, n, out_size, dir);
	}
	return append(out, n, out_size, f->name);
}
