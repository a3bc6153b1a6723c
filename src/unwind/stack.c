#include "unwind/stack.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

#define CACHE_SIZE 4096 /* a power of 2 */

const char *const unwind_stop_text[UNWIND_NR_STOPS] = {
#define UNWIND_STOP_TEXT(name, text) text,
	UNWIND_STOPS(UNWIND_STOP_TEXT)
#undef UNWIND_STOP_TEXT
};

struct cached_rule {
	uint64_t address;
	uint32_t serial; /* 0: free */
	struct unwind_rule rule;
};

struct unwinder {
	struct unwind_tables *tables;
	struct cached_rule cache[CACHE_SIZE];
};

/* The copy of a stack. */
struct unwind_memory {
	const uint8_t *stack;
	uint64_t start, size;
};

#define UNWIND_ELSEWHERE UNWIND_STOP_SWITCHED /* one stack is copied */

static inline enum unwind_stop unwind_read(struct unwind_memory *m, uint64_t address, uint64_t *out)
{
	uint64_t at = address - m->start;

	if (address < m->start)
		return UNWIND_STOP_FAULT;
	if (m->size < UNWIND_WORD || at > m->size - UNWIND_WORD)
		return UNWIND_STOP_SHORT;
	memcpy(out, m->stack + at, UNWIND_WORD);
	return UNWIND_GO_ON;
}

#include "unwind/step.h"

/* A walk under way. */
struct walk {
	struct unwinder *u;
	const struct unwind_space *space;
	struct unwind_memory memory;
	struct unwind_frame frame; /* that was reached */
	struct unwind_walk *out;
};

struct unwinder *unwinder_new(struct unwind_tables *t)
{
	struct unwinder *u = xcalloc(1, sizeof(*u));

	u->tables = t;
	return u;
}

void unwinder_free(struct unwinder *u)
{
	free(u);
}

void unwinder_forget(struct unwinder *u)
{
	memset(u->cache, 0, sizeof(u->cache));
}

static enum unwind_stop find_rule(struct walk *w, struct unwind_rule *rule)
{
	struct cached_rule *c = &w->u->cache[hash_2u64(w->frame.pc, w->space->serial) % CACHE_SIZE];
	struct unwind_code code = { .kind = UNWIND_CODE_UNMAPPED };

	if (c->address == w->frame.pc && c->serial == w->space->serial) {
		*rule = c->rule;
		return UNWIND_GO_ON;
	}
	w->space->find(w->space->ctx, w->frame.pc, &code);
	switch (code.kind) {
	case UNWIND_CODE_UNMAPPED:
		/* An address that a guess found is what was wrong, not the maps. */
		return w->frame.guess ? UNWIND_STOP_NO_ROW : UNWIND_STOP_NO_MAPPING;
	case UNWIND_CODE_OBJECT:
		if (unwind_tables_find(w->u->tables, code.object, w->frame.pc - code.bias, rule))
			break;
		w->out->missing_object = code.object;
		w->out->missing_offset = (w->frame.pc - code.bias) & ~(UNWIND_PAGE_SIZE - 1);
		return UNWIND_STOP_NO_PAGE;
	case UNWIND_CODE_UNKNOWN:
		return UNWIND_STOP_NO_PAGE;
	case UNWIND_CODE_FILELESS:
		*rule = (struct unwind_rule){ .cfa = UNWIND_NONE };
		break;
	}
	*c = (struct cached_rule){ w->frame.pc, w->space->serial, *rule };
	return UNWIND_GO_ON;
}

static enum unwind_stop walk(struct walk *w)
{
	struct unwind_frame *f = &w->frame;
	struct unwind_walk *out = w->out;
	struct unwind_rule rule;

	for (;;) {
		enum unwind_stop stop = find_rule(w, &rule);

		if (stop != UNWIND_GO_ON && stop != UNWIND_STOP_NO_PAGE && out->nr)
			return stop;
		if (out->nr == UNWIND_FRAMES_MAX)
			return UNWIND_STOP_DEEP;
		out->guessed[out->nr / 64] |= (uint64_t)f->guess << out->nr % 64;
		out->nr_guessed += f->guess;
		out->addresses[out->nr++] = stop == UNWIND_GO_ON ? unwind_frame_address(f, &rule) : f->pc;
		if (stop == UNWIND_GO_ON)
			stop = unwind_step(&w->memory, f, &rule, out->nr);
		if (stop != UNWIND_GO_ON)
			return stop;
	}
}

void unwind_stack(struct unwinder *u, const struct unwind_space *space,
		  const struct unwind_regs *regs, const void *stack, size_t size,
		  struct unwind_walk *out)
{
	struct walk w = {
		.u = u, .space = space, .out = out,
		.memory = { .stack = stack, .start = regs->sp, .size = size },
		.frame = { .ip = regs->ip, .sp = regs->sp, .fp = regs->fp, .pc = regs->ip },
	};

	out->nr = out->nr_guessed = out->missing_object = 0;
	out->missing_offset = 0;
	memset(out->guessed, 0, sizeof(out->guessed));
	out->stop = walk(&w);
}
