/* Call frame instructions (DWARF 5, section 6.4.2). Of the registers only those that a walk needs
 * are followed: frame pointer and return address. */
#include "object/cfi_impl.h"
#include "object/dwarf_cfa.h"

#define REMEMBERED_MAX 64

struct machine {
	const struct cfi_cie *cie;
	struct reader r;
	const uint8_t *first; /* instruction, at address at */
	uint64_t at, loc;
	struct cfi_state *s;
	cfi_row_fn *row;
	void *ctx;
	bool ended; /* no more rows are wanted */
	unsigned nr_remembered;
	struct cfi_state remembered[REMEMBERED_MAX];
};

static void advance(struct machine *m, uint64_t to)
{
	if (to < m->loc || !m->row) { /* back, or in a CIE, which is of no place */
		reader_fail(&m->r);
		return;
	}
	if (to > m->loc && !m->row(m->ctx, m->loc, to, m->s))
		m->ended = true;
	m->loc = to;
}

static void advance_by(struct machine *m, uint64_t delta)
{
	uint64_t by, to;

	if (__builtin_mul_overflow(delta, m->cie->code_align, &by) ||
	    __builtin_add_overflow(m->loc, by, &to))
		reader_fail(&m->r);
	else
		advance(m, to);
}

static int64_t factored(struct machine *m, int64_t v)
{
	int64_t out;

	if (__builtin_mul_overflow(v, m->cie->data_align, &out)) {
		reader_fail(&m->r);
		return 0;
	}
	return out;
}

/* Unsigned operands are offsets: none is near 2^63. */
static int64_t operand(struct machine *m)
{
	uint64_t v = reader_uleb(&m->r);

	if (v > INT64_MAX)
		reader_fail(&m->r);
	return (int64_t)v;
}

/* --- Registers --- */

static void saved_at_cfa(struct machine *m, uint64_t reg, int64_t off)
{
	if (reg == REG_FP) {
		m->s->fp = UNWIND_FP_CFA;
		m->s->fp_off = off;
	} else if (reg == REG_RA) {
		m->s->ra = CFI_RA_CFA;
		m->s->ra_off = off;
	}
}

static void restore(struct machine *m, uint64_t reg)
{
	const struct cfi_state *first = &m->cie->state;

	if (reg == REG_FP) {
		m->s->fp = first->fp;
		m->s->fp_off = first->fp_off;
	} else if (reg == REG_RA) {
		m->s->ra = first->ra;
		m->s->ra_off = first->ra_off;
	}
}

static void lost(struct machine *m, uint64_t reg)
{
	if (reg == REG_FP) {
		m->s->fp = UNWIND_FP_LOST;
		m->s->fp_off = 0;
	} else if (reg == REG_RA) {
		m->s->ra = CFI_RA_OTHER;
	}
}

static void same_value(struct machine *m, uint64_t reg)
{
	lost(m, reg);
	if (reg == REG_FP)
		m->s->fp = UNWIND_FP_SAME;
}

static void undefined(struct machine *m, uint64_t reg)
{
	lost(m, reg);
	if (reg == REG_RA)
		m->s->ra = CFI_RA_UNDEFINED;
}

static void saved_by_expression(struct machine *m, uint64_t reg)
{
	struct reader r = reader_sub(&m->r, reader_uleb(&m->r));
	uint64_t base;
	int64_t off;

	lost(m, reg);
	if ((reg != REG_FP && reg != REG_RA) || !cfi_expr_address(r, &base, &off) ||
	    (base != REG_SP && base != REG_FP))
		return;
	if (reg == REG_FP) {
		m->s->fp = base == REG_SP ? UNWIND_FP_STACK : UNWIND_FP_SLOT;
		m->s->fp_off = off;
	} else if (base == REG_SP) {
		m->s->ra = CFI_RA_STACK;
		m->s->ra_off = off;
	}
}

/* --- The frame --- */

static void def_cfa(struct machine *m, uint64_t reg, int64_t off)
{
	m->s->cfa = CFI_CFA_REG;
	m->s->reg = reg;
	m->s->off = off;
}

static void def_cfa_offset(struct machine *m, int64_t off)
{
	if (m->s->cfa == CFI_CFA_REG)
		m->s->off = off;
	else
		m->s->cfa = CFI_CFA_OTHER;
}

