/* server: the control socket's listener. One bounded buffer a client; SO_PEERCRED for verbs that change something. */
#ifndef CONTROL_SERVER_H
#define CONTROL_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/loop.h"

struct control_server;
struct control_client; /* one connection */

/* A request line, split in place: ARGV[0] is the verb. The callee answers now by appending lines to control_answer() and calling
 * control_end, or keeps the client and does so later; control_gone tells when it left meanwhile. */
typedef void (*control_request_fn)(void *ctx, struct control_client *client, int argc, char **argv);
typedef void (*control_gone_fn)(void *ctx, struct control_client *client);

/* Listens on PATH (a stale socket is replaced, one that answers is -EADDRINUSE), mode 0660. 0 or negative errno. */
int control_server_new(struct control_server **out, struct loop *l, const char *path, control_request_fn fn, control_gone_fn gone, void *ctx);
void control_server_free(struct control_server *s);
struct buf *control_answer(struct control_client *c);
void control_value(struct control_client *c, const char *key, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Ends the answer: ERR 0 or negative errno, WHY (may be NULL) in words. */
void control_end(struct control_client *c, int err, const char *why);
/* The peer is root or of our own user (changing verbs are for those; reading ones for whoever may open the socket). */
bool control_may_change(const struct control_client *c);

/* For tests and fuzzing: splits LINE at blanks into at most MAX words; -EINVAL for control bytes or too many. */
int control_split(char *line, char **argv, int max);

#endif
