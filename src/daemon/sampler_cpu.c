#include "daemon/sampler_cpu.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/array.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/walker.h"

#define RING_SIZE_MIN (64u << 10)

void sampler_cpu_close(struct sampler *s, struct sampler_cpu *c)
{
	if (!c)
		return;
	if (c->watch.fd >= 0)
		loop_del(s->loop, &c->watch);
	/* A ring stays mapped while events point at it. */
	for (unsigned k = 0; k < EVENT_NR_KINDS; k++)
		if (c->fds[k] >= 0)
			sampler_event_close(s, c->fds[k]);
	if (c->output_fd >= 0) {
		walker_cpu(s->options.walker, (unsigned)c->cpu, -1, 0);
		sampler_event_close(s, c->output_fd);
	}
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

/* Where the kernel refuses, its samples have copies of stacks. */
static void let_walk(struct sampler *s, int fd)
{
	uint32_t number = sources_walk(&s->sources, fd);
	int err = number ? walker_attach(s->options.walker, number, fd) : -EINVAL;

	if (err < 0 && !s->walk_refused)
		log_warnx("walking stacks in the kernel: %s", strerror(-err));
	s->walk_refused |= err < 0;
}

static int open_redirected(struct sampler *s, struct sampler_cpu *c, struct perf_event_attr *attr, int pid,
			   unsigned long flags, const struct sampler_source *source)
{
	int fd = event_open(attr, pid, c->cpu, -1, flags | PERF_FLAG_FD_CLOEXEC), err;

	if (fd < 0)
		return fd;
	err = event_redirect(fd, c->owner_fd);
	if (!err)
		err = sources_add(&s->sources, fd, attr, source);
	if (err < 0) {
		close(fd);
		return err;
	}
	if (s->options.walker && attr->sample_type & PERF_SAMPLE_STACK_USER)
		let_walk(s, fd);
	return fd;
}

/* Where the walker's records come out: the same ring, so that all are in one order of time. */
static void cpu_open_output(struct sampler *s, struct sampler_cpu *c)
{
	struct sampler_source source = { .walked = true };
	struct perf_event_attr attr;
	int fd, err;

	event_output_attr(&attr, &s->features);
	fd = open_redirected(s, c, &attr, -1, 0, &source);
	err = fd < 0 ? fd : event_enable(fd);
	if (!err)
		err = walker_cpu(s->options.walker, (unsigned)c->cpu, fd, s->ring_size);
	if (!err) {
		c->output_fd = fd;
		return;
	}
	/* What the walker cannot write comes as a copy. */
	if (err != -ENODEV)
		log_warnx("records of stacks walked in the kernel on CPU %d: %s", c->cpu, strerror(-err));
	if (fd >= 0)
		sampler_event_close(s, fd);
}

static int cpu_open_kind(struct sampler *s, struct sampler_cpu *c, unsigned kind)
{
	struct event_options o = { .kind = kind, .frequency = s->options.frequency, .callchain = s->options.callchain,
				   .stack_size = (unsigned)s->options.stack_size,
				   .walked = s->options.walker, .exclude_idle = s->options.exclude_idle };
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

int sampler_cpu_open(struct sampler *s, int cpu)
{
	struct sampler_cpu *c = xcalloc(1, sizeof(*c));
	int err;

	c->cpu = cpu;
	c->sampler = s;
	c->owner_fd = c->output_fd = -1;
	for (unsigned k = 0; k < EVENT_NR_KINDS; k++)
		c->fds[k] = -1;
	c->watch = (struct loop_watch){ .fn = sampler_ring_ready, .ctx = c, .fd = -1 };
	err = cpu_open_ring(s, c);
	if (err < 0)
		goto out;
	if (s->options.walker)
		cpu_open_output(s, c);
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
		sampler_cpu_close(s, c);
		return err;
	}
	*array_push(s->cpus, s->nr_cpus, s->cpus_cap) = c;
	array_reserve(s->rings, s->rings_cap, s->nr_cpus);
	s->rings[s->nr_cpus - 1] = &c->ring;
	return 0;
}

void sampler_fill_stack(const struct sampler *s, struct event_options *o)
{
	o->walked = s->options.walker;
	o->stack_size = o->frequency <= s->options.copies_frequency ? (unsigned)s->options.copies_size : 0;
}

int sampler_event_open(struct sampler *s, struct perf_event_attr *attr, int pid, unsigned long flags,
		       const struct sampler_source *source)
{
	return open_redirected(s, s->cpus[source->cpu], attr, pid, flags, source);
}

void sampler_event_close(struct sampler *s, int fd)
{
	uint32_t walk = sources_del(&s->sources, fd);

	if (walk)
		walker_detach(s->options.walker, walk);
	close(fd);
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
		sampler_cpu_close(s, s->cpus[i]);
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
		if (open || sampler_cpu_open(s, online[i]) < 0)
			continue;
		log_info("CPU %d came online", online[i]);
		changed = true;
	}
	free(online);
	s->generation += changed;
	return changed;
}
