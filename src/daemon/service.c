#include "daemon/service.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
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
#include "daemon/clock.h"
#include "daemon/daemon.h"
#include "daemon/line_cache.h"
#include "daemon/live.h"
#include "daemon/naming.h"
#include "daemon/notify.h"
#include "daemon/privileges.h"
#include "daemon/recordings.h"
#include "daemon/publish.h"
#include "daemon/rotate.h"
#include "daemon/scan.h"
#include "daemon/split.h"
#include "daemon/unwind.h"
#include "daemon/walker.h"

#define DAEMON_USER "pprofd"
#define CHECK_EVERY_NS 1000000000ull
#define STOP_SYMBOLIZE_NS (3ull * 1000000000) /* then windows go out without names */
#define STOP_SPOOL_MS 5000
#define STOP_CACHE_MS 1000
#define CLOCK_JUMP_NS 1000000000ll
#define FDS_RESERVED 512 /* of RLIMIT_NOFILE, for everything but objects */

/* The sampler's callbacks. */

/* The walker in the kernel lacks something of PID. */
static void look(struct daemon *d, uint32_t pid)
{
	struct process *p = process_find(d->processes, pid);

	if (p)
		walker_look(d->walker, p);
}

static void sampled_walked(struct daemon *d, const struct record *rec, const struct sampler_source *source, unsigned kind,
			   const struct record_layout *layout)
{
	int err = collect_compact(d->collect, rec, kind, layout, source->user_only);

	if (err < 0)
		collect_malformed(d->collect);
	else if (err > 0 && d->walker)
		look(d, rec->pid);
}

static void sampled(void *ctx, const struct record *rec, const struct sampler_source *source,
		    const struct record_layout *layout, int err)
{
	struct daemon *d = ctx;
	unsigned kind = d->kinds[source->kind];

	if (err == -EBADMSG)
		collect_malformed(d->collect);
	if (err)
		return;
	if (source->owner)
		kind = targets_sample(d->targets, source, rec);
	if (kind == TARGETS_DROP)
		return;
	if (source->walked)
		sampled_walked(d, rec, source, kind, layout);
	else
		collect_record(d->collect, rec, kind, layout);
	if (d->walker && !source->walked && rec->type == PERF_RECORD_SAMPLE && rec->sample.stack_size)
		look(d, rec->pid);
	if (!source->owner && rec->type != PERF_RECORD_SAMPLE)
		targets_record(d->targets, rec);
}

static int64_t boottime_offset(void)
{
	return (int64_t)(clock_ns(CLOCK_BOOTTIME) - clock_ns(CLOCK_MONOTONIC));
}

static void check_clocks(struct daemon *d)
{
	int64_t offset = boottime_offset();

	/* CLOCK_MONOTONIC stands still in suspend, CLOCK_BOOTTIME does not. */
	if (offset - d->boottime_offset_ns > CLOCK_JUMP_NS) {
		log_info("the machine was suspended: ending the window");
		rotate_window(d->rotate, ROTATE_STEP, NULL);
	}
	d->boottime_offset_ns = offset;
}

/* What is done now and then, on the drain's own beat: a watchdog fed elsewhere would hide a drain that hangs. */
static void check(struct daemon *d, uint64_t now)
{
	uint64_t lost;

	if (now - d->checked_ns < CHECK_EVERY_NS)
		return;
	d->checked_ns = now;
	check_clocks(d);
	if (d->sampler)
		sampler_hotplug(d->sampler);
	lost = collect_counters(d->collect)->lost;
	if (lost != d->lost_seen) { /* perhaps of processes that were born or died */
		d->lost_seen = lost;
		scan_processes(d->processes);
		targets_scan(d->targets);
	}
	if (d->watchdog_ns && now - d->petted_ns >= d->watchdog_ns) {
		d->petted_ns = now;
		notify_state("WATCHDOG=1");
	}
	if (opener_client_over(d->opener) && !d->stopping) {
		log_warnx("both openers are gone and cannot be started again: ending, to be started anew");
		daemon_stop(d, 1);
	}
}

