#include "daemon/sampler.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include <unistd.h>

#include "base/array.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/clock.h"
#include "perf/leak.h"
#include "perf/merge.h"
#include "perf/ring.h"

#define RING_SIZE_MIN (64u << 10)
#define LAYOUTS_MAX 4
#define HURRY_NS 1000000ull

struct sampler_cpu {
	int cpu;
	int owner_fd;
	struct ring ring;
	struct loop_watch watch;
	int fds[EVENT_NR_KINDS]; /* −1: not opened */
	struct event_count seen[EVENT_NR_KINDS]; /* at the last sampler_interval */
	struct sampler *sampler;
};

/* Whose an event id is. */
struct sampler_id {
	uint64_t id;
	uint32_t owner, tag;
	uint16_t kind, layout; /* index of layouts */
};

struct sampler {
	struct loop *loop;
	struct sampler_options options;
	struct event_features features;
	bool build_id_leaks;
	struct sampler_kind_status kinds[EVENT_NR_KINDS];
	struct record_layout layouts[LAYOUTS_MAX]; /* of samples, each once */
	uint32_t nr_layouts;
	struct record_layout owner_layout;

	struct sampler_cpu **cpus; /* own allocations: watches point into them */
	uint32_t nr_cpus, cpus_cap;
	struct ring **rings; /* of cpus, for merge_drain */
	uint32_t rings_cap;
	size_t ring_size;

	struct sampler_id *ids;
	uint32_t nr_ids, ids_cap;
	struct hash id_hash;

	struct merge *merge;
	struct loop_timer tick;
	uint64_t tick_ns;
	bool started, draining;
	uint64_t first_sample_ns, nr_ring_malformed, generation;

	sampler_record_fn record;
	sampler_drained_fn drained;
	void *ctx;
};


/* Ids. */

static uint16_t layout_of(struct sampler *s, const struct perf_event_attr *attr)
{
	struct record_layout layout;
	uint32_t i;

	event_layout(attr, &layout);
	for (i = 0; i < s->nr_layouts; i++)
		if (s->layouts[i].sample_type == layout.sample_type) /* in all else ours are alike */
			return (uint16_t)i;
	if (i == LAYOUTS_MAX)
		abort(); /* samples have a callchain or none: that is all they differ in */
	s->layouts[s->nr_layouts++] = layout;
	return (uint16_t)i;
}

static int id_add(struct sampler *s, int fd, const struct perf_event_attr *attr, const struct sampler_source *source)
{
	struct sampler_id *i;
	uint64_t id;
	int err = event_id(fd, &id);

	if (err < 0)
		return err;
	i = array_push(s->ids, s->nr_ids, s->ids_cap);
	*i = (struct sampler_id){ .id = id, .owner = source->owner, .tag = source->tag, .kind = (uint16_t)source->kind,
				  .layout = layout_of(s, attr) };
	hash_add(&s->id_hash, hash_u64(id), s->nr_ids - 1);
	return 0;
}

static uint32_t id_find(const struct sampler *s, uint64_t id)
{
	uint32_t pos, i;

	for (i = hash_first(&s->id_hash, hash_u64(id), &pos); i != HASH_NONE; i = hash_next(&s->id_hash, hash_u64(id), &pos))
		if (s->ids[i].id == id)
			break;
	return i;
}

static void id_del(struct sampler *s, int fd)
{
	uint32_t i, last;
	uint64_t id;

	if (event_id(fd, &id) < 0 || (i = id_find(s, id)) == HASH_NONE)
		return;
	hash_del(&s->id_hash, hash_u64(id), i);
	last = --s->nr_ids;
	if (i == last)
		return;
	hash_move(&s->id_hash, hash_u64(s->ids[last].id), last, i);
	s->ids[i] = s->ids[last];
}

/* Draining. */

static uint64_t record_time_of(void *ctx, const void *record, size_t size)
{
	struct sampler *s = ctx;
	const struct perf_event_header *h = record;

	/* The samples of all kinds agree up to the time (IDENTIFIER, IP, TID, TIME), and the trailers of all events. */
	return record_time(record, size, h->type == PERF_RECORD_SAMPLE && s->nr_layouts ? s->layouts : &s->owner_layout);
}

