/* server: the control socket's listener. It never blocks, and what a client can make it hold is
 * bounded: a line of input, one answer. */
#ifndef CONTROL_SERVER_H
#define CONTROL_SERVER_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/loop.h"
#include "control/protocol.h"

struct control_server;
struct control_client; /* one connection */

/* A request line, split in place: ARGV[0] is the verb, ARGV[ARGC] NULL. The callee answers by
 * appending lines to control_answer() and calling control_end, at once, or later: then it keeps
 * CLIENT until it calls control_end or is told by control_gone_fn that the client left (never after
 * control_end). */
typedef void (*control_request_fn)(void *ctx, struct control_client *client, int argc, char **argv);
typedef void (*control_gone_fn)(void *ctx, struct control_client *client);

/* Listens on PATH, mode 0660; a missing last folder of it is made, mode 0755. A socket that nobody
 * listens on is replaced; one that answers is -EADDRINUSE, something else in its place -EEXIST.
 * GONE may be NULL when no answer is ever late. 0 or negative errno. */
int control_server_new(struct control_server **out, struct loop *l, const char *path,
		       control_request_fn fn, control_gone_fn gone, void *ctx);
/* Closes all connections (GONE is called for late answers) and removes the socket, if it is still
 * ours. */
void control_server_free(struct control_server *s);

struct buf *control_answer(struct control_client *c);
/* Appends "KEY=text": cleaned, at most TEXT_MAX bytes of it. */
void control_value(struct control_client *c, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Sends what the answer has so far, before its end: for answers that take a while. Returns the bytes
 * that wait to be sent: whoever adds more decides by it whether the client reads at all. */
size_t control_flush(struct control_client *c);
/* FD, which is taken, goes with what is sent next. One an answer. */
void control_give(struct control_client *c, int fd);
/* Ends the answer: ERR 0 or negative errno, WHY (may be NULL) in words. CLIENT is the server's
 * again. */
void control_end(struct control_client *c, int err, const char *why);
/* Whether the peer may use verbs that change something: root, our own user, members of the socket's
 * group. The file's mode lets in no others either, until somebody widens it for the verbs that only
 * tell. */
bool control_may_change(const struct control_client *c);

/* For tests and fuzzing: splits LINE in place at blanks into fewer than MAX words and a NULL. Their
 * number; -EINVAL for control bytes and what is not UTF-8, -E2BIG for too many. */
int control_split(char *line, char **argv, int max);

#endif
