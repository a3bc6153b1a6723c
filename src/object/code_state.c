#include "object/code_state.h"

#include <stdbool.h>

#define FRAME_MAX (1 << 24) /* bytes; more are none */

/* A frame whose end is not above the stack pointer is none. */
static void set_sp(struct code_state *s, int64_t sp)
{
	s->flags &= (uint8_t)~CODE_SP;
	if (sp >= UNWIND_WORD && sp <= FRAME_MAX) {
		s->sp = (int32_t)sp;
		s->flags |= CODE_SP;
	}
}

static void set_fp(struct code_state *s, bool known, int64_t fp)
{
	s->flags &= (uint8_t)~CODE_FP;
	s->flags |= CODE_CHANGED;
	if (known && fp >= INT16_MIN && fp <= INT16_MAX) {
		s->fp = (int16_t)fp;
		s->flags |= CODE_FP;
	}
}

static void save_fp(struct code_state *s, int64_t slot)
{
	if (!(s->flags & CODE_CHANGED) && !s->saved && s->flags & CODE_SP && slot >= 2 * UNWIND_WORD && slot <= INT16_MAX)
		s->saved = (int16_t)slot;
}

static void load_fp(struct code_state *s, int64_t slot)
{
	if (s->saved && s->flags & CODE_SP && s->saved == slot) {
		s->flags &= (uint8_t)~(CODE_FP | CODE_CHANGED);
		s->saved = 0;
	} else {
		set_fp(s, false, 0);
	}
}

static void pop(struct code_state *s, unsigned reg)
{
	if (reg == X86_RBP)
		load_fp(s, s->sp);
	if (s->flags & CODE_SP)
		set_sp(s, s->sp - UNWIND_WORD);
}

static void sp_from_fp(struct code_state *s, int64_t value)
{
	set_sp(s, s->flags & CODE_FP ? s->fp - value : 0);
}

void code_state_pass(struct code_state *s, const struct x86_insn *insn)
{
	switch ((enum x86_kind)insn->kind) {
	case X86_PUSH:
		if (s->flags & CODE_SP)
			set_sp(s, (int64_t)s->sp + UNWIND_WORD);
		if (insn->reg == X86_RBP)
			save_fp(s, s->sp);
		break;
	case X86_POP:
		pop(s, insn->reg);
		break;
	case X86_ADD_SP:
		if (s->flags & CODE_SP)
			set_sp(s, (int64_t)s->sp - insn->value);
		break;
	case X86_SP_FROM_FP:
		sp_from_fp(s, insn->value);
		break;
	case X86_FP_FROM_SP:
		set_fp(s, s->flags & CODE_SP, (int64_t)s->sp - insn->value);
		break;
	case X86_SAVE_FP:
		save_fp(s, (int64_t)s->sp - insn->value);
		break;
	case X86_LOAD_FP:
		load_fp(s, (int64_t)s->sp - insn->value);
		break;
	case X86_LEAVE:
		sp_from_fp(s, 0);
		pop(s, X86_RBP);
		break;
	case X86_CLEAR_FP:
		if (s->flags & CODE_SP && s->sp == UNWIND_WORD && !s->saved && !(s->flags & CODE_CHANGED))
			s->flags |= CODE_OUTERMOST;
		else
			set_fp(s, false, 0);
		break;
	case X86_SET_BOTH:
		set_fp(s, false, 0);
		set_sp(s, 0);
		break;
	case X86_SET_SP:
		set_sp(s, 0);
		break;
	case X86_SET_FP:
		set_fp(s, false, 0);
		break;
	default:
		break;
	}
}

struct unwind_rule code_state_rule(const struct code_state *s)
{
	struct unwind_rule r = { 0 };

	if (!(s->flags & CODE_TRACED))
		return r;
	if (s->flags & CODE_OUTERMOST) {
		r.cfa = UNWIND_END;
		return r;
	}
	if (s->flags & CODE_FP)
		r = (struct unwind_rule){ .cfa = UNWIND_FP, .cfa_off = s->fp };
	else if (s->flags & CODE_SP)
		r = (struct unwind_rule){ .cfa = UNWIND_SP, .cfa_off = s->sp };
	else
		return r;
	if (s->saved) {
		r.fp = UNWIND_FP_CFA;
		r.fp_off = (int16_t)-s->saved;
	} else if (s->flags & CODE_CHANGED) {
		r.fp = UNWIND_FP_LOST;
	}
	return r;
}