static void record_given(void *ctx, unsigned ring, const void *data, size_t size, uint64_t time)
{
	struct sampler *s = ctx;
	const struct record_layout *layout = &s->owner_layout;
	bool is_sample = ((const struct perf_event_header *)data)->type == PERF_RECORD_SAMPLE;
	struct sampler_source source = { .cpu = ring };
	struct record rec;
	uint64_t id;
	uint32_t i;
	int err;

	if (record_id(data, size, layout, &id) && (i = id_find(s, id)) != HASH_NONE) {
		source.kind = s->ids[i].kind;
		source.owner = s->ids[i].owner;
		source.tag = s->ids[i].tag;
		if (is_sample)
			layout = &s->layouts[s->ids[i].layout];
	} else if (is_sample) { /* of an event that was closed meanwhile */
		return;
	}
	err = record_decode(data, size, layout, &rec);
	if (!err && rec.type == PERF_RECORD_SAMPLE && !s->first_sample_ns)
		s->first_sample_ns = rec.time;
	s->record(s->ctx, &rec, &source, layout, err);
}

void sampler_drain(struct sampler *s, bool all)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC), horizon = all || !s->features.clockid ? UINT64_MAX : now - SAMPLER_HORIZON_NS;

	if (s->draining) /* a callback ended a window, which drains first */
		return;
	s->draining = true;
	for (uint32_t i = 0; i < s->nr_cpus; i++)
		ring_begin(s->rings[i]);
	merge_drain(s->merge, s->rings, s->nr_cpus, horizon, record_time_of, record_given, s);
	s->draining = false;
	s->drained(s->ctx, horizon == UINT64_MAX ? now : horizon);
}

static void ring_ready(struct loop_watch *w, uint32_t events)
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

/* CPUs. */

static void cpu_close(struct sampler *s, struct sampler_cpu *c)
{
	if (!c)
		return;
	if (c->watch.fd >= 0)
		loop_del(s->loop, &c->watch);
	/* A ring stays mapped while events point at it. */
	for (unsigned k = 0; k < EVENT_NR_KINDS; k++)
		if (c->fds[k] >= 0)
			sampler_event_close(s, c->fds[k]);
	s->nr_ring_malformed += c->ring.nr_malformed;
	ring_close(&c->ring);
	if (c->owner_fd >= 0)
		close(c->owner_fd);
	free(c);
}

static int cpu_open_ring(struct sampler *s, struct sampler_cpu *c)
{
	struct perf_event_attr attr;
	int err;

	for (;;) {
		event_dummy_attr(&attr, &s->features, (uint32_t)(s->ring_size / 2));
		c->owner_fd = event_open(&attr, -1, c->cpu, -1, PERF_FLAG_FD_CLOEXEC);
		if (c->owner_fd < 0)
			return c->owner_fd;
		event_layout(&attr, &s->owner_layout);
		err = ring_open(&c->ring, c->owner_fd, s->ring_size);
		if (err != -EPERM || s->ring_size <= RING_SIZE_MIN)
			return err;
		/* Above kernel.perf_event_mlock_kb and RLIMIT_MEMLOCK: a smaller ring is better than none. */
		close(c->owner_fd);
		c->owner_fd = -1;
		s->ring_size /= 2;
		log_warnx("ring: %zu KiB for CPU %d exceed RLIMIT_MEMLOCK and kernel.perf_event_mlock_kb; using %zu KiB",
			  s->ring_size >> 9, c->cpu, s->ring_size >> 10);
	}
}

static int open_redirected(struct sampler *s, struct sampler_cpu *c, struct perf_event_attr *attr, int pid,
			   unsigned long flags, const struct sampler_source *source)
{
	int fd = event_open(attr, pid, c->cpu, -1, flags | PERF_FLAG_FD_CLOEXEC), err;

	if (fd < 0)
		return fd;
	err = event_redirect(fd, c->owner_fd);
	if (!err)
		err = id_add(s, fd, attr, source);
	if (err < 0) {
		close(fd);
		return err;
	}
	return fd;
}

static int cpu_open_kind(struct sampler *s, struct sampler_cpu *c, unsigned kind)
{
	struct event_options o = { .kind = kind, .frequency = s->options.frequency, .callchain = s->options.callchain,
				   .stack_size = (unsigned)s->options.stack_size,
				   .exclude_idle = s->options.exclude_idle };
	struct sampler_source source = { .kind = kind };
	struct perf_event_attr attr;
	int fd;

	event_sampler_attr(&attr, &s->features, &o);
	fd = open_redirected(s, c, &attr, -1, 0, &source);
	if (fd < 0)
		return fd;
	s->kinds[kind].frequency = (unsigned)attr.sample_freq;
	c->fds[kind] = fd;
	return 0;
}

