#include "daemon/recordings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/io.h"
#include "base/mem.h"
#include "daemon/clock.h"
#include "daemon/daemon.h"
#include "daemon/naming.h"
#include "daemon/recording_words.h"
#include "proc/procfs.h"
#include "profile/merge.h"

#define TICK_NS 1000000000ull
#define UNREAD_MAX 4096 /* bytes of answer: a client that reads so late is told no progress */
#define NO_OBJECT 0x80000000u /* marks a mapping of a file that was not had: merges with nothing */

struct recording {
	struct recordings *all;
	struct control_client *client; /* NULL: gone */
	unsigned id, target;
	enum event_kind kind;
	bool naming; /* sampling is over */
	uint64_t start_ns, end_ns;
	int64_t start_real;
	struct profile *profile; /* of the windows that have ended; NULL: nothing yet */
	uint32_t nr_unknown;     /* mappings marked NO_OBJECT */
	uint32_t *pinned, nr_pinned, pinned_cap;
	struct loop_timer tick;
};

struct recordings {
	struct daemon *d;
	struct recording *list[RECORDINGS_MAX]; /* NULL: free */
	unsigned nr, last_id;
};

/* --- What was sampled --- */

static void pin(struct recording *r, uint32_t object)
{
	struct worker_object w;
	int fd;

	for (uint32_t i = 0; i < r->nr_pinned; i++)
		if (r->pinned[i] == object)
			return;
	if (objects_pin(r->all->d->objects, object, &w, &fd))
		*array_push(r->pinned, r->nr_pinned, r->pinned_cap) = object;
}

/* Adds the profile of one window, which is taken. */
static void add(struct recording *r, struct profile *p)
{
	for (uint32_t i = 1; i < p->nr_mappings; i++) {
		struct profile_mapping *m = &p->mappings[i];

		if (m->object >= OBJECT_FIRST)
			pin(r, m->object);
		else /* a build id alone makes no two of them one */
			m->object = NO_OBJECT | r->nr_unknown++;
	}
	if (!r->profile)
		r->profile = profile_new();
	profile_merge(r->profile, p); /* of one kind: cannot differ */
	profile_free(p);
}

static void take(struct recording *r, unsigned collected)
{
	struct daemon *d = r->all->d;
	struct sampler_interval i = { 0 };
	struct profile *p;

	targets_interval(d->targets, r->target, r->kind, &i);
	if (i.lost)
		collect_lost(d->collect, collected, i.lost);
	p = collect_finish(d->collect, collected, r->start_real, 0);
	if (p)
		add(r, p);
}

static struct recording *of_target(const struct recordings *all, unsigned number)
{
	for (unsigned i = 0; i < RECORDINGS_MAX; i++)
		if (all->list[i] && !all->list[i]->naming && all->list[i]->target == number)
			return all->list[i];
	return NULL;
}

bool recordings_window(struct recordings *all, unsigned number, enum event_kind kind, unsigned collected)
{
	struct recording *r = of_target(all, number);

	if (!r)
		return false;
	if (r->kind == kind)
		take(r, collected);
	return true;
}

/* --- Its end --- */

static void recording_free(struct recording *r)
{
	struct recordings *all = r->all;

	for (unsigned i = 0; i < RECORDINGS_MAX; i++)
		if (all->list[i] == r)
			all->list[i] = NULL;
	all->nr--;
	if (!r->naming)
		targets_remove(all->d->targets, r->target);
	naming_cancel(all->d->naming, r);
	for (uint32_t i = 0; i < r->nr_pinned; i++)
		objects_unpin(all->d->objects, r->pinned[i]);
	free(r->pinned);
	profile_free(r->profile);
	loop_timer_fini(all->d->loop, &r->tick);
	free(r);
}