static void drained(void *ctx, uint64_t horizon_ns)
{
	struct daemon *d = ctx;

	targets_tick(d->targets, horizon_ns, clock_ns(CLOCK_MONOTONIC));
	asks_flush(d->asks);
	collect_tick(d->collect, horizon_ns);
	if (d->walker)
		walker_tick(d->walker, clock_ns(CLOCK_MONOTONIC));
	if (!d->stopping)
		rotate_check_size(d->rotate);
	check(d, clock_ns(CLOCK_MONOTONIC));
}

static void answered(void *ctx, const struct opener_request *request, const struct opener_answer *answer, int *fds,
		     unsigned nr)
{
	struct daemon *d = ctx;

	bool maps = request->what == OPENER_MAPS;
	uint32_t pid = request->pid;
	struct process *p;

	asks_answer(d->asks, request, answer, fds, nr);
	tables_poke(d->tables);
	p = maps && d->targets ? process_find(d->processes, pid) : NULL;
	if (p)
		targets_maps(d->targets, p);
	if (d->rotate)
		rotate_answered(d->rotate);
}

/* What walks lacked has come, in part: they go on, and ask for more. */
static void tables_arrived(void *ctx)
{
	struct daemon *d = ctx;

	collect_pages(d->collect);
	asks_flush(d->asks);
}

/* The sampler's life. */

static void walker_open(struct daemon *d, const struct config *c)
{
	struct walker_options o = { .tables_size = c->unwind_cache_size, .stack_size = c->stack_copy_size & ~UINT64_C(7) };

	d->walker_why[0] = 0;
	if (unwind_wants_walker(c) &&
	    walker_new(&d->walker, d->processes, tables_pages(d->tables), &o, d->walker_why, sizeof(d->walker_why)))
		log_info("stacks are not walked in the kernel: %s", d->walker_why);
	asks_set_walker(d->asks, d->walker);
}

static void sampler_close(struct daemon *d)
{
	sampler_free(d->sampler);
	d->sampler = NULL;
	asks_set_walker(d->asks, NULL);
	walker_free(d->walker);
	d->walker = NULL;
}

static int sampler_open(struct daemon *d, const struct config *c, char *why, size_t why_size)
{
	int err = 0;

	struct sampler_options o = { .events = c->scope == SCOPE_HOST ? c->events : 0, .frequency = c->sample_frequency, .callchain = c->callchain,
				     .ring_size = c->ring_size, .exclude_idle = c->exclude_idle };

	walker_open(d, c);
	o.walker = d->walker;
	o.stack_size = unwind_stack_size(c, d->walker);
	unwind_copies(c, d->walker, &o.copies_size, &o.copies_frequency);
	if (c->scope != SCOPE_NONE)
		err = sampler_new(&d->sampler, d->loop, &o, sampled, drained, d, why, why_size);
	if (err)
		sampler_close(d);
	return err;
}

static void collect_options(struct daemon *d, const struct config *c, struct collect_options *o)
{
	struct sampler_status s = { 0 };

	if (d->sampler)
		sampler_status(d->sampler, &s);
	*o = (struct collect_options){ .labels = c->labels | split_labels(c->split), .exclude_idle = c->exclude_idle,
				       .outside = kernel_in_pid_namespace(), .kernel_relative = d->kernel.restricted,
				       .kernel_text = d->kernel.text,
				       .kernel_blind = d->kernel.blind, .kernel_build_id = d->kernel.build_id,
				       .max_stack = d->kernel.max_stack, .host = d->host,
				       .lost_by_count = s.features.format_lost };
}

static int64_t kind_period(unsigned kind, const struct config *c)
{
	/* Nominal; of cycles it is the kernel's to choose. */
	return kind == EVENT_CPU ? 1000000000 / (int64_t)c->sample_frequency : 1;
}

