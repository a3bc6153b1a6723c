/* walkers: both walkers on the same samples. Runs a command and samples it with the walk in the kernel attached.
 *
 *	walkers agree SECONDS COMMAND…	each sample is walked in the kernel and copied besides; the copy is walked here, by
 *					the same tables, and must give the same frames as far as it reaches
 *	walkers cost SECONDS HZ COMMAND…	what the walk in the kernel takes: "METRIC VALUE UNIT" lines
 *
 * Exit 0: they agree; 1: they do not, or there are too few samples; 77: not possible here, and why. */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/walker_load.h"
#include "object/cfi.h"
#include "object/elf.h"
#include "perf/event.h"
#include "perf/ring.h"
#include "unwind/compact.h"
#include "unwind/mirror.h"

#define CPUS_MAX 256
#define RING_SIZE (4u << 20)
#define MAPS_MAX 512
#define STACK_SIZE 32768
#define FIRST_OBJECT 3
#define SAMPLES_MIN 50
#define PATIENCE_S 60

struct cpu {
	int owner, output, sampler;
	struct ring ring;
	/* The walk in the kernel that the copy belongs to which comes next. */
	struct unwind_walk walk;
	struct unwind_compact_info info;
	bool has_walk;
};

struct world {
	struct walker_load *load;
	struct unwind_tables *tables;
	struct unwind_mirror *mirror;
	struct unwinder *unwinder;
	struct mirror_map maps[MAPS_MAX];
	uint32_t nr_maps, serial;
	char *objects[MAPS_MAX];
	uint32_t nr_objects;
	struct cpu cpus[CPUS_MAX];
	int nr_cpus;
	struct event_features features;
	struct record_layout output_layout, sampler_layout;
	uint64_t output_ids[CPUS_MAX];
	uint32_t nr_same, nr_prefix, nr_different, nr_unpaired;
	uint64_t nr_walked, nr_frames, nr_bytes, nr_whole, nr_copied;
};

