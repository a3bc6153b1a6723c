/* target: what the files of targets share. targets.c keeps the list and gives out the records; target_life.c begins and
 * ends each; target_events.c opens, counts and closes events, target_thread.c and target_cgroup.c say of what;
 * target_follow.c keeps the members. */
#ifndef DAEMON_TARGET_H
#define DAEMON_TARGET_H

#include "daemon/match.h"
#include "daemon/members.h"
#include "daemon/targets.h"

#define TARGET_WHY_SIZE 320

/* One thread's own events. */
struct target_entry {
	uint32_t tid, pid;
	uint32_t tag;     /* of its events: of no thread that it can have inherited from, or that from it */
	uint32_t index;   /* in the target's entries */
	bool exited;      /* the thread; what inherited from it may live */
	uint64_t gone_ns; /* POLLHUP was seen: closed when the rings have been read up to here; 0: not yet */
	uint64_t delivered; /* bit by slot: a sample has come from it */
	int fds[];        /* by slot: kind × CPUs + CPU; −1: closed, or that kind is not sampled */
};

/* One control group's events. */
struct target_group {
	uint64_t inode;
	uint64_t gone_ns; /* it was found removed: closed when the rings have been read up to here; 0: it is there */
	char *path; /* whole */
	int fds[];
};

struct target {
	struct targets *targets;
	struct config_target o;
	struct match match;
	uint32_t number;
	bool keep;
	enum config_method method;
	char why_method[TARGET_WHY_SIZE], refused[TARGET_WHY_SIZE];
	bool begun;         /* not refused */
	bool scan_groups;   /* a control group has come */

	struct {
		bool sampled;
		char why[256];
		unsigned collect, frequency;
		uint64_t nr_samples, nr_samples_told;
		struct event_count closed, told; /* counts of closed events; of all at the last targets_interval */
	} kinds[EVENT_NR_KINDS];
	unsigned nr_kinds; /* sampled */

	struct members members;
	struct target_entry **entries;
	uint32_t nr_entries, entries_cap, nr_exited, nr_gone;
	uint32_t last_tag;
	uint64_t tag_ns; /* when it was given out first: who is born later gets another */
	struct target_group **groups;
	uint32_t nr_groups, groups_cap, nr_groups_gone;
	int *cpu_fds; /* by slot; NULL: not opened */

	uint32_t nr_fds;
	uint64_t nr_samples, nr_throttled, nr_lost, nr_refused;
	uint64_t switched_ns; /* when switches were counted last */
	double switches_per_second;
	double unseen; /* as in target_status */
};

struct targets {
	struct process_table *processes;
	struct collect *collect;
	struct sampler *sampler;
	uint64_t generation; /* of the sampler's CPUs */
	unsigned nr_cpus;
	int proc_root;
	unsigned max_fds, nr_fds;
	struct target **targets; /* by number; NULL: free */
	uint32_t nr, cap;
	bool lost; /* a ring has overflowed since the last window: events' counts are worth reading */
	uint64_t swept_ns, scanned_ns;
	char group_mount[512]; /* "": not found */
	bool group_v1;
};

/* target_events.c */
unsigned target_slots(const struct target *t);
/* Opens the event of KIND on CPU of PID. The descriptor or negative errno; counts it. */
int target_open(struct target *t, enum event_kind kind, unsigned cpu, int pid, unsigned long flags, uint32_t tag);
/* Remembers its counts, closes it; *FD becomes −1. */
void target_close(struct target *t, unsigned slot, int *fd);
/* Opens the events of PID (or what FLAGS say) in all slots of FDS, or none. 0 or negative errno. */
int target_open_all(struct target *t, int pid, unsigned long flags, uint32_t tag, int *fds);
void target_close_all(struct target *t, int *fds);
/* Which of its kinds this machine has and this kernel allows, tried on ourselves. 0, or negative errno when none. */
int target_probe_kinds(struct target *t, char *why, size_t why_size);

/* target_life.c */
/* In the list, not begun. */
struct target *target_new(struct targets *all, const struct config_target *o, bool keep);
void target_free(struct target *t);
/* 0, or negative errno with words in WHY; then nothing is open. */
int target_begin(struct target *t, char *why, size_t why_size);
/* All its events are closed, and it has no members. */
void target_end(struct target *t);
/* Says once in the log and from now on in the status why something is refused. */
void target_refuse(struct target *t, const char *why);

/* target_thread.c */
/* Opens events for those threads of PID that are not members; more threads than fit are refused, all of the process.
 * The number of threads opened or negative errno, with words in WHY. */
int target_attach(struct target *t, uint32_t pid, char *why, size_t why_size);
/* A thread that was born while its parent was attached has inherited most probably. It is opened too, as far as it can be:
 * who has both is found by target_thread_sample. */
void target_attach_born(struct target *t, uint32_t pid, uint32_t tid, uint64_t born_ns);
void target_thread_exit(struct target *t, struct member *m);
/* A sample of TID came from the event tagged TAG in SLOT. False: another event of the target has counted it. */
bool target_thread_sample(struct target *t, uint32_t tid, uint32_t tag, unsigned slot);
/* Finds entries that nothing lives of: among those exited, or all. */
void target_thread_sweep(struct target *t, bool all, uint64_t now_ns);
/* Closes those found gone before HORIZON_NS. */
void target_thread_reap(struct target *t, uint64_t horizon_ns);
void target_thread_close(struct target *t);

/* target_follow.c */
/* All who match, and their children. With method thread the whole is refused when it does not fit. */
int target_scan(struct target *t, char *why, size_t why_size);
/* P, which is known to belong: its threads become members, with events where the method is thread. */
void target_take(struct target *t, struct process *p);
/* P may match now. */
void target_try(struct target *t, struct process *p);
void target_fork(struct target *t, const struct record_task *r);
void target_exit(struct target *t, const struct record_task *r);
void target_exec(struct target *t, uint32_t pid, uint64_t time_ns);
/* Members whose process the table has not any more. */
void target_forget_gone(struct target *t);
void target_count_switches(struct target *t, uint64_t now_ns);

/* target_cgroup.c */
/* Opens the events of the groups that match now, and marks those that have gone. 0; 1: not all of them, or negative errno
 * of the first refusal, with words in WHY. */
int target_groups_scan(struct target *t, char *why, size_t why_size);
/* Closes those found gone before HORIZON_NS. */
void target_groups_reap(struct target *t, uint64_t horizon_ns);
void target_groups_close(struct target *t);
/* The members are whoever runs there now, for the status alone. */
void target_groups_members(struct target *t);
void targets_find_groups(struct targets *t);

#endif
