/* collect/: hand-made records and a made-up process table in, profiles out. */
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
	} objects[ASKS_MAX];
	unsigned nr_objects, nr_cgroups;
	const char *unit; /* that the next cgroup ask is answered with */
	char text[4096];  /* folded() */
};

static bool ask_maps(void *ctx, struct process *p)
{
	struct world *w = ctx;

	if (w->refuse)
		return false;
	assert_true(w->nr_maps < ASKS_MAX);
	w->maps[w->nr_maps++] = (struct maps_ask){ p->pid, p->exec_count, p->fork_ns };
	return true;
}

static bool ask_object(void *ctx, const struct collect_object_ask *ask)
{
	struct world *w = ctx;
	struct process *p = ask->process;
	struct object_ask *o = &w->objects[w->nr_objects];

	if (w->refuse)
		return false;
	assert_true(w->nr_objects < ASKS_MAX);
	*o = (struct object_ask){ p->pid, p->exec_count, p->fork_ns, ask->start, "" };
	snprintf(o->path, sizeof(o->path), "%s", ask->file->path);
	w->nr_objects++;
	return true;
}

static void ask_cgroup(void *ctx, struct process *p, uint64_t cgroup)
{
	struct world *w = ctx;

	w->nr_cgroups++;
	if (w->unit)
		process_set_cgroup(w->t, p, cgroup, w->unit, "");
}

static struct collect_options options(void)
{
	return (struct collect_options){
		.labels = LABEL_TID | LABEL_THREAD_COMM,
		.kernel_text = TEXT,
		.kernel_build_id = "",
		.host = "test",
	};
}

static struct world *world_with(const struct collect_options *o)
{
	static const struct collect_kind cpu = { "cpu", "nanoseconds", PERIOD };
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->t = process_table_new();
	w->asks = (struct collect_asks){ w, ask_maps, ask_object, ask_cgroup };
	w->c = collect_new(w->t, o, &w->asks);
	w->layout.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME |
				PERF_SAMPLE_PERIOD | PERF_SAMPLE_CALLCHAIN;
	w->now = SECOND;
	assert_int_equal(collect_add_kind(w->c, &cpu), 0);
	return w;
}

static struct world *world(void)
{
	struct collect_options o = options();

	return world_with(&o);
}

static void world_free(struct world *w)
{
	collect_free(w->c);
	process_table_free(w->t);
	free(w);
}

static struct record record_of(struct world *w, uint32_t type, uint32_t pid, uint32_t tid)
{
	return (struct record){ .type = type, .pid = pid, .tid = tid, .time = ++w->now };
}

static void give(struct world *w, const struct record *rec)
{
	collect_record(w->c, rec, 0, &w->layout);
}

static void give_fork(struct world *w, uint32_t pid, uint32_t ppid, uint32_t tid, uint32_t ptid)
{
	struct record rec = record_of(w, PERF_RECORD_FORK, pid, tid);

	rec.task = (struct record_task){ pid, ppid, tid, ptid, rec.time };
	give(w, &rec);
}

static void give_exit(struct world *w, uint32_t pid)
{
	struct record rec = record_of(w, PERF_RECORD_EXIT, pid, pid);

	rec.task = (struct record_task){ pid, 1, pid, 1, rec.time };
	give(w, &rec);
}

static void give_comm(struct world *w, uint32_t pid, uint32_t tid, const char *comm, bool exec)
{
	struct record rec = record_of(w, PERF_RECORD_COMM, pid, tid);

	rec.comm = (struct record_comm){ pid, tid, exec, comm };
	give(w, &rec);
}

static void give_mmap(struct world *w, uint32_t pid, uint64_t start, uint64_t size, const char *path)
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
static void give_program(struct world *w, uint32_t pid, const char *comm)
{
	char path[64];

	snprintf(path, sizeof(path), "/bin/%s", comm);
	give_fork(w, pid, 1, pid, 1);
	give_comm(w, pid, pid, comm, true);
	give_mmap(w, pid, 0x400000, 0x10000, path);
}

static void give_ips(struct world *w, uint32_t pid, uint32_t tid, uint16_t cpumode,
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

static int format_location(const struct profile *p, uint32_t location, char *out, size_t size)
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
	return snprintf(out, size, " %s:%llx", slash ? slash + 1 : file, (unsigned long long)l->address);
}

