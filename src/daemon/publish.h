/* publish: the way of a window's files to the spool: into a memfd, through the worker, which names what is in them, and by the
 * spool's thread to where they stay. When the worker dies, is late or busy, a file is published without names; when the spool
 * cannot take it, it is lost, counted and said. */
#ifndef DAEMON_PUBLISH_H
#define DAEMON_PUBLISH_H

#include <stdbool.h>
#include <stdint.h>

#include "control/server.h"
#include "profile/profile.h"

#define PUBLISH_IN_FLIGHT 2 /* windows; the files of more are published without names */

struct daemon;
struct publish;
struct publish_window;

/* Opens the spool of D's configuration and starts its thread and the worker. 0 or negative errno (logged). */
int publish_new(struct publish **out, struct daemon *d);
/* Waits for the spool's thread at most TIMEOUT_MS. NULL: nothing. */
void publish_free(struct publish *p, int timeout_ms);

/* The files of one window: begin, any number of files, end. CLIENT (may be NULL) gets the files' names, or the error, when
 * all have arrived. */
struct publish_window *publish_begin(struct publish *p, struct control_client *client);
/* PROFILE is encoded at once and stays the caller's; FOLDER below the spool, TARGET: "" for none (spool/name.h). */
void publish_file(struct publish *p, struct publish_window *w, const char *kind, const char *target, const char *folder,
		  const struct profile *profile);
/* W is not the caller's any more. False: it had no file. */
bool publish_end(struct publish *p, struct publish_window *w);

unsigned publish_in_flight(const struct publish *p); /* windows */
void publish_client_gone(struct publish *p, struct control_client *client);
/* Modules or BPF programs came or went: the worker gets the kernel's symbols again, at most every five minutes. */
void publish_kernel_changed(struct publish *p);
/* Stopping: what the worker has not done by now is published without names. */
void publish_hurry(struct publish *p);
bool publish_hurried(const struct publish *p);
/* Files go to DIRECTORY from now on; those under way, to where they went, without names. 0 or negative errno: then all is as
 * it was. */
int publish_move(struct publish *p, const char *directory);

#define PUBLISH_COUNTERS(C)                                                                        \
	C(files_written, "profiles published")                                                     \
	C(files_unsymbolized, "of those, without names: the worker failed or was busy")            \
	C(files_lost, "profiles that the spool could not take")                                    \
	C(bytes_written, "bytes published")                                                        \
	C(locations, "locations given to the worker")                                              \
	C(locations_named, "of those, named")                                                      \
	C(locations_bounded, "others, of functions without a name")                                \
	C(locations_lined, "of all, with file and line")                                           \
	C(worker_deaths, "workers that died or were late")                                         \
	C(files_pruned, "old profiles removed")

struct publish_status {
#define PUBLISH_FIELD(name, help) uint64_t name;
	PUBLISH_COUNTERS(PUBLISH_FIELD)
#undef PUBLISH_FIELD
	int worker_pid;
	char last_file[256];
	char last_error[320]; /* "" when the last write went well */
	int kallsyms_status;
	uint64_t worker_cpu_ns, worker_names_ns; /* for the last file; of that, for names */
	/* Objects, as the worker knew by then: their lines are there, will be, or are not to be had. */
	unsigned lines_known, lines_waiting, lines_refused;
};
void publish_status(const struct publish *p, struct publish_status *s);

#endif
