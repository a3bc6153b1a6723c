#include "daemon/rotate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "daemon/accounts.h"
#include "daemon/clock.h"
#include "daemon/daemon.h"
#include "daemon/debug_files.h"
#include "daemon/line_cache.h"
#include "daemon/publish.h"
#include "daemon/recordings.h"
#include "daemon/split.h"

/* A window waits so long for files that its last samples asked for; the opener mostly needs a millisecond. */
#define SETTLE_NS 200000000ull

struct rotate {
	struct daemon *d;
	struct loop_timer boundary;
	struct {
		bool on;
		struct control_client *client;
		bool last;      /* and no other follows */
		uint64_t asked; /* asks up to here are waited for */
		struct loop_timer deadline;
	} settling; /* the running window is about to end */
	uint64_t start_ns;  /* CLOCK_MONOTONIC */
	int64_t start_real; /* CLOCK_REALTIME, ns */
	struct rotate_status status;
};

/* The end of a window. */

/* Hardware counters that share a PMU run part of the time only: perf_event_open(2), time_enabled and time_running. */
static void scale_values(struct profile *p, const struct sampler_interval *i)
{
	if (!i->time_running || i->time_running >= i->time_enabled)
		return;
	for (uint32_t s = 0; s < p->nr_samples; s++) {
		int64_t *value = &p->values[s * p->nr_types + p->nr_types - 1];

		*value = (int64_t)((__int128_t)*value * i->time_enabled / i->time_running);
	}
}

/* A counter's period is the kernel's to choose, so as to reach the frequency: what it chose last is what a lost sample is
 * worth next. */
static void learn_period(struct daemon *d, unsigned kind, unsigned number, const struct profile *p)
{
	__int128_t samples = 0, values = 0;

	for (uint32_t s = 0; kind != EVENT_CPU && s < p->nr_samples; s++) {
		samples += p->values[s * p->nr_types];
		values += p->values[s * p->nr_types + p->nr_types - 1];
	}
	if (samples)
		collect_set_period(d->collect, number, (int64_t)(values / samples));
}

/* Where the parts of a profile go. */
struct splitting {
	struct publish *publish;
	struct publish_window *window;
	const char *kind, *target;
};

static void part_start(void *ctx, const char *folder, struct profile *part)
{
	struct splitting *s = ctx;

	publish_file(s->publish, s->window, s->kind, s->target, folder, part);
}

/* The file of KIND, collected as NUMBER, of the host or TARGET; I is what its events say of the window. */
static void window_kind(struct rotate *r, struct publish_window *w, unsigned kind, unsigned number, const char *target,
			const struct sampler_interval *i, int64_t duration_ns)
{
	struct splitting s = { r->d->publish, w, event_kind_names[kind], target };
	struct daemon *d = r->d;
	struct profile *p;

	if (i->lost)
		collect_lost(d->collect, number, i->lost);
	p = collect_finish(d->collect, number, r->start_real, duration_ns);
	if (!p)
		return;
	scale_values(p, i);
	learn_period(d, kind, number, p);
	if (kind == EVENT_CPU)
		accounts_add(d->accounts, p);
	if (d->config.split == SPLIT_HOST)
		publish_file(r->d->publish, w, event_kind_names[kind], target, "", p);
	else
		split_profile(p, d->config.split, d->processes, part_start, &s);
	profile_free(p);
}

static void window_files(struct rotate *r, struct publish_window *w, int64_t duration_ns)
{
	struct daemon *d = r->d;

	for (unsigned k = 0; k < EVENT_NR_KINDS; k++) {
		struct sampler_interval i = { 0 };

		if (d->sampler)
			sampler_interval(d->sampler, k, &i);
		window_kind(r, w, k, d->kinds[k], "", &i, duration_ns);
	}
	for (unsigned n = 0; n < targets_nr(d->targets); n++) {
		const struct config_target *t = targets_options(d->targets, n);

		for (unsigned k = 0; t && k < EVENT_NR_KINDS; k++) {
			unsigned number = targets_kind(d->targets, n, k);
			struct sampler_interval i;

			if (number == TARGETS_DROP || (t->on_demand && recordings_window(d->recordings, n, k, number)))
				continue;
			targets_interval(d->targets, n, k, &i);
			window_kind(r, w, k, number, t->name, &i, duration_ns);
		}
	}
	targets_window(d->targets);
}

static void boundary_arm(struct rotate *r)
{
	uint64_t length = r->d->config.window_ns, now = clock_ns(CLOCK_REALTIME);

	loop_timer_at(&r->boundary, (now / length + 1) * length, 0);
}

static bool window_must_wait(struct rotate *r, enum rotate_reason reason)
{
	/* A reload or stop cannot wait, and a window that is full is published without names rather than kept. */
	return publish_in_flight(r->d->publish) >= PUBLISH_IN_FLIGHT && (reason == ROTATE_CLOCK || reason == ROTATE_ASKED);
}