static void named(void *ctx, int fd, uint64_t size)
{
	struct recording *r = ctx;
	struct control_client *c = r->client;
	int given = fd < 0 ? fd : io_reopen(fd);

	if (fd >= 0)
		close(fd);
	recording_free(r);
	if (!c) {
		if (given >= 0)
			close(given);
		return;
	}
	if (given >= 0) {
		control_value(c, "size", "%llu", (unsigned long long)size);
		control_give(c, given);
	}
	control_end(c, given < 0 ? given : 0, NULL);
}

static void progress(struct recording *r, uint64_t now)
{
	struct target_status s;

	if (!r->client)
		return;
	targets_status(r->all->d->targets, r->target, &s);
	control_value(r->client, "progress", "%.1f %llu %llu", (double)(now - r->start_ns) / 1e9,
		      (unsigned long long)s.nr_samples, (unsigned long long)s.nr_lost);
	control_flush(r->client);
}

/* Sampling ends; the file comes when it has names. */
static void end(struct recording *r)
{
	struct daemon *d = r->all->d;
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	int err = -ENODATA;

	if (d->sampler)
		sampler_drain(d->sampler, true);
	collect_flush(d->collect);
	take(r, targets_kind(d->targets, r->target, r->kind));
	progress(r, now);
	targets_remove(d->targets, r->target);
	r->naming = true;
	loop_timer_at(&r->tick, 0, 0);
	if (r->profile) {
		for (uint32_t i = 1; i < r->profile->nr_mappings; i++)
			if (r->profile->mappings[i].object & NO_OBJECT)
				r->profile->mappings[i].object = 0;
		r->profile->time_nanos = r->start_real;
		r->profile->duration_nanos = (int64_t)(now - r->start_ns);
		err = naming_submit(d->naming, r->profile, named, r);
	}
	if (err) {
		if (r->client)
			control_end(r->client, err, err == -ENODATA ? "no sample" : NULL);
		recording_free(r);
	}
}

static void tick(struct loop_timer *t)
{
	struct recording *r = t->ctx;
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	struct target_status s;
	bool full = r->profile && profile_size(r->profile) > RECORDINGS_SIZE_MAX;

	targets_status(r->all->d->targets, r->target, &s);
	if (full && r->client)
		control_value(r->client, "note", "ended early: what was recorded has grown to %u MiB", RECORDINGS_SIZE_MAX >> 20);
	/* Whoever matches later would still be taken; but of a process nothing comes after it. */
	if ((r->end_ns && now >= r->end_ns) ||
	    (!s.nr_threads && targets_options(r->all->d->targets, r->target)->pids.nr) || full) {
		end(r);
		return;
	}
	if (r->client && control_answer(r->client)->size < UNREAD_MAX)
		progress(r, now);
	if (r->end_ns && r->end_ns - now < TICK_NS)
		loop_timer_at(&r->tick, r->end_ns, TICK_NS);
}

/* --- Its beginning --- */

struct owner {
	uint32_t tid, pid;
};

static void look_for_thread(void *ctx, struct process *p)
{
	struct owner *owner = ctx;

	for (const struct thread *t = p->threads; t; t = t->next)
		if (t->tid == owner->tid)
			owner->pid = p->pid;
}

/* The process must be in the table: its records may still be in the rings. */
static int find_process(struct daemon *d, struct config_target *o, char *why, size_t why_size)
{
	struct procfs_stat st;
	uint32_t pid = o->tid ? o->tid : o->pids.nr ? o->pids.pids[0] : 0;

	sampler_drain(d->sampler, true);
	if (!pid)
		return 0;
	if (o->tid) {
		struct owner owner = { .tid = o->tid };

		process_each(d->processes, look_for_thread, &owner);
		pid = o->pids.pids[0] = owner.pid;
		o->pids.nr = 1;
	}
	if (pid && process_find(d->processes, pid) && !procfs_stat(d->proc_fd, pid, o->tid, &st))
		return 0;
	snprintf(why, why_size, "%s", strerror(ESRCH));
	return -ESRCH;
}

static struct recording *recording_new(struct recordings *all)
{
	struct recording *r = xcalloc(1, sizeof(*r));

