/* step: from a frame to its caller by a rule of format.h: one piece of code for the walker in C (stack.c), which has a copy
 * of a stack, and for the one in BPF, which has the memory itself. Like format.h it includes nothing that a BPF program
 * may not. x86-64.
 *
 * Whoever includes it says first what memory is:
 *
 *	UNWIND_ELSEWHERE	why a walk ends that another stack cannot be read of
 *	struct unwind_memory	what unwind_read gets
 *	unwind_read()		the word at ADDRESS: UNWIND_GO_ON, or why not, and OUT is as it was or anything:
 *
 * static inline enum unwind_stop unwind_read(struct unwind_memory *m, uint64_t address, uint64_t *out);
 *
 * Each step answers UNWIND_GO_ON, or why the walk ends; then FRAME is as it was, or half way. */
#ifndef UNWIND_STEP_H
#define UNWIND_STEP_H

#include "unwind/format.h"

/* BPF: what takes a pointer to memory of a map must be checked where it is called. */
#define UNWIND_STEP static inline __attribute__((always_inline))

struct unwind_frame {
	uint64_t ip, sp, fp;
	uint64_t pc; /* its address: ip, or the call before it */
	uint32_t nr_switches;
	uint32_t guess; /* how it was reached */
};

UNWIND_STEP enum unwind_stop unwind_caller_fp(struct unwind_memory *m, struct unwind_frame *f,
					      const struct unwind_rule *r, uint64_t cfa)
{
	uint64_t slot, off = (uint64_t)(int64_t)r->fp_off, fp;
	enum unwind_stop stop;

	switch (r->fp & ~UNWIND_FP_TRAMPOLINE) {
	case UNWIND_FP_CFA:
		slot = cfa + off;
		break;
	case UNWIND_FP_SLOT:
		slot = f->fp + off;
		break;
	case UNWIND_FP_STACK:
		slot = f->sp + off;
		break;
	case UNWIND_FP_LOST:
		f->fp = 0;
		return UNWIND_GO_ON;
	default:
		return UNWIND_GO_ON;
	}
	/* Below the stack pointer it has been restored already: what an epilogue has popped. */
	if (slot < f->sp)
		return UNWIND_GO_ON;
	stop = unwind_read(m, slot, &fp);
	if (stop == UNWIND_GO_ON)
		f->fp = fp;
	return stop;
}

/* To the caller, whose stack pointer is CFA. */
UNWIND_STEP enum unwind_stop unwind_step_cfa(struct unwind_memory *m, struct unwind_frame *f,
					     const struct unwind_rule *r, uint64_t cfa)
{
	enum unwind_stop stop;
	uint64_t ip;

	if (cfa <= f->sp || (cfa - f->sp) % UNWIND_WORD)
		return UNWIND_STOP_BAD_CFA;
	stop = unwind_read(m, cfa - UNWIND_WORD, &ip);
	if (stop == UNWIND_GO_ON)
		stop = unwind_caller_fp(m, f, r, cfa);
	if (stop != UNWIND_GO_ON)
		return stop;
	f->ip = ip;
	f->sp = cfa;
	f->pc = r->fp & UNWIND_FP_TRAMPOLINE ? ip : ip - 1;
	return UNWIND_GO_ON;
}

/* By those rules that say where the CFA is. */
UNWIND_STEP enum unwind_stop unwind_step_by_cfa(struct unwind_memory *m, struct unwind_frame *f,
						const struct unwind_rule *r)
{
	uint64_t lo = (uint64_t)(int64_t)unwind_lo(r), hi = (uint64_t)(int64_t)unwind_hi(r), cfa;
	enum unwind_stop stop;

	switch (r->cfa) {
	case UNWIND_SP:
		cfa = f->sp + (uint64_t)(int64_t)r->cfa_off;
		break;
	case UNWIND_FP:
		cfa = f->fp + (uint64_t)(int64_t)r->cfa_off;
		break;
	case UNWIND_PLT:
		cfa = f->sp + lo + ((f->ip & 15) >= hi ? 8 : 0);
		break;
	default:
		stop = unwind_read(m, (r->cfa == UNWIND_SP_DEREF ? f->sp : f->fp) + lo, &cfa);
		if (stop != UNWIND_GO_ON)
			return stop;
		cfa += hi;
	}
	return unwind_step_cfa(m, f, r, cfa);
}

/* Another stack may lie anywhere, so that nothing grows: only their number ends a walk. */
UNWIND_STEP enum unwind_stop unwind_switch(struct unwind_frame *f)
{
	return ++f->nr_switches > UNWIND_SWITCHES_MAX ? UNWIND_STOP_LOOP : UNWIND_GO_ON;
}

