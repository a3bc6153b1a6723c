/* rotate: the end of a window: its profiles go to the worker and from there to the spool; when the worker fails they are
 * published without names. At most ROTATE_IN_FLIGHT windows are under way; beyond that the running window grows. */
#ifndef DAEMON_ROTATE_H
#define DAEMON_ROTATE_H

#include <stdbool.h>
#include <stdint.h>

#include "control/server.h"

#define ROTATE_IN_FLIGHT 2

struct daemon;
struct rotate;

/* Opens the spool and starts its thread and the worker. 0 or negative errno (logged). */
int rotate_new(struct rotate **out, struct daemon *d);
/* Waits for the spool thread at most TIMEOUT_MS. */
void rotate_free(struct rotate *r, int timeout_ms);
/* The configuration has changed: window length, spool, limits. */
void rotate_configure(struct rotate *r);

enum rotate_reason { ROTATE_CLOCK, ROTATE_ASKED, ROTATE_MEMORY, ROTATE_RELOAD, ROTATE_STEP, ROTATE_STOP };
/* Ends the running window, now or as soon as the files that its samples asked for are there. CLIENT (may be NULL) gets its answer when the files are there. False: too many are in flight
 * (then CLIENT has been answered). */
bool rotate_window(struct rotate *r, enum rotate_reason reason, struct control_client *client);
void rotate_client_gone(struct rotate *r, struct control_client *client);
/* The opener has answered: a window that only waits for that ends now. */
void rotate_answered(struct rotate *r);
/* After each drain: has the window become too large? */
void rotate_check_size(struct rotate *r);
bool rotate_idle(const struct rotate *r); /* nothing is in flight */
/* Stopping: what the worker has not done by now is published without names. */
void rotate_hurry(struct rotate *r);
bool rotate_hurried(const struct rotate *r);
/* Files go to DIRECTORY from now on. 0 or negative errno: then they go where they went. */
int rotate_move_spool(struct rotate *r, const char *directory);

#define ROTATE_COUNTERS(C)                                                                         \
	C(windows, "windows ended")                                                                \
	C(windows_empty, "of those, without a sample: no file")                                    \
	C(windows_deferred, "windows lengthened: two were still being symbolized")                 \
	C(files_written, "profiles published")                                                     \
	C(files_unsymbolized, "of those, without names: the worker failed or was busy")            \
	C(files_lost, "profiles that the spool could not take")                                    \
	C(bytes_written, "bytes published")                                                        \
	C(locations, "locations given to the worker")                                              \
	C(locations_named, "of those, named")                                                      \
	C(locations_bounded, "others, of functions without a name")                                \
	C(worker_deaths, "workers that died or were late")                                         \
	C(files_pruned, "old profiles removed")

struct rotate_status {
#define ROTATE_FIELD(name, help) uint64_t name;
	ROTATE_COUNTERS(ROTATE_FIELD)
#undef ROTATE_FIELD
	unsigned in_flight;
	int worker_pid;
	int64_t window_start;   /* seconds, CLOCK_REALTIME */
	uint64_t window_ns;     /* so far */
	char last_file[256];
	char last_error[320];   /* "" when the last write went well */
	int kallsyms_status;
	uint64_t worker_cpu_ns; /* for the last file */
};
void rotate_status(const struct rotate *r, struct rotate_status *s);

#endif
