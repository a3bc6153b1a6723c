/* client: pprofctl's side of the control socket. Blocking, with a timeout. */
#ifndef CONTROL_CLIENT_H
#define CONTROL_CLIENT_H

#include <stddef.h>

#include "base/buf.h"

/* Sends the line REQUEST (without newline) to SOCKET and reads the whole answer into OUT: NUL-terminated "key=value" lines, errno= left out.
 * 0; the daemon's negative errno with its words in ERROR; or -ECONNREFUSED, -ENOENT … of the connection. */
int control_ask(const char *socket, const char *request, int timeout_ms, struct buf *out, char *error, size_t error_size);
/* The value of KEY in an answer, copied to VALUE; NULL when it is not there. */
const char *control_get(const struct buf *answer, const char *key, char *value, size_t size);

#endif
