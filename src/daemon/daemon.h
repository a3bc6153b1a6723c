/* daemon: what the parts of the running daemon share. service.c builds it and tears it down, sampling.c takes what the rings
 * bring, reload.c changes its configuration, rotate.c ends windows, publish.c brings them to the spool, verbs.c answers the
 * control socket. */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "collect/collect.h"
#include "config/config.h"
#include "control/server.h"
#include "daemon/asks.h"
#include "daemon/kernel.h"
#include "daemon/objects.h"
#include "daemon/sampler.h"
#include "daemon/tables.h"
#include "daemon/targets.h"
#include "opener/client.h"

struct accounts;
struct debug_files;
struct fetch_client;
struct java;
struct line_cache;
struct live;
struct naming;
struct publish;
struct recordings;
struct rotate;
struct symbols;
struct walker;

struct daemon {
	const char *config_file;
	bool config_required;
	struct config config;
	char host[256];
	struct kernel kernel;
	unsigned max_fds;

	struct loop *loop;
	struct process_table *processes;
	struct objects *objects;
	struct asks *asks;
	struct tables *tables;
	struct collect *collect;
	unsigned kinds[EVENT_NR_KINDS]; /* collect's numbers */
	struct opener_client *opener;
	struct sampler *sampler; /* NULL with Scope=none */
	struct walker *walker;   /* of the sampler; NULL: the kernel walks no stacks, */
	char walker_why[256];    /* as this says; "": nobody asked it to */
	struct targets *targets;
	int proc_fd; /* /proc */
	struct publish *publish;
	struct rotate *rotate;
	struct accounts *accounts;
	struct java *java; /* NULL: no target asks for maps of Java code */
	struct line_cache *line_cache;
	struct debug_files *debug_files;
	struct fetch_client *fetch; /* asks nobody without Debuginfod=yes */
	int fetch_error;            /* why not even so; 0, or negative errno */
	struct naming *naming;
	struct symbols *symbols;
	struct live *live;
	struct recordings *recordings;
	struct control_server *control;

	struct loop_watch signals;
	int64_t boottime_offset_ns;
	uint64_t started_ns, checked_ns, watchdog_ns, petted_ns;
	uint64_t lost_seen;
	uint64_t nr_reloads, nr_reload_errors;
	char reload_error[512];
	bool stopping;
	int exit_status;
};

/* service.c */
void daemon_stop(struct daemon *d, int exit_status); /* publishes the window, then daemon_run returns */

/* verbs.c */
void verbs_request(void *ctx, struct control_client *client, int argc, char **argv);
void verbs_gone(void *ctx, struct control_client *client);

#endif
