/* live: the running window as a file, for `pprofctl top --live`. At most one snapshot a second is made, whoever asks: all get
 * the same. */
#ifndef DAEMON_LIVE_H
#define DAEMON_LIVE_H

#include "control/server.h"
#include "perf/event.h"

#define LIVE_EVERY_NS 900000000ull

struct daemon;
struct live;

struct live *live_new(struct daemon *d);
void live_free(struct live *l);
/* Answers CLIENT with the running window of KIND, now or soon. */
void live_ask(struct live *l, struct control_client *client, enum event_kind kind);
void live_gone(struct live *l, const struct control_client *client);

#endif
