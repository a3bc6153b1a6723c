/* process: a worker's process, as its two clients start, watch, end and replace it. */
#ifndef WORKER_PROCESS_H
#define WORKER_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/loop.h"

/* The watch's fn and ctx are the owner's; all else is this module's. */
struct worker_process {
	struct loop *loop;
	pid_t pid;               /* 0: no process */
	struct loop_watch watch; /* of its channel */
	pid_t *dying;            /* killed, not collected yet */
	uint32_t nr_dying, dying_cap;
	uint64_t nr_deaths, backoff_ns, not_before_ns;
};

void worker_process_init(struct worker_process *p, struct loop *l,
			 void (*fn)(struct loop_watch *w, uint32_t events), void *ctx);
/* Ends it. */
void worker_process_fini(struct worker_process *p);
/* It runs, if need be from now on. False: none can be started now (back-off: 10 ms … 10 s). */
bool worker_process_ready(struct worker_process *p);
/* It has died, or must: a new one comes after a pause, which doubles until one has worked. */
void worker_process_lose(struct worker_process *p);
void worker_process_worked(struct worker_process *p);
/* Time that it has computed, or would have, had it got a CPU (proc_pid_schedstat(5)): what is left
 * of its life it slept, for a disk or for us. 0 when it cannot be told. */
uint64_t worker_process_runnable_ns(const struct worker_process *p);

#endif
