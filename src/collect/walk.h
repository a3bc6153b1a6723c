/* walk: copied user stacks → addresses, with the unwind tables that there are; what is missing for it is asked for. */
#ifndef COLLECT_WALK_H
#define COLLECT_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/stack.h"
#include "proc/process.h"

struct walk_input {
	struct unwind_regs regs;
	const void *stack;
	size_t size;
};

struct walk_missing {
	uint32_t object; /* OBJECT_NONE: a file */
	uint64_t offset;
};

/* REC has a stack that can be walked. */
bool walk_read(const struct collect *c, const struct record *rec, const struct record_layout *layout,
	       struct walk_input *in);
/* Walks. False: the walk is not over, but for what MISSING says, which has been asked for. */
bool walk_try(struct collect *c, struct process *p, const struct walk_input *in, struct walk_missing *missing);
/* M has come, or will not; or only a walk can tell. */
bool walk_may_go_on(struct collect *c, const struct walk_missing *m);
/* Puts what the last walk, over or not, found in place of S's user part. */
void walk_end(struct collect *c, struct process *p, struct stack *s);
/* What a walk would need that comes to ADDRESS is asked for. False: it is in no mapping. */
bool walk_want(struct collect *c, struct process *p, uint64_t address);
/* A walk that was done elsewhere ended where WALK says. */
void walk_note(struct collect *c, struct process *p, const struct unwind_walk *walk);
void walk_fini(struct collect *c);

#endif
