/* recorder: samples a process, a thread or a command in the caller's own process and with the
 * caller's rights, no daemon needed: for `pprofctl record --standalone`.
 *
 * One event per thread and CPU, with `inherit`: what the threads start is sampled from its first
 * instruction on. Each is redirected into its CPU's ring, which a dummy event on our own thread
 * owns, so that no right over the CPU is needed; the events themselves carry the sideband of their
 * threads. Files are opened by /proc/PID/map_files or by path, when a sample first hits them. */
#ifndef REPLAY_RECORDER_H
#define REPLAY_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "perf/event.h"
#include "profile/profile.h"

struct recorder;

struct recorder_options {
	enum event_kind kind;
	unsigned frequency;
	enum event_callchain callchain;
	uint32_t pid;    /* whose threads */
	uint32_t tid;    /* only this one of PID's, and nothing that it starts; 0: all */
	bool on_exec;    /* PID sleeps in our own code: sampling begins when it calls execve(2) */
	const char *host; /* clean text */
};

struct recorder_status {
	uint64_t nr_samples, nr_lost, nr_malformed;
	unsigned frequency;  /* as opened; the kernel may allow less than was asked */
	unsigned nr_threads; /* opened; inherited ones are not counted */
	bool no_kernel;      /* the caller may not see the kernel's side: it is left out */
	size_t size;         /* bytes held of the profile */
};

/* Opens everything, running at once unless ON_EXEC. 0; negative errno with a sentence in ERROR. */
int recorder_new(struct recorder **out, const struct recorder_options *o, char *error,
		 size_t error_size);
void recorder_free(struct recorder *r);

/* Waits until a ring is half full, FD (-1: none) is readable or TIMEOUT_MS have passed, then takes
 * what the rings hold. 0 or negative errno of waiting. */
int recorder_step(struct recorder *r, int fd, int timeout_ms);
/* Every thread has gone, and all that they started. */
bool recorder_over(struct recorder *r);
void recorder_status(const struct recorder *r, struct recorder_status *s);

/* Stops, takes the rest and gives names. *OUT is the caller's; NULL when there was no sample. Once
 * only. 0 or negative errno of nothing but the kernel's symbols, which are then missing. */
int recorder_finish(struct recorder *r, struct profile **out);

#endif
