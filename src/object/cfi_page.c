/* Pages out of functions' rows. */
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "object/cfi_impl.h"

#define WORK_MAX (4u << 20) /* bytes of entries for one page: of libraries 64 KiB */

static const struct unwind_rule rule_none, rule_unsupported = { .cfa = UNWIND_UNSUPPORTED };

/* --- One page's rows --- */

static void builder_init(struct cfi_builder *b)
{
	b->nr_rows = 0;
	b->nr_rules = 1;
	b->full = false;
	b->rules[0] = rule_none;
	memset(b->slots, 0, sizeof(b->slots));
}

/* The number of RULE in the page's list; 0 and full when there is no room. */
static uint32_t rule_number(struct cfi_builder *b, const struct unwind_rule *rule)
{
	const uint32_t mask = sizeof(b->slots) / sizeof(b->slots[0]) - 1;
	uint64_t bits;
	uint32_t pos;

	memcpy(&bits, rule, sizeof(bits));
	if (!bits)
		return 0;
	for (pos = (uint32_t)((bits * 0x9e3779b97f4a7c15) >> 40) & mask; b->slots[pos];
	     pos = (pos + 1) & mask)
		if (!memcmp(&b->rules[b->slots[pos] - 1], rule, sizeof(*rule)))
			return b->slots[pos] - 1u;
	/* The last place is for UNSUPPORTED. */
	if (b->nr_rules >= UNWIND_PAGE_RULES_MAX - (rule->cfa != UNWIND_UNSUPPORTED)) {
		b->full = true;
		return 0;
	}
	b->rules[b->nr_rules] = *rule;
	b->slots[pos] = (uint16_t)++b->nr_rules;
	return b->nr_rules - 1;
}

/* From LOW on RULE holds. Calls come by rising LOW; a later one for the same LOW is the one that
 * counts. When a list is full, the rest of the page is unsupported. */
static void put(struct cfi_builder *b, uint32_t low, const struct unwind_rule *rule)
{
	uint32_t number;

	if (b->full)
		return;
	number = rule_number(b, rule);
	if (b->nr_rows && b->rows[b->nr_rows - 1] >> 16 == low)
		b->nr_rows--;
	if (b->nr_rows == UNWIND_PAGE_ROWS_MAX - 1)
		b->full = true;
	if (b->full)
		number = rule_number(b, &rule_unsupported);
	if (!b->nr_rows || (b->rows[b->nr_rows - 1] & 0xffff) != number)
		b->rows[b->nr_rows++] = low << 16 | number;
}

/* --- A range of addresses that is a part of the page --- */

struct range {
	struct cfi *c;
	struct cfi_frames *frames; /* whose functions are looked at */
	uint64_t low, high;        /* no more is known of what is around it */
	uint64_t start, end;
	uint64_t bias;  /* address − place in the page */
	uint64_t limit; /* of the function that is running: its end or the next one's start */
	bool trampoline;
};

static void put_at(struct range *g, uint64_t address, const struct unwind_rule *rule)
{
	if (address < g->start)
		address = g->start;
	if (address < g->end)
		put(&g->c->builder, (uint32_t)(address - g->bias), rule);
}

static bool take_row(void *ctx, uint64_t start, uint64_t end, const struct cfi_state *s)
{
	struct range *g = ctx;

	if (end > g->start && start < g->limit) {
		struct unwind_rule rule = cfi_rule(s, g->trampoline);

		put_at(g, start, &rule);
	}
	return end < g->limit && end < g->end;
}

static void take_rule(void *ctx, uint64_t address, const struct unwind_rule *rule)
{
	put_at(ctx, address, rule);
}

/* What of G is from FROM to TO. False: nothing. */
static bool narrow(const struct range *g, uint64_t from, uint64_t to, struct range *in)
{
	*in = *g;
	in->low = from > g->low ? from : g->low;
	in->high = to < g->high ? to : g->high;
	in->start = in->low > g->start ? in->low : g->start;
	in->end = in->high < g->end ? in->high : g->end;
	return in->start < in->end;
}

