/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* maps: the memory of the walk in the kernel: what the sampler writes (unwind/mirror.h), by the shapes of unwind/kernel.h, and
 * the walk under way on each CPU. Sizes of 1 are set when it is loaded. */
#ifndef BPF_MAPS_H
#define BPF_MAPS_H

#include "bpf/vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "unwind/kernel.h"

#define READ_SIZE 512 /* by trial: python3 and node take longer with half of it, no less with twice as much */

/* What was read last of the thread's memory, and of nobody else's: SIZE bytes from START on (read.h). */
struct unwind_memory {
	__u64 start, size;
	__u64 words[READ_SIZE / 8];
};

#define UNWIND_ELSEWHERE UNWIND_STOP_FAULT /* any stack can be read */

static __always_inline enum unwind_stop unwind_read(struct unwind_memory *m, uint64_t address, uint64_t *out);

#include "unwind/step.h"

/* A rule that was found lately. The number of an image is never another's, and what is mapped in it never changes. */
#define RECENT_RULES 512 /* a power of 2 */

struct recent {
	__u64 pc;
	__u32 serial, page; /* of the image; that it is in, or NO_PAGE */
	struct unwind_rule rule;
};

#define NO_PAGE 0xffffffffu

struct walk {
	__u32 source; /* set by the sampler's program */
	__u32 first, nr_maps;
	__u32 narrow; /* the thread runs 32-bit code */
	struct unwind_frame leaf, at; /* where it began; where it is */
	/* The mapping that was found last. */
	__u64 map_start, map_end;
	__u32 map_page;
	__u16 map_skew, map_kind;
	__u32 used; /* the page that has been marked last */
	struct unwind_rule rule;
	struct unwind_memory memory;
	struct unwind_compact out;
	struct recent recent[RECENT_RULES];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, sizeof(struct unwind_bucket));
} buckets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, sizeof(struct unwind_kmap));
} kmaps SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, sizeof(struct unwind_kpage));
} kpages SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, UNWIND_RULES_MAX);
	__uint(key_size, 4);
	__uint(value_size, sizeof(struct unwind_rule));
} rules SEC(".maps");

struct slab {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, UNWIND_SLAB_ROWS * 4);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, 4);
	__array(values, struct slab);
} slabs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, sizeof(struct unwind_kcpu));
} kcpus SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, sizeof(struct walk));
} walks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, 4);
} output SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__uint(value_size, 4);
} steps SEC(".maps");

const volatile __u32 bucket_mask = 0;
const volatile __u32 copy_size = 0; /* bytes of stack that a copy has */

/* Keeps the compiler from knowing X: a bound that it has checked must be checked where the verifier sees it. */
#define hide(x) asm volatile("" : "+r"(x))

static __always_inline struct walk *this_walk(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&walks, &zero);
}

#endif
