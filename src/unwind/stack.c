#include "unwind/stack.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

#define CACHE_SIZE 4096 /* a power of 2 */
#define WORD UNWIND_WORD

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

/* A walk under way. */
struct walk {
	struct unwinder *u;
	const struct unwind_space *space;
	const uint8_t *stack;
	uint64_t start, size; /* of the copy */
	uint64_t ip, sp, fp;  /* of the frame that was reached */
	uint64_t pc;          /* its address: ip or the call before it */
	unsigned nr_switches;
	bool guess; /* how it was reached */
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

/* Each step answers UNWIND_NR_STOPS to go on, or why not. */
#define GO_ON UNWIND_NR_STOPS

static enum unwind_stop find_rule(struct walk *w, struct unwind_rule *rule)
{
	struct cached_rule *c = &w->u->cache[hash_2u64(w->pc, w->space->serial) % CACHE_SIZE];
	struct unwind_code code = { .kind = UNWIND_CODE_UNMAPPED };

	if (c->address == w->pc && c->serial == w->space->serial) {
		*rule = c->rule;
		return GO_ON;
	}
	w->space->find(w->space->ctx, w->pc, &code);
	switch (code.kind) {
	case UNWIND_CODE_UNMAPPED:
		/* An address that a guess found is what was wrong, not the maps. */
		return w->guess ? UNWIND_STOP_NO_ROW : UNWIND_STOP_NO_MAPPING;
	case UNWIND_CODE_OBJECT:
		if (unwind_tables_find(w->u->tables, code.object, w->pc - code.bias, rule))
			break;
		w->out->missing_object = code.object;
		w->out->missing_offset = (w->pc - code.bias) & ~(UNWIND_PAGE_SIZE - 1);
		return UNWIND_STOP_NO_PAGE;
	case UNWIND_CODE_UNKNOWN:
		return UNWIND_STOP_NO_PAGE;
	case UNWIND_CODE_FILELESS:
		*rule = (struct unwind_rule){ .cfa = UNWIND_NONE };
		break;
	}
	*c = (struct cached_rule){ w->pc, w->space->serial, *rule };
	return GO_ON;
}

static enum unwind_stop read_word(const struct walk *w, uint64_t address, uint64_t *out)
{
	uint64_t at = address - w->start;

	if (address < w->start)
		return UNWIND_STOP_FAULT;
	if (w->size < WORD || at > w->size - WORD)
		return UNWIND_STOP_SHORT;
	memcpy(out, w->stack + at, WORD);
	return GO_ON;
}

/* What lies elsewhere is another stack. */
static enum unwind_stop read_switched(const struct walk *w, uint64_t address, uint64_t *out)
{
	return read_word(w, address, out) == GO_ON ? GO_ON : UNWIND_STOP_SWITCHED;
}

static enum unwind_stop caller_fp(struct walk *w, const struct unwind_rule *r, uint64_t cfa)
{
	uint64_t slot, off = (uint64_t)r->fp_off;

	switch (r->fp & ~UNWIND_FP_TRAMPOLINE) {
	case UNWIND_FP_CFA:
		slot = cfa + off;
		break;
	case UNWIND_FP_SLOT:
		slot = w->fp + off;
		break;
	case UNWIND_FP_STACK:
		slot = w->sp + off;
		break;
	case UNWIND_FP_LOST:
		w->fp = 0;
		return GO_ON;
	default:
		return GO_ON;
	}
	/* Below the stack pointer it has been restored already: what an epilogue has popped. */
	return slot < w->sp ? GO_ON : read_word(w, slot, &w->fp);
}

/* To the caller, whose stack pointer is CFA. */
static enum unwind_stop step_cfa(struct walk *w, const struct unwind_rule *r, uint64_t cfa)
{
	enum unwind_stop stop;
	uint64_t ip;

	if (cfa <= w->sp || (cfa - w->sp) % WORD)
		return UNWIND_STOP_BAD_CFA;
	stop = read_word(w, cfa - WORD, &ip);
	if (stop == GO_ON)
		stop = caller_fp(w, r, cfa);
	if (stop != GO_ON)
		return stop;
	w->ip = ip;
	w->sp = cfa;
	w->pc = r->fp & UNWIND_FP_TRAMPOLINE ? ip : ip - 1;
	return GO_ON;
}

static enum unwind_stop step_deref(struct walk *w, const struct unwind_rule *r, uint64_t base)
{
	uint64_t cfa;
	enum unwind_stop stop = read_word(w, base + (uint64_t)unwind_lo(r), &cfa);

	return stop == GO_ON ? step_cfa(w, r, cfa + (uint64_t)unwind_hi(r)) : stop;
}

static enum unwind_stop step_plt(struct walk *w, const struct unwind_rule *r)
{
	uint64_t pushed = (w->ip & 15) >= (unsigned)unwind_hi(r) ? 8 : 0;

	return step_cfa(w, r, w->sp + (uint64_t)unwind_lo(r) + pushed);
}

/* Another stack may lie anywhere, so that nothing grows: only their number ends a walk. */
static enum unwind_stop step_signal(struct walk *w, const struct unwind_rule *r)
{
	uint64_t at = w->sp + (uint64_t)r->cfa_off, sp, ip, fp;
	enum unwind_stop stop = read_word(w, at, &sp);

