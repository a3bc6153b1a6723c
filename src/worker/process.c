#include "worker/process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/channel.h"
#include "base/child.h"
#include "base/log.h"

#define BACKOFF_MIN_NS 10000000u
#define BACKOFF_MAX_NS 10000000000u

static uint64_t now_ns(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) < 0)
		return 0;
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

void worker_process_init(struct worker_process *p, struct loop *l,
			 void (*fn)(struct loop_watch *w, uint32_t events), void *ctx)
{
	*p = (struct worker_process){ .loop = l, .watch = { .fn = fn, .ctx = ctx, .fd = -1 } };
}

static void collect(struct worker_process *p)
{
	for (uint32_t i = 0; i < p->nr_dying;) {
		if (child_reap(p->dying[i]))
			p->dying[i] = p->dying[--p->nr_dying];
		else
			i++;
	}
}

/* One that waits for a disk dies when the disk has answered: nobody waits for it here. */
static void end(struct worker_process *p)
{
	if (!p->pid)
		return;
	loop_del(p->loop, &p->watch);
	close(p->watch.fd);
	p->watch.fd = -1;
	kill(p->pid, SIGKILL);
	*array_push(p->dying, p->nr_dying, p->dying_cap) = p->pid;
	p->pid = 0;
	collect(p);
}

void worker_process_fini(struct worker_process *p)
{
	end(p);
	free(p->dying);
}

static int start(struct worker_process *p)
{
	int pair[2], err = channel_pair(pair);
	pid_t pid;

	if (err)
		return err;
	pid = child_start("--worker", pair[1], 0);
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return pid;
	}
	p->pid = pid;
	p->watch.fd = pair[0];
	err = loop_add(p->loop, &p->watch, EPOLLIN);
	if (err)
		end(p);
	return err;
}

bool worker_process_ready(struct worker_process *p)
{
	uint64_t now = now_ns();
	int err;

	collect(p);
	if (p->pid)
		return true;
	if (now < p->not_before_ns)
		return false;
	err = start(p);
	if (err) {
		errno = -err;
		log_warn("worker: start");
		p->not_before_ns = now + BACKOFF_MAX_NS / 10;
	}
	return !err;
}

void worker_process_lose(struct worker_process *p)
{
	end(p);
	p->nr_deaths++;
	p->backoff_ns = p->backoff_ns ? 2 * p->backoff_ns : BACKOFF_MIN_NS;
	if (p->backoff_ns > BACKOFF_MAX_NS)
		p->backoff_ns = BACKOFF_MAX_NS;
	p->not_before_ns = now_ns() + p->backoff_ns;
}

void worker_process_worked(struct worker_process *p)
{
	p->backoff_ns = 0;
}

uint64_t worker_process_runnable_ns(const struct worker_process *p)
{
	unsigned long long on_cpu, queued;
	uint64_t ns = 0;
	char path[32];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", p->pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%llu %llu", &on_cpu, &queued) == 2)
		ns = on_cpu + queued;
	fclose(f);
	return ns;
}
