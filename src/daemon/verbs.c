/* verbs: what the control socket answers. Values are facts of this moment; `pprofctl status` only lays them out. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/accounts.h"
#include "daemon/clock.h"
#include "daemon/daemon.h"
#include "daemon/debug_files.h"
#include "daemon/debuginfod.h"
#include "daemon/java.h"
#include "daemon/line_cache.h"
#include "daemon/live.h"
#include "daemon/naming.h"
#include "daemon/privileges.h"
#include "daemon/recordings.h"
#include "daemon/publish.h"
#include "daemon/reload.h"
#include "daemon/rotate.h"
#include "daemon/symbols.h"
#include "daemon/unwind.h"

static const char *yes_no(bool b)
{
	return b ? "yes" : "no";
}

static void status_daemon(struct daemon *d, struct control_client *c)
{
	char text[256];

	control_value(c, "version", "%s", PACKAGE_VERSION);
	control_value(c, "pid", "%d", (int)getpid());
	control_value(c, "host", "%s", d->host);
	control_value(c, "uptime_seconds", "%llu",
		      (unsigned long long)(clock_ns(CLOCK_MONOTONIC) - d->started_ns) / 1000000000);
	control_value(c, "state", "%s", d->stopping ? "stopping" : "running");
	privileges_text(text, sizeof(text));
	control_value(c, "capabilities", "%s", text);
	control_value(c, "config_file", "%s", d->config_file);
	control_value(c, "reloads", "%llu", (unsigned long long)d->nr_reloads);
	control_value(c, "reload_errors", "%llu", (unsigned long long)d->nr_reload_errors);
	if (d->reload_error[0])
		control_value(c, "reload_error", "%s", d->reload_error);
}

static void status_kind(struct control_client *c, const struct sampler_kind_status *k, const char *name)
{
	char key[64];

#define KIND_VALUE(what, fmt, ...)                                                                 \
	do {                                                                                       \
		snprintf(key, sizeof(key), "event.%s%s", name, what);                              \
		control_value(c, key, fmt, __VA_ARGS__);                                           \
	} while (0)
	if (!k->wanted) {
		KIND_VALUE("", "%s", "off");
		return;
	}
	if (!k->available) {
		KIND_VALUE("", "unavailable: %s", k->why);
		return;
	}
	KIND_VALUE("", "%s", "sampling");
	KIND_VALUE(".frequency", "%u", k->frequency);
	KIND_VALUE(".lost", "%llu", (unsigned long long)k->nr_lost);
	if (k->time_enabled && !k->time_running)
		KIND_VALUE(".multiplexed", "%s", "never ran: no counter was free");
	else if (k->time_running < k->time_enabled)
		KIND_VALUE(".multiplexed", "ran %.1f%% of the time; values are scaled",
			   100.0 * (double)k->time_running / (double)k->time_enabled);
#undef KIND_VALUE
}

static void status_sampler(struct daemon *d, struct control_client *c)
{
	struct sampler_status s;
	char text[256];

	control_value(c, "scope", "%s",
		      !d->sampler ? "none" : d->config.scope == SCOPE_TARGETS ? "targets" : "host");
	if (!d->sampler)
		return;
	sampler_status(d->sampler, &s);
	control_value(c, "cpus", "%u", s.nr_cpus);
	control_value(c, "event_descriptors", "%u", s.nr_fds);
	control_value(c, "ring_size", "%zu", s.ring_size);
	control_value(c, "ring_malformed", "%llu", (unsigned long long)s.nr_ring_malformed);
	if (s.first_sample_ns)
		control_value(c, "first_sample_ms", "%lld",
			      (long long)(s.first_sample_ns - d->started_ns) / 1000000);
	for (unsigned k = 0; k < EVENT_NR_KINDS; k++)
		status_kind(c, &s.kinds[k], event_kind_names[k]);
	unwind_explain(d, text, sizeof(text));
	control_value(c, "unwind", "%s", text);
	control_value(c, "feature.build_id", "%s",
		      s.build_id_leaks ? "not used: on this kernel it would spoil the recordings of other perf users"
				       : yes_no(s.features.build_id));
	control_value(c, "feature.format_lost", "%s", yes_no(s.features.format_lost));
	control_value(c, "feature.clockid", "%s", yes_no(s.features.clockid));
	control_value(c, "feature.cgroup", "%s", yes_no(s.features.cgroup));
	control_value(c, "feature.ksymbol", "%s", yes_no(s.features.ksymbol));
	control_value(c, "feature.exclude_idle", "%s", yes_no(s.features.exclude_idle));
	control_value(c, "feature.stack_user", "%s", yes_no(s.features.stack_user));
}

#define SWITCHES_DEAR 10000 /* a second: some 2 % of a CPU go into timers */
#define UNSEEN_MUCH 0.1 /* a host that is short of CPU takes some, too */

