/* format: unwind rows as they lie in memory, for the walker in C and for one in BPF: this header
 * includes nothing of ours. Besides it bpf/ may include kernel.h and step.h. x86-64.
 *
 * A table covers one object by *file offset*, in pages of 64 KiB: what a mapping gives without a
 * look into the file (address − start + pgoff). A page is an array of rows sorted by offset, a row
 * being (low 16 bits of the offset) << 16 | rule number; it holds from there to the next row. The
 * first row of a page is at its first byte. Comparing rows as numbers compares offsets. See
 * docs/decisions/0008-unwind-tables.md. */
#ifndef UNWIND_FORMAT_H
#define UNWIND_FORMAT_H

#ifndef __bpf__
#include <stdint.h>
#else
typedef __u8 uint8_t;
typedef __s16 int16_t;
typedef __u16 uint16_t;
typedef __s32 int32_t;
typedef __u32 uint32_t;
typedef __s64 int64_t;
typedef __u64 uint64_t;
#define UINT64_C(n) n##ULL
#endif

#define UNWIND_PAGE_SHIFT 16
#define UNWIND_PAGE_SIZE (UINT64_C(1) << UNWIND_PAGE_SHIFT)
#define UNWIND_PAGE_ROWS_MAX 16384 /* 64 KiB of rows; libraries have up to 8400 */
#define UNWIND_RULES_MAX 4096      /* in all objects; 510 libraries have 3551 */

/* Where the frame ends (CFA: the stack pointer in the caller) and how the caller is found. But
 * where said otherwise the return address is at CFA − 8. off is cfa_off; lo and hi are its low and
 * high 16 bits, both signed. */
enum unwind_cfa {
	UNWIND_NONE,        /* nothing is known of this code: at most a guess by frame pointer */
	UNWIND_UNSUPPORTED, /* there is a rule, which these kinds cannot say */
	UNWIND_END,         /* the outermost frame */
	UNWIND_SP,          /* sp + off */
	UNWIND_FP,          /* fp + off */
	UNWIND_SP_DEREF,    /* *(sp + lo) + hi */
	UNWIND_FP_DEREF,    /* *(fp + lo) + hi */
	UNWIND_PLT,         /* sp + lo, and 8 more from byte hi of each 16 on */
	UNWIND_SIGNAL,      /* sp, ip and fp of what was interrupted are at sp + off, sp + off + 8
			       and sp + fp_off */
	UNWIND_CHAIN,       /* the frame pointer is right: fp + 16, fp at CFA − 16 */
	UNWIND_SWITCH,      /* the same, but the caller's frame is on another stack */
	UNWIND_NR_CFA
};

/* The caller's frame pointer. */
enum unwind_fp {
	UNWIND_FP_SAME,
	UNWIND_FP_CFA,  /* at CFA + fp_off */
	UNWIND_FP_SLOT, /* at fp + fp_off */
	UNWIND_FP_STACK, /* at sp + fp_off */
	UNWIND_FP_LOST,
	UNWIND_NR_FP
};
/* Or'ed to the frame pointer's kind: a signal handler returns to this code. The caller did not call
 * but was interrupted: its address is exact. */
#define UNWIND_FP_TRAMPOLINE 0x80

struct unwind_rule {
	int32_t cfa_off;
	int16_t fp_off;
	uint8_t cfa; /* enum unwind_cfa */
	uint8_t fp;  /* enum unwind_fp; 0 for those that say all by themselves */
};

static inline int32_t unwind_lo(const struct unwind_rule *r)
{
	return (int16_t)(uint16_t)r->cfa_off;
}

static inline int32_t unwind_hi(const struct unwind_rule *r)
{
	return r->cfa_off >> 16;
}

static inline int32_t unwind_lo_hi(int16_t lo, int16_t hi)
{
	return (int32_t)((uint32_t)(uint16_t)lo | (uint32_t)(uint16_t)hi << 16);
}

/* --- Walks --- */

#define UNWIND_WORD 8u
#define UNWIND_SWITCHES_MAX 8 /* signal frames and Go's stack switches in one stack */

#define UNWIND_STOPS(S)                                                                            \
	S(COMPLETE, "reached the outermost frame")                                                 \
	S(NO_MAPPING, "an address in no executable mapping")                                       \
	S(NO_PAGE, "no table, or none yet, for the code it is in")                                 \
	S(NO_ROW, "code without unwind information or frame pointer")                              \
	S(UNSUPPORTED, "a rule that the tables cannot say")                                        \
	S(SHORT, "the copied stack ends")                                                          \
	S(SWITCHED, "goes on on a stack that was not copied")                                      \
	S(DEEP, "too many frames")                                                                 \
	S(BAD_CFA, "a frame that does not lie above the one before")                               \
	S(LOOP, "the same frame again")                                                            \
	S(FAULT, "an address that cannot be read, or below the copied stack")

enum unwind_stop {
#define UNWIND_STOP_ENUM(name, text) UNWIND_STOP_##name,
	UNWIND_STOPS(UNWIND_STOP_ENUM)
#undef UNWIND_STOP_ENUM
	UNWIND_NR_STOPS
};
/* What is asked for a step answers to go on. */
#define UNWIND_GO_ON UNWIND_NR_STOPS

#endif
