/* unwind: how user stacks are found, the ladder of [Sampler] Unwind=; and how that goes. */
#ifndef DAEMON_UNWIND_H
#define DAEMON_UNWIND_H

#include <stddef.h>

#include "config/config.h"
#include "control/server.h"
#include "daemon/sampler.h"

struct daemon;

/* Of automatic stack copies, bytes a second and CPU: docs/decisions/0007-when-stacks-are-copied.md. */
#define UNWIND_AUTO_RATE (2u << 20)

/* Bytes of stack that each sample is to carry; 0: none. */
size_t unwind_stack_size(const struct config *c);
/* What is in use and why, in words, with a sampler that has status S. */
void unwind_explain(const struct config *c, const struct sampler_status *s, char *text, size_t size);
/* The counters of the tables, and of the files at which most walks ended. */
void unwind_status(struct daemon *d, struct control_client *c);
void unwind_status_files(struct daemon *d, struct control_client *c);

#endif