static void status_target_kinds(struct control_client *c, const char *name, const struct target_status *s)
{
	char key[96];

	for (unsigned k = 0; k < EVENT_NR_KINDS; k++) {
		snprintf(key, sizeof(key), "target.%s.%s", name, event_kind_names[k]);
		if (s->kind_why[k])
			control_value(c, key, "unavailable: %s", s->kind_why[k]);
		else if (s->frequency[k])
			control_value(c, key, "%u Hz", s->frequency[k]);
	}
}

static void status_target(struct daemon *d, struct control_client *c, unsigned n)
{
	static const char *const methods[] = { "auto", "thread", "cgroup", "cpu" };
	const struct config_target *o = targets_options(d->targets, n);
	struct target_status s;
	char key[96];

	targets_status(d->targets, n, &s);
#define TARGET_VALUE(what, fmt, ...)                                                               \
	do {                                                                                       \
		snprintf(key, sizeof(key), "target.%s%s", o->name, what);                          \
		control_value(c, key, fmt, __VA_ARGS__);                                           \
	} while (0)
	TARGET_VALUE("", "%s%s", *s.refused ? "refused: " : "sampling", s.refused);
	TARGET_VALUE(".method", "%s%s%s", methods[s.method], *s.why_method ? ": " : "", s.why_method);
	status_target_kinds(c, o->name, &s);
	TARGET_VALUE(".processes", "%u", s.nr_processes);
	TARGET_VALUE(".threads", "%u", s.nr_threads);
	TARGET_VALUE(".descriptors", "%u", s.nr_fds);
	if (s.method == METHOD_CGROUP)
		TARGET_VALUE(".control_groups", "%u", s.nr_groups);
	TARGET_VALUE(".samples", "%llu", (unsigned long long)s.nr_samples);
	TARGET_VALUE(".lost", "%llu", (unsigned long long)s.nr_lost);
	TARGET_VALUE(".throttled", "%llu", (unsigned long long)s.nr_throttled);
	if (s.nr_refused)
		TARGET_VALUE(".processes_refused", "%llu", (unsigned long long)s.nr_refused);
	if (s.switches_per_second >= 0)
		TARGET_VALUE(".switches_per_second", "%.0f", s.switches_per_second);
	if (s.switches_per_second > SWITCHES_DEAR && s.method != METHOD_CPU)
		TARGET_VALUE(".warning", "%s",
			     "its threads switch so often that timers of their own are dear: consider Method=cpu");
	if (s.unseen > UNSEEN_MUCH)
		TARGET_VALUE(".unseen", "%.0f %% of its CPU time in the last window: its threads live too short for timers of "
			     "their own; consider Method=cpu", s.unseen * 100);
	else if (s.unseen >= 0)
		TARGET_VALUE(".unseen", "%.1f %%", s.unseen * 100);
#undef TARGET_VALUE
}

static void status_targets(struct daemon *d, struct control_client *c)
{
	unsigned nr = 0;

	for (unsigned n = 0; n < targets_nr(d->targets); n++)
		nr += targets_options(d->targets, n) != NULL;
	control_value(c, "targets", "%u", nr);
	for (unsigned n = 0; n < targets_nr(d->targets); n++)
		if (targets_options(d->targets, n))
			status_target(d, c, n);
}

static void status_kernel(struct daemon *d, struct control_client *c, const struct publish_status *p)
{
	const char *symbols = "yes";

	if (!d->kernel.text)
		symbols = "hidden (kernel.kptr_restrict=2, or CAP_SYSLOG is missing)";
	else if (p->kallsyms_status < 0)
		symbols = strerror(-p->kallsyms_status);
	control_value(c, "kernel_symbols", "%s", symbols);
	control_value(c, "kernel_addresses", "%s", d->kernel.restricted ? "relative to _text" : "absolute");
	control_value(c, "pid_namespace", "%s",
		      kernel_in_pid_namespace() ? "not the host's: tasks outside it are [outside]" : "the host's");
}

