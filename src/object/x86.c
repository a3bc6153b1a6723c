#include <string.h>

#include "object/x86_impl.h"

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

static bool wants_modrm(const struct x86 *x)
{
	uint8_t o = x->opcode;

	if (x->map > 1 || (x->is_vex && o != 0x77))
		return true;
	if (x->map == 1)
		return !(x86_in(o, 0x04, 0x0c) && o != 0x0d) && o != 0x0e && !x86_in(o, 0x30, 0x37) && o != 0x77 &&
		       !x86_in(o, 0x80, 0x8f) && !x86_in(o, 0xa0, 0xa2) && !x86_in(o, 0xa8, 0xaa) && !x86_in(o, 0xc8, 0xcf);
	if (o < 0x40)
		return (o & 7) < 4;
	return o == 0x63 || o == 0x69 || o == 0x6b || x86_in(o, 0x80, 0x8f) || o == 0xc0 || o == 0xc1 || o == 0xc6 ||
	       o == 0xc7 || x86_in(o, 0xd0, 0xd3) || x86_in(o, 0xd8, 0xdf) || o == 0xf6 || o == 0xf7 || o >= 0xfe;
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
	if (x86_in(o, 0x70, 0x7f) || x86_in(o, 0xb0, 0xb7) || x86_in(o, 0xe0, 0xe7))
		return 1;
	if (x86_in(o, 0xb8, 0xbf))
		return x->rex & 8 ? 8 : z;
	if (x86_in(o, 0xa0, 0xa3))
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

	if (x86_in(o, 0x80, 0x8f) && !x->is_vex)
		return 4;
	if (o == 0x78 && !x->is_vex)
		return x->size16 || x->repne ? 2 : 0; /* extrq, insertq */
	return o == 0x0f || x86_in(o, 0x70, 0x73) || o == 0xa4 || o == 0xac || o == 0xba || o == 0xc2 || x86_in(o, 0xc4, 0xc6);
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
		x->imm = (bytes(x, 2) & 0xffff) | (bytes(x, 1) & 0xff) << 16;
	else if (nr)
		x->imm = bytes(x, nr);
}

static bool is_invalid(const struct x86 *x)
{
	uint8_t o = x->opcode;

	if (x->is_vex || x->map)
		return false;
	return (o < 0x40 && (o & 7) >= 6) || o == 0x60 || o == 0x61 || o == 0x82 || o == 0x9a || o == 0xce || x86_in(o, 0xd4, 0xd6) ||
	       o == 0xea || (x86_in(o, 0x40, 0x4f)); /* REX, which must be last */
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
	x86_effect(out, &x);
	return out->size;
}