UNWIND_STEP enum unwind_stop unwind_step_signal(struct unwind_memory *m, struct unwind_frame *f,
						const struct unwind_rule *r)
{
	uint64_t at = f->sp + (uint64_t)(int64_t)r->cfa_off, sp, ip, fp;
	enum unwind_stop stop = unwind_read(m, at, &sp);

	if (stop == UNWIND_GO_ON)
		stop = unwind_read(m, at + UNWIND_WORD, &ip);
	if (stop == UNWIND_GO_ON)
		stop = unwind_read(m, f->sp + (uint64_t)(int64_t)r->fp_off, &fp);
	if (stop == UNWIND_GO_ON)
		stop = unwind_switch(f);
	if (stop != UNWIND_GO_ON)
		return stop;
	f->sp = sp;
	f->fp = fp;
	f->ip = f->pc = ip;
	return UNWIND_GO_ON;
}

/* By the frame pointer, which is right, wherever it points. */
UNWIND_STEP enum unwind_stop unwind_step_fp(struct unwind_memory *m, struct unwind_frame *f)
{
	enum unwind_stop stop;
	uint64_t ip, fp;

	stop = unwind_read(m, f->fp + UNWIND_WORD, &ip);
	if (stop == UNWIND_GO_ON)
		stop = unwind_read(m, f->fp, &fp);
	if (stop != UNWIND_GO_ON)
		return stop;
	f->sp = f->fp + 2 * UNWIND_WORD;
	f->fp = fp;
	f->ip = ip;
	f->pc = ip - 1;
	return UNWIND_GO_ON;
}

UNWIND_STEP enum unwind_stop unwind_step_switch(struct unwind_memory *m, struct unwind_frame *f)
{
	return unwind_step_fp(m, f) == UNWIND_GO_ON ? unwind_switch(f) : UNWIND_ELSEWHERE;
}

/* 0 ends a chain (psABI, "Initial Stack and Register State"). Without symbols nothing tells a switch of stacks but that it
 * leads below this one. */
UNWIND_STEP enum unwind_stop unwind_step_chain(struct unwind_memory *m, struct unwind_frame *f)
{
	if (!f->fp)
		return UNWIND_STOP_COMPLETE;
	if (f->fp % UNWIND_WORD)
		return UNWIND_STOP_BAD_CFA;
	return f->fp < f->sp ? unwind_step_switch(m, f) : unwind_step_fp(m, f);
}

/* The outermost frame has 0 (psABI): what was called from code without rows, like the dynamic linker's entry, and lies
 * nowhere, is that. */
UNWIND_STEP enum unwind_stop unwind_step_guess(struct unwind_memory *m, struct unwind_frame *f, uint32_t nr)
{
	if (!f->fp && nr > 1)
		return UNWIND_STOP_COMPLETE;
	f->guess = 1;
	if (f->fp < f->sp || f->fp % UNWIND_WORD || unwind_step_fp(m, f) != UNWIND_GO_ON)
		return UNWIND_STOP_NO_ROW;
	return UNWIND_GO_ON;
}

UNWIND_STEP enum unwind_stop unwind_step_by_rule(struct unwind_memory *m, struct unwind_frame *f,
						 const struct unwind_rule *r, uint32_t nr)
{
	switch (r->cfa) {
	case UNWIND_UNSUPPORTED:
		return UNWIND_STOP_UNSUPPORTED;
	case UNWIND_END:
		return UNWIND_STOP_COMPLETE;
	case UNWIND_SIGNAL:
		return unwind_step_signal(m, f, r);
	case UNWIND_CHAIN:
		return unwind_step_chain(m, f);
	case UNWIND_SWITCH:
		return unwind_step_switch(m, f);
	case UNWIND_NONE:
		return unwind_step_guess(m, f, nr);
	default:
		return unwind_step_by_cfa(m, f, r);
	}
}

/* What a signal handler returns to was not called either: it is there from its first byte on. */
UNWIND_STEP uint64_t unwind_frame_address(const struct unwind_frame *f, const struct unwind_rule *r)
{
	return r->cfa == UNWIND_SIGNAL || r->fp & UNWIND_FP_TRAMPOLINE ? f->ip : f->pc;
}

/* From F, the NR-th of its walk, to its caller by R. */
UNWIND_STEP enum unwind_stop unwind_step(struct unwind_memory *m, struct unwind_frame *f,
					 const struct unwind_rule *r, uint32_t nr)
{
	uint64_t ip = f->ip, sp = f->sp;
	enum unwind_stop stop;

	f->guess = 0;
	stop = unwind_step_by_rule(m, f, r, nr);
	if (stop != UNWIND_GO_ON)
		return stop;
	if (!f->ip)
		return UNWIND_STOP_COMPLETE;
	return f->ip == ip && f->sp == sp ? UNWIND_STOP_LOOP : UNWIND_GO_ON;
}

#endif
