#include <string.h>

#include "base/array.h"
#include "object/line_build_impl.h"

uint32_t line_file(struct line_build *b, uint64_t file)
{
	uint32_t index = b->has_line ? dwarf_line_file(&b->line, file) : UINT32_MAX;
	char path[DWARF_STRING_MAX + 1];
	struct dwarf_line_file *f;

	if (index == UINT32_MAX)
		return 0;
	f = &b->line.files[index];
	if (!f->id)
		f->id = line_intern(b, path, dwarf_line_path(&b->line, index, path, sizeof(path)));
	return f->id;
}

static void end_sequence(struct line_build *b, uint64_t address)
{
	struct line_row *last = b->nr_rows > b->first_row ? &b->rows[b->nr_rows - 1] : NULL;
	uint64_t end = address - b->base;

	if (last && end > last->address && end < UINT32_MAX) {
		*array_push(b->rows, b->nr_rows, b->rows_cap) =
			(struct line_row){ .address = (uint32_t)end, .file = LINE_NO_ROW };
		*array_push(b->sequences, b->nr_sequences, b->sequences_cap) =
			(struct radix_entry){ b->rows[b->first_row].address, b->first_row,
					      b->nr_rows - b->first_row };
	} else {
		b->nr_rows = b->first_row;
	}
	b->first_row = b->nr_rows;
	b->row_open = b->dead = false;
}

/* A row of an address before that of the one before it breaks the standard: it is left out. Of rows
 * of one address the last counts; rows that say the same again say nothing. */
static bool take_row(void *ctx, uint64_t address, uint32_t file, uint32_t line, bool end)
{
	struct line_build *b = ctx;
	struct line_row *last = b->nr_rows > b->first_row ? &b->rows[b->nr_rows - 1] : NULL;
	struct line_row row = { .line = line };

	if (end) {
		end_sequence(b, address);
		return b->work.left;
	}
	if (!b->row_open) {
		b->row_open = true;
		b->dead = !line_in_text(b, address);
	}
	if (b->dead || address - b->base >= UINT32_MAX)
		return b->work.left;
	row.address = (uint32_t)(address - b->base);
	row.file = file == UINT32_MAX ? 0 : b->line.files[file].id;
	if (!row.file && file != UINT32_MAX)
		row.file = line_file(b, b->line.version >= 5 ? file : file + 1ull);
	if (last && row.address < last->address)
		return true;
	if (last && row.address == last->address)
		*last = row;
	else if (!last || last->file != row.file || last->line != row.line)
		*array_push(b->rows, b->nr_rows, b->rows_cap) = row;
	return b->nr_rows < INT32_MAX / 2 && b->work.left;
}

static bool is_new(struct line_build *b, uint64_t offset)
{
	uint32_t hash = hash_u64(offset), pos, i;

	for (i = hash_first(&b->seen_hash, hash, &pos); i != HASH_NONE;
	     i = hash_next(&b->seen_hash, hash, &pos))
		if (b->seen[i].offset == offset)
			return false;
	hash_add(&b->seen_hash, hash, b->nr_seen);
	*array_push(b->seen, b->nr_seen, b->seen_cap) = (struct line_seen){ offset };
	return true;
}

void line_read_rows(struct line_build *b, struct dwarf *d, const struct dwarf_unit *u)
{
	b->has_line = u->has_line && !dwarf_line_open(&b->line, d, u);
	if (!b->has_line || !is_new(b, u->line))
		return;
	b->first_row = b->nr_rows;
	b->row_open = b->dead = false;
	dwarf_line_run(&b->line, d, take_row, b);
	b->nr_rows = b->first_row; /* what no end came after */
}