	if (stop == GO_ON)
		stop = read_word(w, at + WORD, &ip);
	if (stop == GO_ON)
		stop = read_word(w, w->sp + (uint64_t)r->fp_off, &fp);
	if (stop != GO_ON)
		return stop;
	if (++w->nr_switches > UNWIND_SWITCHES_MAX)
		return UNWIND_STOP_LOOP;
	w->sp = sp;
	w->fp = fp;
	w->ip = w->pc = ip;
	return GO_ON;
}

static enum unwind_stop step_switch(struct walk *w)
{
	uint64_t ip, fp;
	enum unwind_stop stop = read_switched(w, w->fp + WORD, &ip);

	if (stop == GO_ON)
		stop = read_switched(w, w->fp, &fp);
	if (stop != GO_ON)
		return stop;
	if (++w->nr_switches > UNWIND_SWITCHES_MAX)
		return UNWIND_STOP_LOOP;
	w->sp = w->fp + 2 * WORD;
	w->fp = fp;
	w->ip = ip;
	w->pc = ip - 1;
	return GO_ON;
}

/* By the frame pointer, which must be one. */
static enum unwind_stop step_fp(struct walk *w)
{
	uint64_t ip, fp;

	if (w->fp < w->sp || w->fp % WORD)
		return UNWIND_STOP_BAD_CFA;
	if (read_word(w, w->fp + WORD, &ip) != GO_ON || read_word(w, w->fp, &fp) != GO_ON)
		return UNWIND_STOP_SHORT;
	w->sp = w->fp + 2 * WORD;
	w->fp = fp;
	w->ip = ip;
	w->pc = ip - 1;
	return GO_ON;
}

/* 0 ends a chain (psABI, "Initial Stack and Register State"). Without symbols nothing tells a
 * switch of stacks but that it leads below this one. */
static enum unwind_stop step_chain(struct walk *w)
{
	if (!w->fp)
		return UNWIND_STOP_COMPLETE;
	return w->fp < w->start ? UNWIND_STOP_SWITCHED : step_fp(w);
}

/* The outermost frame has 0 (psABI): what was called from code without rows, like the dynamic linker's entry, and lies
 * nowhere, is that. */
static enum unwind_stop step_guess(struct walk *w)
{
	if (!w->fp && w->out->nr > 1)
		return UNWIND_STOP_COMPLETE;
	w->guess = true;
	return step_fp(w) == GO_ON ? GO_ON : UNWIND_STOP_NO_ROW;
}

static enum unwind_stop step(struct walk *w, const struct unwind_rule *r)
{
	switch (r->cfa) {
	case UNWIND_UNSUPPORTED:
		return UNWIND_STOP_UNSUPPORTED;
	case UNWIND_END:
		return UNWIND_STOP_COMPLETE;
	case UNWIND_SP:
		return step_cfa(w, r, w->sp + (uint64_t)r->cfa_off);
	case UNWIND_FP:
		return step_cfa(w, r, w->fp + (uint64_t)r->cfa_off);
	case UNWIND_SP_DEREF:
		return step_deref(w, r, w->sp);
	case UNWIND_FP_DEREF:
		return step_deref(w, r, w->fp);
	case UNWIND_PLT:
		return step_plt(w, r);
	case UNWIND_SIGNAL:
		return step_signal(w, r);
	case UNWIND_CHAIN:
		return step_chain(w);
	case UNWIND_SWITCH:
		return step_switch(w);
	default:
		return step_guess(w);
	}
}

/* What a signal handler returns to was not called either: it is there from its first byte on. */
static bool is_trampoline(const struct unwind_rule *r)
{
	return r->cfa == UNWIND_SIGNAL || r->fp & UNWIND_FP_TRAMPOLINE;
}

static enum unwind_stop walk(struct walk *w)
{
	struct unwind_walk *out = w->out;
	struct unwind_rule rule;

	for (;;) {
		uint64_t ip = w->ip, sp = w->sp;
		enum unwind_stop stop = find_rule(w, &rule);

		if (stop != GO_ON && stop != UNWIND_STOP_NO_PAGE && out->nr)
			return stop;
		if (out->nr == UNWIND_FRAMES_MAX)
			return UNWIND_STOP_DEEP;
		out->guessed[out->nr / 64] |= (uint64_t)w->guess << out->nr % 64;
		out->nr_guessed += w->guess;
		out->addresses[out->nr++] = stop == GO_ON && is_trampoline(&rule) ? w->ip : w->pc;
		if (stop != GO_ON)
			return stop;
		w->guess = false;
		stop = step(w, &rule);
		if (stop != GO_ON)
			return stop;
		if (!w->ip)
			return UNWIND_STOP_COMPLETE;
		if (w->ip == ip && w->sp == sp)
			return UNWIND_STOP_LOOP;
	}
}

void unwind_stack(struct unwinder *u, const struct unwind_space *space,
		  const struct unwind_regs *regs, const void *stack, size_t size,
		  struct unwind_walk *out)
{
	struct walk w = {
		.u = u, .space = space, .stack = stack, .start = regs->sp, .size = size,
		.ip = regs->ip, .sp = regs->sp, .fp = regs->fp, .pc = regs->ip, .out = out,
	};

	out->nr = out->nr_guessed = out->missing_object = 0;
	out->missing_offset = 0;
	memset(out->guessed, 0, sizeof(out->guessed));
	out->stop = walk(&w);
}
