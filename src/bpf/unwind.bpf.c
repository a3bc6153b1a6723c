// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* unwind.bpf: the walk of unwind/stack.c in the kernel, of the user stack where it lies: what it reads is what the
 * interrupted thread has there, and nothing of it but addresses of code leaves the kernel.
 *
 * A sampler's own small program (daemon/walker_load.c) notes whose sample it is and tail-calls `begin`; `walk` does 16
 * frames and tail-calls itself. The walk ends with a record (unwind/kernel.h) and 0: the kernel writes no sample. Where
 * something is missing that the sampler can get, with 1: the kernel writes the sample, with a copy of the stack.
 *
 * How the verifier is kept content: functions with names of their own are checked once each; a search has as many steps as
 * its largest case, without a branch that depends on more than the comparison; what indexes memory is masked right before. */
#include "bpf/code.h"
#include "bpf/end.h"
#include "bpf/maps.h"
#include "bpf/read.h"

#define FRAMES_A_CALL 16 /* 33 tail calls are the most: 2 + 31 */
#define FRAMES_AT_ONCE 4
#define CS_USER_32 0x23	 /* __USER32_CS */

/* One frame, as in unwind/stack.c. UNWIND_GO_ON, why the walk ends, or −1: something may still come. */
static __always_inline int frame(struct walk *w)
{
	__u32 nr = w->out.nr;
	int stop = find_rule(w);

	/* An address that is in none of the mappings may be in one that came since they were written here. */
	if (stop == UNWIND_STOP_NO_MAPPING)
		return -1;
	if (stop < 0 || (stop != UNWIND_GO_ON && stop != UNWIND_STOP_NO_PAGE && nr))
		return stop;
	if (nr >= UNWIND_COMPACT_FRAMES_MAX)
		return UNWIND_STOP_DEEP;
	add(w, stop == UNWIND_GO_ON ? unwind_frame_address(&w->at, &w->rule) : w->at.pc);
	return stop == UNWIND_GO_ON ? (int)unwind_step(&w->memory, &w->at, &w->rule, nr + 1) : stop;
}

/* Some at once, since a call takes as long as a frame does; more would take the verifier long. */
__attribute__((noinline)) int frames(void)
{
	struct walk *w = this_walk();
	int i, stop = UNWIND_GO_ON;

	if (!w)
		return UNWIND_STOP_NO_PAGE;
	for (i = 0; i < FRAMES_AT_ONCE && stop == UNWIND_GO_ON; i++)
		stop = frame(w);
	return stop;
}

SEC("perf_event")
int walk(struct bpf_perf_event_data *ctx)
{
	struct walk *w = this_walk();
	int i, stop = UNWIND_GO_ON;

	if (!w)
		return 1;
	for (i = 0; i < FRAMES_A_CALL / FRAMES_AT_ONCE && stop == UNWIND_GO_ON; i++)
		stop = frames();
	if (stop == UNWIND_GO_ON) {
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

/* The registers that user code runs with, or will when the kernel is done. False: a thread of the kernel. */
static __always_inline int find_leaf(const struct bpf_perf_event_data *ctx, struct walk *w)
{
	struct pt_regs *regs;
	__u64 cs = ctx->regs.cs;

	w->leaf = (struct unwind_frame){ .ip = ctx->regs.ip, .sp = ctx->regs.sp, .fp = ctx->regs.bp };
	if ((cs & 3) != 3) {
		regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
		cs = regs->cs;
		w->leaf = (struct unwind_frame){ .ip = regs->ip, .sp = regs->sp, .fp = regs->bp };
	}
	w->leaf.pc = w->leaf.ip;
	w->narrow = cs == CS_USER_32;
	return (cs & 3) == 3;
}

SEC("perf_event")
int begin(struct bpf_perf_event_data *ctx)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct walk *w = this_walk();
	struct unwind_kmap *head;

	if (!w || !pid)
		return 1;
	if (!find_leaf(ctx, w))
		return 1;
	restart(w);
	w->map_start = w->map_end = 0;
	w->memory.size = 0;
	w->used = NO_PAGE;
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
