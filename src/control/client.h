/* client: pprofctl's side of the control socket. Blocking, with a timeout. */
#ifndef CONTROL_CLIENT_H
#define CONTROL_CLIENT_H

#include <stddef.h>

#include <stdint.h>

#include "base/buf.h"

/* Sends the line REQUEST (without newline) to SOCKET and appends the answer to OUT: "key=value"
 * lines without error= and errno=, NUL-terminated (the NUL not counted). 0; the daemon's negative
 * errno; or one of the connection: -ENOENT, -ECONNREFUSED, -EACCES …, -ETIMEDOUT after TIMEOUT_MS
 * in all, -EPIPE when it ended in mid-answer, -EBADMSG for no answer of ours. Whatever failed is
 * told in words in ERROR, and OUT is left as it was. */
int control_ask(const char *socket, const char *request, int timeout_ms, struct buf *out,
		char *error, size_t error_size);
/* The value of KEY in an answer, copied to VALUE, cut to fit; NULL when it is not there. */
const char *control_get(const struct buf *answer, const char *key, char *value, size_t size);

/* The same for an answer that comes in parts, or with a file. */
struct control_stream;
typedef void (*control_line_fn)(void *ctx, const char *key, const char *value);

/* Connects and asks; TIMEOUT_MS is for that. 0 or negative errno as above. */
int control_open(struct control_stream **out, const char *socket, const char *request,
		 int timeout_ms, char *error, size_t error_size);
void control_close(struct control_stream *s); /* ends what the daemon does for it */
int control_fd(const struct control_stream *s); /* readable when control_read has something to do */
/* Gives FN the lines that have come; never waits. 1: the answer goes on; 0: it has ended well; negative
 * errno as above. */
int control_read(struct control_stream *s, control_line_fn fn, void *ctx, char *error,
		 size_t error_size);
/* The file that came with the answer, if it is a sealed one of SIZE bytes: a descriptor, the
 * caller's, of any position. -ENOENT: none; -EBADMSG: not of that kind. */
int control_take_file(struct control_stream *s, uint64_t size);

#endif
