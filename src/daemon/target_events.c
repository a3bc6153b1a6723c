/* A target's events: opened into the rings that are there, counted, read and closed. */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>

#include "daemon/target.h"

#define UNSEEN_RAN_NS 2000000000ull /* of less nothing is said: samples come a little later than clocks */

unsigned target_slots(const struct target *t)
{
	return EVENT_NR_KINDS * t->targets->nr_cpus;
}

static void fill_attr(const struct target *t, enum event_kind kind, struct perf_event_attr *attr)
{
	struct event_options o = { .kind = kind, .frequency = t->o.sample_frequency,
				   .callchain = (enum event_callchain)t->o.callchain,
				   .exclude_idle = true };

	if (t->method == METHOD_THREAD)
		o.inherit = t->o.tid ? INHERIT_NOTHING : t->o.follow == FOLLOW_THREADS ? INHERIT_THREADS : INHERIT_CHILDREN;
	sampler_fill_stack(t->targets->sampler, &o);
	event_sampler_attr(attr, sampler_features(t->targets->sampler), &o);
	attr->disabled = 0;
}

int target_open(struct target *t, enum event_kind kind, unsigned cpu, int pid, unsigned long flags, uint32_t tag)
{
	struct sampler_source source = { .owner = t->number + 1, .tag = tag, .kind = kind, .cpu = cpu };
	struct perf_event_attr attr;
	int fd;

	fill_attr(t, kind, &attr);
	fd = sampler_event_open(t->targets->sampler, &attr, pid, flags, &source);
	if (fd < 0)
		return fd;
	t->kinds[kind].frequency = (unsigned)attr.sample_freq;
	t->nr_fds++;
	t->targets->nr_fds++;
	return fd;
}

static void count_add(struct event_count *sum, const struct event_count *c)
{
	sum->value += c->value;
	sum->time_enabled += c->time_enabled;
	sum->time_running += c->time_running;
	sum->lost += c->lost;
}

/* Reading an event that runs interrupts its CPU: only where the figures are needed. */
static bool counts_wanted(const struct target *t, enum event_kind kind)
{
	return kind != EVENT_CPU || t->targets->lost || t->method == METHOD_THREAD;
}

void target_close(struct target *t, unsigned slot, int *fd)
{
	enum event_kind kind = slot / t->targets->nr_cpus;
	struct event_count c;

	if (*fd < 0)
		return;
	if (counts_wanted(t, kind) && !event_read(*fd, sampler_features(t->targets->sampler), &c))
		count_add(&t->kinds[kind].closed, &c);
	sampler_event_close(t->targets->sampler, *fd);
	*fd = -1;
	t->nr_fds--;
	t->targets->nr_fds--;
}

void target_close_all(struct target *t, int *fds)
{
	for (unsigned i = 0; i < target_slots(t); i++)
		target_close(t, i, &fds[i]);
}

int target_open_all(struct target *t, int pid, unsigned long flags, uint32_t tag, int *fds)
{
	unsigned nr_cpus = t->targets->nr_cpus;

	for (unsigned i = 0; i < target_slots(t); i++)
		fds[i] = -1;
	for (unsigned i = 0; i < target_slots(t); i++) {
		enum event_kind kind = i / nr_cpus;

		if (!t->kinds[kind].sampled)
			continue;
		fds[i] = target_open(t, kind, i % nr_cpus, pid, flags, tag);
		if (fds[i] < 0) {
			int err = fds[i];

			target_close_all(t, fds);
			return err;
		}
	}
	return 0;
}