static uint64_t kinds_lost(struct daemon *d)
{
	struct sampler_status s;
	uint64_t lost = 0;

	if (!d->sampler)
		return 0;
	sampler_status(d->sampler, &s);
	for (unsigned k = 0; k < EVENT_NR_KINDS; k++)
		lost += s.kinds[k].nr_lost;
	return lost;
}

static void status_collect(struct daemon *d, struct control_client *c)
{
	const struct counters *n = collect_counters(d->collect);
	struct counters n_shown = *n;
	uint64_t lost = kinds_lost(d);
	struct process_stats p;

	/* The events' own count is exact where the kernel has one; PERF_RECORD_LOST misses some. */
	if (lost > n_shown.lost)
		n_shown.lost = lost;
	n = &n_shown;
#define STATUS_COUNTER(name, help) control_value(c, #name, "%llu", (unsigned long long)n->name);
	COUNTERS(STATUS_COUNTER)
#undef STATUS_COUNTER
	control_value(c, "window_memory", "%zu", collect_size(d->collect));
	process_table_stats(d->processes, &p);
	control_value(c, "processes", "%u", p.nr_processes);
	control_value(c, "threads", "%u", p.nr_threads);
	control_value(c, "process_memory", "%zu", p.size);
	control_value(c, "processes_refused", "%llu", (unsigned long long)p.nr_refused);
}

static void status_helpers(struct daemon *d, struct control_client *c)
{
	struct opener_status o;
	struct objects_status b;

	opener_client_status(d->opener, &o);
	control_value(c, "opener", "%s", opener_client_over(d->opener) ? "gone"
					 : o.paused ? "paused: files that never open" : "running");
	control_value(c, "opener_alive", "%u", o.nr_alive);
	control_value(c, "opener_queued", "%u", o.nr_queued);
	control_value(c, "opener_stuck", "%u", o.nr_stuck);
	control_value(c, "opener_requests", "%llu", (unsigned long long)o.nr_requests);
	control_value(c, "opener_failed", "%llu", (unsigned long long)o.nr_failed);
	control_value(c, "opener_timeouts", "%llu", (unsigned long long)o.nr_timeouts);
	control_value(c, "opener_dropped", "%llu", (unsigned long long)o.nr_dropped);
	objects_status(d->objects, &b);
	control_value(c, "objects", "%u", b.nr_known);
	control_value(c, "objects_open", "%u", b.nr_open);
	control_value(c, "objects_quarantined", "%u", b.nr_quarantined);
	control_value(c, "objects_recalled", "%llu", (unsigned long long)b.nr_recalled);
}

static void status_rotate(struct daemon *d, struct control_client *c, const struct publish_status *p)
{
	struct rotate_status r;

	rotate_status(d->rotate, &r);
	control_value(c, "spool", "%s", d->config.spool_directory);
	control_value(c, "window_start", "%lld", (long long)r.window_start);
	control_value(c, "window_seconds", "%.1f", (double)r.window_ns / 1e9);
	control_value(c, "windows_in_flight", "%u", r.in_flight);
	control_value(c, "worker_pid", "%d", p->worker_pid);
	control_value(c, "worker_cpu_ms", "%.1f", (double)p->worker_cpu_ns / 1e6);
	control_value(c, "worker_names_ms", "%.2f", (double)p->worker_names_ns / 1e6);
#define STATUS_COUNTER(of, name) control_value(c, #name, "%llu", (unsigned long long)(of)->name);
#define STATUS_ROTATE(name, help) STATUS_COUNTER(&r, name)
#define STATUS_PUBLISH(name, help) STATUS_COUNTER(p, name)
	ROTATE_COUNTERS(STATUS_ROTATE)
	PUBLISH_COUNTERS(STATUS_PUBLISH)
#undef STATUS_PUBLISH
#undef STATUS_ROTATE
#undef STATUS_COUNTER
	control_value(c, "last_file", "%s", p->last_file);
	control_value(c, "last_error", "%s", p->last_error);
}

static void status_lines(struct daemon *d, struct control_client *c, const struct publish_status *p)
{
	struct line_cache_status s;

	if (d->config.symbolize != SYMBOLIZE_LINES)
		return;
	line_cache_status(d->line_cache, &s);
	control_value(c, "lines_known", "%u", p->lines_known);
	control_value(c, "lines_waiting", "%u", p->lines_waiting);
	control_value(c, "lines_refused", "%u", p->lines_refused);
	control_value(c, "lines_kept", "%u", s.nr);
	control_value(c, "lines_kept_bytes", "%llu", (unsigned long long)s.size);
	if (s.err)
		control_value(c, "lines_kept_error", "%s: %s", d->config.cache_directory,
			      s.err == -EWOULDBLOCK ? "another pprofd keeps its own there" : strerror(-s.err));
}

