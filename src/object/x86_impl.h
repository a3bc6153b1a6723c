/* x86_impl: what the files of x86 share: x86.c reads an instruction, x86_effect.c says what it does. */
#ifndef OBJECT_X86_IMPL_H
#define OBJECT_X86_IMPL_H

#include <stdbool.h>

#include "object/x86.h"

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

static inline bool x86_in(uint8_t v, uint8_t low, uint8_t high)
{
	return v >= low && v <= high;
}

/* OUT's kind, register and value, of X, which has been read whole. */
void x86_effect(struct x86_insn *out, const struct x86 *x);

#endif