static void collect_open(struct daemon *d)
{
	struct collect_options o;
	struct collect_asks asks;

	collect_options(d, &d->config, &o);
	asks_fill(d->asks, &asks);
	d->collect = collect_new(d->processes, &o, &asks);
	collect_set_tables(d->collect, tables_pages(d->tables));
	for (unsigned k = 0; k < EVENT_NR_KINDS; k++) {
		struct collect_kind kind = { .name = event_kind_names[k], .unit = k == EVENT_CPU ? "nanoseconds" : "count",
					     .period = kind_period(k, &d->config) };

		d->kinds[k] = collect_add_kind(d->collect, &kind);
	}
}

/* Targets. */

static void targets_configure(struct daemon *d, const struct config *c)
{
	char why[512];

	for (unsigned i = 0; i < targets_nr(d->targets); i++) {
		const struct config_target *o = targets_options(d->targets, i);
		bool stays = false;

		for (unsigned k = 0; o && k < c->nr_targets; k++)
			stays |= !memcmp(o, &c->targets[k], sizeof(*o));
		if (o && !stays && !o->on_demand)
			targets_remove(d->targets, i);
	}
	for (unsigned k = 0; k < c->nr_targets; k++) {
		bool there = false;

		for (unsigned i = 0; i < targets_nr(d->targets); i++) {
			const struct config_target *o = targets_options(d->targets, i);

			there |= o && !o->on_demand && !strcmp(o->name, c->targets[k].name);
		}
		if (!there)
			targets_add(d->targets, &c->targets[k], true, why, sizeof(why));
	}
	if (d->sampler)
		sampler_set_tick(d->sampler, targets_tick_ns(d->targets));
}

static bool same_targets(const struct config *a, const struct config *b)
{
	return a->nr_targets == b->nr_targets && !memcmp(a->targets, b->targets, a->nr_targets * sizeof(a->targets[0]));
}

/* Reload. */

static bool same_sampler(const struct config *a, const struct config *b)
{
	return a->scope == b->scope && a->events == b->events && a->sample_frequency == b->sample_frequency &&
	       a->callchain == b->callchain && a->ring_size == b->ring_size &&
	       unwind_same(a, b) && a->exclude_idle == b->exclude_idle;
}

static int replace_sampler(struct daemon *d, const struct config *c)
{
	char why[256] = "";
	int err;

	recordings_end_all(d->recordings); /* their events are of the old rings */
	if (d->sampler)
		sampler_stop(d->sampler);
	rotate_window(d->rotate, ROTATE_RELOAD, NULL);
	targets_set_sampler(d->targets, NULL);
	sampler_close(d);
	err = sampler_open(d, c, why, sizeof(why));
	if (err) {
		snprintf(d->reload_error, sizeof(d->reload_error), "%s", why);
		/* What ran before can run again. */
		if (sampler_open(d, &d->config, why, sizeof(why)))
			log_warnx("reload: the old sampler cannot be opened again: %s", why);
	}
	if (d->sampler)
		sampler_start(d->sampler);
	scan_processes(d->processes);
	targets_set_sampler(d->targets, d->sampler);
	return err;
}

static const char *cache_directory(const struct config *c)
{
	return c->symbolize == SYMBOLIZE_LINES && c->cache_max_use ? c->cache_directory : "";
}

static int cache_open(struct daemon *d, const struct config *c)
{
	return line_cache_new(&d->line_cache, d->loop, cache_directory(c), c->cache_max_use);
}

static void cache_configure(struct daemon *d, const struct config *c)
{
	struct line_cache *old = d->line_cache;

	if (!strcmp(cache_directory(c), cache_directory(&d->config))) {
		line_cache_set_limit(old, c->cache_max_use);
		return;
	}
	line_cache_free(old, 0); /* gives up its lock before another one takes it */
	if (cache_open(d, c) < 0)
		fatalx("line cache: no thread for it");
}

