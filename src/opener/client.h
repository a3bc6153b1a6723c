/* client: the sampler's side of the opener. Starts it and a spare, queues requests, drops what
 * waits too long, replaces a dead or hanging one by the spare, which starts the next spare. Never
 * blocks. */
#ifndef OPENER_CLIENT_H
#define OPENER_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "opener/protocol.h"

struct opener_client;

/* Exactly one call for each request that was taken, from the loop. FDS (NR of them) become the
 * callee's. REQUEST is the request as asked (its unused ranges must not be touched). ANSWER's
 * status is, beside what protocol.h says, -EIO when the opener died of it, -ETIMEDOUT also when it
 * waited too long, -EPIPE when there is no opener left. The callee may ask again, but not free the
 * client. */
typedef void (*opener_answer_fn)(void *ctx, const struct opener_request *request,
				 const struct opener_answer *answer, int *fds, unsigned nr);

struct opener_status {
	unsigned nr_alive;     /* opener parents, spare included */
	unsigned nr_queued, nr_stuck;
	bool paused;           /* too many stuck children */
	uint64_t nr_requests, nr_failed, nr_timeouts, nr_dropped;
};

/* Starts two openers with the capabilities that opening needs, as far as we have them. 0 or
 * negative errno. */
int opener_client_new(struct opener_client **out, struct loop *l, opener_answer_fn fn, void *ctx);
/* Ends both. What was queued gets no answer any more. */
void opener_client_free(struct opener_client *c);
/* Queues a copy; its cookie is the caller's own and need not be unique. False: the queue is full,
 * the request not valid, opening is paused or over, or this process has made the opener overrun its
 * deadline within the last minute: whoever can hold us up must not do so to all others. */
bool opener_client_ask(struct opener_client *c, const struct opener_request *request);
void opener_client_status(const struct opener_client *c, struct opener_status *status);
/* Both openers are gone, at once: the daemon publishes its window and ends, to be started anew. */
bool opener_client_over(const struct opener_client *c);

#endif
