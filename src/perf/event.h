/* event: opening perf events (perf_event_open(2)), with the features of the running kernel found by
 * trying.
 *
 * The times of `cpu` samples: in frequency mode the kernel turns the software clock's frequency
 * into a fixed period of 10^9 / Hz ns (at least 10 µs), and every sample carries it. A tick that is
 * missed, since the CPU was taken from a virtual machine or ran with interrupts off for longer, is
 * not made up for: the samples' sum falls short of the event's own count (event_read), which is
 * exact. At 997 Hz they agree within a tick, at 10 kHz within 0.2 %, at 100 kHz half is missed. */
#ifndef PERF_EVENT_H
#define PERF_EVENT_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "perf/record.h"

/* What this kernel has, each found by opening an event. */
struct event_features {
	bool build_id;	   /* attr.build_id: MMAP2 carries build ids (5.12) */
	bool format_lost;  /* PERF_FORMAT_LOST (6.0) */
	bool clockid;	   /* attr.use_clockid with CLOCK_MONOTONIC (4.1) */
	bool cgroup;	   /* attr.cgroup and PERF_SAMPLE_CGROUP (5.7, CONFIG_CGROUP_PERF) */
	bool ksymbol;	   /* attr.ksymbol (5.1) */
	bool exclude_idle; /* accepted for the software clock */
	bool inherit_thread; /* attr.inherit_thread (5.13) */
	bool stack_user;   /* PERF_SAMPLE_STACK_USER and the registers to read it by, here x86-64's */
};

enum event_kind { EVENT_CPU, EVENT_CYCLES, EVENT_NR_KINDS };
extern const char *const event_kind_names[EVENT_NR_KINDS]; /* "cpu", "cycles" */

enum event_callchain { CALLCHAIN_NO, CALLCHAIN_YES, CALLCHAIN_USER, CALLCHAIN_KERNEL };

enum event_inherit { INHERIT_NOTHING, INHERIT_THREADS, INHERIT_CHILDREN };

struct event_options {
	enum event_kind kind;
	unsigned frequency; /* Hz */
	enum event_callchain callchain;
	bool exclude_idle;
	/* Bytes of user stack that a sample carries beside its user registers: a multiple of 8, at
	 * most 65528; 0: none. Of an event that records user callers only. */
	unsigned stack_size;
	/* A program in the kernel walks the user stack (event_set_program): the kernel need not. */
	bool walked;
	bool exclude_kernel; /* for callers without the right to the kernel's side */
	enum event_inherit inherit;
};

/* Tries what this kernel has on an event of CPU (pid −1), or of the calling thread when SELF. 0, or
 * the negative errno of the plainest event's refusal (then nothing is known). */
int event_probe(bool self, int cpu, struct event_features *f);

/* The sideband's owner: PERF_COUNT_SW_DUMMY with mmap2, comm, comm_exec, task, ksymbol, cgroup
 * where there, and the ring's watermark (bytes; who waits for it polls this descriptor alone).
 * Disabled at first. */
void event_dummy_attr(struct perf_event_attr *attr, const struct event_features *f,
		      uint32_t watermark);
/* A sampler, disabled at first; redirected into a dummy's ring by the caller. */
void event_sampler_attr(struct perf_event_attr *attr, const struct event_features *f,
			const struct event_options *o);
/* What such a program writes its records by: they have the kernel's part of CALLCHAIN, and the program's bytes as RAW.
 * Disabled at first. */
void event_output_attr(struct perf_event_attr *attr, const struct event_features *f);
/* How records of an event with ATTR are laid out. */
void event_layout(const struct perf_event_attr *attr, struct record_layout *layout);

/* perf_event_open(2), close-on-exec. When sample_freq exceeds what the kernel allows now
 * (perf_event_max_sample_rate, which it lowers by itself), *attr is lowered to that and opened
 * again. Descriptor or negative errno. */
int event_open(struct perf_event_attr *attr, int pid, int cpu, int group_fd, unsigned long flags);
int event_id(int fd, uint64_t *id);	  /* PERF_EVENT_IOC_ID */
int event_redirect(int fd, int owner_fd); /* PERF_EVENT_IOC_SET_OUTPUT */
int event_enable(int fd);
/* From now on the BPF program PROGRAM_FD sees each overflow, and decides whether there is a sample. */
int event_set_program(int fd, int program_fd);
/* The event's count, times in ns, and records it lost (0 without format_lost). By read(2) of its
 * read_format, which is the same for every event that is built here. */
struct event_count {
	uint64_t value, time_enabled, time_running, lost;
};
int event_read(int fd, const struct event_features *f, struct event_count *count);

/* In words, for the log: what errno ERR (of either sign) of opening an event means here and what to
 * do ("needs CAP_PERFMON (or kernel.perf_event_paranoid ≤ 0, now 2)", "no hardware counters here
 * (no PMU)"). Written to TEXT. */
void event_explain(int err, enum event_kind kind, char *text, size_t size);

/* CPUs that are online, ascending: parses /sys/devices/system/cpu/online ("0-3,6"). Count or
 * negative errno; *cpus is malloc'ed. event_parse_cpus is the parser, for tests. */
int event_online_cpus(int **cpus);
int event_parse_cpus(const char *text, int **cpus);

#endif