/* What is from FROM to TO, and in G, is code. */
static int read_part(struct range *g, uint64_t from, uint64_t to)
{
	struct range in;
	int err;

	if (!narrow(g, from, to, &in))
		return 0;
	g->c->unknown += (uint32_t)(in.end - in.start);
	err = cfi_code_rules(g->c->code, in.low, in.high, in.start, in.end, take_rule, &in);
	put_at(g, in.end, &rule_none);
	return err == -EBADMSG ? 0 : err;
}

/* Of G nothing says anything but its instructions. Segments have data in them, sections that are run have not; they are in
 * order of address, in all but odd files. */
static int read_code(struct range *g)
{
	struct cfi *c = g->c;
	uint64_t done = g->start;
	int err = 0;

	c->work += g->end - g->start;
	if (c->gap.cfa != UNWIND_NONE || c->work > WORK_MAX)
		return 0;
	if (!c->code)
		c->code = cfi_code_new(c->elf);
	if (!c->code)
		return -ENOMEM;
	if (!elf_nr_sections(c->elf))
		return read_part(g, g->low, g->high);
	for (unsigned i = 0; i < elf_nr_sections(c->elf) && !err; i++) {
		const struct elf_section *s = elf_section(c->elf, i);
		uint64_t end;

		if (s->type != SHT_PROGBITS || !(s->flags & SHF_EXECINSTR) || s->addr >= g->end ||
		    __builtin_add_overflow(s->addr, s->size, &end) || end <= done)
			continue;
		if (s->addr < done && done > g->start) /* it overlaps the one before */
			continue;
		err = read_part(g, s->addr, end);
		done = end;
	}
	return err;
}

static int functions(struct range *g);

/* From FROM to TO is no function of G's frames, but one of .debug_frame's perhaps. */
static int fill_gap(struct range *g, uint64_t from, uint64_t to)
{
	struct cfi *c = g->c;
	struct range in;

	/* Padding before the next function is never run: a row less. */
	if (to <= ((from + CFI_PADDING_MAX - 1) & ~(CFI_PADDING_MAX - 1)))
		return 0;
	if (!narrow(g, from, to, &in))
		return 0;
	put_at(g, in.start, &c->gap);
	if (g->frames == &c->frames && c->debug_frames.nr) {
		in.frames = &c->debug_frames;
		return functions(&in);
	}
	return read_code(&in);
}

static void run(struct range *g, const struct cfi_fde *fde, uint64_t next)
{
	struct cfi_state state = fde->cie->state;
	uint64_t loc = fde->start;
	bool understood;

	g->limit = fde->end < next ? fde->end : next;
	g->trampoline = fde->cie->trampoline;
	understood = cfi_exec(fde->cie, fde->instructions, fde->addr, &state, &loc, take_row, g);
	if (loc < g->limit) {
		if (understood)
			take_row(g, loc, g->limit, &state);
		else
			put_at(g, loc, &rule_unsupported);
	}
}

