/* recorder's inside: recorder.c is its life, recorder_events.c opens, recorder_world.c answers what
 * collecting asks about processes and files. */
#ifndef REPLAY_RECORDER_IMPL_H
#define REPLAY_RECORDER_IMPL_H

#include <poll.h>

#include "base/buf.h"
#include "base/hash.h"
#include "collect/collect.h"
#include "perf/merge.h"
#include "perf/ring.h"
#include "replay/impl.h"
#include "replay/recorder.h"

struct recorder_cpu {
	int cpu, owner_fd;
	struct ring ring;
};

/* An answer to one of collect's questions, given after the record that made it ask. */
struct recorder_answer {
	bool maps;
	uint32_t pid, exec_count, object;
	uint64_t fork_ns, start, file_key, time_ns;
};

struct recorder {
	struct recorder_options o;
	struct event_features features;
	struct perf_event_attr attr; /* of the samplers */
	struct record_layout layout;

	struct recorder_cpu *cpus;
	struct ring **rings;
	uint32_t nr_cpus;
	size_t ring_size;
	struct pollfd *events; /* the threads' events; fd −1: its thread has gone */
	uint32_t nr_events, events_cap;
	uint32_t *tids; /* opened, or born under our eyes */
	uint32_t nr_tids, tids_cap;
	struct hash tid_hash;
	unsigned nr_threads;

	struct merge *merge;
	struct process_table *processes;
	struct collect *collect;
	unsigned kind;
	uint64_t nr_samples, start_ns;
	int64_t start_real_ns;
	char exe[4096]; /* of the process, "" while not known */
	bool exe_follows; /* it has called execve(2) */

	int proc_fd;
	struct replay_files files;
	struct recorder_answer *answers;
	uint32_t nr_answers, answers_cap;
	struct buf text;
};

uint64_t recorder_clock(int clock);
/* Takes what the rings hold, up to the horizon, or with ALL to their ends. */
void recorder_drain(struct recorder *r, bool all);

/* recorder_events.c. Errors as in recorder_new. */
int recorder_events_open(struct recorder *r, char *error, size_t error_size);
void recorder_events_close(struct recorder *r);
void recorder_events_stop(struct recorder *r);
/* Closes what belongs to threads that have gone; whether any is left. */
bool recorder_events_alive(struct recorder *r);
bool recorder_knows(const struct recorder *r, uint32_t tid);
void recorder_know(struct recorder *r, uint32_t tid);

/* recorder_world.c */
void recorder_world_open(struct recorder *r);
void recorder_world_close(struct recorder *r);
void recorder_world_asks(struct recorder *r, struct collect_asks *asks);
void recorder_world_answer(struct recorder *r);
/* Puts PID and its threads, which were there before us, into the table. */
void recorder_world_scan(struct recorder *r);
/* Learns what the recorded process runs. */
void recorder_world_exe(struct recorder *r);

#endif
