// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* unwind.bpf: the walk of unwind/stack.c in the kernel, of the user stack where it lies: what it reads is what the
 * interrupted thread has there, and nothing of it but addresses of code leaves the kernel.
 *
 * A sampler's own small program (daemon/bpf.c) notes whose sample it is and tail-calls `begin`; `walk` does 16 frames and
 * tail-calls itself. The walk ends with a record (unwind/kernel.h) and 0: the kernel writes no sample. Where something is
 * missing that the sampler can get, with 1: the kernel writes the sample, with a copy of the stack.
 *
 * How the verifier is kept content: functions with names of their own are checked once each; a search has as many steps as
 * its largest case, without a branch that depends on more than the comparison; what indexes memory is masked right before. */
#include "bpf/vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "unwind/kernel.h"

#define FRAMES_A_CALL 16 /* 33 tail calls are the most: 2 + 31 */
#define CS_USER_32 0x23	 /* __USER32_CS */
#define CHAIN_FRAMES 64
#define COMPACT_SIZE_MAX (UNWIND_COMPACT_HEAD + 8 * UNWIND_COMPACT_FRAMES_MAX)

/* What a walk step answers: to go on, or an enum unwind_stop. */
#define GO_ON UNWIND_NR_STOPS

struct walk {
	__u32 source; /* set by the sampler's program */
	__u32 first, nr_maps;
	__u64 leaf_ip, leaf_sp, leaf_fp; /* where it began */
	__u64 ip, sp, fp;
	__u64 pc; /* the frame's address: ip, or the call before it */
	__u32 nr_switches;
	__u32 guess; /* how the frame was reached */
	__u32 narrow; /* the thread runs 32-bit code */
	/* The mapping that was found last. */
	__u64 map_start, map_end;
	__u32 map_page;
	__u16 map_skew, map_kind;
	struct unwind_rule rule;
	struct unwind_compact out;
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

/* --- The end of a walk --- */

static __always_inline int emit(struct bpf_perf_event_data *ctx, struct walk *w)
{
	__u32 cpu = bpf_get_smp_processor_id(), nr = w->out.nr, size;
	struct unwind_kcpu *k = bpf_map_lookup_elem(&kcpus, &cpu);

	w->out.period = ctx->sample_period;
	w->out.source = w->source & ~UNWIND_SOURCE_BOTH;
	w->out.zero = 0;
	if (nr > UNWIND_COMPACT_FRAMES_MAX)
		return 1;
	size = UNWIND_COMPACT_HEAD + nr * 8;
	hide(size);
	if (size > COMPACT_SIZE_MAX)
		return 1;
	/* When the ring is full the sample does not fit either, and is counted as lost where it belongs. */
	if (bpf_perf_event_output(ctx, &output, BPF_F_CURRENT_CPU, &w->out, size))
		return 1;
	if (k)
		k->nr_emitted++;
	return w->source & UNWIND_SOURCE_BOTH ? 1 : 0;
}

/* What frame pointers alone say of the frames from W's ip, sp and fp on: as the kernel's own chain, which an event that
 * leaves user callers to us does not give. */
__attribute__((noinline)) int chain(void)
{
	struct walk *w = this_walk();
	__u64 frame[2];
	__u32 narrow[2], nr, word;

	if (!w)
		return 0;
	word = w->narrow ? sizeof(narrow[0]) : sizeof(frame[0]);
	w->out.flags = UNWIND_COMPACT_CHAIN;
	w->out.addresses[0] = w->ip;
	for (nr = 1; nr < CHAIN_FRAMES; nr++) {
		if (w->fp < w->sp || w->fp & (word - 1))
			break;
		if (w->narrow) {
			if (bpf_probe_read_user(narrow, sizeof(narrow), (void *)w->fp))
				break;
			frame[0] = narrow[0];
			frame[1] = narrow[1];
		} else if (bpf_probe_read_user(frame, sizeof(frame), (void *)w->fp)) {
			break;
		}
		if (!frame[1])
			break;
		w->out.addresses[nr & (UNWIND_COMPACT_FRAMES_MAX - 1)] = frame[1];
		w->sp = w->fp + 2 * word;
		w->fp = frame[0];
	}
	w->out.nr = nr;
	return 0;
}

/* Back to where the walk began. */
static __always_inline void restart(struct walk *w)
{
	w->ip = w->leaf_ip;
	w->sp = w->leaf_sp;
	w->fp = w->leaf_fp;
}

/* What is at w->pc is not known. The sampler could walk a copy, and learn from it, if that reaches so far and there is room
 * for one; else it learns from the record. */
static __always_inline int copy(struct bpf_perf_event_data *ctx, struct walk *w)
{
	__u32 cpu = bpf_get_smp_processor_id(), nr = w->out.nr;
	struct unwind_kcpu *k = bpf_map_lookup_elem(&kcpus, &cpu);

	if (k && w->sp - w->leaf_sp < copy_size) {
		if ((__s64)(k->nr_made - k->nr_read) < (__s64)k->max) {
			k->nr_made++;
			return 1;
		}
		k->nr_refused++;
	}
	w->out.stop = UNWIND_STOP_NO_PAGE;
	if (nr && nr < UNWIND_COMPACT_FRAMES_MAX) {
		hide(nr);
		w->out.addresses[nr & (UNWIND_COMPACT_FRAMES_MAX - 1)] = w->pc;
		w->out.nr = nr + 1;
	} else {
		restart(w);
		chain();
	}
	w->out.flags |= UNWIND_COMPACT_ASK;
	return emit(ctx, w);
}

/* --- What is at an address --- */

/* Finds the mapping of w->pc. */
__attribute__((noinline)) int find_map(void)
{
	struct walk *w = this_walk();
	__u32 base, nr, i;
	struct unwind_kmap *m;
	__u64 pc;

	if (!w)
		return 0;
	base = w->first + 1;
	nr = w->nr_maps;
	pc = w->pc;
	if (!nr)
		return 0;
	for (i = 0; i < 13 && nr > 1; i++) { /* of UNWIND_IMAGE_MAPS_MAX */
		__u32 half = nr / 2, at = base + half;

		m = bpf_map_lookup_elem(&kmaps, &at);
		if (!m)
			return 0;
		if (m->start <= pc)
			base = at;
		nr -= half;
	}
	m = bpf_map_lookup_elem(&kmaps, &base);
	if (!m || pc < m->start || pc >= m->end)
		return 0;
	w->map_start = m->start;
	w->map_end = m->end;
	w->map_page = m->page;
	w->map_skew = m->skew;
	w->map_kind = m->kind;
	return 1;
}

/* Finds the row of the code LOW in page number INDEX: w->rule. GO_ON, or NO_PAGE; −1: it may still come. */
__attribute__((noinline)) int find_row(__u32 index, __u32 low)
{
	struct unwind_kpage *page = bpf_map_lookup_elem(&kpages, &index);
	__u32 slab, zero = 0, at, nr, i, key = low << 16 | 0xffff, number;
	struct walk *w = this_walk();
	struct unwind_rule *rule;
	const __u32 *rows;
	__u64 where;
	void *inner;

	if (!page || !w)
		return UNWIND_STOP_NO_PAGE;
	where = page->rows;
	if (where == UNWIND_ROWS_NONE)
		return -1;
	if (where == UNWIND_ROWS_FAILED)
		return UNWIND_STOP_NO_PAGE;
	if (!page->used)
		page->used = 1;
	slab = unwind_rows_slab(where);
	at = unwind_rows_first(where);
	nr = unwind_rows_nr(where);
	inner = bpf_map_lookup_elem(&slabs, &slab);
	if (!inner)
		return UNWIND_STOP_NO_PAGE;
	rows = bpf_map_lookup_elem(inner, &zero);
	if (!rows)
		return UNWIND_STOP_NO_PAGE;
	for (i = 0; i < 15 && nr > 1; i++) { /* of UNWIND_PAGE_ROWS_MAX */
		__u32 half = nr / 2, middle = at + half;

		hide(middle);
		middle &= UNWIND_SLAB_ROWS - 1;
		if (rows[middle] <= key)
			at = middle;
		nr -= half;
	}
	hide(at);
	at &= UNWIND_SLAB_ROWS - 1;
	number = rows[at] & 0xffff;
	rule = bpf_map_lookup_elem(&rules, &number);
	if (!rule)
		return UNWIND_STOP_NO_PAGE;
	w->rule = *rule;
	return GO_ON;
}

/* As in unwind/stack.c; −1: it may still come. */
static __always_inline int find_rule(struct walk *w)
{
	__u64 offset;

	if ((w->pc < w->map_start || w->pc >= w->map_end) && !find_map())
		/* An address that a guess found is what was wrong, not the maps. */
		return w->guess ? UNWIND_STOP_NO_ROW : UNWIND_STOP_NO_MAPPING;
	switch (w->map_kind) {
	case UNWIND_KMAP_TABLES:
		offset = w->pc - w->map_start + w->map_skew;
		return find_row(w->map_page + (__u32)(offset >> UNWIND_PAGE_SHIFT), offset & 0xffff);
	case UNWIND_KMAP_FILELESS:
		w->rule.cfa = UNWIND_NONE;
		w->rule.fp = 0;
		return GO_ON;
	case UNWIND_KMAP_ASK:
		return -1;
	default:
		return UNWIND_STOP_NO_PAGE;
	}
}

/* --- Steps: as in unwind/stack.c --- */

static __always_inline int read_word(__u64 address, __u64 *out)
{
	return bpf_probe_read_user(out, sizeof(*out), (void *)address) ? UNWIND_STOP_FAULT : GO_ON;
}

static __always_inline int caller_fp(struct walk *w, __u64 cfa)
{
	__u64 slot, off = (__u64)(__s64)w->rule.fp_off, fp;

	switch (w->rule.fp & ~UNWIND_FP_TRAMPOLINE) {
	case UNWIND_FP_CFA:
		slot = cfa + off;
		break;
	case UNWIND_FP_SLOT:
		slot = w->fp + off;
		break;
	case UNWIND_FP_STACK:
		slot = w->sp + off;
		break;
	case UNWIND_FP_LOST:
		w->fp = 0;
		return GO_ON;
	default:
		return GO_ON;
	}
	if (slot < w->sp)
		return GO_ON;
	if (read_word(slot, &fp) != GO_ON)
		return UNWIND_STOP_FAULT;
	w->fp = fp;
	return GO_ON;
}

static __always_inline int step_cfa(struct walk *w, __u64 cfa)
{
	__u64 ip;

	if (cfa <= w->sp || (cfa - w->sp) % UNWIND_WORD)
		return UNWIND_STOP_BAD_CFA;
	if (read_word(cfa - UNWIND_WORD, &ip) != GO_ON || caller_fp(w, cfa) != GO_ON)
		return UNWIND_STOP_FAULT;
	w->ip = ip;
	w->sp = cfa;
	w->pc = w->rule.fp & UNWIND_FP_TRAMPOLINE ? ip : ip - 1;
	return GO_ON;
}

static __always_inline int step_signal(struct walk *w)
{
	__u64 at = w->sp + (__u64)(__s64)w->rule.cfa_off, sp, ip, fp;

	if (read_word(at, &sp) != GO_ON || read_word(at + UNWIND_WORD, &ip) != GO_ON ||
	    read_word(w->sp + (__u64)(__s64)w->rule.fp_off, &fp) != GO_ON)
		return UNWIND_STOP_FAULT;
	if (++w->nr_switches > UNWIND_SWITCHES_MAX)
		return UNWIND_STOP_LOOP;
	w->sp = sp;
	w->fp = fp;
	w->ip = w->pc = ip;
	return GO_ON;
}

/* A frame that the frame pointer is right in, wherever it lies. */
static __always_inline int step_frame(struct walk *w)
{
	__u64 ip, fp;

	if (read_word(w->fp + UNWIND_WORD, &ip) != GO_ON || read_word(w->fp, &fp) != GO_ON)
		return UNWIND_STOP_FAULT;
	w->sp = w->fp + 2 * UNWIND_WORD;
	w->fp = fp;
	w->ip = ip;
	w->pc = ip - 1;
	return GO_ON;
}

static __always_inline int step_switch(struct walk *w)
{
	if (++w->nr_switches > UNWIND_SWITCHES_MAX)
		return UNWIND_STOP_LOOP;
	return step_frame(w);
}

/* A chain that leads below its stack has changed to another. */
static __always_inline int step_chain(struct walk *w)
{
	if (!w->fp)
		return UNWIND_STOP_COMPLETE;
	if (w->fp % UNWIND_WORD)
		return UNWIND_STOP_BAD_CFA;
	return w->fp < w->sp ? step_switch(w) : step_frame(w);
}

static __always_inline int step_guess(struct walk *w)
{
	if (!w->fp && w->out.nr > 1)
		return UNWIND_STOP_COMPLETE;
	w->guess = 1;
	if (w->fp < w->sp || w->fp % UNWIND_WORD || step_frame(w) != GO_ON)
		return UNWIND_STOP_NO_ROW;
	return GO_ON;
}

/* The CFA of those rules that have one. */
static __always_inline int step_by_cfa(struct walk *w)
{
	__u64 lo = (__u64)(__s64)unwind_lo(&w->rule), hi = (__u64)(__s64)unwind_hi(&w->rule), cfa;

	switch (w->rule.cfa) {
	case UNWIND_SP:
		cfa = w->sp + (__u64)(__s64)w->rule.cfa_off;
		break;
	case UNWIND_FP:
		cfa = w->fp + (__u64)(__s64)w->rule.cfa_off;
		break;
	case UNWIND_PLT:
		cfa = w->sp + lo + ((w->ip & 15) >= hi ? 8 : 0);
		break;
	default:
		if (read_word((w->rule.cfa == UNWIND_SP_DEREF ? w->sp : w->fp) + lo, &cfa) != GO_ON)
			return UNWIND_STOP_FAULT;
		cfa += hi;
	}
	return step_cfa(w, cfa);
}

static __always_inline int step(struct walk *w)
{
	switch (w->rule.cfa) {
	case UNWIND_UNSUPPORTED:
		return UNWIND_STOP_UNSUPPORTED;
	case UNWIND_END:
		return UNWIND_STOP_COMPLETE;
	case UNWIND_SIGNAL:
		return step_signal(w);
	case UNWIND_CHAIN:
		return step_chain(w);
	case UNWIND_SWITCH:
		return step_switch(w);
	case UNWIND_NONE:
		return step_guess(w);
	default:
		return step_by_cfa(w);
	}
}

/* One frame. GO_ON, why the walk ends, or −1: something may still come. */
__attribute__((noinline)) int frame(void)
{
	struct walk *w = this_walk();
	__u64 address, ip, sp;
	__u32 nr;
	int stop;

	if (!w)
		return UNWIND_STOP_NO_PAGE;
	ip = w->ip;
	sp = w->sp;
	nr = w->out.nr;
	stop = find_rule(w);
	/* An address that is in none of the mappings may be in one that came since they were written here. */
	if (stop == UNWIND_STOP_NO_MAPPING)
		return -1;
	if (stop < 0 || (stop != GO_ON && stop != UNWIND_STOP_NO_PAGE && nr))
		return stop;
	if (nr >= UNWIND_COMPACT_FRAMES_MAX)
		return UNWIND_STOP_DEEP;
	address = w->pc;
	if (stop == GO_ON && (w->rule.cfa == UNWIND_SIGNAL || w->rule.fp & UNWIND_FP_TRAMPOLINE))
		address = w->ip;
	if (w->guess)
		address |= UNWIND_COMPACT_GUESS;
	hide(nr);
	w->out.addresses[nr & (UNWIND_COMPACT_FRAMES_MAX - 1)] = address;
	w->out.nr = nr + 1;
	if (stop != GO_ON)
		return stop;
	w->guess = 0;
	stop = step(w);
	if (stop != GO_ON)
		return stop;
	if (!w->ip)
		return UNWIND_STOP_COMPLETE;
	return w->ip == ip && w->sp == sp ? UNWIND_STOP_LOOP : GO_ON;
}

SEC("perf_event")
int walk(struct bpf_perf_event_data *ctx)
{
	struct walk *w = this_walk();
	int i, stop = GO_ON;

	if (!w)
		return 1;
	for (i = 0; i < FRAMES_A_CALL && stop == GO_ON; i++)
		stop = frame();
	if (stop == GO_ON) {
		bpf_tail_call(ctx, &steps, 1);
		stop = UNWIND_STOP_DEEP;
	}
	if (stop < 0)
		return copy(ctx, w);
	w->out.stop = stop;
	/* Where nothing is known of the code that runs, the frame pointer may know more. */
	if (stop == UNWIND_STOP_NO_PAGE && w->out.nr <= 1) {
		restart(w);
		chain();
	}
	return emit(ctx, w);
}

/* --- Its beginning --- */

/* The process's image: false when there is none. */
static __always_inline int find_image(struct walk *w, __u32 pid)
{
	__u32 i, j;

	for (i = 0; i < 2; i++) {
		__u32 at = unwind_bucket_hash(pid, i) & bucket_mask;
		struct unwind_bucket *b = bpf_map_lookup_elem(&buckets, &at);

		if (!b)
			return 0;
#pragma unroll
		for (j = 0; j < UNWIND_BUCKET_SLOTS; j++) {
			__u64 slot = *(volatile __u64 *)&b->slots[j];

			if ((slot & ((1 << UNWIND_PID_BITS) - 1)) == pid) {
				w->nr_maps = slot >> 22 & 0xffff;
				w->first = slot >> 38 & 0xffffff;
				return 1;
			}
		}
	}
	return 0;
}

SEC("perf_event")
int begin(struct bpf_perf_event_data *ctx)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct walk *w = this_walk();
	struct unwind_kmap *head;
	struct pt_regs *regs;
	__u64 cs = ctx->regs.cs;

	if (!w || !pid)
		return 1;
	w->leaf_ip = ctx->regs.ip;
	w->leaf_sp = ctx->regs.sp;
	w->leaf_fp = ctx->regs.bp;
	if ((cs & 3) != 3) {
		regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
		cs = regs->cs;
		w->leaf_ip = regs->ip;
		w->leaf_sp = regs->sp;
		w->leaf_fp = regs->bp;
	}
	if ((cs & 3) != 3) /* a thread of the kernel */
		return 1;
	restart(w);
	w->pc = w->ip;
	w->nr_switches = 0;
	w->guess = 0;
	w->map_start = w->map_end = 0;
	w->narrow = cs == CS_USER_32;
	w->out.nr = 0;
	w->out.flags = 0;
	w->out.serial = 0;
	if (w->narrow) {
		w->out.stop = UNWIND_STOP_UNSUPPORTED;
		chain();
		return emit(ctx, w);
	}
	if (!find_image(w, pid))
		return copy(ctx, w);
	head = bpf_map_lookup_elem(&kmaps, &w->first);
	if (!head)
		return copy(ctx, w);
	w->out.serial = head->start;
	bpf_tail_call(ctx, &steps, 1);
	return 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
