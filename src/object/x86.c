#include "object/x86.h"

#include <stdbool.h>
#include <string.h>

/* Prefixes and what they lead to, while an instruction is read. */
struct x86 {
	const uint8_t *p, *end;
	bool failed;
	bool size16, rep, repne, has_rex, is_vex;
	uint8_t rex; /* W R X B: 8 4 2 1 */
	uint8_t vvvv;
	uint8_t map; /* 0: one byte, 1: 0f, 2: 0f 38, 3: 0f 3a; of VEX, EVEX, XOP theirs */
	uint8_t opcode;
	bool has_modrm;
	uint8_t mod, reg, rm; /* reg and rm with REX's bit */
	bool by_sp, by_fp;    /* memory: rsp or rbp + disp and nothing else */
	int32_t disp;
	int64_t imm;
};

static uint8_t byte(struct x86 *x)
{
	if (x->p == x->end) {
		x->failed = true;
		return 0;
	}
	return *x->p++;
}

static int64_t bytes(struct x86 *x, unsigned nr)
{
	uint64_t v = 0;

	if ((size_t)(x->end - x->p) < nr) {
		x->failed = true;
		return 0;
	}
	for (unsigned i = 0; i < nr; i++)
		v |= (uint64_t)x->p[i] << 8 * i;
	x->p += nr;
	return nr == 8 ? (int64_t)v : (int64_t)(v << (64 - 8 * nr)) >> (64 - 8 * nr);
}

/* --- Opcodes --- */

static void read_prefixes(struct x86 *x)
{
	for (;;) {
		uint8_t b = byte(x);

		switch (b) {
		case 0x66: x->size16 = true; break;
		case 0xf2: x->repne = true; break;
		case 0xf3: x->rep = true; break;
		case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64: case 0x65: case 0x67: case 0xf0: break;
		default:
			if ((b & 0xf0) == 0x40) {
				x->has_rex = true;
				x->rex = b & 0xf;
				b = byte(x);
			}
			x->opcode = b;
			return;
		}
		if (x->failed)
			return;
	}
}

/* VEX (c4, c5), EVEX (62) and XOP (8f): inverted bits of REX, the map, a third register. */
static void read_vex(struct x86 *x, uint8_t lead)
{
	uint8_t a = byte(x), b;

	x->is_vex = true;
	x->rex = (uint8_t)((~a >> 7 & 1) << 2);
	if (lead == 0xc5) {
		x->map = 1;
		b = a;
	} else {
		x->rex |= (uint8_t)((~a >> 6 & 1) << 1 | (~a >> 5 & 1));
		x->map = a & (lead == 0x62 ? 7 : 0x1f);
		b = byte(x);
		x->rex |= (uint8_t)(b >> 7 << 3);
		if (lead == 0x62)
			byte(x);
	}
	x->vvvv = ~b >> 3 & 0xf;
	x->opcode = byte(x);
}

static void read_opcode(struct x86 *x)
{
	read_prefixes(x);
	if (x->failed)
		return;
	/* LES, LDS, BOUND of old have become these; XOP is told from POP by its map. */
	if (x->opcode == 0xc4 || x->opcode == 0xc5 || x->opcode == 0x62 ||
	    (x->opcode == 0x8f && x->p < x->end && (*x->p & 0x1f) >= 8)) {
		read_vex(x, x->opcode);
	} else if (x->opcode == 0x0f) {
		x->map = 1;
		x->opcode = byte(x);
		if (x->opcode == 0x38 || x->opcode == 0x3a) {
			x->map = x->opcode == 0x38 ? 2 : 3;
			x->opcode = byte(x);
		}
	}
}

/* --- Operands --- */

static bool in(uint8_t v, uint8_t low, uint8_t high)
{
	return v >= low && v <= high;
}

