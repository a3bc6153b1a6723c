/* Lines, and calls that the compiler has inlined. */
#include <errno.h>

#include "object/gopclntab_impl.h"

#define PCDATA_INLINED   2 /* runtime/symtab.go: index in the tree of inlined calls */
#define FUNCDATA_INLINED 3 /* the tree */
#define STEPS_MAX        (1u << 18)
#define VARINT_MAX       5 /* bytes */

/* The table of one kind of value by address, as bytes: value deltas (zigzag) and address deltas in
 * turn. */
struct cursor {
	struct gopclntab *t;
	int fd, err;
	uint64_t offset; /* in the table, behind what is at hand */
	const uint8_t *p;
	size_t room;
};

/* More bytes at hand. False: there are none. */
static bool fill(struct cursor *c)
{
	if (c->err)
		return false;
	c->err = c->offset >= c->t->size ? -EBADMSG
					 : blocks_peek(&c->t->blocks, c->fd, c->t->offset + c->offset,
						       &c->p, &c->room);
	if (c->err)
		return false;
	if (c->room > c->t->size - c->offset)
		c->room = c->t->size - c->offset;
	c->offset += c->room;
	return true;
}

static uint32_t next_varint(struct cursor *c)
{
	uint32_t v = 0;

	for (unsigned n = 0; n < VARINT_MAX; n++) {
		uint8_t byte;

		if (!c->room && !fill(c))
			return 0;
		c->room--;
		byte = *c->p++;
		v |= (uint32_t)(byte & 0x7f) << 7 * n;
		if (!(byte & 0x80))
			break;
	}
	return v;
}

/* The same of at least VARINT_MAX bytes at hand. Nearly all are of one byte or two. */
static inline uint32_t fast_varint(const uint8_t **p)
{
	const uint8_t *at = *p;
	uint32_t v = at[0];
	unsigned n = 1;

	if (v & 0x80) {
		v &= 0x7f;
		do
			v |= (uint32_t)(at[n] & 0x7f) << 7 * n;
		while (at[n++] & 0x80 && n < VARINT_MAX);
	}
	*p = at + n;
	return v;
}

/* A walk through a table of values: how many instructions are LEFT to the one that is asked for. */
struct walk {
	struct cursor c;
	uint64_t left;
	uint32_t sum, steps;
	bool found, ended;
};

static inline void step(struct walk *w, uint32_t delta, uint32_t length)
{
	w->sum += -(delta & 1) ^ delta >> 1; /* zigzag */
	w->found = w->left < length;
	w->left -= length;
	w->steps++;
}

/* As far as the bytes at hand go. */
static void walk_fast(struct walk *w)
{
	const uint8_t *p = w->c.p, *end = p + w->c.room - 2 * VARINT_MAX;

	while (p <= end && !w->found && w->steps < STEPS_MAX) {
		uint32_t delta = fast_varint(&p);

		if (!delta && w->steps) {
			w->ended = true;
			return;
		}
		step(w, delta, fast_varint(&p));
	}
	w->c.room -= (size_t)(p - w->c.p);
	w->c.p = p;
}

/* One step that may lie in two pieces of the file. */
static void walk_slow(struct walk *w)
{
	uint32_t delta = next_varint(&w->c);

	if (!delta && w->steps)
		w->ended = true;
	else
		step(w, delta, next_varint(&w->c));
}

/* What table TABLE says of PC: *VALUE, −1 where it says nothing. */
static int value_at(struct gopclntab *t, int fd, const struct go_func *f, uint32_t table,
		    uint64_t pc, int32_t *value)
{
	struct walk w = { .c = { .t = t, .fd = fd, .offset = t->pcs + table }, .sum = UINT32_MAX,
			  .left = (pc - f->entry) / t->quantum };

	*value = -1;
	if (!table)
		return 0;
	while (!w.found && !w.ended && !w.c.err && w.steps < STEPS_MAX) {
		if (w.c.room >= 2 * VARINT_MAX)
			walk_fast(&w);
		else
			walk_slow(&w);
	}
	if (w.c.err)
		return w.c.err;
	if (w.found)
		*value = (int32_t)w.sum;
	return w.found || w.ended ? 0 : -EBADMSG;
}

static int read_u32(struct gopclntab *t, int fd, uint64_t offset, uint32_t *v)
{
	uint8_t bytes[4];
	int err = go_read(t, fd, offset, bytes, sizeof(bytes));
	struct reader r = go_reader(t, bytes, sizeof(bytes));

	if (!err)
		*v = reader_u32(&r);
	return err;
}

