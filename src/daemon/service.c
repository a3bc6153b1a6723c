#include "daemon/service.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "daemon/accounts.h"
#include "daemon/beat.h"
#include "daemon/clock.h"
#include "daemon/daemon.h"
#include "daemon/debug_files.h"
#include "daemon/debuginfod.h"
#include "daemon/java.h"
#include "daemon/line_cache.h"
#include "daemon/live.h"
#include "daemon/naming.h"
#include "daemon/notify.h"
#include "daemon/privileges.h"
#include "daemon/publish.h"
#include "daemon/recordings.h"
#include "daemon/reload.h"
#include "daemon/rotate.h"
#include "daemon/sampling.h"
#include "daemon/scan.h"
#include "daemon/symbols.h"
#include "fetch/client.h"

#define DAEMON_USER "pprofd"
#define STOP_SYMBOLIZE_NS (3ull * 1000000000) /* then windows go out without names */
#define STOP_SPOOL_MS 5000
#define STOP_CACHE_MS 1000
#define FDS_RESERVED 512 /* of RLIMIT_NOFILE, for everything but objects */

/* Signals. */

void daemon_stop(struct daemon *d, int exit_status)
{
	if (d->stopping)
		return;
	notify_state("STOPPING=1\nSTATUS=Writing the last profile");
	if (d->sampler)
		sampler_stop(d->sampler);
	recordings_end_all(d->recordings);
	rotate_window(d->rotate, ROTATE_STOP, NULL);
	d->stopping = true;
	d->exit_status = exit_status;
}

static void signal_ready(struct loop_watch *w, uint32_t events)
{
	struct daemon *d = w->ctx;
	struct signalfd_siginfo s;

	while (read(w->fd, &s, sizeof(s)) == sizeof(s)) {
		if (s.ssi_signo == SIGHUP)
			daemon_reload(d);
		else if (s.ssi_signo == SIGUSR2)
			rotate_window(d->rotate, ROTATE_ASKED, NULL);
		else
			daemon_stop(d, 0);
	}
}

static int signals_open(struct daemon *d)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	d->signals = (struct loop_watch){ .fn = signal_ready, .ctx = d };
	d->signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return d->signals.fd < 0 ? -errno : loop_add(d->loop, &d->signals, EPOLLIN);
}

/* Start. Before READY=1 whatever fails ends the program; after it the daemon degrades and says so. */

/* A folder of ours, when it is not there yet. Its parents are the administrator's. */
static void make_folder(const char *directory, mode_t mode)
{
	int uid, gid;

	if (mkdir(directory, mode) < 0)
		return;
	privileges_owner(DAEMON_USER, &uid, &gid);
	if (uid >= 0 && chown(directory, (uid_t)uid, (gid_t)gid) < 0)
		log_warn("chown %s", directory);
	chmod(directory, mode); /* mkdir(2) leaves out what the umask says, and chown(2) the setgid bit */
}

static void host_name(struct daemon *d)
{
	char raw[256] = "";

	gethostname(raw, sizeof(raw) - 1);
	text_clean(d->host, sizeof(d->host), raw, sizeof(raw));
}

static bool wants_java(const struct config *c)
{
	for (uint32_t i = 0; i < c->nr_targets; i++)
		if (c->targets[i].java_perf_map)
			return true;
	return false;
}

static void start_rights(struct daemon *d)
{
	char why[256];

	d->max_fds = privileges_raise_limits();
	make_folder(d->config.spool_directory, 02750);
	if (*reload_cache_directory(&d->config) || d->config.debuginfod)
		make_folder(d->config.cache_directory, 0700);
	if (privileges_become(DAEMON_USER, wants_java(&d->config), why, sizeof(why)) < 0)
		fatalx("%s", why);
	umask(0027);
}

/* Objects and targets share them. */
static unsigned fds_for_objects(const struct daemon *d)
{
	return d->max_fds > 2 * FDS_RESERVED ? (d->max_fds - FDS_RESERVED) / 2 : 128;
}

static unsigned fds_for_targets(const struct daemon *d)
{
	unsigned others = FDS_RESERVED + fds_for_objects(d);

	return d->max_fds > others ? d->max_fds - others : 0;
}

