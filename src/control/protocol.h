/* protocol: what pprofctl and pprofd say on the control socket, a SOCK_STREAM one.
 *
 * A request is one line, "VERB [ARG…]\n", words parted by blanks. The answer is lines "key=value"
 * (values cleaned text), when it failed "error=WORDS", then "errno=N", N being 0 or a positive
 * errno, then an empty line. A client may send further requests at once; they are answered in
 * order. It may close its side for writing after the last. A line that its sender did not end is no
 * request.
 *
 * Some verbs answer in parts, lines coming while they are at work; a client that goes away ends that
 * work. Some give a file: a sealed memfd, passed with some byte of the answer (unix(7), SCM_RIGHTS);
 * the line "size=BYTES" says how long it is. The daemon never opens a client's path, nor writes to a
 * client's descriptor. */
#ifndef CONTROL_PROTOCOL_H
#define CONTROL_PROTOCOL_H

#define CONTROL_LINE_MAX    512 /* bytes of a request, with its newline */
#define CONTROL_WORDS_MAX   32
#define CONTROL_ANSWER_MAX  (1 << 20) /* a longer one is answered with EMSGSIZE instead */
#define CONTROL_CLIENTS_MAX 32
#define CONTROL_IDLE_MS     10000 /* who completes no line and reads nothing so long is closed */

#endif