static int reload_apply(struct daemon *d, const struct config *c)
{
	struct collect_options o;
	int err = 0;

	if (strcmp(c->spool_directory, d->config.spool_directory)) {
		err = publish_move(d->publish, c->spool_directory);
		if (err)
			snprintf(d->reload_error, sizeof(d->reload_error), "Spool.Directory %s: %s", c->spool_directory,
				 strerror(-err));
	}
	if (!err && !same_sampler(c, &d->config))
		err = replace_sampler(d, c);
	else if (!err && (c->labels != d->config.labels || c->split != d->config.split || !same_targets(c, &d->config)))
		rotate_window(d->rotate, ROTATE_RELOAD, NULL);
	if (err)
		return err;
	cache_configure(d, c);
	d->config = *c;
	collect_options(d, c, &o);
	collect_set_options(d->collect, &o);
	for (unsigned k = 0; k < EVENT_NR_KINDS; k++)
		collect_set_period(d->collect, d->kinds[k], kind_period(k, c));
	tables_set_limit(d->tables, c->unwind_cache_size);
	rotate_configure(d->rotate);
	targets_configure(d, c);
	targets_scan(d->targets);
	return 0;
}

int daemon_reload(struct daemon *d)
{
	struct config c;
	int err;

	notify_state("RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)clock_ns(CLOCK_MONOTONIC) / 1000);
	err = config_load(&c, d->config_file, d->config_required, d->reload_error, sizeof(d->reload_error));
	if (!err && strcmp(c.socket, d->config.socket)) {
		log_warnx("reload: Control.Socket takes effect at the next start");
		memcpy(c.socket, d->config.socket, sizeof(c.socket));
	}
	if (!err)
		err = reload_apply(d, &c);
	if (err) {
		d->nr_reload_errors++;
		log_warnx("reload: %s; the running configuration stays", d->reload_error);
		notify_state("READY=1\nSTATUS=Reload refused, the old configuration stays: %s", d->reload_error);
		return err;
	}
	d->reload_error[0] = 0;
	d->nr_reloads++;
	log_info("configuration reloaded");
	notify_state("READY=1\nSTATUS=Sampling");
	return 0;
}

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

static void start_rights(struct daemon *d)
{
	char why[256];

	d->max_fds = privileges_raise_limits();
	make_folder(d->config.spool_directory, 02750);
	if (*cache_directory(&d->config))
		make_folder(d->config.cache_directory, 0700);
	if (privileges_become(DAEMON_USER, why, sizeof(why)) < 0)
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
	err = opener_client_new(&d->opener, d->loop, answered, d);
	if (err < 0)
		fatalx("starting the opener: %s", strerror(-err));
	privileges_drop_opening();

	kernel_read(&d->kernel);
	if (!d->kernel.text)
		log_warnx("the kernel hides its symbols' addresses (kernel.kptr_restrict=2, or CAP_SYSLOG is missing): "
			  "kernel frames will have no names");
	err = tables_new(&d->tables, d->loop, d->objects, d->config.unwind_cache_size, tables_arrived, d);
	if (err < 0)
		fatalx("unwind tables: %s", strerror(-err));
	asks_set_tables(d->asks, d->tables);
	err = sampler_open(d, &d->config, why, sizeof(why));
	if (err < 0)
		fatalx("%s", why);
	collect_open(d);
	d->proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	d->targets = targets_new(d->processes, d->collect, d->proc_fd, fds_for_targets(d));
	targets_set_sampler(d->targets, d->sampler);
	asks_set(d->asks, d->collect, d->opener);
	d->accounts = accounts_new(d->loop, d->proc_fd);
	err = cache_open(d, &d->config);
	if (err < 0)
		fatalx("line cache: %s", strerror(-err));
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
	targets_configure(d, &d->config);
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
			drained(d, now);
	}
}

static void end_parts(struct daemon *d)
{
	control_server_free(d->control);
	recordings_free(d->recordings);
	naming_free(d->naming);
	live_free(d->live);
	targets_free(d->targets);
	sampler_close(d);
	close(d->proc_fd);
	rotate_free(d->rotate);
	publish_free(d->publish, STOP_SPOOL_MS);
	accounts_free(d->accounts);
	line_cache_free(d->line_cache, STOP_CACHE_MS);
	opener_client_free(d->opener);
	asks_free(d->asks);
	collect_free(d->collect);
	tables_free(d->tables);
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
	d.boottime_offset_ns = boottime_offset();
	d.watchdog_ns = notify_watchdog_ns();
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