/* "TID NAME: LEAF CALLER ... = COUNT" a sample, in order of appearance. */
static const char *folded_of(struct world *w, const struct profile *p)
{
	char *out = w->text, *end = w->text + sizeof(w->text);

	for (uint32_t i = 0; i < p->nr_samples; i++) {
		const struct profile_stack *s = &p->stacks[p->samples[i].stack];
		const char *tid = profile_label(p, p->samples[i].label_set, "tid");
		const char *comm = profile_label(p, p->samples[i].label_set, "thread_comm");

		out += snprintf(out, (size_t)(end - out), "%s %s:", tid ? tid : "-", comm ? comm : "-");
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
static const char *folded(struct world *w)
{
	struct profile *p = collect_finish(w->c, 0, 1, 2);

	collect_next_window(w->c);
	if (!p)
		return "";
	folded_of(w, p);
	profile_free(p);
	return w->text;
}

static void answer_maps(struct world *w, unsigned ask, const char *text)
{
	const struct maps_ask *a = &w->maps[ask];

	assert_true(ask < w->nr_maps);
	collect_maps(w->c, a->pid, a->fork_ns, a->exec_count, text, strlen(text), w->now);
}

static void answer_object(struct world *w, unsigned ask, uint32_t object)
{
	const struct object_ask *a = &w->objects[ask];

	assert_true(ask < w->nr_objects);
	collect_object(w->c, a->pid, a->fork_ns, a->exec_count, a->start, object);
}

static const char maps_old[] = "00700000-00710000 r-xp 00001000 08:01 77 /bin/old\n";

static uint64_t counter(struct world *w, size_t offset)
{
	return *(const uint64_t *)((const char *)collect_counters(w->c) + offset);
}
#define COUNTER(w, name) counter(w, offsetof(struct counters, name))

/* --- Stacks --- */

static void kernel_and_user_frames_make_one_stack(void **state)
{
	struct world *w = world();

	give_program(w, 10, "a");
	give_kernel(w, 10, 10, TEXT + 0x100, TEXT + 0x201, USER, 0x400010, 0x400021);
	give_user(w, 10, 10, 0x400010, 0x400021);
	give_user(w, 10, 10, 0x400010, 0x400021);
	/* leaf and syscall's address as they are, callers one less */
	assert_string_equal(folded(w), "10 a: [kernel.kallsyms]:ffffffff81000100 "
				       "[kernel.kallsyms]:ffffffff81000200 a:400010 a:400020 = 1\n"
				       "10 a: a:400010 a:400020 = 2\n");
	assert_string_equal(folded(w), "");
	world_free(w);
}

static void chain_that_leaves_the_mappings_is_cut(void **state)
{
	struct world *w = world();

	give_program(w, 10, "a");
	give_user(w, 10, 10, 0x400010, 0x400021, 0xdeadbeef, 0x400031);
	give_user(w, 10, 10, 0x400010, 0x400021, 0xdeadbee0, 0x400041);
	give_user(w, 10, 10, 0x400010, 0x400021, 0, 0x400041); /* 0: the outermost frame, whole */
	give_user(w, 10, 10, 0x400010, 0x410000); /* returns to the mapping's end: the call is inside */
	assert_string_equal(folded(w), "10 a: a:400010 a:400020 [truncated] = 2\n"
				       "10 a: a:400010 a:400020 = 1\n"
				       "10 a: a:400010 a:40ffff = 1\n");
	assert_int_equal(COUNTER(w, stacks_truncated), 2);
	assert_int_equal(COUNTER(w, stacks_refused), 2);
	assert_int_equal(COUNTER(w, frames_refused), 4);
	assert_int_equal(COUNTER(w, samples_unmapped), 0);
	world_free(w);
}

static void stack_as_deep_as_the_limit_is_truncated(void **state)
{
	struct collect_options o = options();
	struct world *w;

	o.max_stack = 3;
	w = world_with(&o);
	give_program(w, 10, "a");
	give_user(w, 10, 10, 0x400010, 0x400021);
	give_user(w, 10, 10, 0x400010, 0x400021, 0x400031);
	assert_string_equal(folded(w), "10 a: a:400010 a:400020 = 1\n"
				       "10 a: a:400010 a:400020 a:400030 [truncated] = 1\n");
	assert_int_equal(COUNTER(w, stacks_deep), 1);
	world_free(w);
}

static void without_a_chain_the_address_is_all(void **state)
{
	struct world *w = world();
	struct record rec;

	give_program(w, 10, "a");
	w->layout.sample_type &= ~(uint64_t)PERF_SAMPLE_CALLCHAIN;
	rec = record_of(w, PERF_RECORD_SAMPLE, 10, 10);
	rec.misc = PERF_RECORD_MISC_USER;
	rec.sample.ip = 0x400123;
	rec.sample.period = PERIOD;
	give(w, &rec);
	rec.misc = PERF_RECORD_MISC_KERNEL;
	rec.sample.ip = TEXT + 5;
	give(w, &rec);
	assert_string_equal(folded(w), "10 a: a:400123 = 1\n"
				       "10 a: [kernel.kallsyms]:ffffffff81000005 = 1\n");
	world_free(w);
}

static void copied_stack_that_is_not_walked_is_truncated(void **state)
{
	struct world *w = world();
	struct record rec;

	give_program(w, 10, "a");
	rec = record_of(w, PERF_RECORD_SAMPLE, 10, 10);
	rec.misc = PERF_RECORD_MISC_USER;
	rec.sample = (struct record_sample){
		.ip = 0x400123, .period = PERIOD, .has_stack = true, .regs_abi = 2,
	};
	give(w, &rec);
	rec.sample.regs_abi = 0; /* a kernel thread has no user stack */
	give(w, &rec);
	assert_string_equal(folded(w), "10 a: a:400123 [truncated] = 1\n10 a: a:400123 = 1\n");
	assert_int_equal(COUNTER(w, stacks_unwalked), 1);
	world_free(w);
}

static void what_is_no_process_gets_a_frame_of_its_own(void **state)
{
	struct collect_options o = options();
	struct world *w;

	o.outside = true;
	w = world_with(&o);
	give_program(w, 10, "a");
	give_kernel(w, UINT32_MAX, UINT32_MAX, TEXT + 1);
	give_ips(w, UINT32_MAX, UINT32_MAX, PERF_RECORD_MISC_USER, NULL, 0);
	give_user(w, 0, 0, 0x400010);
	give_ips(w, 10, 10, PERF_RECORD_MISC_GUEST_KERNEL, (uint64_t[]){ PERF_CONTEXT_GUEST_KERNEL, TEXT },
		 2);
	assert_string_equal(folded(w), "- -: [kernel.kallsyms]:ffffffff81000001 [exiting] = 1\n"
				       "- -: [exiting] = 1\n"
				       "- -: [outside] = 1\n"
				       "10 a: [guest] = 1\n");
	assert_int_equal(COUNTER(w, samples_exiting), 2);
	assert_int_equal(COUNTER(w, samples_outside), 1);
	assert_int_equal(COUNTER(w, samples_guest), 1);
	world_free(w);
}

static void idle_is_left_out_or_named(void **state)
{
	struct collect_options o = options();
	struct world *w;

	o.exclude_idle = true;
	w = world_with(&o);
	give_kernel(w, 0, 0, TEXT + 1);
	assert_string_equal(folded(w), "");
	assert_int_equal(COUNTER(w, samples_idle), 1);
	world_free(w);

	w = world();
	give_kernel(w, 0, 0, TEXT + 1);
	give_ips(w, 0, 0, PERF_RECORD_MISC_CPUMODE_UNKNOWN, NULL, 0);
	assert_string_equal(folded(w), "0 swapper: [kernel.kallsyms]:ffffffff81000001 = 1\n"
				       "0 swapper: [idle] = 1\n");
	world_free(w);
}

/* --- The kernel --- */

static void kernel_addresses_leave_relative_to_text(void **state)
{
	struct collect_options o = options();
	struct world *w;

	o.kernel_relative = true;
	w = world_with(&o);
	give_program(w, 10, "a");
	give_kernel(w, 10, 10, TEXT + 0x100, 0xfffffe0000000123);
	assert_string_equal(folded(w), "10 a: [kernel.kallsyms]:100 [kernel.kallsyms]:0 = 1\n");
	world_free(w);

	o.kernel_text = 0; /* not even known: nothing leaves */
	w = world_with(&o);
	give_program(w, 10, "a");
	give_kernel(w, 10, 10, TEXT + 0x100);
	give_kernel(w, 10, 10, TEXT + 0x200);
	assert_string_equal(folded(w), "10 a: [kernel.kallsyms]:0 = 2\n");
	world_free(w);
}

static void recorded_kernel_and_modules_are_mappings(void **state)
{
	struct collect_options o = options();
	struct world *w;
	struct record rec;

	o.kernel_text = 0;
	w = world_with(&o);
	rec = record_of(w, PERF_RECORD_MMAP, UINT32_MAX, 0);
	rec.misc = PERF_RECORD_MISC_KERNEL;
	rec.mmap = (struct record_mmap){
		.pid = UINT32_MAX, .start = TEXT, .size = -TEXT, .pgoff = TEXT, .prot = PROT_EXEC,
		.filename = "[kernel.kallsyms]_text",
	};
	give(w, &rec);
	rec.mmap.start = 0xffffffffc0000000;
	rec.mmap.size = 0x1000;
	rec.mmap.pgoff = 0;
	rec.mmap.filename = "/lib/modules/6.1/x.ko";
	give(w, &rec);
	assert_true(collect_kernel_changed(w->c));
	assert_false(collect_kernel_changed(w->c));
	give_program(w, 10, "a");
	give_kernel(w, 10, 10, 0xffffffffc0000010, 0xffffffffc0001001, TEXT + 1, 0xffff800000000001);
	assert_string_equal(folded(w), "10 a: x.ko:ffffffffc0000010 [kernel.kallsyms]:ffffffffc0001000 "
				       "[kernel.kallsyms]:ffffffff81000000 "
				       "[kernel.kallsyms]:ffff800000000000 = 1\n");
	world_free(w);
}

/* --- Waiting for maps --- */

static void sample_waits_for_its_maps(void **state)
{
	struct world *w = world();

	give_kernel(w, 20, 20, TEXT + 1); /* needs no maps */
	assert_int_equal(w->nr_maps, 0);
	give_comm(w, 20, 20, "early", false);
	give_user(w, 20, 20, 0x700010, 0x700021);
	give_user(w, 20, 20, 0x700010, 0x700021);
	give_comm(w, 20, 20, "late", false);
	give_user(w, 20, 20, 0x700030);
	assert_int_equal(w->nr_maps, 1);
	assert_int_equal(COUNTER(w, samples_waited), 3);
	answer_maps(w, 0, maps_old);
	give_user(w, 20, 20, 0x700030);
	assert_string_equal(folded(w), "20 -: [kernel.kallsyms]:ffffffff81000001 = 1\n"
				       "20 early: old:700010 old:700020 = 2\n"
				       "20 late: old:700030 = 2\n");
	world_free(w);
}

static void waiting_ends_after_its_time(void **state)
{
	struct world *w = world();

	give_kernel(w, 20, 20, TEXT + 1, USER, 0x700010, 0x700021);
	collect_tick(w->c, w->now + COLLECT_WAIT_NS - 1);
	assert_null(collect_finish(w->c, 0, 0, 0));
	collect_next_window(w->c);
	assert_true(collect_size(w->c) > 0);
	collect_tick(w->c, w->now + COLLECT_WAIT_NS);
	assert_string_equal(folded(w), "20 -: [kernel.kallsyms]:ffffffff81000001 [unmapped] = 1\n");
	assert_int_equal(COUNTER(w, samples_unmapped), 1);
	/* An answer is welcome even now. */
	answer_maps(w, 0, maps_old);
	give_user(w, 20, 20, 0x700010);
	assert_string_equal(folded(w), "20 -: old:700010 = 1\n");
	world_free(w);
}

static void waiting_samples_outlive_the_window(void **state)
{
	struct world *w = world();

	give_comm(w, 20, 20, "p", false);
	give_user(w, 20, 20, 0x700010);
	assert_string_equal(folded(w), "");
	answer_maps(w, 0, maps_old);
	assert_string_equal(folded(w), "20 p: old:700010 = 1\n");
	world_free(w);
}

static void maps_that_cannot_be_had_are_not_waited_for(void **state)
{
	struct world *w = world();

	give_user(w, 20, 20, 0x700010);
	answer_maps(w, 0, "");
	assert_int_equal(COUNTER(w, maps_failed), 1);
	give_user(w, 20, 20, 0x700010);
	assert_string_equal(folded(w), "20 -: [unmapped] = 2\n");
	assert_int_equal(w->nr_maps, 1); /* not again at once */
	w->now += 2 * SECOND;
	give_user(w, 20, 20, 0x700010);
	assert_int_equal(w->nr_maps, 2);
	world_free(w);
}

static void refused_ask_is_repeated(void **state)
{
	struct world *w = world();

	w->refuse = true;
	give_user(w, 20, 20, 0x700010);
	collect_tick(w->c, w->now + SECOND / 4);
	assert_int_equal(w->nr_maps, 0);
	w->refuse = false;
	collect_tick(w->c, w->now + SECOND / 2);
	assert_int_equal(w->nr_maps, 1);
	answer_maps(w, 0, maps_old);
	assert_string_equal(folded(w), "20 -: old:700010 = 1\n");
	world_free(w);
}

static void exec_while_waiting_loses_the_old_image(void **state)
{
	struct world *w = world();

	give_comm(w, 20, 20, "sh", false);
	give_user(w, 20, 20, 0x700010);
	give_comm(w, 20, 20, "a", true);
	give_mmap(w, 20, 0x700000, 0x10000, "/bin/a");
	answer_maps(w, 0, maps_old); /* of the image before: dropped */
	give_user(w, 20, 20, 0x700010);
	collect_tick(w->c, w->now);
	assert_string_equal(folded(w), "20 a: a:700010 = 1\n20 sh: [unmapped] = 1\n");
	world_free(w);
}

static void pid_reuse_while_waiting_mixes_nothing(void **state)
{
	struct world *w = world();

	give_comm(w, 20, 20, "p", false);
	give_user(w, 20, 20, 0x700010);
	give_exit(w, 20);
	give_program(w, 20, "b");
	answer_maps(w, 0, maps_old);
	give_user(w, 20, 20, 0x700010); /* b has nothing there */
	give_user(w, 20, 20, 0x400010);
	collect_tick(w->c, w->now);
	assert_string_equal(folded(w), "20 b: [unmapped] = 1\n20 b: b:400010 = 1\n20 p: [unmapped] = 1\n");
	world_free(w);
}

static void fork_shares_what_is_asked_for(void **state)
{
	struct world *w = world();

	give_comm(w, 20, 20, "p", false);
	give_user(w, 20, 20, 0x700010);
	give_fork(w, 21, 20, 21, 20);
	give_user(w, 21, 21, 0x700010);
	assert_int_equal(w->nr_maps, 1);
	answer_maps(w, 0, maps_old);
	collect_tick(w->c, w->now);
	assert_non_null(strstr(folded(w), "21 p: old:700010 = 1\n"));
	world_free(w);
}

static void waiting_memory_is_bounded(void **state)
{
	struct world *w = world();
	uint64_t ips[101] = { USER };
	struct profile *p;

	for (unsigned i = 1; i <= 100; i++)
		ips[i] = 0x700000 + i;
	for (unsigned i = 0; i < 2 * COLLECT_WAIT_SIZE / sizeof(ips); i++)
		give_ips(w, 20, 20, PERF_RECORD_MISC_USER, ips, 101);
	assert_in_range(collect_size(w->c), COLLECT_WAIT_SIZE / 2, COLLECT_WAIT_SIZE + (256 << 10));
	p = collect_finish(w->c, 0, 0, 0);
	assert_non_null(p); /* the oldest had to go on */
	assert_int_equal(p->values[0], COUNTER(w, samples_unmapped));
	profile_free(p);
	world_free(w);
}

static void stale_maps_are_read_again_ever_more_rarely(void **state)
{
	struct world *w = world();

	give_program(w, 10, "a");
	for (unsigned i = 0; i < 1000; i++) {
		w->now += SECOND / 10;
		give_user(w, 10, 10, 0x700010);
	}
	/* after 0, 2, 6, 14, 30, 62 s */
	assert_in_range(w->nr_maps, 4, 8);
	answer_maps(w, w->nr_maps - 1, "00400000-00410000 r-xp 00001000 08:01 1064 /bin/a\n"
				       "00700000-00710000 r-xp 00001000 08:01 77 /bin/old\n");
	give_user(w, 10, 10, 0x700010);
	assert_string_equal(folded(w), "10 a: [unmapped] = 1000\n10 a: old:700010 = 1\n");
	world_free(w);
}

static void mapping_that_grew_holds_its_locations(void **state)
{
	struct world *w = world();

	give_program(w, 10, "a");
	give_user(w, 10, 10, 0x400010);
	give_user(w, 10, 10, 0x410010); /* beyond */
	answer_maps(w, 0, "00400000-00420000 r-xp 00001000 08:01 1064 /bin/a\n");
	give_user(w, 10, 10, 0x410010);
	/* folded() looks whether each location lies in its mapping */
	assert_string_equal(folded(w), "10 a: a:400010 = 1\n10 a: [unmapped] = 1\n10 a: a:410010 = 1\n");
	world_free(w);
}

/* --- Objects --- */

/* Two processes that have the same library at different places. */
static void give_two_users_of_libc(struct world *w)
{
	give_program(w, 10, "a");
	give_program(w, 11, "b");
	give_mmap(w, 10, 0x7f0000000000, 0x100000, "/lib/libc.so");
	give_mmap(w, 11, 0x7f5550000000, 0x100000, "/lib/libc.so");
	give_user(w, 10, 10, 0x7f0000000040);
	give_user(w, 10, 10, 0x7f0000000040, 0x400011);
	give_user(w, 11, 11, 0x7f5550000040);
}

static unsigned nr_named(const struct profile *p, const char *name, uint32_t *object)
{
	unsigned nr = 0;

	for (uint32_t i = 0; i < p->nr_mappings; i++) {
		if (strcmp(p->strings[p->mappings[i].filename], name))
			continue;
		*object = p->mappings[i].object;
		nr++;
	}
	return nr;
}

static void one_object_is_one_mapping(void **state)
{
	struct world *w = world();
	struct profile *p;
	uint32_t object;

	give_two_users_of_libc(w);
	assert_int_equal(w->nr_objects, 3);
	assert_string_equal(w->objects[0].path, "/lib/libc.so");
	answer_object(w, 0, 7);
	answer_object(w, 2, 7);
	p = collect_finish(w->c, 0, 0, 0);
	assert_int_equal(nr_named(p, "/lib/libc.so", &object), 1);
	assert_int_equal(object, 7);
	assert_int_equal(nr_named(p, "/bin/a", &object), 1);
	assert_int_equal(object, 0);
	/* "[host test]" is first and no location's */
	assert_string_equal(p->strings[p->mappings[0].filename], "[host test]");
	assert_int_equal(p->nr_locations, 2);
	assert_int_equal(p->nr_stacks, 2);
	profile_free(p);
	world_free(w);
}

static void without_one_object_nothing_is_merged(void **state)
{
	struct world *w = world();
	struct profile *p;
	uint32_t object;

	give_two_users_of_libc(w);
	answer_object(w, 0, OBJECT_MISSING);
	p = collect_finish(w->c, 0, 0, 0);
	assert_int_equal(nr_named(p, "/lib/libc.so", &object), 2);
	assert_int_equal(object, 0);
	profile_free(p);
	assert_int_equal(COUNTER(w, objects_failed), 1);

	collect_next_window(w->c);
	give_user(w, 10, 10, 0x7f0000000040);
	assert_int_equal(w->nr_objects, 3); /* what is missing stays missing */
	give_user(w, 11, 11, 0x7f5550000040);
	assert_int_equal(w->nr_objects, 4); /* what was never answered is asked anew */
	answer_object(w, 3, 8);
	p = collect_finish(w->c, 0, 0, 0);
	assert_int_equal(nr_named(p, "/lib/libc.so", &object), 2);
	profile_free(p);
	world_free(w);
}

static void build_ids_alone_merge_nothing(void **state)
{
	static const uint8_t id[20] = { 0xab, 1 };
	struct world *w = world();
	struct record rec;
	struct profile *p;
	uint32_t object;

	for (uint32_t pid = 10; pid < 12; pid++) {
		give_fork(w, pid, 1, pid, 1);
		give_comm(w, pid, pid, "a", true);
		rec = record_of(w, PERF_RECORD_MMAP2, pid, pid);
		rec.mmap = (struct record_mmap){
			.pid = pid, .start = 0x1000000 * pid, .size = 0x1000, .prot = PROT_EXEC,
			.filename = "/bin/a", .build_id_size = 20,
		};
		memcpy(rec.mmap.build_id, id, sizeof(id));
		give(w, &rec);
		give_user(w, pid, pid, 0x1000000 * pid + 4);
	}
	answer_object(w, 0, 3);
	answer_object(w, 1, 4);
	p = collect_finish(w->c, 0, 0, 0);
	assert_int_equal(nr_named(p, "/bin/a", &object), 2);
	assert_string_equal(p->strings[p->mappings[1].build_id],
			    "ab01000000000000000000000000000000000000");
	profile_free(p);
	world_free(w);
}

static void object_comes_after_its_process_has_gone(void **state)
{
	struct world *w = world();
	struct profile *p;
	uint32_t object;

	give_program(w, 10, "a");
	give_user(w, 10, 10, 0x400010);
	give_exit(w, 10);
	collect_tick(w->c, w->now + SECOND);
	assert_null(process_find(w->t, 10));
	answer_object(w, 0, 9);
	p = collect_finish(w->c, 0, 0, 0);
	assert_int_equal(nr_named(p, "/bin/a", &object), 1);
	assert_int_equal(object, 9);
	profile_free(p);
	world_free(w);
}

static void refused_object_is_asked_for_again(void **state)
{
	struct world *w = world();

	w->refuse = true;
	give_program(w, 10, "a");
	give_user(w, 10, 10, 0x400010);
	collect_tick(w->c, w->now);
	w->refuse = false;
	assert_int_equal(w->nr_objects, 0);
	collect_tick(w->c, w->now);
	assert_int_equal(w->nr_objects, 1);
	collect_tick(w->c, w->now);
	assert_int_equal(w->nr_objects, 1);
	world_free(w);
}

/* --- Labels --- */

static void labels_follow_names(void **state)
{
	struct collect_options o = options();
	struct world *w;

	o.labels = LABEL_TID | LABEL_THREAD_COMM;
	w = world_with(&o);
	give_program(w, 10, "a");
	give_fork(w, 10, 10, 11, 10);
	give_user(w, 10, 11, 0x400010);
	give_comm(w, 10, 11, "wor\nker\xc3", false); /* cut inside a character */
	give_user(w, 10, 11, 0x400010);
	assert_string_equal(folded(w), "11 a: a:400010 = 1\n11 wor\\x0aker: a:400010 = 1\n");
	world_free(w);
}

static void labels_are_chosen(void **state)
{
	struct collect_options o = options();
	struct world *w;
	struct profile *p;

	o.labels = LABEL_COMM;
	w = world_with(&o);
	give_program(w, 10, "a");
	give_program(w, 11, "a");
	give_mmap(w, 11, 0x400000, 0x10000, "/bin/a");
	give_user(w, 10, 10, 0x400010);
	give_user(w, 11, 11, 0x400010);
	p = collect_finish(w->c, 0, 0, 0);
	assert_int_equal(p->nr_label_sets, 1);
	assert_string_equal(profile_label(p, 0, "comm"), "a");
	assert_null(profile_label(p, 0, "pid"));
	profile_free(p);
	world_free(w);
}

static const char *unit_of(const struct profile *p, uint32_t sample)
{
	return profile_label(p, p->samples[sample].label_set, "unit");
}

static void give_in_cgroup(struct world *w, uint32_t pid, uint64_t cgroup, uint64_t ip)
{
	struct record rec = record_of(w, PERF_RECORD_SAMPLE, pid, pid);

	rec.misc = PERF_RECORD_MISC_USER;
	rec.sample = (struct record_sample){ .ip = ip, .period = PERIOD, .cgroup = cgroup };
	give(w, &rec);
}

static void units_come_from_cgroups(void **state)
{
	struct collect_options o = options();
	struct world *w;
	struct record rec;
	struct profile *p;

	o.labels = LABEL_ALL;
	w = world_with(&o);
	w->unit = "ssh.service";
	give_program(w, 10, "a");
	give_program(w, 11, "b");
	rec = record_of(w, PERF_RECORD_CGROUP, 0, 0);
	rec.cgroup = (struct record_cgroup){ 5, "/system.slice/nginx.service" };
	give(w, &rec);
	give_in_cgroup(w, 10, 5, 0x400010);
	assert_int_equal(w->nr_cgroups, 0); /* the record said it all */
	give_in_cgroup(w, 10, 6, 0x400010); /* moved */
	give_in_cgroup(w, 11, 6, 0x400010);
	assert_int_equal(w->nr_cgroups, 1); /* once an id */
	p = collect_finish(w->c, 0, 0, 0);
	assert_int_equal(p->nr_samples, 3);
	assert_string_equal(unit_of(p, 0), "nginx.service");
	assert_string_equal(unit_of(p, 1), "ssh.service");
	assert_string_equal(unit_of(p, 2), "ssh.service");
	profile_free(p);
	world_free(w);
}

static void unit_is_asked_for_once_where_samples_do_not_say(void **state)
{
	struct collect_options o = options();
	struct world *w;

	o.labels = LABEL_UNIT;
	w = world_with(&o);
	give_program(w, 10, "a");
	give_user(w, 10, 10, 0x400010);
	give_user(w, 10, 10, 0x400010);
	assert_int_equal(w->nr_cgroups, 1);
	world_free(w);

	w = world(); /* without the label: never */
	give_program(w, 10, "a");
	give_user(w, 10, 10, 0x400010);
	assert_int_equal(w->nr_cgroups, 0);
	world_free(w);
}

/* --- Lost --- */

static void lost_samples_are_in_the_profile_once(void **state)
{
	struct collect_options o = options();
	struct world *w = world();
	struct record rec = record_of(w, PERF_RECORD_LOST, UINT32_MAX, UINT32_MAX);

	rec.lost.lost = 5;
	give(w, &rec);
	rec.type = PERF_RECORD_LOST_SAMPLES;
	give(w, &rec);
	assert_string_equal(folded(w), "- -: [lost] = 10\n");
	assert_int_equal(COUNTER(w, lost), 10);
	world_free(w);

	o.lost_by_count = true;
	w = world_with(&o);
	give(w, &rec);
	assert_int_equal(COUNTER(w, lost), 5);
	collect_lost(w->c, 0, 0);
	assert_string_equal(folded(w), "");
	collect_lost(w->c, 0, 4);
	assert_string_equal(folded(w), "- -: [lost] = 4\n");
	assert_int_equal(COUNTER(w, lost), 5);
	world_free(w);
}

/* --- The file --- */

static void profile_says_what_it_is(void **state)
{
	static const struct collect_kind cycles = { "cycles", "count", 1 << 20 };
	struct world *w = world();
	struct record rec;
	struct profile *p;

	assert_int_equal(collect_add_kind(w->c, &cycles), 1);
	give_program(w, 10, "a");
	give_user(w, 10, 10, 0x400010);
	rec = record_of(w, PERF_RECORD_SAMPLE, 10, 10);
	rec.misc = PERF_RECORD_MISC_USER;
	rec.sample.ip = 0x400010;
	w->layout.sample_type &= ~(uint64_t)PERF_SAMPLE_PERIOD;
	collect_record(w->c, &rec, 1, &w->layout);
	collect_record(w->c, &rec, 2, &w->layout); /* no such kind */
	p = collect_finish(w->c, 1, 1234, 60);
	assert_int_equal(p->nr_types, 2);
	assert_string_equal(p->strings[p->types[0].type], "samples");
	assert_string_equal(p->strings[p->types[0].unit], "count");
	assert_string_equal(p->strings[p->types[1].type], "cycles");
	assert_string_equal(p->strings[p->types[1].unit], "count");
	assert_string_equal(p->strings[p->period_type.type], "cycles");
	assert_string_equal(p->strings[p->default_type], "cycles");
	assert_int_equal(p->period, 1 << 20);
	assert_int_equal(p->time_nanos, 1234);
	assert_int_equal(p->duration_nanos, 60);
	assert_int_equal(p->nr_comments, 1);
	assert_int_equal(p->nr_samples, 1);
	assert_int_equal(p->values[1], 1 << 20); /* the nominal one, where records have none */
	profile_free(p);
	p = collect_finish(w->c, 0, 1, 1);
	assert_int_equal(p->values[1], PERIOD);
	profile_free(p);
	world_free(w);
}

static void counters_are_all_in_the_table(void **state)
{
	struct counters counters = { 0 };
	size_t nr = 0;

	counters.objects_failed = 3;
	for (const struct counter_info *i = counter_table; i->name; i++, nr++) {
		assert_true(strlen(i->help) > 5);
		assert_int_equal(counter_value(&counters, i), strcmp(i->name, "objects_failed") ? 0 : 3);
	}
	assert_int_equal(nr * sizeof(uint64_t), sizeof(counters));
}

/* --- Nothing is lost, whatever comes --- */

static uint32_t roll(uint32_t *seed, uint32_t n)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % n;
}

static uint64_t random_ip(uint32_t *seed)
{
	static const uint64_t bases[] = { 0x400000, 0x700000, 0x7f0000000000, TEXT, 0, USER, KERNEL, -64ull };

	return bases[roll(seed, 8)] + (roll(seed, 4) ? roll(seed, 64) * 8 : 0);
}

static int64_t give_random_sample(struct world *w, uint32_t *seed)
{
	static const uint16_t modes[] = { PERF_RECORD_MISC_USER, PERF_RECORD_MISC_KERNEL,
					  PERF_RECORD_MISC_GUEST_USER, PERF_RECORD_MISC_HYPERVISOR };
	uint32_t pid = roll(seed, 9) ? roll(seed, 8) : UINT32_MAX;
	struct record rec = record_of(w, PERF_RECORD_SAMPLE, pid, pid + roll(seed, 2));
	uint64_t ips[24];

	rec.misc = modes[roll(seed, 12) < 10 ? roll(seed, 2) : roll(seed, 4)];
	rec.sample.nr_ips = roll(seed, 24);
	for (uint64_t i = 0; i < rec.sample.nr_ips; i++)
		ips[i] = random_ip(seed);
	rec.sample.ips = ips;
	rec.sample.ip = random_ip(seed);
	rec.sample.period = roll(seed, 5000);
	rec.sample.cgroup = roll(seed, 4);
	rec.sample.has_stack = !roll(seed, 9);
	rec.sample.regs_abi = roll(seed, 3);
	give(w, &rec);
	return (int64_t)rec.sample.period;
}

static void give_random_sideband(struct world *w, uint32_t *seed)
{
	uint32_t pid = roll(seed, 8), other = roll(seed, 8);

	switch (roll(seed, 8)) {
	case 0:
		give_fork(w, pid, other, pid, other);
		break;
	case 1:
		give_exit(w, pid);
		break;
	case 2:
		give_comm(w, pid, pid, roll(seed, 2) ? "a\xff" : "", roll(seed, 2));
		break;
	case 3:
		give_mmap(w, pid, random_ip(seed) & ~0xfffull, 0x1000 << roll(seed, 8), "/bin/x");
		break;
	case 4:
		if (w->nr_maps)
			answer_maps(w, roll(seed, w->nr_maps), roll(seed, 3) ? maps_old : "");
		break;
	case 5:
		if (w->nr_objects)
			answer_object(w, roll(seed, w->nr_objects), 2 + roll(seed, 4));
		break;
	case 6:
		collect_tick(w->c, w->now += roll(seed, 2) * SECOND);
		break;
	default:
		w->refuse = roll(seed, 2);
		w->nr_maps = w->nr_maps > ASKS_MAX / 2 ? 0 : w->nr_maps;
		w->nr_objects = w->nr_objects > ASKS_MAX / 2 ? 0 : w->nr_objects;
	}
	w->refuse |= w->nr_maps + 8 > ASKS_MAX || w->nr_objects + 16 > ASKS_MAX;
}

static void finish_and_count(struct world *w, int64_t sums[2])
{
	struct profile *p = collect_finish(w->c, 0, 1, 1);

	collect_next_window(w->c);
	for (uint32_t i = 0; p && i < p->nr_samples; i++) {
		assert_true(p->stacks[p->samples[i].stack].nr > 0);
		sums[0] += p->values[2 * i];
		sums[1] += p->values[2 * i + 1];
	}
	profile_free(p);
}

static void sums_are_conserved(void **state)
{
	for (uint32_t seed = 1; seed < 40; seed++) {
		struct collect_options o = options();
		int64_t given[2] = { 0, 0 }, got[2] = { 0, 0 };
		uint32_t s = seed;
		struct world *w;

		o.labels = LABEL_ALL;
		o.outside = seed % 2;
		o.kernel_relative = seed % 3 == 0;
		w = world_with(&o);
		for (unsigned i = 0; i < 3000; i++) {
			if (roll(&s, 4)) {
				given[1] += give_random_sample(w, &s);
				given[0]++;
			} else {
				give_random_sideband(w, &s);
			}
			if (!roll(&s, 200))
				finish_and_count(w, got);
		}
		collect_tick(w->c, w->now + 2 * COLLECT_WAIT_NS);
		finish_and_count(w, got);
		assert_int_equal(got[0], given[0]);
		assert_int_equal(got[1], given[1]);
		assert_int_equal(COUNTER(w, samples), given[0]);
		world_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernel_and_user_frames_make_one_stack),
		cmocka_unit_test(chain_that_leaves_the_mappings_is_cut),
		cmocka_unit_test(stack_as_deep_as_the_limit_is_truncated),
		cmocka_unit_test(without_a_chain_the_address_is_all),
		cmocka_unit_test(copied_stack_that_is_not_walked_is_truncated),
		cmocka_unit_test(what_is_no_process_gets_a_frame_of_its_own),
		cmocka_unit_test(idle_is_left_out_or_named),
		cmocka_unit_test(kernel_addresses_leave_relative_to_text),
		cmocka_unit_test(recorded_kernel_and_modules_are_mappings),
		cmocka_unit_test(sample_waits_for_its_maps),
		cmocka_unit_test(waiting_ends_after_its_time),
		cmocka_unit_test(waiting_samples_outlive_the_window),
		cmocka_unit_test(maps_that_cannot_be_had_are_not_waited_for),
		cmocka_unit_test(refused_ask_is_repeated),
		cmocka_unit_test(exec_while_waiting_loses_the_old_image),
		cmocka_unit_test(pid_reuse_while_waiting_mixes_nothing),
		cmocka_unit_test(fork_shares_what_is_asked_for),
		cmocka_unit_test(waiting_memory_is_bounded),
		cmocka_unit_test(stale_maps_are_read_again_ever_more_rarely),
		cmocka_unit_test(mapping_that_grew_holds_its_locations),
		cmocka_unit_test(one_object_is_one_mapping),
		cmocka_unit_test(without_one_object_nothing_is_merged),
		cmocka_unit_test(build_ids_alone_merge_nothing),
		cmocka_unit_test(object_comes_after_its_process_has_gone),
		cmocka_unit_test(refused_object_is_asked_for_again),
		cmocka_unit_test(labels_follow_names),
		cmocka_unit_test(labels_are_chosen),
		cmocka_unit_test(units_come_from_cgroups),
		cmocka_unit_test(unit_is_asked_for_once_where_samples_do_not_say),
		cmocka_unit_test(lost_samples_are_in_the_profile_once),
		cmocka_unit_test(profile_says_what_it_is),
		cmocka_unit_test(counters_are_all_in_the_table),
		cmocka_unit_test(sums_are_conserved),
	};

	return cmocka_run_group_tests_name("collect", tests, NULL, NULL);
}
