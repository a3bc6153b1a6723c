/* client: pprofctl's side of the control socket. Blocking, with a timeout. */
#ifndef CONTROL_CLIENT_H
#define CONTROL_CLIENT_H

#include <stddef.h>

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

#endif
