/* Expressions (DWARF 5, section 2.5) are programs; compilers, linkers and libcs say where a frame
 * is by a handful of them, which are known here by their form. */
#include "object/cfi_impl.h"
#include "object/dwarf_cfa.h"

static bool register_plus(struct reader *r, uint64_t *reg, int64_t *off)
{
	uint8_t op = reader_u8(r);

	*reg = op - (uint64_t)OP_BREG0;
	*off = reader_sleb(r);
	return !r->failed && op >= OP_BREG0 && op < OP_BREG0 + 32;
}

/* Adds constants to *OFF, as long as there are any. */
static void plus_constants(struct reader *r, int64_t *off)
{
	while (reader_left(r) && *r->pos == OP_PLUS_UCONST) {
		reader_u8(r);
		if (__builtin_add_overflow(*off, (int64_t)reader_uleb(r), off))
			reader_fail(r);
	}
}

bool cfi_expr_address(struct reader r, uint64_t *reg, int64_t *off)
{
	if (!register_plus(&r, reg, off))
		return false;
	plus_constants(&r, off);
	return !r.failed && !reader_left(&r);
}

/* The linker's for .plt: sp + off + ((ip & 15) >= n) << 3, an entry of 16 bytes having pushed a
 * word when byte n is reached. */
static bool plt(struct reader r, int64_t off, struct unwind_rule *rule)
{
	int64_t none;
	uint64_t reg;
	uint8_t n;

	if (!register_plus(&r, &reg, &none) || reg != REG_RA || none ||
	    reader_u8(&r) != OP_LIT0 + 15 || reader_u8(&r) != OP_AND)
		return false;
	n = reader_u8(&r);
	if (n < OP_LIT0 || n > OP_LIT0 + 15 || reader_u8(&r) != OP_GE ||
	    reader_u8(&r) != OP_LIT0 + 3 || reader_u8(&r) != OP_SHL || reader_u8(&r) != OP_PLUS ||
	    r.failed || reader_left(&r))
		return false;
	rule->cfa = UNWIND_PLT;
	rule->cfa_off = unwind_lo_hi((int16_t)off, (int16_t)(n - OP_LIT0));
	return true;
}

static bool fits16(int64_t v)
{
	return v >= INT16_MIN && v <= INT16_MAX;
}

bool cfi_expr_cfa(struct reader r, struct unwind_rule *rule)
{
	int64_t off, more = 0;
	uint64_t reg;

	if (!register_plus(&r, &reg, &off) || (reg != REG_SP && reg != REG_FP))
		return false;
	plus_constants(&r, &off);
	if (reg == REG_SP && fits16(off) && plt(r, off, rule))
		return true;
	if (!reader_left(&r)) {
		rule->cfa = reg == REG_SP ? UNWIND_SP : UNWIND_FP;
		rule->cfa_off = (int32_t)off;
		return !r.failed && off == (int32_t)off;
	}
	if (reader_u8(&r) != OP_DEREF)
		return false;
	plus_constants(&r, &more);
	if (r.failed || reader_left(&r) || !fits16(off) || !fits16(more))
		return false;
	rule->cfa = reg == REG_SP ? UNWIND_SP_DEREF : UNWIND_FP_DEREF;
	rule->cfa_off = unwind_lo_hi((int16_t)off, (int16_t)more);
	return true;
}
