#include "daemon/sampler.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "daemon/clock.h"
#include "daemon/sampler_cpu.h"
#include "daemon/walker.h"
#include "perf/leak.h"

#define HURRY_NS 1000000ull
#define COPIED_NS 50000000ull

/* Draining. */

static uint64_t record_time_of(void *ctx, const void *record, size_t size)
{
	struct sampler *s = ctx;
	const struct perf_event_header *h = record;

	/* The samples of all kinds agree up to the time (IDENTIFIER, IP, TID, TIME), and the trailers of all events. */
	return record_time(record, size, h->type == PERF_RECORD_SAMPLE && s->sources.nr_layouts ? s->sources.layouts :
								       &s->owner_layout);
}

/* Whose sample the walker in the kernel walked: its record says it, since it is not the event's own. */
static int find_walked(const struct sampler *s, const struct record *rec, struct sampler_source *source)
{
	uint32_t number;

	if (rec->sample.raw_size < UNWIND_COMPACT_HEAD)
		return -EBADMSG;
	memcpy(&number, (const char *)rec->sample.raw + offsetof(struct unwind_compact, source), sizeof(number));
	return sources_find_walk(&s->sources, number, source) ? 0 : -ENOENT;
}

static void note_copy(struct sampler *s, const struct sampler_cpu *c)
{
	walker_copy_read(s->options.walker, (unsigned)c->cpu);
	s->copied = true;
}

static void record_given(void *ctx, unsigned ring, const void *data, size_t size, uint64_t time)
{
	struct sampler *s = ctx;
	const struct record_layout *layout = &s->owner_layout, *sample = NULL;
	bool is_sample = ((const struct perf_event_header *)data)->type == PERF_RECORD_SAMPLE;
	struct sampler_source source = { .cpu = ring };
	struct record rec;
	uint64_t id;
	int err;

	if (record_id(data, size, layout, &id))
		sample = sources_find(&s->sources, id, &source);
	if (is_sample && !sample) /* of an event that was closed meanwhile */
		return;
	if (is_sample)
		layout = sample;
	err = record_decode(data, size, layout, &rec);
	if (!err && source.walked)
		err = find_walked(s, &rec, &source);
	else if (!err && is_sample && s->options.walker && rec.sample.regs_abi)
		note_copy(s, s->cpus[ring]);
	if (err == -ENOENT) /* its event was closed meanwhile */
		return;
	if (!err && rec.type == PERF_RECORD_SAMPLE && !s->first_sample_ns)
		s->first_sample_ns = rec.time;
	s->record(s->ctx, &rec, &source, layout, err);
}

/* The walker may ask for as many copies of stacks as the rings have room for: those up to the horizon have been read, or
 * will never come. What comes with copies is new to the walker: the sooner it is read, the fewer there are. */
static void count_copies(struct sampler *s, uint64_t now, uint64_t horizon)
{
	for (uint32_t i = 0; i < s->nr_cpus; i++) {
		struct sampler_cpu *c = s->cpus[i];

		if (horizon < c->copies_ns)
			continue;
		walker_copies_read(s->options.walker, (unsigned)c->cpu, c->nr_copies);
		c->nr_copies = c->nr_copies_now;
		c->copies_ns = now;
	}
	if (s->copied)
		loop_timer_in(&s->tick, COPIED_NS < s->tick_ns ? COPIED_NS : s->tick_ns, s->tick_ns);
	s->copied = false;
}

void sampler_drain(struct sampler *s, bool all)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC), horizon = all || !s->features.clockid ? UINT64_MAX : now - SAMPLER_HORIZON_NS;

	if (s->draining) /* a callback ended a window, which drains first */
		return;
	s->draining = true;
	for (uint32_t i = 0; i < s->nr_cpus; i++) {
		if (s->options.walker)
			s->cpus[i]->nr_copies_now = walker_copies_made(s->options.walker, (unsigned)s->cpus[i]->cpu);
		ring_begin(s->rings[i]);
	}
	merge_drain(s->merge, s->rings, s->nr_cpus, horizon, record_time_of, record_given, s);
	if (s->options.walker)
		count_copies(s, now, horizon);
	s->draining = false;
	s->drained(s->ctx, horizon == UINT64_MAX ? now : horizon);
}

void sampler_ring_ready(struct loop_watch *w, uint32_t events)
{
	struct sampler_cpu *c = w->ctx;
	struct sampler *s = c->sampler;

	/* An event whose CPU went offline reports EPOLLHUP for ever. */
	if (events & (EPOLLHUP | EPOLLERR))
		loop_del(s->loop, w);
	sampler_drain(s, false);
}

static void tick(struct loop_timer *t)
{
	sampler_drain(t->ctx, false);
}

/* Life. */

