/* stack: one sample's stack before its addresses are resolved, and how a record's callchain becomes one. */
#ifndef COLLECT_STACK_H
#define COLLECT_STACK_H

#include <stdint.h>

#include "perf/record.h"
#include "unwind/stack.h"

#define CHAIN_MAX 8192 /* addresses: more than a record of 64 KiB can hold */

struct collect;

/* What stands in place of frames. */
enum pseudo {
	PSEUDO_LOST,
	PSEUDO_EXITING,
	PSEUDO_OUTSIDE,
	PSEUDO_GUEST,
	PSEUDO_IDLE,
	PSEUDO_UNMAPPED,
	PSEUDO_TRUNCATED,
	PSEUDO_NR
};
#define PSEUDO_NONE PSEUDO_NR

/* Why a stack ends before its outermost frame. */
enum cut {
	CUT_NOT,
	CUT_DEEP,
	CUT_UNWALKED,
	CUT_REFUSED,
	CUT_NO_MAPPING, /* these as in unwind/stack.h */
	CUT_NO_TABLE,
	CUT_NO_ROW,
	CUT_UNSUPPORTED,
	CUT_SHORT,
	CUT_SWITCHED,
	CUT_BAD_FRAME,
	CUT_LOOP,
	CUT_FAULT,
	CUT_STALE, /* walked by another image */
	CUT_NR
};

/* Whoever fills it (a callchain, an unwinder) has applied the −1 of callers, since only it knows which frames are
 * exact: the leaf, and what a signal interrupted. */
struct stack {
	uint32_t nr_kernel, nr_user;
	enum cut cut;
	enum pseudo root;          /* in place of the user part, or PSEUDO_NONE */
	const uint64_t *addresses; /* the kernel's, then the user's, leaf first; the collect's or a waiting sample's */
};

/* chain.c */
/* Fills C's addresses and *OUT. */
void chain_read(struct collect *c, const struct record *rec, const struct record_layout *layout, struct stack *out);
/* Puts WALK in place of S's user part. */
void chain_walked(struct collect *c, const struct unwind_walk *walk, struct stack *s);

#endif