static void start_parts(struct daemon *d)
{
	char why[256];
	int err;

	/* The openers come first: what they need is given up right after. */
	d->processes = process_table_new();
	d->objects = objects_new(fds_for_objects(d));
	d->asks = asks_new(d->processes, d->objects);
	d->debug_files = debug_files_new(d->objects, d->config.debug_path);
	err = opener_client_new(&d->opener, d->loop, sampling_answered, d);
	if (err < 0)
		fatalx("starting the opener: %s", strerror(-err));
	err = wants_java(&d->config) ? java_new(&d->java, d) : 0;
	if (err < 0)
		fatalx("starting the attacher: %s", strerror(-err));
	asks_set_java(d->asks, d->java);
	privileges_drop_opening();

	kernel_read(&d->kernel);
	if (!d->kernel.text)
		log_warnx("the kernel hides its symbols' addresses (kernel.kptr_restrict=2, or CAP_SYSLOG is missing): "
			  "kernel frames will have no names");
	err = tables_new(&d->tables, d->loop, d->objects, d->debug_files, d->config.unwind_cache_size, sampling_tables_arrived, d);
	if (err < 0)
		fatalx("unwind tables: %s", strerror(-err));
	asks_set_tables(d->asks, d->tables);
	err = sampling_open(d, &d->config, why, sizeof(why));
	if (err < 0)
		fatalx("%s", why);
	sampling_collect_open(d);
	d->proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	d->targets = targets_new(d->processes, d->collect, d->proc_fd, fds_for_targets(d));
	targets_set_sampler(d->targets, d->sampler);
	asks_set(d->asks, d->collect, d->opener);
	debug_files_set_opener(d->debug_files, d->opener);
	err = debuginfod_start(d);
	if (err < 0)
		fatalx("debuginfod: %s", strerror(-err));
	d->accounts = accounts_new(d->loop, d->proc_fd);
	err = reload_cache_open(d, &d->config);
	if (err < 0)
		fatalx("line cache: %s", strerror(-err));
	d->symbols = symbols_new();
	d->naming = naming_new(d);
	if (!d->accounts || !d->naming)
		fatalx("event loop: %s", strerror(EMFILE));
	d->live = live_new(d);
	d->recordings = recordings_new(d);
	if (publish_new(&d->publish, d) < 0 || rotate_new(&d->rotate, d) < 0)
		exit(1);
	err = control_server_new(&d->control, d->loop, d->config.socket, verbs_request, verbs_gone, d);
	if (err < 0)
		fatalx("control socket %s: %s", d->config.socket,
		       err == -EADDRINUSE ? "another pprofd answers there" : strerror(-err));
	/* Sidebands run already: what is born while /proc is read is known from its records. */
	if (d->sampler)
		sampler_start(d->sampler);
	scan_processes(d->processes);
	reload_targets(d, &d->config);
}

/* Files are on their way, or, for as long as windows may wait for names, a client's recording. */
static bool is_busy(struct daemon *d, uint64_t stopping_ns)
{
	return !rotate_idle(d->rotate) || (recordings_nr(d->recordings) && stopping_ns < STOP_SYMBOLIZE_NS);
}

static void run(struct daemon *d)
{
	uint64_t stop_ns = 0;

	while (!d->stopping || is_busy(d, stop_ns ? clock_ns(CLOCK_MONOTONIC) - stop_ns : 0)) {
		uint64_t now = clock_ns(CLOCK_MONOTONIC);

		if (d->stopping && !stop_ns)
			stop_ns = now;
		if (stop_ns && now - stop_ns > STOP_SYMBOLIZE_NS + STOP_SPOOL_MS * 1000000ull)
			break;
		if (stop_ns && now - stop_ns > STOP_SYMBOLIZE_NS && !publish_hurried(d->publish))
			publish_hurry(d->publish);
		loop_step(d->loop, d->stopping ? 100 : 1000);
		if (!d->sampler) /* nothing else beats then */
			sampling_drained(d, now);
	}
}

static void end_parts(struct daemon *d)
{
	control_server_free(d->control);
	recordings_free(d->recordings);
	naming_free(d->naming);
	live_free(d->live);
	targets_free(d->targets);
	sampling_close(d);
	close(d->proc_fd);
	rotate_free(d->rotate);
	publish_free(d->publish, STOP_SPOOL_MS);
	symbols_free(d->symbols);
	accounts_free(d->accounts);
	line_cache_free(d->line_cache, STOP_CACHE_MS);
	opener_client_free(d->opener);
	java_free(d->java);
	asks_free(d->asks);
	fetch_client_free(d->fetch);
	collect_free(d->collect);
	tables_free(d->tables);
	debug_files_free(d->debug_files);
	objects_free(d->objects);
	process_table_free(d->processes);
	if (d->signals.fd >= 0)
		close(d->signals.fd);
	loop_free(d->loop);
}

int daemon_run(const struct config *config, const char *file, bool required)
{
	struct daemon d = { .config = *config, .config_file = file, .config_required = required };
	int err;

	d.started_ns = clock_ns(CLOCK_MONOTONIC);
	beat_start(&d);
	host_name(&d);
	err = loop_new(&d.loop);
	if (!err)
		err = signals_open(&d);
	if (err)
		fatalx("event loop: %s", strerror(-err));
	start_rights(&d);
	start_parts(&d);
	log_info("sampling %s", d.host);
	notify_state("READY=1\nSTATUS=Sampling");
	run(&d);
	end_parts(&d);
	return d.exit_status;
}