int target_probe_kinds(struct target *t, char *why, size_t why_size)
{
	int err = -ENODEV;

	t->nr_kinds = 0;
	for (unsigned k = 0; k < EVENT_NR_KINDS; k++) {
		int fd;

		if (!(t->o.events >> k & 1))
			continue;
		fd = target_open(t, k, 0, 0, 0, 0);
		t->kinds[k].sampled = fd >= 0;
		if (fd >= 0) {
			t->nr_kinds++;
			target_close(t, k * t->targets->nr_cpus, &fd);
		} else {
			err = fd;
			event_explain(fd, k, t->kinds[k].why, sizeof(t->kinds[k].why));
			snprintf(why, why_size, "%s events: %s", event_kind_names[k], t->kinds[k].why);
		}
	}
	return t->nr_kinds ? 0 : err;
}

static void count_fd(const struct target *t, int fd, struct event_count *sum)
{
	struct event_count c;

	if (fd >= 0 && !event_read(fd, sampler_features(t->targets->sampler), &c))
		count_add(sum, &c);
}

/* RAN_NS: what KIND, a timer, has counted since the last time; of it NR_LOST periods were sampled, and lost. */
static void measure_unseen(struct target *t, enum event_kind kind, uint64_t ran_ns, uint64_t nr_lost)
{
	uint64_t nr = t->kinds[kind].nr_samples - t->kinds[kind].nr_samples_told + nr_lost;
	double seen = (double)nr / t->kinds[kind].frequency * 1e9 / (double)ran_ns;

	t->kinds[kind].nr_samples_told = t->kinds[kind].nr_samples;
	t->unseen = ran_ns < UNSEEN_RAN_NS ? -1 : seen < 1 ? 1 - seen : 0;
}

void targets_interval(struct targets *all, unsigned number, enum event_kind kind, struct sampler_interval *i)
{
	struct target *t = all->targets[number];
	struct event_count sum = t->kinds[kind].closed, *told = &t->kinds[kind].told;

	memset(i, 0, sizeof(*i));
	if (!t->kinds[kind].sampled || !all->sampler || !counts_wanted(t, kind))
		return;
	for (unsigned cpu = 0; cpu < all->nr_cpus; cpu++) {
		unsigned slot = kind * all->nr_cpus + cpu;

		for (uint32_t n = 0; n < t->nr_entries; n++)
			count_fd(t, t->entries[n]->fds[slot], &sum);
		for (uint32_t n = 0; n < t->nr_groups; n++)
			count_fd(t, t->groups[n]->fds[slot], &sum);
		if (t->cpu_fds)
			count_fd(t, t->cpu_fds[slot], &sum);
	}
	/* What was closed unread makes the sum smaller than it was. */
	i->lost = sum.lost > told->lost ? sum.lost - told->lost : 0;
	if (kind != EVENT_CPU) { /* a timer shares nothing */
		i->time_enabled = sum.time_enabled > told->time_enabled ? sum.time_enabled - told->time_enabled : 0;
		i->time_running = sum.time_running > told->time_running ? sum.time_running - told->time_running : 0;
	}
	/* While a thread runs on one CPU its events of all CPUs are enabled. */
	if (t->method == METHOD_THREAD)
		i->time_enabled /= all->nr_cpus;
	if (kind == EVENT_CPU && t->method == METHOD_THREAD)
		measure_unseen(t, kind, sum.value > told->value ? sum.value - told->value : 0, i->lost);
	*told = sum;
	t->nr_lost += i->lost;
}

int targets_budget(uint64_t threads, unsigned cpus, unsigned kinds, unsigned in_use, unsigned limit, char *why,
		   size_t why_size)
{
	uint64_t need = threads * cpus * kinds, left = in_use < limit ? limit - in_use : 0;

	if (need <= left)
		return 0;
	snprintf(why, why_size,
		 "%llu thread%s x %u CPU%s x %u kind%s of events need %llu descriptors; of %u for targets (by RLIMIT_NOFILE) "
		 "%llu are left", (unsigned long long)threads, threads == 1 ? "" : "s", cpus, cpus == 1 ? "" : "s", kinds,
		 kinds == 1 ? "" : "s", (unsigned long long)need, limit, (unsigned long long)left);
	return -EMFILE;
}
