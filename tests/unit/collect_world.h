/* A collector and a made-up world around it: hand-made records in, profiles out, no kernel. */
#ifndef TESTS_COLLECT_WORLD_H
#define TESTS_COLLECT_WORLD_H

#include "tests/unit/unit.h"

#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "collect/collect.h"

#define KERNEL PERF_CONTEXT_KERNEL
#define USER PERF_CONTEXT_USER
#define PERIOD 1000
#define SECOND 1000000000ull
#define TEXT 0xffffffff81000000ull
#define ASKS_MAX 64

/* Not every test uses all of it. */
#define WORLD static __attribute__((unused))

/* A collector and the world that it asks. */
struct world {
	struct process_table *t;
	struct collect *c;
	struct collect_asks asks;
	struct record_layout layout;
	uint64_t now;
	bool refuse; /* the opener has no room */
	struct maps_ask {
		uint32_t pid, exec_count;
		uint64_t fork_ns;
	} maps[ASKS_MAX];
	unsigned nr_maps;
	struct object_ask {
		uint32_t pid, exec_count;
		uint64_t fork_ns, start;
		char path[64];
		uint64_t file_key;
	} objects[ASKS_MAX];
	unsigned nr_objects, nr_cgroups;
	uint32_t libc; /* the object that libc is known to be */
	const char *unit; /* that the next cgroup ask is answered with */
	char text[4096];  /* folded() */
};

WORLD bool ask_maps(void *ctx, struct process *p)
{
	struct world *w = ctx;

	if (w->refuse)
		return false;
	assert_true(w->nr_maps < ASKS_MAX);
	w->maps[w->nr_maps++] = (struct maps_ask){ p->pid, p->exec_count, p->fork_ns };
	return true;
}

WORLD bool ask_object(void *ctx, const struct collect_object_ask *ask)
{
	struct world *w = ctx;
	struct process *p = ask->process;
	struct object_ask *o = &w->objects[w->nr_objects];

	if (w->refuse)
		return false;
	assert_true(w->nr_objects < ASKS_MAX);
	*o = (struct object_ask){ p->pid, p->exec_count, p->fork_ns, ask->start, "", ask->file_key };
	snprintf(o->path, sizeof(o->path), "%s", ask->file->path);
	w->nr_objects++;
	return true;
}

WORLD uint32_t ask_known(void *ctx, const struct process *p, const struct process_file *file)
{
	struct world *w = ctx;

	return strcmp(file->path, "/lib/libc.so") ? OBJECT_NONE : w->libc;
}

WORLD void ask_cgroup(void *ctx, struct process *p, uint64_t cgroup)
{
	struct world *w = ctx;

	w->nr_cgroups++;
	if (w->unit)
		process_set_cgroup(w->t, p, cgroup, w->unit, "");
}

WORLD struct collect_options options(void)
{
	return (struct collect_options){
		.labels = LABEL_TID | LABEL_THREAD_COMM,
		.kernel_text = TEXT,
		.kernel_build_id = "",
		.host = "test",
	};
}

WORLD struct world *world_with(const struct collect_options *o)
{
	static const struct collect_kind cpu = { "cpu", "nanoseconds", PERIOD, 0 };
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->t = process_table_new();
	w->asks = (struct collect_asks){ .ctx = w, .maps = ask_maps, .object = ask_object, .known = ask_known,
					 .cgroup = ask_cgroup };
	w->c = collect_new(w->t, o, &w->asks);
	w->layout.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME |
				PERF_SAMPLE_PERIOD | PERF_SAMPLE_CALLCHAIN;
	w->now = SECOND;
	assert_int_equal(collect_add_kind(w->c, &cpu), 0);
	return w;
}

WORLD struct world *world(void)
{
	struct collect_options o = options();

	return world_with(&o);
}

WORLD void world_free(struct world *w)
{
	collect_free(w->c);
	process_table_free(w->t);
	free(w);
}

WORLD struct record record_of(struct world *w, uint32_t type, uint32_t pid, uint32_t tid)
{
	return (struct record){ .type = type, .pid = pid, .tid = tid, .time = ++w->now };
}

WORLD void give(struct world *w, const struct record *rec)
{
	collect_record(w->c, rec, 0, &w->layout);
}

WORLD void give_fork(struct world *w, uint32_t pid, uint32_t ppid, uint32_t tid, uint32_t ptid)
{
	struct record rec = record_of(w, PERF_RECORD_FORK, pid, tid);

	rec.task = (struct record_task){ pid, ppid, tid, ptid, rec.time };
	give(w, &rec);
}

WORLD void give_exit(struct world *w, uint32_t pid)
{
	struct record rec = record_of(w, PERF_RECORD_EXIT, pid, pid);

	rec.task = (struct record_task){ pid, 1, pid, 1, rec.time };
	give(w, &rec);
}

WORLD void give_comm(struct world *w, uint32_t pid, uint32_t tid, const char *comm, bool exec)
{
	struct record rec = record_of(w, PERF_RECORD_COMM, pid, tid);

	rec.comm = (struct record_comm){ pid, tid, exec, comm };
	give(w, &rec);
}

