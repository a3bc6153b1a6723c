#include "perf/event.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/io.h"

#define MAX_CPUS      (1 << 16)
#define MAX_FREQ_PATH "/proc/sys/kernel/perf_event_max_sample_rate"
#define PARANOID_PATH "/proc/sys/kernel/perf_event_paranoid"
#define ONLINE_PATH   "/sys/devices/system/cpu/online"
#define REGS_USER     (1U << 6 | 1U << 7 | 1U << 8) /* bp, sp, ip: asm/perf_regs.h, PERF_REG_X86_* */
#define FORMAT_LOST   (1U << 4) /* PERF_FORMAT_LOST, missing from headers before 6.0 */

const char *const event_kind_names[EVENT_NR_KINDS] = {
	[EVENT_CPU] = "cpu", [EVENT_CYCLES] = "cycles"
};

/* A short text file, NUL-terminated: 0 or negative errno. */
static int read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = io_pread(fd, text, size - 1, 0);
	close(fd);
	if (n < 0)
		return (int)n;
	text[n] = '\0';
	return 0;
}

static int read_number(const char *path, long *value)
{
	char text[32], *end;
	int err = read_text(path, text, sizeof(text));

	if (err)
		return err;
	*value = strtol(text, &end, 10);
	return end == text ? -EINVAL : 0;
}

/* What all our events have in common. Same trailers (IDENTIFIER, TID, TIME) for all that share a
 * ring. */
static void common_attr(struct perf_event_attr *attr, const struct event_features *f)
{
	*attr = (struct perf_event_attr){ .size = sizeof(*attr) };
	attr->disabled = 1;
	attr->sample_id_all = 1;
	attr->sample_type = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_TID | PERF_SAMPLE_TIME;
	attr->read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
	if (f->format_lost)
		attr->read_format |= FORMAT_LOST;
	if (f->clockid) {
		attr->use_clockid = 1;
		attr->clockid = CLOCK_MONOTONIC;
	}
	/* Or else wakeup_events would count. Of a redirected event the figure itself is not used:
	 * the ring has its owner's. */
	attr->watermark = 1;
}

void event_dummy_attr(struct perf_event_attr *attr, const struct event_features *f,
		      uint32_t watermark)
{
	common_attr(attr, f);
	attr->type = PERF_TYPE_SOFTWARE;
	attr->config = PERF_COUNT_SW_DUMMY;
	attr->wakeup_watermark = watermark;
	/* It counts nothing, so that this takes nothing from it, and lets those open it who may not
	 * see the kernel. */
	attr->exclude_kernel = 1;
	attr->mmap = 1;
	attr->mmap2 = 1;
	attr->build_id = f->build_id;
	attr->comm = 1;
	attr->comm_exec = 1;
	attr->task = 1;
	attr->ksymbol = f->ksymbol;
	attr->cgroup = f->cgroup;
}

void event_sampler_attr(struct perf_event_attr *attr, const struct event_features *f,
			const struct event_options *o)
{
	common_attr(attr, f);
	if (o->kind == EVENT_CYCLES) {
		attr->type = PERF_TYPE_HARDWARE;
		attr->config = PERF_COUNT_HW_CPU_CYCLES;
	} else {
		attr->type = PERF_TYPE_SOFTWARE;
		attr->config = PERF_COUNT_SW_CPU_CLOCK;
	}
	attr->freq = 1;
	attr->sample_freq = o->frequency;
	attr->sample_type |= PERF_SAMPLE_IP | PERF_SAMPLE_PERIOD;
	if (f->cgroup)
		attr->sample_type |= PERF_SAMPLE_CGROUP;
	if (o->callchain != CALLCHAIN_NO)
		attr->sample_type |= PERF_SAMPLE_CALLCHAIN;
	if (o->stack_size && f->stack_user &&
	    (o->callchain == CALLCHAIN_YES || o->callchain == CALLCHAIN_USER)) {
		attr->sample_type |= PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER;
		attr->sample_regs_user = REGS_USER;
		attr->sample_stack_user = o->stack_size;
	}
	attr->exclude_callchain_kernel = o->callchain == CALLCHAIN_USER;
	attr->exclude_callchain_user =
		o->callchain == CALLCHAIN_KERNEL || (o->callchain == CALLCHAIN_YES && o->walked);
	attr->exclude_idle = o->exclude_idle && f->exclude_idle;
	attr->exclude_kernel = o->exclude_kernel;
	attr->exclude_hv = o->exclude_kernel;
	attr->inherit = o->inherit != INHERIT_NOTHING;
	attr->inherit_thread = o->inherit == INHERIT_THREADS;
}

