#include "daemon/walker_load.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "bpf/unwind.skel.h"

#define LICENSE "Dual BSD/GPL"
#define SLAB_SIZE (UNWIND_SLAB_ROWS * sizeof(uint32_t))
#define SPARE 4 /* 1/4 more rows than the tables have: what is rounded up, and what was replaced and may still be read */
#define PROCESSES_MIN 256
#define PROCESSES_MAX 16384
#define SLOTS_A_PROCESS 4   /* so that two buckets are hardly ever full */
#define KMAPS_A_PROCESS 32  /* executable mappings; relatives share theirs */
#define KPAGES_A_PROCESS 32 /* of 64 KiB of code; processes with the same files share theirs */

struct area {
	void *base;
	size_t size;
};

struct walker_load {
	struct unwind_bpf *skel;
	struct area buckets, kmaps, kpages, rules, cpus;
	struct area *slabs;
	struct walker_sizes sizes;
	uint32_t nr_buckets, nr_kmaps, nr_kpages, nr_slabs;
};

static int print(enum libbpf_print_level level, const char *format, va_list args)
{
	char line[512];

	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = 0;
	log_debug("%s", line);
	return 0;
}

static int area_map(struct area *a, int fd, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	size = (size + page - 1) & ~(page - 1);
	a->base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (a->base == MAP_FAILED) {
		a->base = NULL;
		return -errno;
	}
	a->size = size;
	return 0;
}

static void area_unmap(struct area *a)
{
	if (a->base)
		munmap(a->base, a->size);
	*a = (struct area){ 0 };
}

/* --- Loading --- */

static uint32_t power_of_2(uint64_t at_least)
{
	uint32_t n = 1;

	while (n < at_least && n < 1u << 30)
		n *= 2;
	return n;
}

static void choose_sizes(struct walker_load *w)
{
	uint64_t nr = 2ull * w->sizes.nr_processes;

	nr = nr < PROCESSES_MIN ? PROCESSES_MIN : nr > PROCESSES_MAX ? PROCESSES_MAX : nr;
	nr = power_of_2(nr);
	w->nr_buckets = (uint32_t)nr * SLOTS_A_PROCESS / UNWIND_BUCKET_SLOTS;
	w->nr_kmaps = (uint32_t)nr * KMAPS_A_PROCESS;
	w->nr_kpages = (uint32_t)nr * KPAGES_A_PROCESS;
	w->nr_slabs = (uint32_t)((w->sizes.tables_size + w->sizes.tables_size / SPARE + SLAB_SIZE - 1) / SLAB_SIZE);
	if (!w->nr_slabs)
		w->nr_slabs = 1;
	if (w->nr_slabs > UNWIND_SLABS_MAX)
		w->nr_slabs = UNWIND_SLABS_MAX;
}

static int set_sizes(struct walker_load *w)
{
	struct unwind_bpf *s = w->skel;
	int err = 0;

	s->rodata->bucket_mask = w->nr_buckets - 1;
	s->rodata->copy_size = (uint32_t)w->sizes.stack_size;
	err |= bpf_map__set_max_entries(s->maps.buckets, w->nr_buckets);
	err |= bpf_map__set_max_entries(s->maps.kmaps, w->nr_kmaps);
	err |= bpf_map__set_max_entries(s->maps.kpages, w->nr_kpages);
	err |= bpf_map__set_max_entries(s->maps.slabs, w->nr_slabs);
	err |= bpf_map__set_max_entries(s->maps.kcpus, w->sizes.nr_cpus);
	err |= bpf_map__set_max_entries(s->maps.output, w->sizes.nr_cpus);
	return err;
}

static int map_memory(struct walker_load *w)
{
	struct unwind_bpf *s = w->skel;
	int err = area_map(&w->buckets, bpf_map__fd(s->maps.buckets), w->nr_buckets * sizeof(struct unwind_bucket));

	if (!err)
		err = area_map(&w->kmaps, bpf_map__fd(s->maps.kmaps), w->nr_kmaps * sizeof(struct unwind_kmap));
	if (!err)
		err = area_map(&w->kpages, bpf_map__fd(s->maps.kpages), w->nr_kpages * sizeof(struct unwind_kpage));
	if (!err)
		err = area_map(&w->rules, bpf_map__fd(s->maps.rules), UNWIND_RULES_MAX * sizeof(struct unwind_rule));
	if (!err)
		err = area_map(&w->cpus, bpf_map__fd(s->maps.kcpus), w->sizes.nr_cpus * sizeof(struct unwind_kcpu));
	return err;
}

static int set_steps(struct walker_load *w)
{
	int fds[2] = { bpf_program__fd(w->skel->progs.begin), bpf_program__fd(w->skel->progs.walk) };

	for (uint32_t i = 0; i < 2; i++)
		if (bpf_map_update_elem(bpf_map__fd(w->skel->maps.steps), &i, &fds[i], BPF_ANY) < 0)
			return -errno;
	return 0;
}

static void explain(int err, char *why, size_t size)
{
	if (err == -EPERM || err == -EACCES)
		snprintf(why, size, "not permitted: needs CAP_BPF and CAP_PERFMON, and a kernel that is not locked down");
	else if (err == -ENOSYS)
		snprintf(why, size, "this kernel has no bpf(2), or a filter hides it");
	else if (err == -EINVAL || err == -ENOTSUP || err == -EOPNOTSUPP || err == -ENOENT || err == -ESRCH)
		snprintf(why, size, "this kernel refuses the program (Linux before 5.15, or without BTF?)");
	else
		snprintf(why, size, "loading the program: %s", strerror(-err));
}

