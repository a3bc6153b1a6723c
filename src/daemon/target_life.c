/* A target's life: which method, how it begins, what is refused, how it ends. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/target.h"

void target_refuse(struct target *t, const char *why)
{
	if (strcmp(t->refused, why))
		log_warnx("target %s: %s", t->o.name, why);
	snprintf(t->refused, sizeof(t->refused), "%s", why);
}

void target_end(struct target *t)
{
	if (t->targets->sampler) {
		target_thread_close(t);
		target_groups_close(t);
		if (t->cpu_fds)
			target_close_all(t, t->cpu_fds);
	}
	free(t->cpu_fds);
	t->cpu_fds = NULL;
	members_fini(&t->members);
	t->begun = false;
}

static int begin_cpu(struct target *t)
{
	unsigned nr_cpus = t->targets->nr_cpus;

	t->cpu_fds = xcalloc(target_slots(t), sizeof(*t->cpu_fds));
	for (unsigned i = 0; i < target_slots(t); i++)
		t->cpu_fds[i] = -1;
	for (unsigned i = 0; i < target_slots(t); i++) {
		if (!t->kinds[i / nr_cpus].sampled)
			continue;
		t->cpu_fds[i] = target_open(t, i / nr_cpus, i % nr_cpus, -1, 0, 0);
		if (t->cpu_fds[i] < 0)
			return t->cpu_fds[i];
	}
	return 0;
}

static enum config_method method_wanted(const struct config_target *o)
{
	bool others = o->pids.nr || o->comm[0] || o->exe[0] || o->user[0];

	if (o->method != METHOD_AUTO)
		return o->method;
	return !others && !o->unit[0] != !o->cgroup[0] ? METHOD_CGROUP : METHOD_THREAD;
}

/* 0; 1: not all of it, or negative errno; words in WHY. */
static int begin_method(struct target *t, char *why, size_t why_size)
{
	int err = target_probe_kinds(t, why, why_size);

	if (err)
		return err;
	if (t->method == METHOD_CGROUP)
		return target_groups_scan(t, why, why_size);
	if (t->method == METHOD_CPU) {
		err = targets_budget(1, t->targets->nr_cpus, t->nr_kinds, t->targets->nr_fds, t->targets->max_fds, why,
				     why_size);
		if (!err)
			err = begin_cpu(t);
		if (err)
			return err;
	}
	return target_scan(t, why, why_size);
}

int target_begin(struct target *t, char *why, size_t why_size)
{
	struct targets *all = t->targets;
	int err;

	snprintf(why, why_size, "there is no sampler (Scope=none)");
	if (!all->sampler)
		return -ENODEV;
	t->method = method_wanted(&t->o);
	t->why_method[0] = t->refused[0] = 0;
	if (t->o.follow == FOLLOW_THREADS && !sampler_features(all->sampler)->inherit_thread &&
	    t->method == METHOD_THREAD) {
		snprintf(why, why_size, "Follow=threads needs Linux 5.13 (or Method=cpu)");
		return -EOPNOTSUPP;
	}
	why[0] = 0;
	err = begin_method(t, why, why_size);
	if (err < 0 && t->method == METHOD_CGROUP && t->o.method == METHOD_AUTO && err != -EMFILE) {
		snprintf(t->why_method, sizeof(t->why_method), "%s", *why ? why : strerror(-err));
		target_end(t);
		t->method = METHOD_THREAD;
		err = begin_method(t, why, why_size);
	}
	t->begun = err >= 0;
	if (err > 0)
		target_refuse(t, why);
	if (err < 0) {
		if (!*why)
			event_explain(err, EVENT_CPU, why, why_size);
		target_end(t);
	}
	return err < 0 ? err : 0;
}

void target_free(struct target *t)
{
	struct targets *all = t->targets;

	target_end(t);
	for (unsigned k = 0; k < EVENT_NR_KINDS; k++)
		if (t->kinds[k].collect != TARGETS_DROP)
			collect_del_kind(all->collect, t->kinds[k].collect);
	match_fini(&t->match);
	free(t->entries);
	free(t->groups);
	free(t);
}

struct target *target_new(struct targets *all, const struct config_target *o, bool keep)
{
	struct target *t = xcalloc(1, sizeof(*t));
	uint32_t i = 0;

	while (i < all->nr && all->targets[i])
		i++;
	if (i == all->nr)
		array_push(all->targets, all->nr, all->cap);
	all->targets[i] = t;
	t->targets = all;
	t->number = i;
	t->keep = keep;
	t->o = *o;
	t->switches_per_second = t->unseen = -1;
	match_init(&t->match, &t->o);
	for (unsigned k = 0; k < EVENT_NR_KINDS; k++) {
		struct collect_kind kind = { .name = event_kind_names[k], .unit = k == EVENT_CPU ? "nanoseconds" : "count",
					     .period = k == EVENT_CPU ? 1000000000 / (int64_t)o->sample_frequency : 1,
					     .labels = o->labels };

		t->kinds[k].collect = o->events >> k & 1 ? collect_add_kind(all->collect, &kind) : TARGETS_DROP;
	}
	return t;
}
