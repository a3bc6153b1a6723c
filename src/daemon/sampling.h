/* sampling: the life of the sampler, of the walker in the kernel and of collect, and the way of what comes out of the rings: to
 * collect, to the targets, to the walker. All of it is on the path of a sample, but for opening and closing. */
#ifndef DAEMON_SAMPLING_H
#define DAEMON_SAMPLING_H

#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "opener/client.h"

struct daemon;

/* The sampler and its walker as C says; D->sampler stays NULL with Scope=none. 0, or negative errno: then there is neither,
 * and WHY says it in words. */
int sampling_open(struct daemon *d, const struct config *c, char *why, size_t why_size);
void sampling_close(struct daemon *d);
/* D->collect, for what D->sampler can; after sampling_open. */
void sampling_collect_open(struct daemon *d);
/* What collect does with a sample changes to C. */
void sampling_configure(struct daemon *d, const struct config *c);
/* After each drain, and as often without a sampler: a sampler_drained_fn whose CTX is the daemon. */
void sampling_drained(void *ctx, uint64_t horizon_ns);
/* An opener_answer_fn whose CTX is the daemon. */
void sampling_answered(void *ctx, const struct opener_request *request, const struct opener_answer *answer, int *fds,
		       unsigned nr);
/* Unwind tables have come, in part: walks that lacked them go on, and ask for more. CTX is the daemon. */
void sampling_tables_arrived(void *ctx);

#endif
