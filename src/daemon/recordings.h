/* recordings: targets that a client asks for while the daemon runs (`pprofctl record`). What they sample goes to no file of
 * the spool: at the end it is named, and the finished file is passed over the control socket as a sealed memfd. A client
 * that goes away ends its recording.
 *
 * A recording that outlives windows keeps what each of them had; the descriptors of the files behind it stay open. */
#ifndef DAEMON_RECORDINGS_H
#define DAEMON_RECORDINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "control/server.h"
#include "perf/event.h"

#define RECORDINGS_MAX 8
#define RECORDINGS_SIZE_MAX (256u << 20) /* bytes of a profile; it ends early then */

struct daemon;
struct recordings;

struct recordings *recordings_new(struct daemon *d);
void recordings_free(struct recordings *r);

/* "record KEY=VALUE…" (recording_words.h). The answer comes in parts: "recording=N", "progress=SECONDS SAMPLES LOST" once a
 * second, "note=WORDS" for its user, at the end "size=" and the file. */
void recordings_start(struct recordings *r, struct control_client *client, int argc, char **argv);
/* "stop N": ends it, with the data so far. */
void recordings_stop(struct recordings *r, struct control_client *client, int argc, char **argv);
void recordings_gone(struct recordings *r, const struct control_client *client);

/* Target NUMBER is a recording: a window has ended, and what it has of KIND, collected as COLLECTED, is taken. */
bool recordings_window(struct recordings *r, unsigned number, enum event_kind kind, unsigned collected);
/* The sampler is replaced, or the daemon ends: all end with the data so far, in order that the client gets them. */
void recordings_end_all(struct recordings *r);
unsigned recordings_nr(const struct recordings *r);

#endif