WORLD void give_mmap(struct world *w, uint32_t pid, uint64_t start, uint64_t size,
		      const char *path)
{
	struct record rec = record_of(w, PERF_RECORD_MMAP2, pid, pid);

	rec.misc = PERF_RECORD_MISC_USER;
	rec.mmap = (struct record_mmap){
		.pid = pid, .tid = pid, .start = start, .size = size, .pgoff = 0x1000,
		.maj = 8, .min = 1, .ino = 1000 + start / size, .prot = PROT_READ | PROT_EXEC,
		.filename = path,
	};
	give(w, &rec);
}

/* A process whose maps are known: it is seen to fork, exec and map. */
WORLD void give_program(struct world *w, uint32_t pid, const char *comm)
{
	char path[64];

	snprintf(path, sizeof(path), "/bin/%s", comm);
	give_fork(w, pid, 1, pid, 1);
	give_comm(w, pid, pid, comm, true);
	give_mmap(w, pid, 0x400000, 0x10000, path);
}

WORLD void give_ips(struct world *w, uint32_t pid, uint32_t tid, uint16_t cpumode,
		     const uint64_t *ips, uint64_t nr)
{
	struct record rec = record_of(w, PERF_RECORD_SAMPLE, pid, tid);

	rec.misc = cpumode;
	rec.sample.period = PERIOD;
	rec.sample.ips = ips;
	rec.sample.nr_ips = nr;
	for (uint64_t i = nr; i-- > 0;)
		if (ips[i] < (uint64_t)-4095)
			rec.sample.ip = ips[i];
	give(w, &rec);
}

#define give_user(w, pid, tid, ...)                                                                \
	give_ips(w, pid, tid, PERF_RECORD_MISC_USER, (uint64_t[]){ USER, __VA_ARGS__ },            \
		 sizeof((uint64_t[]){ USER, __VA_ARGS__ }) / 8)
#define give_kernel(w, pid, tid, ...)                                                              \
	give_ips(w, pid, tid, PERF_RECORD_MISC_KERNEL, (uint64_t[]){ KERNEL, __VA_ARGS__ },        \
		 sizeof((uint64_t[]){ KERNEL, __VA_ARGS__ }) / 8)

WORLD int format_location(const struct profile *p, uint32_t location, char *out, size_t size)
{
	const struct profile_location *l = &p->locations[location];
	const char *file, *slash;

	if (l->mapping == PROFILE_NO_MAPPING)
		return snprintf(out, size, " %s",
				p->strings[p->functions[p->lines[l->first_line].function].name]);
	assert_true(p->mappings[l->mapping].start <= l->address);
	assert_true(l->address < p->mappings[l->mapping].limit);
	file = p->strings[p->mappings[l->mapping].filename];
	slash = strrchr(file, '/');
	return snprintf(out, size, " %s:%llx", slash ? slash + 1 : file,
			(unsigned long long)l->address);
}

/* "TID NAME: LEAF CALLER ... = COUNT" a sample, in order of appearance. */
WORLD const char *folded_of(struct world *w, const struct profile *p)
{
	char *out = w->text, *end = w->text + sizeof(w->text);

	for (uint32_t i = 0; i < p->nr_samples; i++) {
		const struct profile_stack *s = &p->stacks[p->samples[i].stack];
		const char *tid = profile_label(p, p->samples[i].label_set, "tid");
		const char *comm = profile_label(p, p->samples[i].label_set, "thread_comm");

		out += snprintf(out, (size_t)(end - out), "%s %s:", tid ? tid : "-",
				comm ? comm : "-");
		for (uint32_t k = 0; k < s->nr; k++)
			out += format_location(p, p->stack_locations[s->first + k], out,
					       (size_t)(end - out));
		out += snprintf(out, (size_t)(end - out), " = %lld\n", (long long)p->values[2 * i]);
		assert_int_equal(p->values[2 * i + 1], p->values[2 * i] * PERIOD);
		assert_true(out + 200 < end);
	}
	*out = 0;
	return w->text;
}

/* Ends the window. */
WORLD const char *folded(struct world *w)
{
	struct profile *p = collect_finish(w->c, 0, 1, 2);

	collect_next_window(w->c);
	if (!p)
		return "";
	folded_of(w, p);
	profile_free(p);
	return w->text;
}

WORLD void answer_maps(struct world *w, unsigned ask, const char *text)
{
	const struct maps_ask *a = &w->maps[ask];

	assert_true(ask < w->nr_maps);
	collect_maps(w->c, a->pid, a->fork_ns, a->exec_count, text, strlen(text), w->now);
}

WORLD void answer_object(struct world *w, unsigned ask, uint32_t object)
{
	const struct object_ask *a = &w->objects[ask];

	assert_true(ask < w->nr_objects);
	collect_object(w->c, a->pid, a->fork_ns, a->exec_count, a->start, a->file_key, object);
}

WORLD const char maps_old[] = "00700000-00710000 r-xp 00001000 08:01 77 /bin/old\n";

WORLD uint64_t counter(struct world *w, size_t offset)
{
	return *(const uint64_t *)((const char *)collect_counters(w->c) + offset);
}
#define COUNTER(w, name) counter(w, offsetof(struct counters, name))

#endif
