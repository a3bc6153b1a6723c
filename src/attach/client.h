/* client: the sampler's side of the attacher. Never blocks. */
#ifndef ATTACH_CLIENT_H
#define ATTACH_CLIENT_H

#include "attach/protocol.h"
#include "base/loop.h"

struct attach_client;

/* Once for each request that was taken, from the loop: how far it came with PID, and 0 or negative errno. */
typedef void (*attach_answer_fn)(void *ctx, uint32_t pid, int status, enum attach_stage stage);

/* Starts it with those of ATTACH_CAPS that we have: once they are given up there is no other. 0 or negative errno. */
int attach_client_new(struct attach_client **out, struct loop *l, attach_answer_fn fn, void *ctx);
void attach_client_free(struct attach_client *c);
/* False: another request is under way, or it has gone. */
bool attach_client_ask(struct attach_client *c, uint32_t pid);
bool attach_client_over(const struct attach_client *c); /* it has gone, for good */

#endif
