/* The recorder's events and rings. */
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "perf/leak.h"
#include "proc/procfs.h"
#include "replay/recorder_impl.h"

#define RING_SIZE (512u << 10)
#define RING_SIZE_MIN (16u << 10)
#define FDS_RESERVED 256 /* for files behind mappings, and ours */
#define ROUNDS_MAX 20    /* of listing threads; who starts some between all of them is not waited for */
#define BIRTH_NS 2000000 /* a thread is in /proc so much before its FORK is in a ring, at most */

bool recorder_knows(const struct recorder *r, uint32_t tid)
{
	uint32_t hash = hash_u64(tid), pos, i;

	for (i = hash_first(&r->tid_hash, hash, &pos); i != HASH_NONE;
	     i = hash_next(&r->tid_hash, hash, &pos))
		if (r->tids[i] == tid)
			return true;
	return false;
}

void recorder_know(struct recorder *r, uint32_t tid)
{
	if (recorder_knows(r, tid))
		return;
	hash_add(&r->tid_hash, hash_u64(tid), r->nr_tids);
	*array_push(r->tids, r->nr_tids, r->tids_cap) = tid;
}

/* --- Rings --- */

static int open_ring(struct recorder *r, struct recorder_cpu *c)
{
	struct perf_event_attr attr;
	int err;

	for (;;) {
		event_dummy_attr(&attr, &r->features, (uint32_t)(r->ring_size / 2));
		/* It is on our own thread, whose doings are nobody's business. */
		attr.mmap = attr.mmap2 = attr.build_id = attr.comm = attr.comm_exec = 0;
		attr.task = attr.ksymbol = attr.cgroup = 0;
		c->owner_fd = event_open(&attr, 0, c->cpu, -1, PERF_FLAG_FD_CLOEXEC);
		if (c->owner_fd < 0)
			return c->owner_fd;
		err = ring_open(&c->ring, c->owner_fd, r->ring_size);
		if (err != -EPERM || r->ring_size <= RING_SIZE_MIN)
			return err;
		/* Beyond kernel.perf_event_mlock_kb, which all of a user's rings share. */
		close(c->owner_fd);
		c->owner_fd = -1;
		r->ring_size /= 2;
	}
}

static int open_rings(struct recorder *r, const int *cpus, int nr, char *error, size_t size)
{
	r->ring_size = RING_SIZE;
	r->cpus = xcalloc((size_t)nr, sizeof(*r->cpus));
	r->rings = xcalloc((size_t)nr, sizeof(*r->rings));
	for (int i = 0; i < nr; i++) {
		struct recorder_cpu *c = &r->cpus[r->nr_cpus];
		int err;

		c->cpu = cpus[i];
		err = open_ring(r, c);
		if (err == -ENODEV) /* it went offline between */
			continue;
		r->nr_cpus++;
		if (err == -EPERM) {
			snprintf(error, size, "no memory may be locked for rings (RLIMIT_MEMLOCK, "
					      "kernel.perf_event_mlock_kb)");
			return err;
		}
		if (err) {
			event_explain(err, EVENT_CPU, error, size);
			return err;
		}
		r->rings[r->nr_cpus - 1] = &c->ring;
	}
	return 0;
}

/* --- Samplers --- */

static void build_attr(struct recorder *r, bool no_kernel)
{
	const struct event_options o = {
		.kind = r->o.kind,
		.frequency = r->o.frequency,
		.callchain = r->o.callchain,
		.exclude_kernel = no_kernel,
	};

	event_sampler_attr(&r->attr, &r->features, &o);
	r->attr.inherit = !r->o.tid;
	r->attr.enable_on_exec = r->o.on_exec;
	r->attr.mmap = r->attr.mmap2 = r->attr.comm = r->attr.comm_exec = r->attr.task = 1;
	r->attr.build_id = r->features.build_id;
	event_layout(&r->attr, &r->layout);
}

static int open_event(struct recorder *r, uint32_t tid, const struct recorder_cpu *c)
{
	int fd = event_open(&r->attr, (int)tid, c->cpu, -1, PERF_FLAG_FD_CLOEXEC), err;

	if (fd < 0)
		return fd;
	err = event_redirect(fd, c->owner_fd);
	if (!err && !r->o.on_exec)
		err = event_enable(fd);
	if (err) {
		close(fd);
		return err;
	}
	*array_push(r->events, r->nr_events, r->events_cap) = (struct pollfd){ .fd = fd };
	return 0;
}

/* -ESRCH: it has gone. */
static int open_thread(struct recorder *r, uint32_t tid)
{
	for (uint32_t i = 0; i < r->nr_cpus; i++) {
		int err = open_event(r, tid, &r->cpus[i]);

		if (err && err != -ENODEV)
			return err;
	}
	recorder_know(r, tid);
	r->nr_threads++;
	return 0;
}