static void def_cfa_register(struct machine *m, uint64_t reg)
{
	if (m->s->cfa == CFI_CFA_REG)
		m->s->reg = reg;
	else
		m->s->cfa = CFI_CFA_OTHER;
}

static void def_cfa_expression(struct machine *m)
{
	struct reader r = reader_sub(&m->r, reader_uleb(&m->r));

	m->s->rule = (struct unwind_rule){ 0 };
	m->s->cfa = cfi_expr_cfa(r, &m->s->rule) ? CFI_CFA_RULE : CFI_CFA_OTHER;
}

static void remember(struct machine *m)
{
	if (m->nr_remembered == REMEMBERED_MAX)
		reader_fail(&m->r);
	else
		m->remembered[m->nr_remembered++] = *m->s;
}

static void recall(struct machine *m)
{
	if (!m->nr_remembered)
		reader_fail(&m->r);
	else
		*m->s = m->remembered[--m->nr_remembered];
}

/* --- Instructions --- */

static void extended(struct machine *m, uint8_t op)
{
	struct reader *r = &m->r;
	uint64_t reg;

	switch (op) {
	case CFA_NOP:
		break;
	case CFA_SET_LOC:
		advance(m, cfi_pointer(r, m->cie->pointers, m->at + (uint64_t)(r->pos - m->first)));
		break;
	case CFA_ADVANCE_LOC1:
		advance_by(m, reader_u8(r));
		break;
	case CFA_ADVANCE_LOC2:
		advance_by(m, reader_u16(r));
		break;
	case CFA_ADVANCE_LOC4:
		advance_by(m, reader_u32(r));
		break;
	case CFA_REMEMBER_STATE:
		remember(m);
		break;
	case CFA_RESTORE_STATE:
		recall(m);
		break;
	case CFA_DEF_CFA:
		reg = reader_uleb(r);
		def_cfa(m, reg, operand(m));
		break;
	case CFA_DEF_CFA_SF:
		reg = reader_uleb(r);
		def_cfa(m, reg, factored(m, reader_sleb(r)));
		break;
	case CFA_DEF_CFA_REGISTER:
		def_cfa_register(m, reader_uleb(r));
		break;
	case CFA_DEF_CFA_OFFSET:
		def_cfa_offset(m, operand(m));
		break;
	case CFA_DEF_CFA_OFFSET_SF:
		def_cfa_offset(m, factored(m, reader_sleb(r)));
		break;
	case CFA_DEF_CFA_EXPRESSION:
		def_cfa_expression(m);
		break;
	case CFA_GNU_ARGS_SIZE: /* of the callee's arguments: the CFA says the same */
		reader_uleb(r);
		break;
	default: /* not known how long its operands are */
		reader_fail(r);
	}
}

static void of_register(struct machine *m, uint8_t op)
{
	struct reader *r = &m->r;
	uint64_t reg = reader_uleb(r);

	switch (op) {
	case CFA_OFFSET_EXTENDED:
		saved_at_cfa(m, reg, factored(m, operand(m)));
		break;
	case CFA_OFFSET_EXTENDED_SF:
		saved_at_cfa(m, reg, factored(m, reader_sleb(r)));
		break;
	case CFA_GNU_NEGATIVE_OFFSET_EXTENDED:
		saved_at_cfa(m, reg, factored(m, -operand(m)));
		break;
	case CFA_RESTORE_EXTENDED:
		restore(m, reg);
		break;
	case CFA_UNDEFINED:
		undefined(m, reg);
		break;
	case CFA_SAME_VALUE:
		same_value(m, reg);
		break;
	case CFA_EXPRESSION:
		saved_by_expression(m, reg);
		break;
	case CFA_REGISTER:
	case CFA_VAL_OFFSET:
		reader_uleb(r);
		lost(m, reg);
		break;
	case CFA_VAL_OFFSET_SF:
		reader_sleb(r);
		lost(m, reg);
		break;
	case CFA_VAL_EXPRESSION:
		reader_skip(r, reader_uleb(r));
		lost(m, reg);
		break;
	}
}