static void window_end(struct rotate *r, struct control_client *client)
{
	struct daemon *d = r->d;
	struct publish_window *w = publish_begin(r->d->publish, client);
	int64_t now_real; /* where the next begins */
	uint64_t now;

	clock_both(&now, &now_real);
	r->status.windows++;
	window_files(r, w, (int64_t)(now - r->start_ns));
	accounts_end(d->accounts, r->start_real / 1000000000, now - r->start_ns);
	collect_next_window(d->collect);
	if (collect_kernel_changed(d->collect))
		publish_kernel_changed(r->d->publish);
	objects_next_window(d->objects);
	line_cache_next_window(d->line_cache);
	debug_files_next_window(d->debug_files);
	r->start_ns = now;
	r->start_real = now_real;
	if (!publish_end(r->d->publish, w))
		r->status.windows_empty++;
}

static void settling_end(struct rotate *r)
{
	r->settling.on = false;
	if (r->settling.last) /* what still waits for its maps has waited enough */
		collect_flush(r->d->collect);
	loop_timer_at(&r->settling.deadline, 0, 0);
	window_end(r, r->settling.client);
	r->settling.client = NULL;
}

static void settling_late(struct loop_timer *t)
{
	struct rotate *r = t->ctx;

	if (r->settling.on)
		settling_end(r);
}

void rotate_answered(struct rotate *r)
{
	if (r->settling.on && !asks_waiting(r->d->asks, r->settling.asked))
		settling_end(r);
}

bool rotate_window(struct rotate *r, enum rotate_reason reason, struct control_client *client)
{
	struct daemon *d = r->d;

	if (r->settling.on) /* this window ends already; only then comes the one that is asked for */
		settling_end(r);
	if (window_must_wait(r, reason)) {
		r->status.windows_deferred++;
		if (client)
			control_end(client, -EBUSY, "two windows are still being written");
		return false;
	}
	if (reason == ROTATE_MEMORY) { /* we are inside a drain, and it is urgent */
		window_end(r, NULL);
		return true;
	}
	if (d->sampler)
		sampler_drain(d->sampler, reason != ROTATE_CLOCK); /* who asks wants all up to now */
	r->settling.last = reason == ROTATE_STOP;
	r->settling.asked = asks_last(d->asks);
	r->settling.client = client;
	if (reason == ROTATE_RELOAD || !asks_waiting(d->asks, r->settling.asked)) {
		settling_end(r);
		return true;
	}
	r->settling.on = true;
	loop_timer_in(&r->settling.deadline, SETTLE_NS, 0);
	return true;
}

static void boundary_reached(struct loop_timer *t)
{
	struct rotate *r = t->ctx;
	uint64_t elapsed = clock_ns(CLOCK_MONOTONIC) - r->start_ns;
	int64_t stepped = (int64_t)clock_ns(CLOCK_REALTIME) - r->start_real - (int64_t)elapsed;

	/* The timer also fires when somebody sets the clock: a name and a length must never belong to two clocks. */
	if (stepped > 1000000000 || stepped < -1000000000) {
		log_info("the clock was set by %+.1f s: ending the window", (double)stepped / 1e9);
		rotate_window(r, ROTATE_STEP, NULL);
	} else {
		rotate_window(r, ROTATE_CLOCK, NULL);
	}
	boundary_arm(r);
}

void rotate_check_size(struct rotate *r)
{
	const struct config *c = &r->d->config;

	if (collect_size(r->d->collect) >= c->max_memory ||
	    (c->max_samples && collect_nr_samples(r->d->collect) >= c->max_samples))
		rotate_window(r, ROTATE_MEMORY, NULL);
}

void rotate_client_gone(struct rotate *r, struct control_client *client)
{
	if (r->settling.client == client)
		r->settling.client = NULL;
	publish_client_gone(r->d->publish, client);
}

/* Life. */

int rotate_new(struct rotate **out, struct daemon *d)
{
	struct rotate *r = xcalloc(1, sizeof(*r));
	int err;

	r->d = d;
	r->boundary = (struct loop_timer){ .fn = boundary_reached, .ctx = r, .watch.fd = -1 };
	r->settling.deadline = (struct loop_timer){ .fn = settling_late, .ctx = r, .watch.fd = -1 };
	err = loop_timer_init(d->loop, &r->boundary, CLOCK_REALTIME);
	if (!err)
		err = loop_timer_init(d->loop, &r->settling.deadline, CLOCK_MONOTONIC);
	if (err) {
		log_warnx("timerfd: %s", strerror(-err));
		goto out;
	}
	clock_both(&r->start_ns, &r->start_real);
	boundary_arm(r);
	*out = r;
out:
	if (err)
		rotate_free(r);
	return err;
}

void rotate_free(struct rotate *r)
{
	if (!r)
		return;
	loop_timer_fini(r->d->loop, &r->boundary);
	loop_timer_fini(r->d->loop, &r->settling.deadline);
	free(r);
}

void rotate_configure(struct rotate *r)
{
	boundary_arm(r);
}

bool rotate_idle(const struct rotate *r)
{
	return !publish_in_flight(r->d->publish) && !r->settling.on;
}

void rotate_status(const struct rotate *r, struct rotate_status *s)
{
	*s = r->status;
	s->in_flight = publish_in_flight(r->d->publish);
	s->window_start = r->start_real / 1000000000;
	s->window_ns = clock_ns(CLOCK_MONOTONIC) - r->start_ns;
}
