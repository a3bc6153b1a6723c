/* rotate: when a window ends, and what is in its files. At most PUBLISH_IN_FLIGHT windows are on their way to the spool;
 * beyond that the running window grows. */
#ifndef DAEMON_ROTATE_H
#define DAEMON_ROTATE_H

#include <stdbool.h>
#include <stdint.h>

#include "control/server.h"

struct daemon;
struct rotate;

/* Begins the first window; D->publish takes their files. 0 or negative errno (logged). */
int rotate_new(struct rotate **out, struct daemon *d);
void rotate_free(struct rotate *r);
/* The configuration has changed: the length of windows. */
void rotate_configure(struct rotate *r);

enum rotate_reason { ROTATE_CLOCK, ROTATE_ASKED, ROTATE_MEMORY, ROTATE_RELOAD, ROTATE_STEP, ROTATE_STOP };
/* Ends the running window, now or as soon as the files that its samples asked for are there. CLIENT (may be NULL) gets its
 * answer when its profiles are in the spool. False: too many are in flight (then CLIENT has been answered). */
bool rotate_window(struct rotate *r, enum rotate_reason reason, struct control_client *client);
void rotate_client_gone(struct rotate *r, struct control_client *client);
/* The opener has answered: a window that only waits for that ends now. */
void rotate_answered(struct rotate *r);
/* After each drain: has the window become too large? */
void rotate_check_size(struct rotate *r);
bool rotate_idle(const struct rotate *r); /* nothing is in flight */

#define ROTATE_COUNTERS(C)                                                                         \
	C(windows, "windows ended")                                                                \
	C(windows_empty, "of those, without a sample: no file")                                    \
	C(windows_deferred, "windows lengthened: two were still being symbolized")

struct rotate_status {
#define ROTATE_FIELD(name, help) uint64_t name;
	ROTATE_COUNTERS(ROTATE_FIELD)
#undef ROTATE_FIELD
	unsigned in_flight;
	int64_t window_start; /* seconds, CLOCK_REALTIME */
	uint64_t window_ns;   /* so far */
};
void rotate_status(const struct rotate *r, struct rotate_status *s);

#endif