int walker_load_new(struct walker_load **out, const struct walker_sizes *sizes, char *why, size_t why_size)
{
	struct walker_load *w = xcalloc(1, sizeof(*w));
	int err = -ENOMEM;

	libbpf_set_print(print);
	w->sizes = *sizes;
	choose_sizes(w);
	w->slabs = xcalloc(w->nr_slabs, sizeof(*w->slabs));
	w->skel = unwind_bpf__open();
	if (!w->skel) {
		err = -errno;
		goto out;
	}
	err = set_sizes(w);
	if (!err)
		err = unwind_bpf__load(w->skel);
	if (!err)
		err = map_memory(w);
	if (!err)
		err = set_steps(w);
out:
	if (err) {
		explain(err, why, why_size);
		walker_load_free(w);
		return err;
	}
	*out = w;
	return 0;
}

void walker_load_free(struct walker_load *w)
{
	if (!w)
		return;
	area_unmap(&w->buckets);
	area_unmap(&w->kmaps);
	area_unmap(&w->kpages);
	area_unmap(&w->rules);
	area_unmap(&w->cpus);
	for (uint32_t i = 0; i < w->nr_slabs; i++)
		area_unmap(&w->slabs[i]);
	free(w->slabs);
	unwind_bpf__destroy(w->skel);
	free(w);
}

/* --- Memory --- */

/* A map of its own, made when it is needed first: putting it among the others waits for an RCU grace period (13 ms were
 * measured), a few times in our life. */
static uint32_t *slab(void *ctx, uint32_t index)
{
	struct walker_load *w = ctx;
	LIBBPF_OPTS(bpf_map_create_opts, o, .map_flags = BPF_F_MMAPABLE);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "pprofd_rows", sizeof(uint32_t), SLAB_SIZE, 1, &o);

	if (fd < 0)
		return NULL;
	if (area_map(&w->slabs[index], fd, SLAB_SIZE) ||
	    bpf_map_update_elem(bpf_map__fd(w->skel->maps.slabs), &index, &fd, BPF_ANY) < 0)
		area_unmap(&w->slabs[index]);
	close(fd); /* the map of maps and our mapping hold it */
	return w->slabs[index].base;
}

void walker_load_memory(struct walker_load *w, struct mirror_memory *m)
{
	*m = (struct mirror_memory){
		.buckets = w->buckets.base,
		.kmaps = w->kmaps.base,
		.kpages = w->kpages.base,
		.rules = w->rules.base,
		.nr_buckets = w->nr_buckets,
		.nr_kmaps = w->nr_kmaps,
		.nr_kpages = w->nr_kpages,
		.nr_slabs = w->nr_slabs,
		.slab = slab,
		.ctx = w,
	};
}

struct unwind_kcpu *walker_load_cpu(struct walker_load *w, uint32_t cpu)
{
	return cpu < w->sizes.nr_cpus ? (struct unwind_kcpu *)w->cpus.base + cpu : NULL;
}

size_t walker_load_size(const struct walker_load *w)
{
	size_t size = w->buckets.size + w->kmaps.size + w->kpages.size + w->rules.size + w->cpus.size;

	size += (size_t)bpf_map__value_size(w->skel->maps.walks) * w->sizes.nr_cpus;
	for (uint32_t i = 0; i < w->nr_slabs; i++)
		size += w->slabs[i].size;
	return size;
}

/* --- Programs --- */

#define INSN(c, d, s, o, i) ((struct bpf_insn){ .code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) })
#define MOVE(d, s) INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define MOVE_IMM(d, i) INSN(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define MAP(d, fd) INSN(BPF_LD | BPF_DW | BPF_IMM, d, BPF_PSEUDO_MAP_FD, 0, fd), INSN(0, 0, 0, 0, 0)
#define CALL(f) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, f)

/* walks[0].source = SOURCE; tail call of steps[0]. A cookie of the attachment would do as well, were it inherited with
 * the event. */
int walker_load_program(struct walker_load *w, uint32_t source)
{
	const struct bpf_insn insns[] = {
		MOVE(BPF_REG_6, BPF_REG_1),
		INSN(BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, -4, 0),
		MOVE(BPF_REG_2, BPF_REG_10),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, -4),
		MAP(BPF_REG_1, bpf_map__fd(w->skel->maps.walks)),
		CALL(BPF_FUNC_map_lookup_elem),
		INSN(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 6, 0),
		INSN(BPF_ST | BPF_MEM | BPF_W, BPF_REG_0, 0, 0, (int32_t)source),
		MOVE(BPF_REG_1, BPF_REG_6),
		MAP(BPF_REG_2, bpf_map__fd(w->skel->maps.steps)),
		MOVE_IMM(BPF_REG_3, 0),
		CALL(BPF_FUNC_tail_call),
		MOVE_IMM(BPF_REG_0, 1),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_PERF_EVENT, "pprofd", LICENSE, insns, sizeof(insns) / sizeof(insns[0]), NULL);

	return fd < 0 ? -errno : fd;
}

int walker_load_output(struct walker_load *w, uint32_t cpu, int fd)
{
	int map = bpf_map__fd(w->skel->maps.output);

	if (fd < 0)
		return bpf_map_delete_elem(map, &cpu) < 0 ? -errno : 0;
	return bpf_map_update_elem(map, &cpu, &fd, BPF_ANY) < 0 ? -errno : 0;
}
