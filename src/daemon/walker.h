/* walker: the walk of stacks in the kernel, as the daemon goes about it. The kernel walks the stacks of processes that it
 * has been told of; a sample of another, or one that meets what is not there yet, comes with a copy of its stack. That is
 * how we learn what to tell: whoever is not sampled costs nothing. */
#ifndef DAEMON_WALKER_H
#define DAEMON_WALKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proc/process.h"
#include "unwind/mirror.h"

struct walker;

struct walker_options {
	size_t tables_size; /* of UnwindCacheSize= */
	size_t stack_size; /* of copies */
};

/* T is watched and P read as long as it lives. 0, or negative errno with words in WHY. */
int walker_new(struct walker **out, struct process_table *p, struct unwind_tables *t, const struct walker_options *o,
	       char *why, size_t why_size);
void walker_free(struct walker *w);

/* A sample of P was not walked in the kernel, or by an image that P has not any more. */
void walker_look(struct walker *w, struct process *p);
/* As mirror_fail. */
void walker_fail(struct walker *w, uint32_t object, uint64_t offset);
/* After each drain. */
void walker_tick(struct walker *w, uint64_t now_ns);

/* For the sampler. The ring of CPU is open and takes records by the BPF_OUTPUT event FD; −1: no more. 0 or negative
 * errno. */
int walker_cpu(struct walker *w, unsigned cpu, int fd, size_t ring_size);
/* Attaches the walk to the event FD; its records will say SOURCE. 0 or negative errno. */
int walker_attach(struct walker *w, uint32_t source, int fd);
/* No event will be attached as SOURCE any more. */
void walker_detach(struct walker *w, uint32_t source);
/* Copies that CPU's ring has been given, or will be; and has been read of (a record each). */
uint64_t walker_copies_made(struct walker *w, unsigned cpu);
void walker_copy_read(struct walker *w, unsigned cpu);
/* All up to the MADE-th have been read, or will not come. */
void walker_copies_read(struct walker *w, unsigned cpu, uint64_t made);

struct walker_status {
	struct mirror_stats mirror;
	size_t size; /* bytes shared with the kernel */
	uint64_t nr_walked, nr_copied, nr_refused; /* samples; refused: copies for which there was no room */
};
void walker_status(struct walker *w, struct walker_status *s);

#endif
