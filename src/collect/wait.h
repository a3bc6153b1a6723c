/* wait: samples that wait for their process's maps, or for what their walk lacks: a queue for each life and image of a
 * process, in all no more than COLLECT_WAIT_SIZE. */
#ifndef COLLECT_WAIT_H
#define COLLECT_WAIT_H

#include <stdint.h>

#include "collect/stack.h"
#include "collect/walk.h"
#include "proc/process.h"

/* WALK (NULL: no copied stack) lacks MISSING, or NULL: not known, as its maps are not. */
void wait_add(struct collect *c, uint32_t kind, struct process *p, struct thread *t, const struct stack *s,
	      const int64_t values[2], const struct walk_input *walk, const struct walk_missing *missing);
/* Enters what need not wait any longer. */
void wait_resolve(struct collect *c, uint64_t now);
/* P is about to become another image: enters its samples as well as it can be done now. */
void wait_exec(struct collect *c, struct process *p);
/* The same where PID is about to map something over what it has mapped. */
void wait_mmap(struct collect *c, uint32_t pid, uint64_t start, uint64_t end);
/* Nothing that waits is older. */
uint64_t wait_oldest_ns(const struct collect *c);
/* Enters all that waits, resolved or not. */
void wait_end(struct collect *c);
void wait_fini(struct collect *c);

#endif
