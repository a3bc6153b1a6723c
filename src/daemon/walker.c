#include "daemon/walker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/array.h"
#include "base/log.h"
#include "collect/collect.h"
#include "daemon/kernel.h"
#include "daemon/walker_load.h"
#include "perf/event.h"

#define SWEEP_NS 1000000000ull
#define COPY_OVERHEAD 512 /* a record's bytes beside the stack */

struct program {
	uint32_t source;
	int fd;
};

struct walker {
	struct process_table *processes;
	struct walker_load *load;
	struct unwind_mirror *mirror;
	size_t stack_size;
	uint32_t nr_cpus;
	uint64_t swept_ns;
	struct mirror_map *maps; /* of the process that is looked at */
	uint32_t maps_cap;
	struct program *programs;
	uint32_t nr_programs, programs_cap;
};

/* --- Processes --- */

static void describe(const struct walker *w, const struct process_map *map, struct mirror_map *to)
{
	const struct process_file *file = process_file(w->processes, map->file);

	*to = (struct mirror_map){ .start = map->start, .end = map->end, .pgoff = map->pgoff, .object = map->object };
	if (file->special && !strcmp(file->path, "[vdso]"))
		to->object = COLLECT_VDSO;
	else if (file->special)
		to->kind = UNWIND_KMAP_FILELESS;
	else if (map->object == OBJECT_MISSING)
		to->kind = UNWIND_KMAP_NEVER;
	else if (map->object < OBJECT_FIRST)
		to->kind = UNWIND_KMAP_ASK;
	if (!to->kind && to->object >= OBJECT_FIRST)
		to->kind = UNWIND_KMAP_TABLES;
	if (to->kind != UNWIND_KMAP_TABLES)
		to->object = 0;
}

void walker_look(struct walker *w, struct process *p)
{
	const struct space *s = p->space;

	if (s->state != SPACE_KNOWN || p->exited || p->kthread)
		return;
	array_reserve(w->maps, w->maps_cap, s->nr_maps + 1);
	for (uint32_t i = 0; i < s->nr_maps; i++)
		describe(w, space_map(s, i), &w->maps[i]);
	mirror_put(w->mirror, p->pid, s->serial, w->maps, s->nr_maps);
}

static void sweep(void *ctx, uint32_t pid)
{
	struct walker *w = ctx;
	const struct process *p = process_find(w->processes, pid);

	if (!p || p->exited)
		mirror_del(w->mirror, pid);
}

void walker_fail(struct walker *w, uint32_t object, uint64_t offset)
{
	mirror_fail(w->mirror, object, offset);
}

void walker_tick(struct walker *w, uint64_t now_ns)
{
	mirror_tick(w->mirror, now_ns);
	if (now_ns - w->swept_ns < SWEEP_NS)
		return;
	w->swept_ns = now_ns;
	mirror_each(w->mirror, sweep, w);
}

/* --- CPUs and events --- */

int walker_cpu(struct walker *w, unsigned cpu, int fd, size_t ring_size)
{
	struct unwind_kcpu *k = walker_load_cpu(w->load, cpu);
	uint64_t max = ring_size / 2 / (w->stack_size + COPY_OVERHEAD);

	if (!k)
		return -EINVAL;
	__atomic_store_n(&k->max, w->stack_size ? max : 0, __ATOMIC_RELAXED);
	__atomic_store_n(&k->nr_read, k->nr_made, __ATOMIC_RELAXED);
	return walker_load_output(w->load, cpu, fd);
}

static struct program *find_program(struct walker *w, uint32_t source)
{
	for (uint32_t i = w->nr_programs; i-- > 0;) /* the last one mostly */
		if (w->programs[i].source == source)
			return &w->programs[i];
	return NULL;
}

void walker_detach(struct walker *w, uint32_t source)
{
	struct program *p = find_program(w, source);

	if (!p)
		return;
	close(p->fd); /* events that have it keep it */
	*p = w->programs[--w->nr_programs];
}

int walker_attach(struct walker *w, uint32_t source, int fd)
{
	struct program *p = find_program(w, source);

	if (!p) {
		int program = walker_load_program(w->load, source);

		if (program < 0)
			return program;
		p = array_push(w->programs, w->nr_programs, w->programs_cap);
		*p = (struct program){ source, program };
	}
	return event_set_program(fd, p->fd);
}

uint64_t walker_copies_made(struct walker *w, unsigned cpu)
{
	struct unwind_kcpu *k = walker_load_cpu(w->load, cpu);

	return k ? __atomic_load_n(&k->nr_made, __ATOMIC_ACQUIRE) : 0;
}

void walker_copy_read(struct walker *w, unsigned cpu)
{
	struct unwind_kcpu *k = walker_load_cpu(w->load, cpu);

	if (k && (int64_t)(k->nr_made - k->nr_read) > 0)
		__atomic_store_n(&k->nr_read, k->nr_read + 1, __ATOMIC_RELAXED);
}

/* What the kernel had no room for, or no registers, was made and will not be read. */
void walker_copies_read(struct walker *w, unsigned cpu, uint64_t made)
{
	struct unwind_kcpu *k = walker_load_cpu(w->load, cpu);

	if (k && (int64_t)(made - k->nr_read) > 0)
		__atomic_store_n(&k->nr_read, made, __ATOMIC_RELAXED);
}

/* --- The whole --- */

/* Threads, of the kernel's as well: more than there are processes, never fewer. */
static uint32_t count_processes(void)
{
	struct sysinfo s;

	return sysinfo(&s) < 0 ? 0 : s.procs;
}

int walker_new(struct walker **out, struct process_table *p, struct unwind_tables *t, const struct walker_options *o,
	       char *why, size_t why_size)
{
	long nr_cpus = sysconf(_SC_NPROCESSORS_CONF);
	struct walker_sizes sizes = { .nr_cpus = nr_cpus > 0 ? (uint32_t)nr_cpus : 1, .nr_processes = count_processes(),
				      .tables_size = o->tables_size, .stack_size = o->stack_size };
	struct mirror_memory memory;
	struct walker *w;
	int err;

	if (kernel_in_pid_namespace()) {
		snprintf(why, why_size, "processes have other numbers in this PID namespace than in the kernel");
		return -ENOTSUP;
	}
	w = xcalloc(1, sizeof(*w));
	w->processes = p;
	w->stack_size = o->stack_size;
	w->nr_cpus = sizes.nr_cpus;
	err = walker_load_new(&w->load, &sizes, why, why_size);
	if (err) {
		free(w);
		return err;
	}
	walker_load_memory(w->load, &memory);
	w->mirror = mirror_new(&memory, t);
	*out = w;
	return 0;
}

void walker_free(struct walker *w)
{
	if (!w)
		return;
	mirror_free(w->mirror);
	for (uint32_t i = 0; i < w->nr_programs; i++)
		close(w->programs[i].fd);
	free(w->programs);
	free(w->maps);
	walker_load_free(w->load);
	free(w);
}

void walker_status(struct walker *w, struct walker_status *s)
{
	*s = (struct walker_status){ .size = walker_load_size(w->load) };
	mirror_stats(w->mirror, &s->mirror);
	for (uint32_t i = 0; i < w->nr_cpus; i++) {
		const struct unwind_kcpu *k = walker_load_cpu(w->load, i);

		s->nr_walked += __atomic_load_n(&k->nr_emitted, __ATOMIC_RELAXED);
		s->nr_copied += __atomic_load_n(&k->nr_made, __ATOMIC_RELAXED);
		s->nr_refused += __atomic_load_n(&k->nr_refused, __ATOMIC_RELAXED);
	}
}