static void cpu_open_kinds(struct sampler *s, struct sampler_cpu *c)
{
	for (unsigned k = 0; k < EVENT_NR_KINDS; k++) {
		struct sampler_kind_status *kind = &s->kinds[k];
		int err;

		/* What the first CPU refused is not asked of the others. */
		if (!kind->wanted || (!kind->available && kind->why[0]))
			continue;
		err = cpu_open_kind(s, c, k);
		if (!err) {
			kind->available = true;
			continue;
		}
		if (!kind->available)
			event_explain(err, k, kind->why, sizeof(kind->why));
		else if (err != -ENODEV) /* it went offline meanwhile */
			log_warnx("%s sampler of CPU %d: %s", event_kind_names[k], c->cpu, strerror(-err));
	}
}

static int cpu_open(struct sampler *s, int cpu)
{
	struct sampler_cpu *c = xcalloc(1, sizeof(*c));
	int err;

	c->cpu = cpu;
	c->sampler = s;
	c->owner_fd = -1;
	for (unsigned k = 0; k < EVENT_NR_KINDS; k++)
		c->fds[k] = -1;
	c->watch = (struct loop_watch){ .fn = ring_ready, .ctx = c, .fd = -1 };
	err = cpu_open_ring(s, c);
	if (err < 0)
		goto out;
	cpu_open_kinds(s, c);
	c->watch.fd = c->owner_fd;
	err = loop_add(s->loop, &c->watch, EPOLLIN);
	if (err < 0)
		goto out;
	err = event_enable(c->owner_fd);
	for (unsigned k = 0; s->started && k < EVENT_NR_KINDS; k++)
		if (c->fds[k] >= 0)
			event_enable(c->fds[k]);
out:
	if (err < 0) {
		cpu_close(s, c);
		return err;
	}
	*array_push(s->cpus, s->nr_cpus, s->cpus_cap) = c;
	array_reserve(s->rings, s->rings_cap, s->nr_cpus);
	s->rings[s->nr_cpus - 1] = &c->ring;
	return 0;
}

static bool cpu_listed(const int *cpus, int nr, int cpu)
{
	for (int i = 0; i < nr; i++)
		if (cpus[i] == cpu)
			return true;
	return false;
}

static bool cpus_close_gone(struct sampler *s, const int *online, int nr)
{
	bool changed = false;

	for (uint32_t i = 0; i < s->nr_cpus;) {
		if (cpu_listed(online, nr, s->cpus[i]->cpu)) {
			i++;
			continue;
		}
		if (!changed)
			sampler_drain(s, true);
		log_info("CPU %d went offline", s->cpus[i]->cpu);
		cpu_close(s, s->cpus[i]);
		s->nr_cpus--;
		s->cpus[i] = s->cpus[s->nr_cpus];
		s->rings[i] = s->rings[s->nr_cpus];
		changed = true;
	}
	return changed;
}

bool sampler_hotplug(struct sampler *s)
{
	int *online, nr = event_online_cpus(&online);
	bool changed;

	if (nr < 0)
		return false;
	changed = cpus_close_gone(s, online, nr);
	for (int i = 0; i < nr; i++) {
		bool open = false;

		for (uint32_t j = 0; j < s->nr_cpus && !open; j++)
			open = s->cpus[j]->cpu == online[i];
		if (open || cpu_open(s, online[i]) < 0)
			continue;
		log_info("CPU %d came online", online[i]);
		changed = true;
	}
	free(online);
	s->generation += changed;
	return changed;
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
		err = cpu_open(s, online[i]);
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
		cpu_close(s, s->cpus[i]);
	free(s->cpus);
	free(s->rings);
	free(s->ids);
	hash_fini(&s->id_hash);
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

int sampler_event_open(struct sampler *s, struct perf_event_attr *attr, int pid, unsigned long flags,
		       const struct sampler_source *source)
{
	return open_redirected(s, s->cpus[source->cpu], attr, pid, flags, source);
}

void sampler_event_close(struct sampler *s, int fd)
{
	id_del(s, fd);
	close(fd);
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