static void verb_status(struct daemon *d, struct control_client *c, int argc, char **argv)
{
	struct publish_status p;

	publish_status(d->publish, &p);
	status_daemon(d, c);
	status_sampler(d, c);
	status_targets(d, c);
	java_status(d->java, d, c);
	control_value(c, "recordings", "%u", recordings_nr(d->recordings));
	status_kernel(d, c, &p);
	status_collect(d, c);
	unwind_status(d, c);
	status_helpers(d, c);
	status_rotate(d, c, &p);
	control_value(c, "debug_files", "%u", debug_files_nr(d->debug_files));
	debuginfod_status(d, c);
	status_lines(d, c, &p);
	control_end(c, 0, NULL);
}

static void verb_unwind(struct daemon *d, struct control_client *c, int argc, char **argv)
{
	char text[256];

	if (d->sampler) {
		unwind_explain(d, text, sizeof(text));
		control_value(c, "unwind", "%s", text);
	}
	unwind_status(d, c);
	unwind_status_files(d, c);
	control_end(c, 0, NULL);
}

static void verb_symbols(struct daemon *d, struct control_client *c, int argc, char **argv)
{
	symbols_status(d->symbols, c);
	control_end(c, 0, NULL);
}

static void verb_reload(struct daemon *d, struct control_client *c, int argc, char **argv)
{
	int err = daemon_reload(d);

	control_end(c, err, err ? d->reload_error : NULL);
}

static void verb_rotate(struct daemon *d, struct control_client *c, int argc, char **argv)
{
	if (d->stopping)
		control_end(c, -ESHUTDOWN, "pprofd is stopping");
	else
		rotate_window(d->rotate, ROTATE_ASKED, c);
}

static void verb_live(struct daemon *d, struct control_client *c, int argc, char **argv)
{
	for (unsigned k = 0; k < EVENT_NR_KINDS; k++)
		if (!strcmp(argc > 1 ? argv[1] : "cpu", event_kind_names[k])) {
			live_ask(d->live, c, k);
			return;
		}
	control_end(c, -EINVAL, "no such kind");
}

static void verb_threads(struct daemon *d, struct control_client *c, int argc, char **argv)
{
	if (d->config.labels & LABEL_PID && d->config.labels & LABEL_TID)
		accounts_answer(d->accounts, c);
	else
		control_end(c, -ENODATA, "threads are told apart by Labels=pid tid, which the configuration leaves out");
}

static void verb_record(struct daemon *d, struct control_client *c, int argc, char **argv)
{
	recordings_start(d->recordings, c, argc, argv);
}

static void verb_stop(struct daemon *d, struct control_client *c, int argc, char **argv)
{
	recordings_stop(d->recordings, c, argc, argv);
}

static const struct verb {
	const char *name;
	int max_words; /* behind it */
	bool changes;  /* or tells what files of the spool tell */
	void (*fn)(struct daemon *d, struct control_client *c, int argc, char **argv);
} verbs[] = {
	{ "live", 1, true, verb_live },
	{ "record", CONTROL_WORDS_MAX, true, verb_record },
	{ "reload", 0, true, verb_reload },
	{ "rotate", 0, true, verb_rotate },
	{ "status", 0, false, verb_status },
	{ "stop", 1, true, verb_stop },
	{ "symbols", 0, false, verb_symbols },
	{ "threads", 0, false, verb_threads },
	{ "unwind", 0, false, verb_unwind },
};

void verbs_request(void *ctx, struct control_client *client, int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(argv[0], verbs[i].name))
			continue;
		if (argc - 1 > verbs[i].max_words)
			control_end(client, -EINVAL, "too many words");
		else if (verbs[i].changes && !control_may_change(client))
			control_end(client, -EACCES, "only root and the daemon's own user and group may do that");
		else
			verbs[i].fn(ctx, client, argc, argv);
		return;
	}
	control_end(client, -EINVAL, "no such verb");
}

void verbs_gone(void *ctx, struct control_client *client)
{
	struct daemon *d = ctx;

	rotate_client_gone(d->rotate, client);
	live_gone(d->live, client);
	recordings_gone(d->recordings, client);
}
