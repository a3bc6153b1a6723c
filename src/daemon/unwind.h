/* unwind: how user stacks are found, the ladder of [Sampler] Unwind=; and how that goes. */
#ifndef DAEMON_UNWIND_H
#define DAEMON_UNWIND_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "control/server.h"
#include "daemon/sampler.h"

struct daemon;

/* Of automatic stack copies, bytes a second and CPU: docs/decisions/0007-when-stacks-are-copied.md. */
#define UNWIND_AUTO_RATE (2u << 20)

/* Up to so many samples a second and CPU have whole stacks by themselves: docs/decisions/0010-walking-in-the-kernel.md. */
#define UNWIND_AUTO_WALKS 499

/* The kernel is to walk, if it can. */
bool unwind_wants_walker(const struct config *c);
/* Bytes of stack that a sample is to carry; 0: none. WALKER: the kernel walks, but for those that come with a copy. */
size_t unwind_stack_size(const struct config *c, bool walker);
/* The same for targets, whose CallChain= and SampleFrequency= are their own: up to FREQUENCY. */
void unwind_copies(const struct config *c, bool walker, size_t *size, unsigned *frequency);
/* The sampler of A and that of B find user stacks in the same way. */
bool unwind_same(const struct config *a, const struct config *b);
/* What is in use and why, in words. */
void unwind_explain(struct daemon *d, char *text, size_t size);
/* The counters of the tables, and of the files at which most walks ended. */
void unwind_status(struct daemon *d, struct control_client *c);
void unwind_status_files(struct daemon *d, struct control_client *c);

#endif