static bool is_of_register(uint8_t op)
{
	return (op >= CFA_OFFSET_EXTENDED && op <= CFA_REGISTER) || op == CFA_EXPRESSION ||
	       op == CFA_OFFSET_EXTENDED_SF || op == CFA_GNU_NEGATIVE_OFFSET_EXTENDED ||
	       (op >= CFA_VAL_OFFSET && op <= CFA_VAL_EXPRESSION);
}

bool cfi_exec(const struct cfi_cie *cie, struct reader r, uint64_t at, struct cfi_state *state,
	      uint64_t *loc, cfi_row_fn *row, void *ctx)
{
	/* Not initialized whole: what is remembered is 4 KiB. */
	struct machine m;

	m.cie = cie;
	m.r = r;
	m.first = r.pos;
	m.at = at;
	m.loc = *loc;
	m.s = state;
	m.row = row;
	m.ctx = ctx;
	m.ended = false;
	m.nr_remembered = 0;
	while (reader_left(&m.r) && !m.ended) {
		uint8_t op = reader_u8(&m.r), low = op & 0x3f;

		switch (op >> 6) {
		case CFA_ADVANCE_LOC:
			advance_by(&m, low);
			break;
		case CFA_OFFSET:
			saved_at_cfa(&m, low, factored(&m, operand(&m)));
			break;
		case CFA_RESTORE:
			restore(&m, low);
			break;
		default:
			if (is_of_register(op))
				of_register(&m, op);
			else
				extended(&m, op);
		}
	}
	*loc = m.loc;
	return !m.r.failed;
}

/* --- The rule that a state is --- */

static bool fits16(int64_t v)
{
	return v >= INT16_MIN && v <= INT16_MAX;
}

/* The kernel's signal frame as libcs describe it: everything at a place above the stack pointer. */
static bool is_signal(const struct cfi_state *s, struct unwind_rule *out)
{
	int32_t sp_at = unwind_lo(&s->rule);

	if (s->cfa != CFI_CFA_RULE || s->rule.cfa != UNWIND_SP_DEREF || unwind_hi(&s->rule) ||
	    s->ra != CFI_RA_STACK || s->ra_off != sp_at + 8 || s->fp != UNWIND_FP_STACK ||
	    !fits16(s->fp_off))
		return false;
	*out = (struct unwind_rule){ sp_at, (int16_t)s->fp_off, UNWIND_SIGNAL, 0 };
	return true;
}

/* Of the frame only the return address is left: the frame pointer is the caller's again. gcc forgets to say so at the return of
 * a function whose frame it has realigned, and finds it where the caller's points to. */
static bool is_left(const struct cfi_state *s)
{
	return s->cfa == CFI_CFA_REG && s->reg == REG_SP && s->off == UNWIND_WORD && s->fp == UNWIND_FP_SLOT;
}

struct unwind_rule cfi_rule(const struct cfi_state *s, bool trampoline)
{
	static const struct unwind_rule unsupported = { .cfa = UNWIND_UNSUPPORTED };
	struct unwind_rule r = { 0 };
	uint8_t fp;

	if (s->ra == CFI_RA_UNDEFINED)
		return (struct unwind_rule){ .cfa = UNWIND_END };
	if (is_signal(s, &r))
		return r;
	if (s->ra != CFI_RA_CFA || s->ra_off != -8)
		return unsupported;
	if (s->cfa == CFI_CFA_RULE) {
		r = s->rule;
	} else if (s->cfa == CFI_CFA_REG && (s->reg == REG_SP || s->reg == REG_FP) &&
		   s->off == (int32_t)s->off) {
		r.cfa = s->reg == REG_SP ? UNWIND_SP : UNWIND_FP;
		r.cfa_off = (int32_t)s->off;
	} else {
		return unsupported;
	}
	if (r.cfa == UNWIND_PLT)
		return s->fp == UNWIND_FP_SAME && !trampoline ? r : unsupported;
	if (!fits16(s->fp_off))
		return unsupported;
	fp = is_left(s) ? UNWIND_FP_SAME : s->fp;
	r.fp = fp | (trampoline ? UNWIND_FP_TRAMPOLINE : 0);
	r.fp_off = fp == UNWIND_FP_SAME || fp == UNWIND_FP_LOST ? 0 : (int16_t)s->fp_off;
	return r;
}
