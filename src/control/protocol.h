/* protocol: what pprofctl and pprofd say on the control socket. A request is one line, "verb [args]\n"; the answer "key=value" lines (values
 * cleaned text), last "errno=0" or "errno=N" with a line "error=…" before it, then an empty line. */
#ifndef CONTROL_PROTOCOL_H
#define CONTROL_PROTOCOL_H

#define CONTROL_LINE_MAX 512
#define CONTROL_CLIENTS_MAX 32
#define CONTROL_IDLE_MS 10000 /* a client that says nothing, or reads nothing, for so long is closed */

#endif