	r->all = all;
	r->tick = (struct loop_timer){ .fn = tick, .ctx = r, .watch.fd = -1 };
	if (loop_timer_init(all->d->loop, &r->tick, CLOCK_MONOTONIC) < 0) {
		free(r);
		return NULL;
	}
	for (unsigned i = 0; i < RECORDINGS_MAX; i++)
		if (!all->list[i]) {
			all->list[i] = r;
			break;
		}
	all->nr++;
	r->id = ++all->last_id;
	return r;
}

static int open_target(struct recordings *all, struct config_target *o, char *why, size_t why_size)
{
	struct daemon *d = all->d;
	int err;

	if (!d->sampler || d->stopping) {
		snprintf(why, why_size, d->sampler ? "pprofd is stopping" : "there is no sampler (Scope=none)");
		return -ENODEV;
	}
	if (all->nr == RECORDINGS_MAX) {
		snprintf(why, why_size, "%d recordings are under way", RECORDINGS_MAX);
		return -EBUSY;
	}
	err = find_process(d, o, why, why_size);
	return err ? err : targets_add(d->targets, o, false, why, why_size);
}

void recordings_start(struct recordings *all, struct control_client *client, int argc, char **argv)
{
	struct recording_words w;
	char why[512] = "";
	struct recording *r;
	int target;

	if (recording_parse(&w, argc - 1, argv + 1, why, sizeof(why)) < 0) {
		control_end(client, -EINVAL, why);
		return;
	}
	target = open_target(all, &w.target, why, sizeof(why));
	if (target < 0) {
		control_end(client, target, why[0] ? why : NULL);
		return;
	}
	r = recording_new(all);
	if (!r) {
		targets_remove(all->d->targets, (unsigned)target);
		control_end(client, -EMFILE, NULL);
		return;
	}
	r->client = client;
	r->target = (unsigned)target;
	r->kind = w.kind;
	r->start_ns = clock_ns(CLOCK_MONOTONIC);
	r->start_real = (int64_t)clock_ns(CLOCK_REALTIME);
	r->end_ns = r->start_ns + (w.seconds ? w.seconds : RECORDINGS_SECONDS_MAX) * 1000000000;
	loop_timer_in(&r->tick, TICK_NS, TICK_NS);
	sampler_set_tick(all->d->sampler, targets_tick_ns(all->d->targets));
	control_value(client, "recording", "%u", r->id);
	control_flush(client);
}

void recordings_stop(struct recordings *all, struct control_client *client, int argc, char **argv)
{
	struct recording *r = NULL;
	uint64_t id = 0;

	if (argc == 2 && recording_number(argv[1], UINT32_MAX, &id))
		for (unsigned i = 0; i < RECORDINGS_MAX && !r; i++)
			if (all->list[i] && all->list[i]->id == id)
				r = all->list[i];
	if (r && !r->naming)
		end(r);
	control_end(client, r ? 0 : -ENOENT, r ? NULL : "no such recording");
}

void recordings_gone(struct recordings *all, const struct control_client *client)
{
	for (unsigned i = 0; i < RECORDINGS_MAX; i++)
		if (all->list[i] && all->list[i]->client == client)
			recording_free(all->list[i]);
}

void recordings_end_all(struct recordings *all)
{
	for (unsigned i = 0; i < RECORDINGS_MAX; i++)
		if (all->list[i] && !all->list[i]->naming)
			end(all->list[i]);
}

unsigned recordings_nr(const struct recordings *all)
{
	return all->nr;
}

struct recordings *recordings_new(struct daemon *d)
{
	struct recordings *all = xcalloc(1, sizeof(*all));

	all->d = d;
	return all;
}

void recordings_free(struct recordings *all)
{
	if (!all)
		return;
	for (unsigned i = 0; i < RECORDINGS_MAX; i++)
		if (all->list[i])
			recording_free(all->list[i]);
	free(all);
}
