/* asks: what collecting wants of other processes' files, gathered during a drain and asked of the opener at its end:
 * one request a process, not one a mapping. */
#ifndef DAEMON_ASKS_H
#define DAEMON_ASKS_H

#include "collect/collect.h"
#include "daemon/objects.h"
#include "opener/client.h"

struct asks;
struct java;
struct walker;
struct tables;

struct asks *asks_new(struct process_table *t, struct objects *o);
void asks_free(struct asks *a);
/* Both come after asks: they need it for their callbacks. */
void asks_set(struct asks *a, struct collect *c, struct opener_client *opener);
/* Before the first record: who is asked for pages of unwind tables. */
void asks_set_tables(struct asks *a, struct tables *t);
void asks_set_walker(struct asks *a, struct walker *w); /* is told of pages that cannot be had; NULL: nobody */
void asks_set_java(struct asks *a, struct java *j); /* is told of virtual machines that have code; NULL: nobody */

/* For collect_new. */
void asks_fill(struct asks *a, struct collect_asks *fns);
/* Sends what was gathered. */
void asks_flush(struct asks *a);
/* The number of the newest ask, and whether one up to NUMBER still waits for its answer. */
uint64_t asks_last(const struct asks *a);
bool asks_waiting(const struct asks *a, uint64_t number);
/* The opener's answer; FDS are taken. What it says of maps waits for asks_settle. */
void asks_answer(struct asks *a, const struct opener_request *request, const struct opener_answer *answer, int *fds,
		 unsigned nr);
/* All records up to HORIZON_NS have been given: the next maps that were read before that are told. False: there are none; PID's
 * they were. */
bool asks_settle(struct asks *a, uint64_t horizon_ns, uint32_t *pid);

#endif
