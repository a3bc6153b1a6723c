#include "object/gopclntab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "object/elf.h"
#include "object/gopclntab_impl.h"

/* 768 KiB of small blocks: what a look-up needs is some hundred bytes each in half a dozen places. */
#define LINES 768
#define BLOCK_SIZE 1024

int go_read(struct gopclntab *t, int fd, uint64_t offset, void *p, size_t size)
{
	if (offset > t->size || size > t->size - offset)
		return -EBADMSG;
	return blocks_read(&t->blocks, fd, t->offset + offset, p, size);
}

/* --- opening --- */

static size_t entry_size(const struct gopclntab *t)
{
	return t->version >= GO_1_18 ? 8 : 2u * t->word;
}

/* Offsets of the parts: of 1.16's header they come after the numbers of functions and files, of
 * 1.18's after the address of the text as well. */
static bool decode_header(struct gopclntab *t, const uint8_t bytes[GO_HEADER_MAX])
{
	struct reader r = go_reader(t, bytes, GO_HEADER_MAX);
	uint64_t nr, room;

	reader_skip(&r, 6);
	t->quantum = reader_u8(&r);
	t->word = reader_u8(&r);
	nr = go_word(t, &r);
	if (t->version == GO_1_2) {
		t->functions = 8u + t->word;
	} else {
		go_word(t, &r); /* files */
		if (t->version >= GO_1_18)
			t->text = go_word(t, &r);
		t->names = go_word(t, &r);
		t->cus = go_word(t, &r);
		t->files = go_word(t, &r);
		t->pcs = go_word(t, &r);
		t->functions = go_word(t, &r);
	}
	if (r.failed || t->names >= t->size || t->cus >= t->size || t->files >= t->size ||
	    t->pcs >= t->size || t->functions >= t->size)
		return false;
	room = (t->size - t->functions) / entry_size(t);
	t->nr = (uint32_t)nr;
	return nr && nr < room && nr < UINT32_MAX;
}

/* The I-th entry of the table of functions, the one behind the last without RECORD. */
static int read_entry(struct gopclntab *t, int fd, uint32_t i, uint64_t *address, uint64_t *record)
{
	uint8_t bytes[16];
	size_t size = i < t->nr ? entry_size(t) : entry_size(t) / 2;
	int err = go_read(t, fd, t->functions + (uint64_t)i * entry_size(t), bytes, size);
	struct reader r = go_reader(t, bytes, size);

	if (err)
		return err;
	*address = t->version >= GO_1_18 ? t->text + reader_u32(&r) : go_word(t, &r);
	if (i < t->nr)
		*record = t->version >= GO_1_18 ? reader_u32(&r) : go_word(t, &r);
	return 0;
}

/* Where functions' records are relative to. */
static uint64_t records(const struct gopclntab *t)
{
	return t->version == GO_1_2 ? 0 : t->functions;
}

static int read_record(struct gopclntab *t, int fd, uint64_t offset, struct go_func *f)
{
	uint8_t bytes[GO_FUNC_MAX];
	struct reader r;
	size_t size;
	int err;

	if (offset >= t->size)
		return -EBADMSG;
	size = t->size - offset < sizeof(bytes) ? t->size - offset : sizeof(bytes);
	err = go_read(t, fd, offset, bytes, size);
	if (err)
		return err;
	r = go_reader(t, bytes, size);
	f->entry = t->version >= GO_1_18 ? t->text + reader_u32(&r) : go_word(t, &r);
	f->name = reader_u32(&r);
	reader_skip(&r, 3 * 4); /* args, deferreturn, pcsp */
	f->pcfile = reader_u32(&r);
	f->pcln = reader_u32(&r);
	f->nr_pcdata = reader_u32(&r);
	f->cu = t->version >= GO_1_16 ? reader_u32(&r) : 0;
	f->start_line = t->version >= GO_1_20 ? (int32_t)reader_u32(&r) : 0;
	reader_skip(&r, 3); /* funcID, flag, padding */
	f->nr_funcdata = reader_u8(&r);
	f->pcdata = offset + (uint64_t)(r.pos - bytes);
	return r.failed ? -EBADMSG : 0;
}

