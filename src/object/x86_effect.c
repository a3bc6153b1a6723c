#include "object/x86_impl.h"

/* The general register that x writes, X86_NO_REG: none. Those of eight bits without REX are ah and so on. */
static uint8_t written_rm(const struct x86 *x, bool bits8)
{
	return x->mod != 3 || (bits8 && !x->has_rex) ? X86_NO_REG : x->rm;
}

static uint8_t written_reg(const struct x86 *x, bool bits8)
{
	return bits8 && !x->has_rex ? X86_NO_REG : x->reg;
}

static uint8_t written_0f(const struct x86 *x)
{
	uint8_t o = x->opcode;

	if (x->is_vex)
		return o == 0x2c || o == 0x2d || o == 0x50 || o == 0xc5 || o == 0xd7 || x86_in(o, 0x92, 0x93) ? x->reg :
		       o == 0x7e && !x->rep ? written_rm(x, false) : X86_NO_REG;
	if (x86_in(o, 0x40, 0x4f) || o == 0xaf || o == 0xb6 || o == 0xb7 || o == 0xbc || o == 0xbd || o == 0xbe || o == 0xbf ||
	    o == 0xb8 || o == 0x02 || o == 0x03 || o == 0x2c || o == 0x2d || o == 0x50 || o == 0xc5 || o == 0xd7)
		return x->reg;
	if (x86_in(o, 0x90, 0x9f) || o == 0xb0 || o == 0xc0)
		return written_rm(x, true);
	if (o == 0xb1 || o == 0xc1 || o == 0xab || o == 0xb3 || o == 0xbb || o == 0xa4 || o == 0xa5 || o == 0xac ||
	    o == 0xad || (o == 0xba && (x->reg & 7) > 4) || (o == 0x7e && !x->rep) || (o == 0xc7 && (x->reg & 7) > 5))
		return written_rm(x, false);
	if (x86_in(o, 0xc8, 0xcf))
		return (o & 7) | (x->rex & 1) << 3;
	return X86_NO_REG;
}

static uint8_t written_0f38(const struct x86 *x)
{
	uint8_t o = x->opcode;

	if (x->is_vex)
		return o == 0xf3 ? x->vvvv : o == 0xf2 || o == 0xf5 || o == 0xf6 || o == 0xf7 ? x->reg : X86_NO_REG;
	return o == 0xf0 || (o == 0xf1 && x->repne) || o == 0xf6 ? x->reg : X86_NO_REG;
}

static uint8_t written_1(const struct x86 *x)
{
	uint8_t o = x->opcode, group = x->reg & 7;

	if (o < 0x40)
		return o >= 0x38 || (o & 7) > 3 ? X86_NO_REG : (o & 7) < 2 ? written_rm(x, !(o & 1)) : written_reg(x, !(o & 1));
	if (x86_in(o, 0x91, 0x97))
		return (o & 7) | (x->rex & 1) << 3;
	if (x86_in(o, 0xb0, 0xb7))
		return x->has_rex ? (uint8_t)((o & 7) | (x->rex & 1) << 3) : X86_NO_REG;
	if (x86_in(o, 0xb8, 0xbf))
		return (o & 7) | (x->rex & 1) << 3;
	switch (o) {
	case 0x63: case 0x69: case 0x6b: case 0x8b: case 0x8d: return x->reg;
	case 0x8a: return written_reg(x, true);
	case 0x80: return group == 7 ? X86_NO_REG : written_rm(x, true);
	case 0x81: case 0x83: return group == 7 ? X86_NO_REG : written_rm(x, false);
	case 0x88: case 0xc0: case 0xc6: case 0xd0: case 0xd2: return written_rm(x, true);
	case 0x89: case 0x8c: case 0xc1: case 0xc7: case 0xd1: case 0xd3: return written_rm(x, false);
	case 0xf6: return group == 2 || group == 3 ? written_rm(x, true) : X86_NO_REG;
	case 0xf7: return group == 2 || group == 3 ? written_rm(x, false) : X86_NO_REG;
	case 0xfe: return written_rm(x, true);
	case 0xff: return group < 2 ? written_rm(x, false) : X86_NO_REG;
	}
	return X86_NO_REG;
}

static void set(struct x86_insn *out, enum x86_kind kind, int64_t value)
{
	out->kind = (uint8_t)kind;
	out->value = (int32_t)value;
}

static void note_written(struct x86_insn *out, uint8_t reg)
{
	enum x86_kind other = reg == X86_RSP ? X86_SET_FP : X86_SET_SP;

	if (reg == X86_RSP || reg == X86_RBP)
		set(out, out->kind == other ? X86_SET_BOTH : reg == X86_RSP ? X86_SET_SP : X86_SET_FP, 0);
}

static void push_or_pop(struct x86_insn *out, const struct x86 *x, enum x86_kind kind, uint8_t reg)
{
	if (x->size16 || (kind == X86_POP && reg == X86_RSP)) {
		set(out, X86_SET_SP, 0);
	} else {
		set(out, kind, 0);
		out->reg = reg;
	}
}