void event_output_attr(struct perf_event_attr *attr, const struct event_features *f)
{
	common_attr(attr, f);
	attr->type = PERF_TYPE_SOFTWARE;
	attr->config = PERF_COUNT_SW_BPF_OUTPUT;
	attr->sample_period = 1;
	attr->sample_type |= PERF_SAMPLE_IP | PERF_SAMPLE_CALLCHAIN | PERF_SAMPLE_RAW;
	attr->exclude_callchain_user = 1;
	if (f->cgroup)
		attr->sample_type |= PERF_SAMPLE_CGROUP;
}

void event_layout(const struct perf_event_attr *attr, struct record_layout *layout)
{
	*layout = (struct record_layout){
		.sample_type = attr->sample_type,
		.read_format = attr->read_format,
		.branch_sample_type = attr->branch_sample_type,
		.regs_user = attr->sample_regs_user,
		.regs_intr = attr->sample_regs_intr,
		.sample_id_all = attr->sample_id_all,
	};
}

static int sys_open(struct perf_event_attr *attr, int pid, int cpu, int group_fd,
		    unsigned long flags)
{
	int fd = (int)syscall(SYS_perf_event_open, attr, pid, cpu, group_fd,
			      flags | PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int event_open(struct perf_event_attr *attr, int pid, int cpu, int group_fd, unsigned long flags)
{
	int fd = sys_open(attr, pid, cpu, group_fd, flags);
	long max;

	/* More than once: the kernel may lower its limit in between. */
	for (int tries = 0; fd == -EINVAL && attr->freq && tries < 3; tries++) {
		if (read_number(MAX_FREQ_PATH, &max) || max < 1 ||
		    (uint64_t)max >= attr->sample_freq)
			break;
		attr->sample_freq = (uint64_t)max;
		fd = sys_open(attr, pid, cpu, group_fd, flags);
	}
	return fd;
}

static int try_open(struct perf_event_attr *attr, bool self, int cpu)
{
	int fd = sys_open(attr, self ? 0 : -1, self ? -1 : cpu, -1, 0);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

int event_probe(bool self, int cpu, struct event_features *f)
{
	static const struct event_options plain_clock = { .kind = EVENT_CPU,
							  .frequency = 1,
							  .exclude_kernel = true };
	struct event_features none = { 0 }, found = { 0 };
	struct perf_event_attr plain, attr;
	int err;

	event_dummy_attr(&plain, &none, 0);
	err = try_open(&plain, self, cpu);
	if (err)
		return err;
	attr = plain;
	attr.build_id = 1;
	found.build_id = !try_open(&attr, self, cpu);
	attr = plain;
	attr.read_format |= FORMAT_LOST;
	found.format_lost = !try_open(&attr, self, cpu);
	attr = plain;
	attr.use_clockid = 1;
	attr.clockid = CLOCK_MONOTONIC;
	found.clockid = !try_open(&attr, self, cpu);
	attr = plain;
	attr.cgroup = 1;
	attr.sample_type |= PERF_SAMPLE_CGROUP;
	found.cgroup = !try_open(&attr, self, cpu);
	attr = plain;
	attr.ksymbol = 1;
	found.ksymbol = !try_open(&attr, self, cpu);
	event_sampler_attr(&attr, &none, &plain_clock);
	attr.exclude_idle = 1;
	found.exclude_idle = !try_open(&attr, self, cpu);
	attr = plain;
	attr.inherit = 1;
	attr.inherit_thread = 1;
	found.inherit_thread = !try_open(&attr, self, cpu);
	event_sampler_attr(&attr, &(struct event_features){ .stack_user = true },
			   &(struct event_options){ .kind = EVENT_CPU,
						    .frequency = 1,
						    .callchain = CALLCHAIN_USER,
						    .stack_size = 8,
						    .exclude_kernel = true });
	found.stack_user = !try_open(&attr, self, cpu);
	*f = found;
	return 0;
}

int event_id(int fd, uint64_t *id)
{
	return ioctl(fd, PERF_EVENT_IOC_ID, id) ? -errno : 0;
}

int event_redirect(int fd, int owner_fd)
{
	return ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, owner_fd) ? -errno : 0;
}

int event_enable(int fd)
{
	return ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) ? -errno : 0;
}

int event_set_program(int fd, int program_fd)
{
	return ioctl(fd, PERF_EVENT_IOC_SET_BPF, program_fd) ? -errno : 0;
}

int event_read(int fd, const struct event_features *f, struct event_count *count)
{
	struct event_count c = { 0 };
	size_t want = f->format_lost ? sizeof(c) : offsetof(struct event_count, lost);
	ssize_t n = read(fd, &c, want);

	if (n < 0)
		return -errno;
	if ((size_t)n != want) /* 0: an event of a group that is in error state */
		return -EIO;
	*count = c;
	return 0;
}

static void explain_rights(char *text, size_t size)
{
	long paranoid;

	if (read_number(PARANOID_PATH, &paranoid))
		snprintf(text, size, "needs CAP_PERFMON");
	else
		snprintf(text, size,
			 "needs CAP_PERFMON (or kernel.perf_event_paranoid ≤ 0, now %ld)",
			 paranoid);
}

static void explain_descriptors(char *text, size_t size)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		snprintf(text, size, "out of descriptors");
	else
		snprintf(text, size, "out of descriptors (RLIMIT_NOFILE is %llu)",
			 (unsigned long long)limit.rlim_cur);
}

