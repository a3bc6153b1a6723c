/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* end: how a walk ends: with a record, with a copy of the stack, or with the chain of frame pointers. */
#ifndef BPF_END_H
#define BPF_END_H

#include "bpf/maps.h"

#define CHAIN_FRAMES 64
#define COMPACT_SIZE_MAX (UNWIND_COMPACT_HEAD + 8 * UNWIND_COMPACT_FRAMES_MAX)

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
	w->out.addresses[0] = w->at.ip;
	for (nr = 1; nr < CHAIN_FRAMES; nr++) {
		if (w->at.fp < w->at.sp || w->at.fp & (word - 1))
			break;
		if (w->narrow) {
			if (bpf_probe_read_user(narrow, sizeof(narrow), (void *)w->at.fp))
				break;
			frame[0] = narrow[0];
			frame[1] = narrow[1];
		} else if (bpf_probe_read_user(frame, sizeof(frame), (void *)w->at.fp)) {
			break;
		}
		if (!frame[1])
			break;
		w->out.addresses[nr & (UNWIND_COMPACT_FRAMES_MAX - 1)] = frame[1];
		w->at.sp = w->at.fp + 2 * word;
		w->at.fp = frame[0];
	}
	w->out.nr = nr;
	return 0;
}

/* One address more, where there is room. */
static __always_inline void add(struct walk *w, __u64 address)
{
	__u32 nr = w->out.nr;

	hide(nr);
	w->out.addresses[nr & (UNWIND_COMPACT_FRAMES_MAX - 1)] = w->at.guess ? address | UNWIND_COMPACT_GUESS : address;
	w->out.nr = nr + 1;
}

/* Back to where the walk began. */
static __always_inline void restart(struct walk *w)
{
	w->at = w->leaf;
}

/* What is at w->at.pc is not known. The sampler could walk a copy, and learn from it, if that reaches so far and there is room
 * for one; else it learns from the record. */
static __always_inline int copy(struct bpf_perf_event_data *ctx, struct walk *w)
{
	__u32 cpu = bpf_get_smp_processor_id(), nr = w->out.nr;
	struct unwind_kcpu *k = bpf_map_lookup_elem(&kcpus, &cpu);

	if (k && w->at.sp - w->leaf.sp < copy_size) {
		if ((__s64)(k->nr_made - k->nr_read) < (__s64)k->max) {
			k->nr_made++;
			return 1;
		}
		k->nr_refused++;
	}
	w->out.stop = UNWIND_STOP_NO_PAGE;
	if (nr && nr < UNWIND_COMPACT_FRAMES_MAX) {
		add(w, w->at.pc);
	} else {
		restart(w);
		chain();
	}
	w->out.flags |= UNWIND_COMPACT_ASK;
	return emit(ctx, w);
}

#endif