/* mov and lea between rsp, rbp and what is on the stack. False: it is none of these. */
static bool moves(struct x86_insn *out, const struct x86 *x)
{
	bool wide = x->rex & 8;
	uint8_t to = x->opcode == 0x89 ? x->rm : x->reg, from = x->opcode == 0x89 ? x->reg : x->rm;

	if (!wide || (x->opcode != 0x89 && x->opcode != 0x8b && x->opcode != 0x8d))
		return false;
	if (x->opcode == 0x8d ? x->by_sp || x->by_fp : x->mod == 3) {
		from = x->opcode != 0x8d ? from : x->by_sp ? X86_RSP : X86_RBP;
		if (to == X86_RSP && from == X86_RSP)
			set(out, X86_ADD_SP, x->disp);
		else if (to == X86_RSP && from == X86_RBP)
			set(out, X86_SP_FROM_FP, x->disp);
		else if (to == X86_RBP && from == X86_RSP)
			set(out, X86_FP_FROM_SP, x->disp);
		else
			return false;
		return true;
	}
	if (x->opcode == 0x8d || !x->by_sp || x->reg != X86_RBP)
		return false;
	set(out, x->opcode == 0x89 ? X86_SAVE_FP : X86_LOAD_FP, x->disp);
	return true;
}

static void effect_ff(struct x86_insn *out, const struct x86 *x)
{
	switch (x->reg & 7) {
	case 2: case 3: set(out, X86_CALL_INDIRECT, 0); break;
	case 4: case 5: set(out, X86_JUMP_INDIRECT, 0); break;
	case 6: push_or_pop(out, x, X86_PUSH, X86_NO_REG); break;
	default: note_written(out, written_1(x));
	}
}

static void effect_1(struct x86_insn *out, const struct x86 *x)
{
	uint8_t o = x->opcode, group = x->reg & 7;
	bool wide_sp = x->rex & 8 && x->mod == 3 && x->rm == X86_RSP;

	if (x86_in(o, 0x50, 0x5f))
		push_or_pop(out, x, o < 0x58 ? X86_PUSH : X86_POP, (o & 7) | (x->rex & 1) << 3);
	else if (x86_in(o, 0x70, 0x7f) || x86_in(o, 0xe0, 0xe3))
		set(out, X86_BRANCH, x->imm);
	else if ((o == 0x81 || o == 0x83) && wide_sp && (group == 0 || group == 5))
		set(out, X86_ADD_SP, group ? -x->imm : x->imm);
	else if ((o == 0x31 || o == 0x33) && x->mod == 3 && x->reg == X86_RBP && x->rm == X86_RBP)
		set(out, X86_CLEAR_FP, 0);
	else if (!moves(out, x)) {
		switch (o) {
		case 0x68: case 0x6a: case 0x9c: push_or_pop(out, x, X86_PUSH, X86_NO_REG); break;
		case 0x9d: push_or_pop(out, x, X86_POP, X86_NO_REG); break;
		case 0x8f: push_or_pop(out, x, X86_POP, x->mod == 3 ? x->rm : X86_NO_REG); break;
		case 0x90: set(out, x->rex & 1 ? X86_OTHER : X86_NOP, 0); break;
		case 0xc2: case 0xc3: case 0xca: case 0xcb: case 0xcf: set(out, X86_RETURN, 0); break;
		case 0xc8: set(out, X86_SET_BOTH, 0); break;
		case 0xc9: set(out, X86_LEAVE, 0); break;
		case 0xcc: case 0xf4: set(out, X86_TRAP, 0); break;
		case 0xe8: set(out, X86_CALL, x->imm); break;
		case 0xe9: case 0xeb: set(out, X86_JUMP, x->imm); break;
		case 0xff: effect_ff(out, x); break;
		case 0x86: case 0x87:
			note_written(out, written_rm(x, o == 0x86));
			note_written(out, written_reg(x, o == 0x86));
			break;
		default: note_written(out, written_1(x));
		}
	}
}

static void effect_0f(struct x86_insn *out, const struct x86 *x)
{
	uint8_t o = x->opcode;

	if (x->is_vex)
		note_written(out, written_0f(x));
	else if (x86_in(o, 0x80, 0x8f))
		set(out, X86_BRANCH, x->imm);
	else if (o == 0x0b || o == 0xb9 || o == 0xff)
		set(out, X86_TRAP, 0);
	else if (x86_in(o, 0x19, 0x1f))
		set(out, o == 0x1f ? X86_NOP : X86_OTHER, 0);
	else if (o == 0xa0 || o == 0xa8)
		push_or_pop(out, x, X86_PUSH, X86_NO_REG);
	else if (o == 0xa1 || o == 0xa9)
		push_or_pop(out, x, X86_POP, X86_NO_REG);
	else
		note_written(out, written_0f(x));
}

void x86_effect(struct x86_insn *out, const struct x86 *x)
{
	if (x->map == 0)
		effect_1(out, x);
	else if (x->map == 1)
		effect_0f(out, x);
	else if (x->map == 2)
		note_written(out, written_0f38(x));
	else if (x->map == 3)
		note_written(out, x->is_vex ? (x->opcode == 0xf0 ? x->reg : X86_NO_REG) :
				  x86_in(x->opcode, 0x14, 0x17) ? written_rm(x, false) : X86_NO_REG);
}