static bool wants_modrm(const struct x86 *x)
{
	uint8_t o = x->opcode;

	if (x->map > 1 || (x->is_vex && o != 0x77))
		return true;
	if (x->map == 1)
		return !(in(o, 0x04, 0x0c) && o != 0x0d) && o != 0x0e && !in(o, 0x30, 0x37) && o != 0x77 &&
		       !in(o, 0x80, 0x8f) && !in(o, 0xa0, 0xa2) && !in(o, 0xa8, 0xaa) && !in(o, 0xc8, 0xcf);
	if (o < 0x40)
		return (o & 7) < 4;
	return o == 0x63 || o == 0x69 || o == 0x6b || in(o, 0x80, 0x8f) || o == 0xc0 || o == 0xc1 || o == 0xc6 ||
	       o == 0xc7 || in(o, 0xd0, 0xd3) || in(o, 0xd8, 0xdf) || o == 0xf6 || o == 0xf7 || o >= 0xfe;
}

static void read_modrm(struct x86 *x)
{
	uint8_t b = byte(x), base;

	x->has_modrm = true;
	x->mod = b >> 6;
	x->reg = (b >> 3 & 7) | (x->rex & 4) << 1;
	base = b & 7;
	x->rm = base | (x->rex & 1) << 3;
	if (x->mod == 3)
		return;
	if (base == 4) {
		uint8_t sib = byte(x);
		bool no_index = (sib >> 3 & 7) == 4 && !(x->rex & 2);

		base = sib & 7;
		x->by_sp = no_index && base == X86_RSP && !(x->rex & 1);
		x->by_fp = no_index && base == X86_RBP && x->mod && !(x->rex & 1);
	} else {
		x->by_fp = base == X86_RBP && x->mod && !(x->rex & 1);
	}
	if (x->mod == 1)
		x->disp = (int32_t)bytes(x, 1);
	else if (x->mod == 2 || base == 5)
		x->disp = (int32_t)bytes(x, 4);
}

/* Bytes of immediate operands of the one-byte opcodes. */
static unsigned immediate_size(const struct x86 *x)
{
	uint8_t o = x->opcode;
	unsigned z = x->size16 ? 2 : 4;

	if (o < 0x40)
		return (o & 7) == 4 ? 1 : (o & 7) == 5 ? z : 0;
	if (in(o, 0x70, 0x7f) || in(o, 0xb0, 0xb7) || in(o, 0xe0, 0xe7))
		return 1;
	if (in(o, 0xb8, 0xbf))
		return x->rex & 8 ? 8 : z;
	if (in(o, 0xa0, 0xa3))
		return 8;
	switch (o) {
	case 0x6a: case 0x6b: case 0x80: case 0x83: case 0xa8: case 0xc0: case 0xc1: case 0xc6: case 0xcd: case 0xeb:
		return 1;
	case 0x68: case 0x69: case 0x81: case 0xa9: case 0xc7: return z;
	case 0xe8: case 0xe9: return 4;
	case 0xc2: case 0xca: return 2;
	case 0xc8: return 3;
	case 0xf6: return (x->reg & 7) < 2 ? 1 : 0;
	case 0xf7: return (x->reg & 7) < 2 ? z : 0;
	}
	return 0;
}

static unsigned immediate_size_0f(const struct x86 *x)
{
	uint8_t o = x->opcode;

	if (in(o, 0x80, 0x8f) && !x->is_vex)
		return 4;
	if (o == 0x78 && !x->is_vex)
		return x->size16 || x->repne ? 2 : 0; /* extrq, insertq */
	return o == 0x0f || in(o, 0x70, 0x73) || o == 0xa4 || o == 0xac || o == 0xba || o == 0xc2 || in(o, 0xc4, 0xc6);
}

static void read_immediate(struct x86 *x)
{
	unsigned nr = 0;

	switch (x->map) {
	case 0: nr = immediate_size(x); break;
	case 1: nr = immediate_size_0f(x); break;
	case 3: case 8: nr = 1; break;
	case 10: nr = 4; break;
	}
	if (nr == 3)
		x->imm = bytes(x, 2) | bytes(x, 1) << 16;
	else if (nr)
		x->imm = bytes(x, nr);
}