void event_explain(int err, enum event_kind kind, char *text, size_t size)
{
	switch (err < 0 ? -err : err) {
	case EACCES:
	case EPERM:
		explain_rights(text, size);
		break;
	case ENOENT:
	case EOPNOTSUPP:
		if (kind == EVENT_CYCLES)
			snprintf(text, size, "no hardware counters here (no PMU)");
		else
			snprintf(text, size, "this kernel has no such event");
		break;
	case EMFILE:
		explain_descriptors(text, size);
		break;
	case ENFILE:
		snprintf(text, size, "the system is out of descriptors (fs.file-max)");
		break;
	case ENOSPC:
		snprintf(text, size, "no free hardware counter");
		break;
	case EBUSY:
		snprintf(text, size, "another user of the PMU holds it for itself");
		break;
	case EINVAL:
		snprintf(text, size,
			 "the kernel refuses the event's attributes (frequency above "
			 "kernel.perf_event_max_sample_rate, or a kernel older than 5.8)");
		break;
	case ENODEV:
	case ENXIO:
		snprintf(text, size, "the CPU is offline");
		break;
	case ESRCH:
		snprintf(text, size, "the thread is gone");
		break;
	case ENOSYS:
		snprintf(text, size,
			 "this kernel has no perf events (CONFIG_PERF_EVENTS), or a filter hides "
			 "them");
		break;
	default:
		snprintf(text, size, "%s", strerror(err < 0 ? -err : err));
	}
}

/* A decimal below MAX_CPUS: *end moves past it; −1 when there is none. */
static int parse_cpu(const char **pos)
{
	const char *p = *pos;
	int cpu = 0;

	if (*p < '0' || *p > '9')
		return -1;
	for (; *p >= '0' && *p <= '9'; p++) {
		cpu = cpu * 10 + (*p - '0');
		if (cpu >= MAX_CPUS)
			return -1;
	}
	*pos = p;
	return cpu;
}

int event_parse_cpus(const char *text, int **cpus)
{
	uint32_t nr = 0, cap = 0;
	int *list = NULL, first, last = -1;

	for (const char *p = text;; p++) {
		int before = last;

		first = last = parse_cpu(&p);
		if (*p == '-' && first >= 0) {
			p++;
			last = parse_cpu(&p);
		}
		if (first <= before || last < first)
			break;
		for (int cpu = first; cpu <= last; cpu++)
			*array_push(list, nr, cap) = cpu;
		if (*p == '\0' || !strcmp(p, "\n")) {
			*cpus = list;
			return (int)nr;
		}
		if (*p != ',')
			break;
	}
	free(list);
	return -EINVAL;
}

int event_online_cpus(int **cpus)
{
	char text[8192]; /* a sysfs file is a page at most */
	int err = read_text(ONLINE_PATH, text, sizeof(text));

	return err ? err : event_parse_cpus(text, cpus);
}