/* The first function that may cover ADDRESS: the last that starts at or before it. */
static int first_place(struct cfi_frames *f, uint64_t address, uint64_t *out)
{
	uint64_t low = 0, high = f->nr;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		struct cfi_place p;
		int err = cfi_place(f, middle, &p);

		if (err)
			return err;
		if (p.start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	*out = low ? low - 1 : 0;
	return 0;
}

/* Lists may say the same thing for ever. */
static bool too_much_work(struct cfi *c, const struct cfi_fde *fde)
{
	c->work += 32 + (fde ? reader_left(&fde->instructions) : 0);
	return c->work > WORK_MAX;
}

static bool is_read_error(int err)
{
	return err && err != -EBADMSG;
}

/* The function at P, and what is behind it up to NEXT, where the following one begins. */
static int function(struct range *g, const struct cfi_place *p, uint64_t next)
{
	struct cfi_fde fde;
	int err = cfi_fde(g->frames, p->offset, &fde);

	if (too_much_work(g->c, err ? NULL : &fde)) {
		put_at(g, p->start, &rule_unsupported);
		return -EFBIG;
	}
	if (!err && fde.start == p->start) {
		run(g, &fde, next);
		return fill_gap(g, g->limit, next);
	}
	if (err == -EBADMSG && next > g->start)
		put_at(g, p->start, &rule_unsupported);
	return is_read_error(err) ? err : 0;
}

/* Functions are taken in order of address; one that overlaps the one before cuts it short, and one
 * that is out of order is left out. */
static int functions(struct range *g)
{
	struct cfi_frames *f = g->frames;
	struct cfi_place p, next;
	uint64_t i;
	int err;

	put_at(g, g->start, &g->c->gap);
	if (!f->nr)
		return fill_gap(g, g->low, g->high);
	err = first_place(f, g->start, &i);
	if (!err)
		err = cfi_place(f, i, &p);
	if (!err && p.start > g->start)
		err = fill_gap(g, g->low, p.start);
	for (; !err && p.start < g->end; p = next) {
		next = (struct cfi_place){ .start = UINT64_MAX };
		if (++i < f->nr)
			err = cfi_place(f, i, &next);
		if (is_read_error(err) || next.start < p.start)
			break;
		err = function(g, &p, next.start);
		if (i >= f->nr)
			break;
	}
	return err == -EFBIG ? 0 : is_read_error(err) ? err : 0;
}

/* The range, where an override says otherwise without its functions. */
static int overridden(struct range *g)
{
	struct cfi *c = g->c;
	uint64_t end = g->end;
	int err = 0;

	for (unsigned i = 0; i < c->nr_overrides && !err; i++) {
		const struct cfi_override *o = &c->overrides[i];

		if (o->end <= g->start || o->start >= end)
			continue;
		g->end = o->start;
		if (g->start < g->end)
			err = functions(g);
		g->start = o->start > g->start ? o->start : g->start;
		g->end = o->end < end ? o->end : end;
		put_at(g, g->start, &o->rule);
		g->start = g->end;
	}
	g->end = end;
	return err || g->start >= end ? err : functions(g);
}

/* --- The page --- */

int cfi_page(struct cfi *c, uint64_t offset, struct unwind_page *page)
{
	struct cfi_builder *b = &c->builder;
	uint64_t first = offset & ~(UNWIND_PAGE_SIZE - 1), done = 0;
	int err = 0;

	builder_init(b);
	c->work = c->unknown = 0;
	put(b, 0, &rule_none);
	/* Segments are in order of address, and so of offset in all but odd files. */
	for (unsigned i = 0; i < elf_nr_segments(c->elf) && !err; i++) {
		const struct elf_segment *s = elf_segment(c->elf, i);
		uint64_t size = s->file_size, from, to;
		struct range g = { .c = c, .frames = &c->frames };

		if (!s->exec || s->offset >= first + UNWIND_PAGE_SIZE ||
		    s->offset + size <= first ||
		    __builtin_add_overflow(s->vaddr, size, &g.end))
			continue;
		from = s->offset > first ? s->offset - first : 0;
		to = s->offset + size - first;
		if (to > UNWIND_PAGE_SIZE)
			to = UNWIND_PAGE_SIZE;
		if (from < done)
			from = done;
		if (from >= to)
			continue;
		g.bias = s->vaddr - (s->offset - first);
		g.low = s->vaddr;
		g.high = s->vaddr + size;
		g.start = g.bias + from;
		g.end = g.bias + to;
		err = overridden(&g);
		if (to < UNWIND_PAGE_SIZE)
			put(b, (uint32_t)to, &rule_none);
		done = to;
	}
	*page = (struct unwind_page){ first, b->nr_rows, b->nr_rules, b->rows, b->rules };
	return err;
}

uint32_t cfi_unknown(const struct cfi *c)
{
	return c->unknown;
}

uint64_t cfi_next_page(const struct cfi *c, uint64_t offset)
{
	uint64_t next = UINT64_MAX;

	for (unsigned i = 0; i < elf_nr_segments(c->elf); i++) {
		const struct elf_segment *s = elf_segment(c->elf, i);
		uint64_t at = s->offset > offset ? s->offset : offset;

		if (s->exec && at - s->offset < s->file_size && at < next)
			next = at;
	}
	return next == UINT64_MAX ? next : next & ~(UNWIND_PAGE_SIZE - 1);
}
