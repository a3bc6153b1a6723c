/* x86: how long an instruction of x86-64 is, and what it does to the stack pointer, the frame pointer and the flow of
 * control. For code that nothing else describes (cfi_code.c).
 *
 * Source: Intel 64 Software Developer's Manual, volume 2, appendix A (opcode maps); AMD64 Architecture Programmer's Manual,
 * volume 6 (XOP). */
#ifndef OBJECT_X86_H
#define OBJECT_X86_H

#include <stddef.h>
#include <stdint.h>

#define X86_SIZE_MAX 15

enum x86_reg { X86_RSP = 4, X86_RBP = 5, X86_NO_REG = 16 };

enum x86_kind {
	X86_OTHER,
	X86_PUSH,        /* reg, X86_NO_REG: anything else; 8 bytes */
	X86_POP,
	X86_ADD_SP,      /* value is added to rsp */
	X86_SP_FROM_FP,  /* rsp = rbp + value */
	X86_FP_FROM_SP,  /* rbp = rsp + value */
	X86_SAVE_FP,     /* rbp is stored at rsp + value */
	X86_LOAD_FP,     /* and loaded */
	X86_LEAVE,
	X86_CLEAR_FP,    /* rbp = 0 */
	X86_SET_SP,      /* to what is not known */
	X86_SET_FP,
	X86_SET_BOTH,
	X86_CALL,        /* value: the target's distance from the next instruction */
	X86_CALL_INDIRECT,
	X86_JUMP,        /* as of X86_CALL */
	X86_BRANCH,      /* it may go on behind */
	X86_JUMP_INDIRECT,
	X86_RETURN,
	X86_TRAP,        /* nothing goes on behind it: ud2, hlt, int3 */
	X86_NOP          /* padding */
};

struct x86_insn {
	uint8_t size;  /* 1 to X86_SIZE_MAX */
	uint8_t reg;
	uint8_t kind;  /* enum x86_kind */
	int32_t value;
};

/* The instruction at P, of which SIZE bytes are there. Its size; 0: none, or cut. */
unsigned x86_decode(const uint8_t *p, size_t size, struct x86_insn *out);

#endif