static int unable(const char *what, int err)
{
	printf("# %s: %s\n", what, strerror(-err));
	return 77;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- What is mapped --- */

static void compile(struct world *w, const struct mirror_map *m, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct unwind_page page;
	struct elf *e = NULL;
	struct cfi *c = NULL;

	if (fd >= 0 && !elf_open(&e, fd) && !cfi_open(&c, e, NULL))
		for (uint64_t at = m->pgoff & ~(UNWIND_PAGE_SIZE - 1); at < m->pgoff + (m->end - m->start);
		     at += UNWIND_PAGE_SIZE)
			if (!cfi_page(c, at, &page))
				unwind_tables_add(w->tables, m->object, &page);
	cfi_close(c);
	elf_close(e);
	if (fd >= 0)
		close(fd);
}

/* The number of what is mapped from PATH at PGOFF, compiled when it is new. */
static uint32_t object_of(struct world *w, const struct mirror_map *m, const char *path)
{
	struct mirror_map with = *m;
	char name[4352];
	uint32_t i;

	snprintf(name, sizeof(name), "%llx %s", (unsigned long long)m->pgoff, path);
	for (i = 0; i < w->nr_objects; i++)
		if (!strcmp(w->objects[i], name))
			return FIRST_OBJECT + i;
	if (i == MAPS_MAX)
		return FIRST_OBJECT + MAPS_MAX; /* never compiled */
	w->objects[w->nr_objects++] = strdup(name);
	with.object = FIRST_OBJECT + i;
	compile(w, &with, path);
	return with.object;
}

/* The executable mappings of PID. */
static int read_maps(struct world *w, pid_t pid)
{
	char name[64], line[4096], perms[8], path[2048];
	unsigned long long start, end, pgoff;
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%d/maps", (int)pid);
	f = fopen(name, "re");
	if (!f)
		return -errno;
	w->nr_maps = 0;
	while (fgets(line, sizeof(line), f) && w->nr_maps < MAPS_MAX) {
		struct mirror_map *m = &w->maps[w->nr_maps];

		path[0] = 0;
		if (sscanf(line, "%llx-%llx %7s %llx %*s %*s %2047[^\n]", &start, &end, perms, &pgoff, path) < 4 ||
		    perms[2] != 'x' || start >> 63)
			continue;
		*m = (struct mirror_map){ .start = start, .end = end, .pgoff = pgoff, .kind = UNWIND_KMAP_FILELESS };
		if (path[0] == '/') {
			m->kind = UNWIND_KMAP_TABLES;
			m->object = object_of(w, m, path);
		} else if (path[0] == '[') {
			m->kind = UNWIND_KMAP_NEVER;
		}
		w->nr_maps++;
	}
	fclose(f);
	mirror_tick(w->mirror, (uint64_t)(now() * 1e9));
	return mirror_put(w->mirror, (uint32_t)pid, ++w->serial, w->maps, w->nr_maps) ? 0 : -ENOSPC;
}

static void find(void *ctx, uint64_t address, struct unwind_code *code)
{
	const struct world *w = ctx;

	*code = (struct unwind_code){ .kind = UNWIND_CODE_UNMAPPED };
	for (uint32_t i = 0; i < w->nr_maps; i++) {
		const struct mirror_map *m = &w->maps[i];

		if (address < m->start || address >= m->end)
			continue;
		code->kind = m->kind == UNWIND_KMAP_TABLES ? UNWIND_CODE_OBJECT :
			     m->kind == UNWIND_KMAP_NEVER  ? UNWIND_CODE_UNKNOWN :
							     UNWIND_CODE_FILELESS;
		code->object = m->object;
		code->bias = m->start - m->pgoff;
	}
}

/* --- Samples --- */

static void compare(struct world *w, struct cpu *c, const struct record_sample *s)
{
	static struct unwind_walk walk;
	struct unwind_space space = { .serial = w->serial, .ctx = w, .find = find };
	const uint64_t *regs = s->regs; /* bp, sp, ip */
	struct unwind_regs at;
	uint32_t nr;
	bool same;

	memcpy(&at.fp, regs, 8);
	memcpy(&at.sp, regs + 1, 8);
	memcpy(&at.ip, regs + 2, 8);
	unwind_stack(w->unwinder, &space, &at, s->stack, s->stack_size, &walk);
	nr = walk.nr < c->walk.nr ? walk.nr : c->walk.nr;
	same = !memcmp(walk.addresses, c->walk.addresses, nr * sizeof(walk.addresses[0]));
	if (same && walk.nr == c->walk.nr && walk.stop == c->walk.stop && walk.nr_guessed == c->walk.nr_guessed) {
		w->nr_same++;
	} else if (same && nr == walk.nr && (walk.stop == UNWIND_STOP_SHORT || walk.stop == UNWIND_STOP_SWITCHED)) {
		w->nr_prefix++;
	} else if (c->info.ask) {
		w->nr_copied++; /* mapped since we looked */
	} else {
		if (!w->nr_different++)
			for (uint32_t i = 0; i < walk.nr || i < c->walk.nr; i++)
				printf("# %3u: here %016llx, kernel %016llx\n", i,
				       i < walk.nr ? (unsigned long long)walk.addresses[i] : 0,
				       i < c->walk.nr ? (unsigned long long)c->walk.addresses[i] : 0);
		printf("# here %u frames: %s; kernel %u frames: %s\n", walk.nr, unwind_stop_text[walk.stop], c->walk.nr,
		       unwind_stop_text[c->walk.stop]);
	}
}

static void take(struct world *w, int cpu, const void *data, size_t size)
{
	struct cpu *c = &w->cpus[cpu];
	struct record rec;
	uint64_t id;

	if (((const struct perf_event_header *)data)->type != PERF_RECORD_SAMPLE ||
	    !record_id(data, size, &w->sampler_layout, &id))
		return;
	if (id == w->output_ids[cpu]) {
		c->has_walk = !record_decode(data, size, &w->output_layout, &rec) &&
			      !unwind_compact_read(rec.sample.raw, rec.sample.raw_size, &c->walk, &c->info) &&
			      !c->info.chain;
		w->nr_walked += c->has_walk;
		w->nr_whole += c->has_walk && c->walk.stop == UNWIND_STOP_COMPLETE;
		w->nr_frames += c->has_walk ? c->walk.nr : 0;
		w->nr_bytes += c->has_walk ? size : 0;
		return;
	}
	if (record_decode(data, size, &w->sampler_layout, &rec) || rec.sample.regs_abi != PERF_SAMPLE_REGS_ABI_64)
		return;
	if (c->has_walk)
		compare(w, c, &rec.sample);
	else
		w->nr_unpaired++;
	c->has_walk = false;
}

static void drain(struct world *w)
{
	for (int i = 0; i < w->nr_cpus; i++) {
		struct ring *r = &w->cpus[i].ring;
		const void *data;
		uint64_t pos;
		size_t size;

		ring_begin(r);
		while ((data = ring_next(r, &size, &pos)))
			take(w, i, data, size);
		ring_release(r, r->next);
	}
}

/* --- Events --- */

static int open_cpu(struct world *w, int i, int cpu, pid_t pid, unsigned hz, int program)
{
	struct event_options o = { .kind = EVENT_CPU, .frequency = hz, .callchain = CALLCHAIN_YES, .walked = true,
				   .stack_size = STACK_SIZE, .exclude_idle = true, .inherit = INHERIT_THREADS };
	struct unwind_kcpu *k = walker_load_cpu(w->load, (uint32_t)cpu);
	struct cpu *c = &w->cpus[i];
	struct perf_event_attr attr;
	int err;

	event_dummy_attr(&attr, &w->features, RING_SIZE / 2);
	c->owner = event_open(&attr, -1, cpu, -1, 0);
	err = c->owner < 0 ? c->owner : ring_open(&c->ring, c->owner, RING_SIZE);
	if (err)
		return err;
	event_output_attr(&attr, &w->features);
	event_layout(&attr, &w->output_layout);
	c->output = event_open(&attr, -1, cpu, -1, 0);
	err = c->output < 0 ? c->output : event_redirect(c->output, c->owner);
	if (!err)
		err = event_id(c->output, &w->output_ids[i]);
	if (!err)
		err = event_enable(c->output);
	if (!err)
		err = walker_load_output(w->load, (uint32_t)cpu, c->output);
	if (err)
		return err;
	k->max = UINT32_MAX;
	event_sampler_attr(&attr, &w->features, &o);
	event_layout(&attr, &w->sampler_layout);
	c->sampler = event_open(&attr, pid, cpu, -1, 0);
	err = c->sampler < 0 ? c->sampler : event_redirect(c->sampler, c->owner);
	return err ? err : event_set_program(c->sampler, program);
}

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void pause_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* The command must have loaded what it needs: no new mapping for half a second, ten at most. */
static int settle(struct world *w, pid_t pid)
{
	uint32_t before = 0;
	int err;

	for (int i = 0; i < 20; i++) {
		pause_ms(500);
		err = read_maps(w, pid);
		if (err || w->nr_maps == before)
			return err;
		before = w->nr_maps;
	}
	return 0;
}

static bool too_few(const struct world *w)
{
	return w->nr_same + w->nr_prefix < SAMPLES_MIN;
}

static int sample(struct world *w, pid_t pid, double seconds, unsigned hz, bool both)
{
	int *online, nr = event_online_cpus(&online), err = 0;
	int program = walker_load_program(w->load, both ? UNWIND_SOURCE_BOTH | 1 : 1);
	int stats = both ? -1 : bpf_enable_stats(BPF_STATS_RUN_TIME);
	struct bpf_prog_info info = { 0 };
	uint32_t info_size = sizeof(info);
	double end;

	if (program < 0 || nr <= 0)
		return program < 0 ? program : -ENODEV;
	for (w->nr_cpus = 0; w->nr_cpus < nr && w->nr_cpus < CPUS_MAX && !err; w->nr_cpus++)
		err = open_cpu(w, w->nr_cpus, online[w->nr_cpus], pid, hz, program);
	for (int i = 0; i < w->nr_cpus && !err; i++)
		err = event_enable(w->cpus[i].sampler);
	/* Who gets no CPU is waited for. */
	for (end = now() + seconds; !err && (now() < end || (both && too_few(w) && now() < end + PATIENCE_S));) {
		uint32_t before = w->nr_unpaired;

		pause_ms(100);
		drain(w);
		if (w->nr_unpaired > before || now() >= end) /* it has mapped something, perhaps */
			err = read_maps(w, pid);
	}
	if (!both && !err && !bpf_obj_get_info_by_fd(program, &info, &info_size) && info.run_cnt && w->nr_walked) {
		printf("walk %.2f us/sample\n", (double)info.run_time_ns / (double)info.run_cnt / 1e3);
		printf("walk.frame %.0f ns/frame\n", (double)info.run_time_ns / (double)w->nr_frames);
		printf("frames %.1f frames/sample\n", (double)w->nr_frames / (double)w->nr_walked);
		printf("bytes %.0f bytes/sample\n", (double)w->nr_bytes / (double)w->nr_walked);
		printf("bytes.ratio %.0f x\n", 16384 / ((double)w->nr_bytes / (double)w->nr_walked));
		printf("whole %.2f %%\n", 100 * (double)w->nr_whole / (double)w->nr_walked);
	}
	if (stats >= 0)
		close(stats);
	close(program);
	free(online);
	return err;
}

int main(int argc, char **argv)
{
	bool both = argc > 3 && !strcmp(argv[1], "agree");
	struct walker_sizes sizes = { .nr_cpus = (uint32_t)sysconf(_SC_NPROCESSORS_CONF), .nr_processes = 256,
				      .tables_size = 64u << 20, .stack_size = STACK_SIZE };
	static struct world w;
	struct mirror_memory memory;
	double start = cpu_ms();
	char why[256];
	pid_t pid;
	int err;

	if (!both && (argc < 5 || strcmp(argv[1], "cost"))) {
		fprintf(stderr, "usage: walkers agree SECONDS COMMAND… | cost SECONDS HZ COMMAND…\n");
		return 2;
	}
	err = walker_load_new(&w.load, &sizes, why, sizeof(why));
	if (err) {
		printf("# %s\n", why);
		return 77;
	}
	if (!both)
		printf("load %.1f ms\n", cpu_ms() - start);
	err = event_probe(false, 0, &w.features);
	if (err)
		return unable("perf events", err);
	walker_load_memory(w.load, &memory);
	w.tables = unwind_tables_new(64u << 20);
	w.mirror = mirror_new(&memory, w.tables);
	w.unwinder = unwinder_new(w.tables);
	pid = fork();
	if (!pid) {
		dup2(open("/dev/null", O_RDWR | O_CLOEXEC), STDOUT_FILENO);
		execvp(argv[both ? 3 : 4], argv + (both ? 3 : 4));
		_exit(127);
	}
	err = settle(&w, pid);
	if (!err)
		err = sample(&w, pid, atof(argv[2]), both ? 997 : (unsigned)atoi(argv[3]), both);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	if (err)
		return unable("sampling", err);
	if (!both)
		return w.nr_walked < SAMPLES_MIN;
	printf("# %u the same, %u as far as the copy reaches, %llu not known to the kernel, %u different, %u copied only\n",
	       w.nr_same, w.nr_prefix, (unsigned long long)w.nr_copied, w.nr_different, w.nr_unpaired);
	return w.nr_different || too_few(&w);
}
