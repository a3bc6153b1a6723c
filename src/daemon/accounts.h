/* accounts: what each thread did in the window that ended last: the CPU time that was sampled, beside the time that the
 * kernel's own clock says (schedstat), so that each can be checked against the other.
 *
 * The kernel's clocks are read for the threads with most samples, a few at a time from the loop, right after the window's
 * end. A clock must have been read at the window's beginning too: a thread's first window in the table has none, unless
 * it was born in it. */
#ifndef DAEMON_ACCOUNTS_H
#define DAEMON_ACCOUNTS_H

#include <stdint.h>

#include "base/loop.h"
#include "control/server.h"
#include "profile/profile.h"

#define ACCOUNTS_ROWS_MAX 512 /* threads; the others are added up */
#define ACCOUNTS_CLOCKS_MAX 1024

struct accounts;

/* PROC_FD: a descriptor of /proc, the caller's. */
struct accounts *accounts_new(struct loop *l, int proc_fd);
void accounts_free(struct accounts *a);
/* A window has ended: P is a profile of it with CPU times. Of several that saw a thread the largest counts: they are of
 * the same time. Threads are told apart by the labels pid and tid. */
void accounts_add(struct accounts *a, const struct profile *p);
/* All profiles have been added. START: seconds, CLOCK_REALTIME. */
void accounts_end(struct accounts *a, int64_t start, uint64_t window_ns);
/* The table, as lines of an answer: "thread=PID TID STATE SAMPLED_NS KERNEL_NS RSS" (KERNEL_NS "-": not known; STATE 'X':
 * it has exited), then its "comm=", "thread_comm=" and "unit=". */
void accounts_answer(const struct accounts *a, struct control_client *c);

#endif
