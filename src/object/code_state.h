/* code_state: what is known of a stack before an instruction, what the instruction makes of it, and the unwind rule that
 * says so. x86-64. */
#ifndef OBJECT_CODE_STATE_H
#define OBJECT_CODE_STATE_H

#include <stdint.h>

#include "object/x86.h"
#include "unwind/format.h"

enum {
	CODE_REACHED = 1,    /* there is a state for the instruction here */
	CODE_TRACED = 2,     /* and it has been followed */
	CODE_START = 4,      /* a function begins */
	CODE_SP = 8,         /* CFA − rsp is known */
	CODE_FP = 16,        /* CFA − rbp is */
	CODE_CHANGED = 32,   /* rbp is not the caller's */
	CODE_OUTERMOST = 64, /* nobody called this */
};
#define CODE_OF_FLOW (CODE_SP | CODE_FP | CODE_CHANGED | CODE_OUTERMOST)

/* Before an instruction. */
struct code_state {
	int32_t sp;    /* CFA − rsp */
	int16_t fp;    /* CFA − rbp */
	int16_t saved; /* CFA − where the caller's rbp is; 0: nowhere */
	uint8_t flags;
	uint8_t size;  /* of the instruction, once it has been looked at; 0: not yet, or none */
};

/* S, the state before INSN, becomes the one behind it. */
void code_state_pass(struct code_state *s, const struct x86_insn *insn);
/* None where S has not been traced, or says too little. */
struct unwind_rule code_state_rule(const struct code_state *s);

#endif
