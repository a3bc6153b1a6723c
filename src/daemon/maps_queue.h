/* maps_queue: maps texts that have been read, and wait until all records of before that have been given. A text put in earlier
 * would say what is mapped now of samples that were taken before it was. */
#ifndef DAEMON_MAPS_QUEUE_H
#define DAEMON_MAPS_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The text of one life and image of a process. It was read between the two times (CLOCK_MONOTONIC). */
struct maps_text {
	uint64_t number; /* the ask's */
	uint32_t pid, exec_count;
	uint64_t fork_ns, asked_ns, answered_ns;
	char *text;
	size_t size;
};

struct maps_queue {
	struct maps_text *texts; /* in order of answered_ns */
	uint32_t nr, cap;
};

void maps_queue_fini(struct maps_queue *q);
/* TEXT is copied, its executable mappings alone. */
void maps_queue_add(struct maps_queue *q, const struct maps_text *text);
/* The first whose records up to HORIZON_NS are all that it waits for: OUT, whose text is the caller's to free. */
bool maps_queue_next(struct maps_queue *q, uint64_t horizon_ns, struct maps_text *out);
/* One of up to NUMBER waits. */
bool maps_queue_waiting(const struct maps_queue *q, uint64_t number);

#endif