/* Whether there is a table at OFFSET, of at most SIZE bytes. */
static int try_table(struct gopclntab *t, const struct elf *e, uint64_t offset, uint64_t size)
{
	uint8_t bytes[GO_HEADER_MAX] = { 0 };
	size_t head = size < sizeof(bytes) ? size : sizeof(bytes);
	uint64_t entry, record;
	struct go_func f;
	int err = elf_read(e, offset, bytes, head);

	*t = (struct gopclntab){ .offset = offset, .size = size, .swap = elf_swap(e) };
	t->blocks.nr_lines = LINES;
	t->blocks.block_size = BLOCK_SIZE;
	if (err)
		return err;
	if (!go_magic(e, bytes, &t->version) || !decode_header(t, bytes))
		return -EBADMSG;
	if (!elf_vaddr(e, offset, &t->addr))
		return -EBADMSG;
	err = go_find_bases(t, e);
	if (!err)
		err = read_entry(t, elf_fd(e), 0, &entry, &record);
	if (!err)
		err = read_record(t, elf_fd(e), records(t) + record, &f);
	if (!err && f.entry != entry)
		err = -EBADMSG;
	blocks_trim(&t->blocks);
	return err;
}

static const struct elf_section *table_section(const struct elf *e)
{
	const struct elf_section *s = elf_find_section(e, ".gopclntab");

	return s ? s : elf_find_section(e, ".data.rel.ro.gopclntab");
}

/* Other programs are not searched: it means reading them whole. */
static bool is_go(const struct elf *e)
{
	return elf_find_section(e, ".go.buildinfo") || elf_find_section(e, ".note.go.buildid");
}

int gopclntab_open(struct gopclntab **out, const struct elf *e)
{
	const struct elf_section *s = table_section(e);
	struct gopclntab *t = malloc(sizeof(*t));
	uint64_t offset = 0, size;
	int err = -ENODATA;

	if (!t)
		return -ENOMEM;
	if (s && s->size)
		err = try_table(t, e, s->offset, s->size);
	else if (is_go(e))
		while (!(err = go_scan(e, &offset, &size)) &&
		       (err = try_table(t, e, offset, size)) == -EBADMSG)
			offset += 8;
	if (err)
		free(t);
	else
		*out = t;
	return err;
}

void gopclntab_free(struct gopclntab *t)
{
	if (!t)
		return;
	gopclntab_trim(t);
	free(t);
}

void gopclntab_trim(struct gopclntab *t)
{
	blocks_trim(&t->blocks);
}

size_t gopclntab_size(const struct gopclntab *t)
{
	return sizeof(*t) + t->blocks.held;
}

bool gopclntab_has_lines(const struct gopclntab *t)
{
	return t->version != GO_1_2;
}

uint32_t gopclntab_nr(const struct gopclntab *t)
{
	return t->nr;
}

/* --- functions --- */

int go_find(struct gopclntab *t, int fd, uint64_t vaddr, uint32_t *index, struct go_func *f)
{
	uint32_t low = 0, high = t->nr + 1;
	uint64_t start, end, record = 0;
	int err;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		err = read_entry(t, fd, middle, &start, &record);
		if (err)
			return err;
		if (start <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || low > t->nr) /* before the first, or behind the last */
		return -ENOENT;
	err = read_entry(t, fd, low, &end, &record);
	if (!err)
		err = read_entry(t, fd, low - 1, &start, &record);
	if (!err)
		err = read_record(t, fd, records(t) + record, f);
	if (err)
		return err;
	if (f->entry != start || vaddr < start || vaddr >= end)
		return -EBADMSG;
	f->end = end;
	*index = low - 1;
	return 0;
}

int gopclntab_find(struct gopclntab *t, int fd, uint64_t vaddr, struct go_function *f)
{
	struct go_func found;
	uint32_t index;
	int err = go_find(t, fd, vaddr, &index, &found);

	if (err)
		return err;
	*f = (struct go_function){ found.entry, found.end - found.entry, found.name, index };
	return 0;
}

int gopclntab_function(struct gopclntab *t, int fd, uint32_t i, struct go_function *f)
{
	uint64_t start, end, record;
	struct go_func found;
	int err = i < t->nr ? read_entry(t, fd, i + 1, &end, &record) : -ENOENT;

	if (!err)
		err = read_entry(t, fd, i, &start, &record);
	if (!err)
		err = read_record(t, fd, records(t) + record, &found);
	if (err)
		return err;
	if (found.entry != start || end < start)
		return -EBADMSG;
	*f = (struct go_function){ start, end - start, found.name, i };
	return 0;
}

static int get_string(struct gopclntab *t, int fd, uint64_t offset, char *out, size_t out_size)
{
	if (offset >= t->size)
		return -EBADMSG;
	return blocks_string(&t->blocks, fd, t->offset + offset, t->offset + t->size, out,
			     out_size);
}

int gopclntab_name(struct gopclntab *t, int fd, uint32_t name, char *out, size_t out_size)
{
	return get_string(t, fd, t->names + name, out, out_size);
}

int gopclntab_file(struct gopclntab *t, int fd, uint32_t file, char *out, size_t out_size)
{
	if (file == GOPCLNTAB_NO_FILE)
		return -EBADMSG;
	return get_string(t, fd, t->files + file, out, out_size);
}
