/* Replay throughput of decode → collect on one core, and what a process costs in the process table.
 *
 * Records are made up as the kernel writes them with the daemon's own layout: 50 processes of 4
 * threads with the same libraries at addresses of their own, 20-frame stacks, half of them 6 kernel
 * and 14 user frames. Two loads: 1000 distinct stacks in all, and 1000 in each process, which no
 * cache of whole stacks would hold.
 *	bench_replay [SAMPLES] */
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/mem.h"
#include "collect/collect.h"
#include "perf/record.h"
#include "proc/process.h"

#define NR_PROCESSES 50
#define NR_THREADS 4
#define NR_LIBRARIES 11
#define NR_FRAMES 20
#define NR_KERNEL_FRAMES 6
#define NR_RECORDS 20000 /* in the buffer that is gone over again and again, as a ring is */
#define KERNEL_TEXT 0xffffffff81000000ull
#define LIBRARY_SIZE 0x200000ull

static const struct record_layout layout = {
	.sample_type = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID |
		       PERF_SAMPLE_TIME | PERF_SAMPLE_PERIOD | PERF_SAMPLE_CALLCHAIN,
	.sample_id_all = true,
};

static uint64_t seed = 42;

static uint32_t roll(uint32_t n)
{
	seed = seed * 6364136223846793005 + 1442695040888963407;
	return (uint32_t)((seed >> 33) % n);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static uint64_t library(uint32_t process, uint32_t i)
{
	return 0x7f0000000000 + process * 0x100000000ull + i * 2 * LIBRARY_SIZE;
}

static uint32_t pid_of(uint32_t process)
{
	return 1000 + process * 10;
}

static void *put64(void *at, uint64_t value)
{
	memcpy(at, &value, 8);
	return (char *)at + 8;
}

static void *put_header(void *at, uint32_t type, uint16_t misc, size_t size)
{
	struct perf_event_header h = { .type = type, .misc = misc, .size = (uint16_t)size };

	memcpy(at, &h, sizeof(h));
	return (char *)at + sizeof(h);
}

/* Frame I of stack STACK: the same for one stack each time. */
static uint64_t frame(uint32_t process, uint32_t stack, uint32_t i, bool kernel)
{
	uint32_t site = (stack * 31 + i * 7) % 4096;

	if (kernel)
		return KERNEL_TEXT + (stack % 64 * 16 + i) * 0x40ull;
	/* Stacks of one process have their callers in common. */
	if (i > NR_FRAMES / 2)
		site = stack % 8 * 32 + i;
	return library(process, (site + i) % NR_LIBRARIES) + 0x1000 + site * 0x10ull;
}

static size_t make_sample(void *at, uint32_t process, uint32_t stack)
{
	bool kernel = stack % 2;
	uint32_t nr_markers = kernel ? 2 : 1;
	size_t size = sizeof(struct perf_event_header) + (6 + NR_FRAMES + nr_markers) * 8;
	void *p = put_header(at, PERF_RECORD_SAMPLE,
			     kernel ? PERF_RECORD_MISC_KERNEL : PERF_RECORD_MISC_USER, size);

	p = put64(p, 1);
	p = put64(p, frame(process, stack, 0, kernel));
	p = put64(p, (uint64_t)(pid_of(process) + roll(NR_THREADS)) << 32 | pid_of(process));
	p = put64(p, 1000000000);
	p = put64(p, 20408163);
	p = put64(p, NR_FRAMES + nr_markers);
	for (uint32_t i = 0; i < NR_FRAMES; i++) {
		bool in_kernel = kernel && i < NR_KERNEL_FRAMES;

		if (!i || (kernel && i == NR_KERNEL_FRAMES))
			p = put64(p, in_kernel ? PERF_CONTEXT_KERNEL : PERF_CONTEXT_USER);
		p = put64(p, frame(process, stack, i, in_kernel));
	}
	return size;
}

static void give(struct collect *c, struct record *rec)
{
	rec->time = 1000;
	collect_record(c, rec, 0, &layout);
}

static void start_process(struct collect *c, uint32_t process)
{
	static const char name[] = "server";
	uint32_t pid = pid_of(process);
	char path[64];

	for (uint32_t i = 0; i < NR_THREADS; i++)
		give(c, &(struct record){
				.type = PERF_RECORD_FORK,
				.task = { pid, i ? pid : 1, pid + i, i ? pid : 1, 1000 } });
	give(c, &(struct record){ .type = PERF_RECORD_COMM, .comm = { pid, pid, true, name } });
	for (uint32_t i = 0; i <= NR_LIBRARIES; i++) {
		struct record rec = { .type = PERF_RECORD_MMAP2, .misc = PERF_RECORD_MISC_USER };

		snprintf(path, sizeof(path), "/usr/lib/x86_64-linux-gnu/libmodule%u.so.1.2.3", i);
		rec.mmap = (struct record_mmap){
			.pid = pid,
			.tid = pid,
			.start = library(process, i),
			.size = LIBRARY_SIZE,
			.prot = PROT_READ | PROT_EXEC,
			.filename = i < NR_LIBRARIES ? path : "[vdso]",
			.build_id_size = 20,
			.build_id = { (uint8_t)i },
		};
		give(c, &rec);
	}
}

struct load {
	uint8_t *data;
	size_t size;
};

static struct load make_load(uint32_t stacks_per_process)
{
	struct load l = { xmalloc(NR_RECORDS * 256), 0 };

	for (uint32_t i = 0; i < NR_RECORDS; i++) {
		uint32_t process = roll(NR_PROCESSES);

		l.size += make_sample(l.data + l.size, process, roll(stacks_per_process));
	}
	return l;
}

static void replay(struct collect *c, const struct load *l, uint64_t nr)
{
	size_t at = 0;

	for (uint64_t i = 0; i < nr; i++) {
		const struct perf_event_header *h = (const void *)(l->data + at);
		struct record rec;

		if (record_decode(h, h->size, &layout, &rec)) {
			collect_malformed(c);
			break;
		}
		collect_record(c, &rec, 0, &layout);
		at += h->size;
		if (at == l->size)
			at = 0;
	}
}

static void run(const char *what, uint32_t stacks_per_process, uint64_t nr)
{
	static const struct collect_kind cpu = { "cpu", "nanoseconds", 20408163, 0 };
	static const struct collect_options options = {
		.labels = LABEL_ALL, .kernel_text = KERNEL_TEXT, .host = "bench",
	};
	struct process_table *t = process_table_new();
	struct collect *c = collect_new(t, &options, NULL);
	struct load l = make_load(stacks_per_process);
	struct process_stats before, stats;
	struct profile *p;
	double start, took;
	size_t size;

	collect_add_kind(c, &cpu);
	process_table_stats(t, &before);
	for (uint32_t i = 0; i < NR_PROCESSES; i++)
		start_process(c, i);
	process_table_stats(t, &stats);
	replay(c, &l, NR_RECORDS); /* the caches are warm from here on */
	start = now();
	replay(c, &l, nr);
	took = now() - start;
	size = collect_size(c);
	start = now();
	p = collect_finish(c, 0, 1, 1);
	printf("%s: %.0f samples/s, %.0f ns a sample; window %zu KiB, ended in %.1f ms: "
	       "%u samples, %u stacks, %u locations\n",
	       what, (double)nr / took, took / (double)nr * 1e9, size >> 10, (now() - start) * 1e3,
	       p->nr_samples, p->nr_stacks, p->nr_locations);
	if (stacks_per_process * NR_PROCESSES == 1000)
		printf("process table: %zu bytes a process (%u threads, %u mappings each)\n",
		       (stats.size - before.size) / stats.nr_processes, NR_THREADS,
		       NR_LIBRARIES + 1);
	if (collect_counters(c)->records_malformed || collect_counters(c)->stacks_truncated ||
	    collect_counters(c)->samples_unmapped)
		abort(); /* the load is not what it should be */
	profile_free(p);
	collect_free(c);
	process_table_free(t);
	free(l.data);
}

int main(int argc, char **argv)
{
	uint64_t nr = argc > 1 ? strtoull(argv[1], NULL, 10) : 3000000;

	run("1000 stacks [target >= 1000000]", 1000 / NR_PROCESSES, nr);
	run("1000 stacks a process", 1000, nr);
	return 0;
}