static int sampler_open(struct sampler *s, char *why, size_t why_size)
{
	int *online = NULL, nr = event_online_cpus(&online), err;
	bool any = false;

	if (nr <= 0) {
		snprintf(why, why_size, "cannot read which CPUs are online");
		return nr < 0 ? nr : -ENODEV;
	}
	err = event_probe(false, online[0], &s->features);
	s->build_id_leaks = s->features.build_id && event_build_id_leaks();
	if (s->build_id_leaks)
		s->features.build_id = false;
	for (int i = 0; !err && i < nr; i++) {
		err = sampler_cpu_open(s, online[i]);
		if (err == -ENODEV) /* went offline between */
			err = 0;
	}
	free(online);
	if (err) {
		event_explain(err, EVENT_CPU, why, why_size);
		return err;
	}
	for (unsigned k = 0; k < EVENT_NR_KINDS; k++) {
		any |= s->kinds[k].available || !s->options.events;
		if (s->kinds[k].wanted && !s->kinds[k].available)
			log_info("%s events are unavailable: %s", event_kind_names[k], s->kinds[k].why);
	}
	if (any)
		return 0;
	snprintf(why, why_size, "none of the configured Events= can be sampled");
	return -ENODEV;
}

int sampler_new(struct sampler **out, struct loop *l, const struct sampler_options *o, sampler_record_fn record,
		sampler_drained_fn drained, void *ctx, char *why, size_t why_size)
{
	struct sampler *s = xcalloc(1, sizeof(*s));
	int err;

	s->loop = l;
	s->options = *o;
	s->ring_size = o->ring_size;
	s->record = record;
	s->drained = drained;
	s->ctx = ctx;
	s->merge = merge_new();
	for (unsigned k = 0; k < EVENT_NR_KINDS; k++)
		s->kinds[k].wanted = o->events >> k & 1;
	s->tick.ctx = s;
	s->tick.fn = tick;
	s->tick.watch.fd = -1;
	err = sampler_open(s, why, why_size);
	if (!err) {
		err = loop_timer_init(l, &s->tick, CLOCK_MONOTONIC);
		if (err)
			snprintf(why, why_size, "timerfd: %s", strerror(-err));
	}
	if (err) {
		sampler_free(s);
		return err;
	}
	sampler_set_tick(s, SAMPLER_TICK_NS);
	*out = s;
	return 0;
}

void sampler_free(struct sampler *s)
{
	if (!s)
		return;
	loop_timer_fini(s->loop, &s->tick);
	for (uint32_t i = 0; i < s->nr_cpus; i++)
		sampler_cpu_close(s, s->cpus[i]);
	free(s->cpus);
	free(s->rings);
	sources_fini(&s->sources);
	merge_free(s->merge);
	free(s);
}

int sampler_start(struct sampler *s)
{
	int err = 0;

	s->started = true;
	for (uint32_t i = 0; i < s->nr_cpus; i++)
		for (unsigned k = 0; k < EVENT_NR_KINDS; k++)
			if (s->cpus[i]->fds[k] >= 0 && event_enable(s->cpus[i]->fds[k]) < 0)
				err = -errno;
	return err;
}

void sampler_stop(struct sampler *s)
{
	s->started = false;
	for (uint32_t i = 0; i < s->nr_cpus; i++)
		for (unsigned k = 0; k < EVENT_NR_KINDS; k++)
			if (s->cpus[i]->fds[k] >= 0)
				ioctl(s->cpus[i]->fds[k], PERF_EVENT_IOC_DISABLE, 0);
}

void sampler_interval(struct sampler *s, unsigned kind, struct sampler_interval *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (uint32_t i = 0; i < s->nr_cpus; i++) {
		struct sampler_cpu *c = s->cpus[i];
		struct event_count now, *seen = &c->seen[kind];

		if (c->fds[kind] < 0 || event_read(c->fds[kind], &s->features, &now) < 0)
			continue;
		sum->lost += now.lost - seen->lost;
		sum->time_enabled += now.time_enabled - seen->time_enabled;
		sum->time_running += now.time_running - seen->time_running;
		s->kinds[kind].count += now.value - seen->value;
		*seen = now;
	}
	s->kinds[kind].nr_lost += sum->lost;
	s->kinds[kind].time_enabled += sum->time_enabled;
	s->kinds[kind].time_running += sum->time_running;
}

void sampler_status(struct sampler *s, struct sampler_status *status)
{
	memset(status, 0, sizeof(*status));
	status->features = s->features;
	status->build_id_leaks = s->build_id_leaks;
	status->nr_cpus = s->nr_cpus;
	status->ring_size = s->ring_size;
	memcpy(status->kinds, s->kinds, sizeof(s->kinds));
	status->nr_ring_malformed = s->nr_ring_malformed;
	status->first_sample_ns = s->first_sample_ns;
	for (uint32_t i = 0; i < s->nr_cpus; i++) {
		status->nr_ring_malformed += s->cpus[i]->ring.nr_malformed;
		status->nr_fds++;
		for (unsigned k = 0; k < EVENT_NR_KINDS; k++)
			status->nr_fds += s->cpus[i]->fds[k] >= 0;
		status->nr_fds += s->cpus[i]->output_fd >= 0;
	}
}

/* Events of others. */

const struct event_features *sampler_features(const struct sampler *s)
{
	return &s->features;
}

unsigned sampler_nr_cpus(const struct sampler *s)
{
	return s->nr_cpus;
}

uint64_t sampler_generation(const struct sampler *s)
{
	return s->generation;
}

void sampler_set_tick(struct sampler *s, uint64_t tick_ns)
{
	s->tick_ns = tick_ns;
	loop_timer_in(&s->tick, tick_ns, tick_ns);
}

void sampler_hurry(struct sampler *s)
{
	loop_timer_in(&s->tick, HURRY_NS, s->tick_ns);
}