static bool is_invalid(const struct x86 *x)
{
	uint8_t o = x->opcode;

	if (x->is_vex || x->map)
		return false;
	return (o < 0x40 && (o & 7) >= 6) || o == 0x60 || o == 0x61 || o == 0x82 || o == 0x9a || o == 0xce || in(o, 0xd4, 0xd6) ||
	       o == 0xea || (in(o, 0x40, 0x4f)); /* REX, which must be last */
}

/* --- What they do --- */

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
		return o == 0x2c || o == 0x2d || o == 0x50 || o == 0xc5 || o == 0xd7 || in(o, 0x92, 0x93) ? x->reg :
		       o == 0x7e && !x->rep ? written_rm(x, false) : X86_NO_REG;
	if (in(o, 0x40, 0x4f) || o == 0xaf || o == 0xb6 || o == 0xb7 || o == 0xbc || o == 0xbd || o == 0xbe || o == 0xbf ||
	    o == 0xb8 || o == 0x02 || o == 0x03 || o == 0x2c || o == 0x2d || o == 0x50 || o == 0xc5 || o == 0xd7)
		return x->reg;
	if (in(o, 0x90, 0x9f) || o == 0xb0 || o == 0xc0)
		return written_rm(x, true);
	if (o == 0xb1 || o == 0xc1 || o == 0xab || o == 0xb3 || o == 0xbb || o == 0xa4 || o == 0xa5 || o == 0xac ||
	    o == 0xad || (o == 0xba && (x->reg & 7) > 4) || (o == 0x7e && !x->rep) || (o == 0xc7 && (x->reg & 7) > 5))
		return written_rm(x, false);
	if (in(o, 0xc8, 0xcf))
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
	if (in(o, 0x91, 0x97))
		return (o & 7) | (x->rex & 1) << 3;
	if (in(o, 0xb0, 0xb7))
		return x->has_rex ? (uint8_t)((o & 7) | (x->rex & 1) << 3) : X86_NO_REG;
	if (in(o, 0xb8, 0xbf))
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

	if (in(o, 0x50, 0x5f))
		push_or_pop(out, x, o < 0x58 ? X86_PUSH : X86_POP, (o & 7) | (x->rex & 1) << 3);
	else if (in(o, 0x70, 0x7f) || in(o, 0xe0, 0xe3))
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
	else if (in(o, 0x80, 0x8f))
		set(out, X86_BRANCH, x->imm);
	else if (o == 0x0b || o == 0xb9 || o == 0xff)
		set(out, X86_TRAP, 0);
	else if (in(o, 0x19, 0x1f))
		set(out, o == 0x1f ? X86_NOP : X86_OTHER, 0);
	else if (o == 0xa0 || o == 0xa8)
		push_or_pop(out, x, X86_PUSH, X86_NO_REG);
	else if (o == 0xa1 || o == 0xa9)
		push_or_pop(out, x, X86_POP, X86_NO_REG);
	else
		note_written(out, written_0f(x));
}

unsigned x86_decode(const uint8_t *p, size_t size, struct x86_insn *out)
{
	struct x86 x = { .p = p, .end = p + (size < X86_SIZE_MAX ? size : X86_SIZE_MAX) };

	memset(out, 0, sizeof(*out));
	read_opcode(&x);
	if (x.failed || is_invalid(&x))
		return 0;
	if (wants_modrm(&x))
		read_modrm(&x);
	read_immediate(&x);
	if (x.failed)
		return 0;
	out->size = (uint8_t)(x.p - p);
	out->reg = X86_NO_REG;
	if (x.map == 0)
		effect_1(out, &x);
	else if (x.map == 1)
		effect_0f(out, &x);
	else if (x.map == 2)
		note_written(out, written_0f38(&x));
	else if (x.map == 3)
		note_written(out, x.is_vex ? (x.opcode == 0xf0 ? x.reg : X86_NO_REG) :
				  in(x.opcode, 0x14, 0x17) ? written_rm(&x, false) : X86_NO_REG);
	return out->size;
}