/* Whether the caller may see the kernel's side is found by trying the first event. */
static int try_rights(struct recorder *r, uint32_t tid, char *error, size_t size)
{
	int fd, err;

	build_attr(r, false);
	fd = event_open(&r->attr, (int)tid, r->cpus[0].cpu, -1, PERF_FLAG_FD_CLOEXEC);
	if ((fd == -EACCES || fd == -EPERM) && r->o.callchain != CALLCHAIN_KERNEL) {
		build_attr(r, true);
		fd = event_open(&r->attr, (int)tid, r->cpus[0].cpu, -1, PERF_FLAG_FD_CLOEXEC);
	}
	if (fd >= 0) {
		close(fd);
		return 0;
	}
	err = fd;
	if (err == -EACCES || err == -EPERM)
		snprintf(error, size, "%u: another user's, or kernel.perf_event_paranoid forbids it "
				      "(without CAP_PERFMON: one's own processes, up to 2)", tid);
	else
		event_explain(err, r->o.kind, error, size);
	return err;
}

/* --- Threads --- */

struct list {
	uint32_t *tids, nr, cap;
};

static void list_tid(void *ctx, uint32_t tid)
{
	struct list *l = ctx;

	*array_push(l->tids, l->nr, l->cap) = tid;
}

static int list_threads(struct recorder *r, struct list *l)
{
	l->nr = 0;
	if (!r->o.tid)
		return procfs_each_tid(r->proc_fd, r->o.pid, list_tid, l);
	list_tid(l, r->o.tid);
	return 0;
}

static int check_budget(const struct recorder *r, uint32_t nr_threads, char *error, size_t size)
{
	uint64_t need = (uint64_t)nr_threads * r->nr_cpus + FDS_RESERVED;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	if (limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (need <= limit.rlim_cur)
		return 0;
	snprintf(error, size, "%u threads on %u CPUs take %llu descriptors; RLIMIT_NOFILE is %llu",
		 nr_threads, r->nr_cpus, (unsigned long long)need,
		 (unsigned long long)limit.rlim_cur);
	return -EMFILE;
}

/* Opens the listed threads that were not born of one already opened. Their number or negative
 * errno. */
static int open_listed(struct recorder *r, const struct list *l, char *error, size_t size)
{
	int nr = 0;

	for (uint32_t i = 0; i < l->nr; i++) {
		int err = recorder_knows(r, l->tids[i]) ? -ESRCH : open_thread(r, l->tids[i]);

		if (err && err != -ESRCH) {
			event_explain(err, r->o.kind, error, size);
			return err;
		}
		nr += !err;
	}
	return nr;
}

/* A thread that one already opened starts inherits; one that was started by a thread not opened yet
 * does not. The first kind has a FORK in a ring, soon after /proc lists it. */
static int open_threads(struct recorder *r, char *error, size_t size)
{
	static const struct timespec birth = { .tv_nsec = BIRTH_NS };
	struct list l = { 0 };
	int err = 0, nr = 1;

	for (int round = 0; round < ROUNDS_MAX && nr > 0 && !err; round++) {
		err = list_threads(r, &l);
		if (err)
			break;
		if (!round)
			err = check_budget(r, l.nr, error, size);
		if (err)
			goto out;
		if (round) {
			nanosleep(&birth, NULL);
			recorder_drain(r, true);
		}
		nr = open_listed(r, &l, error, size);
		if (nr < 0) {
			err = nr;
			goto out;
		}
	}
	if (err || !r->nr_threads) {
		err = r->nr_threads ? 0 : -ESRCH;
		snprintf(error, size, "%u: %s", r->o.pid, strerror(ESRCH));
	}
out:
	free(l.tids);
	return err;
}

/* --- Life --- */

int recorder_events_open(struct recorder *r, char *error, size_t size)
{
	int *cpus = NULL, nr = event_online_cpus(&cpus), err;

	if (nr <= 0) {
		snprintf(error, size, "cannot read which CPUs are online");
		return nr < 0 ? nr : -ENODEV;
	}
	err = event_probe(true, cpus[0], &r->features);
	if (err)
		event_explain(err, EVENT_CPU, error, size);
	else if (r->features.build_id && event_build_id_leaks())
		r->features.build_id = false;
	if (!err)
		err = open_rings(r, cpus, nr, error, size);
	free(cpus);
	if (!err)
		err = try_rights(r, r->o.tid ? r->o.tid : r->o.pid, error, size);
	return err ? err : open_threads(r, error, size);
}

void recorder_events_stop(struct recorder *r)
{
	for (uint32_t i = 0; i < r->nr_events; i++)
		if (r->events[i].fd >= 0)
			ioctl(r->events[i].fd, PERF_EVENT_IOC_DISABLE, 0);
}

bool recorder_events_alive(struct recorder *r)
{
	uint32_t nr = 0;

	/* Of a thread's event POLLHUP means that it and all that inherited from it are gone. */
	if (poll(r->events, r->nr_events, 0) < 0)
		return true;
	for (uint32_t i = 0; i < r->nr_events; i++)
		nr += r->events[i].fd >= 0 && !(r->events[i].revents & (POLLHUP | POLLERR));
	return nr;
}

void recorder_events_close(struct recorder *r)
{
	/* A ring stays mapped while events point at it. */
	for (uint32_t i = 0; i < r->nr_events; i++)
		if (r->events[i].fd >= 0)
			close(r->events[i].fd);
	for (uint32_t i = 0; i < r->nr_cpus; i++) {
		ring_close(&r->cpus[i].ring);
		if (r->cpus[i].owner_fd >= 0)
			close(r->cpus[i].owner_fd);
	}
	free(r->events);
	free(r->cpus);
	free(r->rings);
	free(r->tids);
	hash_fini(&r->tid_hash);
}
