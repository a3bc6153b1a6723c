#include "replay/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/text.h"
#include "replay/recorder_impl.h"

#define HORIZON_NS 20000000ull /* a record may come this much later than its time says */
#define POLL_FDS 1025

uint64_t recorder_clock(int clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* --- Records --- */

static uint64_t time_of(void *ctx, const void *record, size_t size)
{
	const struct recorder *r = ctx;

	return record_time(record, size, &r->layout);
}

/* An image's own file is the first that execve(2) maps. */
static void note_exe(struct recorder *r, const struct record *rec)
{
	if (rec->type == PERF_RECORD_COMM && rec->comm.exec && rec->comm.pid == r->o.pid) {
		r->exe_follows = true;
	} else if (rec->type == PERF_RECORD_MMAP2 && rec->mmap.pid == r->o.pid && r->exe_follows) {
		r->exe_follows = false;
		text_clean(r->exe, sizeof(r->exe), rec->mmap.filename,
			   strlen(rec->mmap.filename));
	}
}

static void given(void *ctx, unsigned ring, const void *data, size_t size, uint64_t time)
{
	struct recorder *r = ctx;
	struct record rec;
	int err = record_decode(data, size, &r->layout, &rec);

	if (err) {
		if (err == -EBADMSG)
			collect_malformed(r->collect);
		return;
	}
	if (rec.type == PERF_RECORD_FORK && !r->o.tid)
		recorder_know(r, rec.task.tid);
	note_exe(r, &rec);
	r->nr_samples += rec.type == PERF_RECORD_SAMPLE;
	collect_record(r->collect, &rec, r->kind, &r->layout);
}

void recorder_drain(struct recorder *r, bool all)
{
	uint64_t now = recorder_clock(CLOCK_MONOTONIC);
	uint64_t horizon = all || !r->features.clockid ? UINT64_MAX : now - HORIZON_NS;

	for (uint32_t i = 0; i < r->nr_cpus; i++)
		ring_begin(r->rings[i]);
	merge_drain(r->merge, r->rings, r->nr_cpus, horizon, time_of, given, r);
	recorder_world_answer(r);
	collect_tick(r->collect, horizon == UINT64_MAX ? now - HORIZON_NS : horizon);
	recorder_world_answer(r);
}

int recorder_step(struct recorder *r, int fd, int timeout_ms)
{
	struct pollfd polled[POLL_FDS] = { { .fd = fd, .events = POLLIN } };
	nfds_t nr = 1;

	/* Owners alone: a wake-up is told once, to whichever event of the ring is asked first. */
	for (uint32_t i = 0; i < r->nr_cpus && nr < POLL_FDS; i++)
		polled[nr++] = (struct pollfd){ .fd = r->cpus[i].owner_fd, .events = POLLIN };
	if (poll(polled, nr, timeout_ms) < 0 && errno != EINTR)
		return -errno;
	recorder_drain(r, false);
	return 0;
}

bool recorder_over(struct recorder *r)
{
	return !recorder_events_alive(r);
}

void recorder_status(const struct recorder *r, struct recorder_status *s)
{
	const struct counters *n = collect_counters(r->collect);

	*s = (struct recorder_status){
		.nr_samples = r->nr_samples,
		.nr_lost = n->lost,
		.nr_malformed = n->records_malformed,
		.frequency = (unsigned)r->attr.sample_freq,
		.nr_threads = r->nr_threads,
		.no_kernel = r->attr.exclude_kernel,
		.size = collect_size(r->collect),
	};
}

/* --- The beginning --- */

static uint32_t max_stack(void)
{
	char text[16] = "";
	FILE *f = fopen("/proc/sys/kernel/perf_event_max_stack", "re");

	if (f) {
		if (!fgets(text, sizeof(text), f))
			text[0] = 0;
		fclose(f);
	}
	return (uint32_t)strtoul(text, NULL, 10);
}

static void start_collecting(struct recorder *r)
{
	char build_id[41] = "";
	uint8_t id[20];
	uint8_t size = replay_kernel_build_id(id);
	struct collect_asks asks;

	for (unsigned i = 0; i < size; i++)
		snprintf(build_id + 2 * i, 3, "%02x", id[i]);
	recorder_world_asks(r, &asks);
	r->processes = process_table_new();
	r->collect = collect_new(r->processes, &(struct collect_options){
		.labels = LABEL_ALL,
		.exclude_idle = true,
		.max_stack = max_stack(),
		.kernel_build_id = build_id,
		.host = r->o.host,
	}, &asks);
	r->kind = collect_add_kind(r->collect, &(struct collect_kind){
		.name = event_kind_names[r->o.kind],
		.unit = r->o.kind == EVENT_CPU ? "nanoseconds" : "count",
		/* Nominal; of cycles it is the kernel's to choose. */
		.period = r->o.kind == EVENT_CPU ? 1000000000 / (int64_t)r->o.frequency : 1,
	});
}

int recorder_new(struct recorder **out, const struct recorder_options *o, char *error, size_t size)
{
	struct recorder *r = xcalloc(1, sizeof(*r));
	int err;

	r->o = *o;
	r->merge = merge_new();
	recorder_world_open(r);
	start_collecting(r);
	recorder_world_scan(r);
	r->start_ns = recorder_clock(CLOCK_MONOTONIC);
	r->start_real_ns = (int64_t)recorder_clock(CLOCK_REALTIME);
	err = recorder_events_open(r, error, size);
	if (err) {
		recorder_free(r);
		return err;
	}
	if (!o->on_exec)
		recorder_world_exe(r);
	*out = r;
	return 0;
}

void recorder_free(struct recorder *r)
{
	if (!r)
		return;
	recorder_events_close(r);
	merge_free(r->merge);
	collect_free(r->collect);
	process_table_free(r->processes);
	recorder_world_close(r);
	free(r);
}

/* --- The end --- */

/* Readers call a profile by its first mapping: that of the recorded program. Where no sample is in
 * it, the host's, which has no addresses, takes its name. */
static void name_profile_by(struct profile *p, const char *exe)
{
	if (!*exe)
		return;
	for (uint32_t i = 1; i < p->nr_mappings; i++)
		if (!strcmp(profile_str(p, p->mappings[i].filename), exe)) {
			profile_first_mapping(p, i);
			return;
		}
	p->mappings[0].filename = profile_string(p, exe);
}

static int give_names(struct recorder *r, struct profile *p)
{
	const struct replay_options here = { .debug_path = REPLAY_DEBUG_PATH };
	struct replay_names names = { .o = &here, .files = r->files };
	struct symbolizer *s = symbolizer_new(SYMBOLS_SIZE);
	int fd = r->attr.exclude_kernel ? -1 : open("/proc/kallsyms", O_RDONLY | O_CLOEXEC), err;

	err = symbolizer_set_kernel(s, fd, false, 0);
	if (fd >= 0)
		close(fd);
	replay_number_objects(p);
	symbolizer_set_debug(s, &(struct symbolize_debug){ .want = replay_debug_want, .ctx = &names });
	symbolize(s, p, r->files.objects, r->files.nr_objects, NULL, NULL, NULL);
	symbolizer_free(s);
	return err;
}

int recorder_finish(struct recorder *r, struct profile **out)
{
	int64_t duration = (int64_t)(recorder_clock(CLOCK_MONOTONIC) - r->start_ns);
	struct profile *p;
	int err;

	recorder_events_stop(r);
	recorder_drain(r, true);
	collect_flush(r->collect);
	recorder_world_answer(r);
	p = collect_finish(r->collect, r->kind, r->start_real_ns, duration);
	if (!p) {
		*out = NULL;
		return 0;
	}
	name_profile_by(p, r->exe);
	err = give_names(r, p);
	*out = p;
	return err;
}
