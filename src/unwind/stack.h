/* stack: a thread's registers and a copy of the top of its stack → the addresses of its frames, and
 * why they end. Pure, and of one architecture (x86-64).
 *
 * Where no row covers the code, one step by frame pointer is tried; such a frame is a guess, and
 * said to be one. The leaf's address is as it is (and there even when nothing is mapped at it), a
 * caller's is its return address − 1, and what a signal interrupted is exact again, as is the
 * trampoline that the handler returns to. Other addresses
 * are in executable mappings. All bytes and all registers are a stranger's. */
#ifndef UNWIND_STACK_H
#define UNWIND_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind/table.h"

#define UNWIND_FRAMES_MAX 1024

extern const char *const unwind_stop_text[UNWIND_NR_STOPS];

struct unwind_regs {
	uint64_t ip, sp, fp;
};

/* What is at an address. */
enum unwind_code_kind {
	UNWIND_CODE_UNMAPPED,
	UNWIND_CODE_UNKNOWN, /* mapped from a file that cannot be had, or not yet: no guesses */
	UNWIND_CODE_OBJECT,  /* mapped from an object that may have tables */
	UNWIND_CODE_FILELESS /* mapped, and of no file: what a JIT compiler wrote */
};

struct unwind_code {
	enum unwind_code_kind kind;
	uint32_t object; /* its number in the tables */
	uint64_t bias;   /* address − offset in the file */
};

/* An address space. Between two walks with the same serial no address that was OBJECT or FILELESS
 * means something else; it is never 0. */
struct unwind_space {
	uint32_t serial;
	void *ctx;
	void (*find)(void *ctx, uint64_t address, struct unwind_code *code);
};

struct unwind_walk {
	enum unwind_stop stop;
	uint32_t nr;         /* addresses, leaf first */
	uint32_t nr_guessed; /* of these */
	/* NO_PAGE: what to build; object 0 when the code is UNKNOWN. */
	uint32_t missing_object;
	uint64_t missing_offset;
	uint64_t addresses[UNWIND_FRAMES_MAX];
	uint64_t guessed[UNWIND_FRAMES_MAX / 64]; /* a bit for each address that a guess led to */
};

static inline bool unwind_is_guess(const struct unwind_walk *w, uint32_t i)
{
	return w->guessed[i / 64] >> i % 64 & 1;
}

struct unwinder;

/* T is the caller's and outlives it. Holds about 100 KiB: the rules of addresses seen before. */
struct unwinder *unwinder_new(struct unwind_tables *t);
void unwinder_free(struct unwinder *u);
/* Forgets what was remembered of addresses: when object numbers change their meaning. */
void unwinder_forget(struct unwinder *u);
/* STACK: SIZE bytes from REGS->sp on, perhaps unaligned. Fills all of OUT but unused addresses. */
void unwind_stack(struct unwinder *u, const struct unwind_space *space,
		  const struct unwind_regs *regs, const void *stack, size_t size,
		  struct unwind_walk *out);

#endif