/* File offset of the function's tree of inlined calls, 0: it has none. */
static int find_tree(struct gopclntab *t, int fd, const struct go_func *f, uint64_t *tree)
{
	uint64_t offset = f->pcdata + (uint64_t)f->nr_pcdata * 4, at;
	uint8_t bytes[8] = { 0 };
	struct reader r = go_reader(t, bytes, t->word);
	uint32_t relative;
	int err;

	*tree = 0;
	if (!t->inlined_end || f->nr_pcdata <= PCDATA_INLINED ||
	    f->nr_funcdata <= FUNCDATA_INLINED)
		return 0;
	if (t->version >= GO_1_18) {
		err = read_u32(t, fd, offset + FUNCDATA_INLINED * 4, &relative);
		if (err || relative == UINT32_MAX)
			return err;
		at = relative;
	} else {
		offset = (offset + t->word - 1) & ~(uint64_t)(t->word - 1u);
		err = go_read(t, fd, offset + FUNCDATA_INLINED * (uint64_t)t->word, bytes, t->word);
		if (err)
			return err;
		at = go_word(t, &r);
		if (at <= t->inlined_addr) /* none, or left to the loader */
			return 0;
		at -= t->inlined_addr;
	}
	if (at >= t->inlined_end - t->inlined)
		return -EBADMSG;
	*tree = t->inlined + at;
	return 0;
}

struct inlined {
	uint32_t name, parent;
	int32_t start_line;
};

static int read_inlined(struct gopclntab *t, int fd, uint64_t tree, uint32_t i, struct inlined *in)
{
	uint8_t bytes[20] = { 0 };
	size_t size = t->version >= GO_1_20 ? 16 : 20;
	uint64_t offset = tree + (uint64_t)i * size;
	struct reader r = go_reader(t, bytes, size);
	int err;

	if (offset > t->inlined_end || size > t->inlined_end - offset)
		return -EBADMSG;
	err = blocks_read(&t->blocks, fd, offset, bytes, size);
	if (err)
		return err;
	if (t->version >= GO_1_20) {
		reader_skip(&r, 4); /* funcID */
		in->name = reader_u32(&r);
		in->parent = reader_u32(&r);
		in->start_line = (int32_t)reader_u32(&r);
	} else {
		reader_skip(&r, 12); /* parent's index, funcID, file, line */
		in->name = reader_u32(&r);
		in->parent = reader_u32(&r);
		in->start_line = 0;
	}
	return 0;
}

/* File and line at PC. */
static int read_place(struct gopclntab *t, int fd, const struct go_func *f, uint64_t pc,
		      struct go_frame *frame)
{
	int32_t file, line;
	int err;

	frame->file = GOPCLNTAB_NO_FILE;
	frame->line = 0;
	if (t->version == GO_1_2)
		return 0;
	err = value_at(t, fd, f, f->pcfile, pc, &file);
	if (!err)
		err = value_at(t, fd, f, f->pcln, pc, &line);
	if (err || file < 0 || line < 0)
		return err;
	err = read_u32(t, fd, t->cus + 4 * ((uint64_t)f->cu + (uint32_t)file), &frame->file);
	if (!err)
		frame->line = line;
	return err;
}

int gopclntab_frames(struct gopclntab *t, int fd, uint64_t vaddr,
		     struct go_frame frames[GOPCLNTAB_FRAMES_MAX])
{
	uint32_t index, table = 0;
	struct go_func f;
	uint64_t tree;
	int err = go_find(t, fd, vaddr, &index, &f);

	if (!err)
		err = find_tree(t, fd, &f, &tree);
	if (!err && tree)
		err = read_u32(t, fd, f.pcdata + PCDATA_INLINED * 4, &table);
	if (err)
		return err;
	for (int nr = 0; nr < GOPCLNTAB_FRAMES_MAX; nr++) {
		struct go_frame *frame = &frames[nr];
		struct inlined in;
		int32_t call = -1;

		err = read_place(t, fd, &f, vaddr, frame);
		if (!err && tree)
			err = value_at(t, fd, &f, table, vaddr, &call);
		if (!err && call >= 0)
			err = read_inlined(t, fd, tree, (uint32_t)call, &in);
		if (err)
			return err;
		if (call < 0) {
			frame->name = f.name;
			frame->start_line = f.start_line;
			return nr + 1;
		}
		frame->name = in.name;
		frame->start_line = in.start_line;
		vaddr = f.entry + in.parent; /* an instruction with the place of the call */
		if (vaddr >= f.end)
			return -EBADMSG;
	}
	return -EBADMSG; /* calls in a circle */
}
