/* loop: one epoll loop; what it watches lives in its owner. Callbacks may add and remove watches, their own and
 * others'. */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;

/* Embedded in its owner; fn and ctx are set by the owner, the rest by the loop. */
struct loop_watch {
	void (*fn)(struct loop_watch *w, uint32_t events); /* EPOLLIN … */
	void *ctx;
	int fd; /* owner's; -1: not watched */
};

struct loop_timer {
	struct loop_watch watch; /* the timerfd */
	void (*fn)(struct loop_timer *t);
	void *ctx;
};

int loop_new(struct loop **out); /* 0 or negative errno */
void loop_free(struct loop *l);

int loop_add(struct loop *l, struct loop_watch *w, uint32_t events);
int loop_mod(struct loop *l, struct loop_watch *w, uint32_t events);
void loop_del(struct loop *l, struct loop_watch *w); /* before fd is closed; harmless when not watched */

/* A timerfd on CLOCK (CLOCK_MONOTONIC or CLOCK_REALTIME; a step of the latter also calls fn). Unarmed at first. */
int loop_timer_init(struct loop *l, struct loop_timer *t, int clock);
void loop_timer_fini(struct loop *l, struct loop_timer *t);
/* First call at WHEN_NS of the timer's clock, absolute (0: disarm), then every EVERY_NS (0: once). */
void loop_timer_at(struct loop_timer *t, uint64_t when_ns, uint64_t every_ns);
void loop_timer_in(struct loop_timer *t, uint64_t delay_ns, uint64_t every_ns); /* relative to now */

/* Waits at most TIMEOUT_MS (-1: for ever) and calls what is ready. 0 or negative errno. */
int loop_step(struct loop *l, int timeout_ms);

#endif
