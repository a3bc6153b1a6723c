/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* read: words of the interrupted thread's memory, as unwind/step.h wants them. A read takes the kernel some 60 ns however short
 * it is, more than all the rest of a frame. So what lies around a word is read with it, and the words of the next frames are
 * mostly there.
 *
 * What is read at once is never beyond the page of the word that was asked for: so it is there when that is, and nothing is
 * faulted on in vain. */
#ifndef BPF_READ_H
#define BPF_READ_H

#include "bpf/maps.h"

#define PAGE_SIZE 4096
#define READ_BELOW 48 /* registers that were saved below a return address */

/* Reads what is around ADDRESS, a multiple of 8, to this_walk()->memory. 0, or negative. */
__attribute__((noinline)) int read_around(__u64 address)
{
	struct walk *w = this_walk();
	__u64 page = address & ~(__u64)(PAGE_SIZE - 1), start = address - READ_BELOW, end = start + READ_SIZE, size;

	if (!w)
		return -1;
	if (start < page)
		start = page;
	if (end > page + PAGE_SIZE)
		end = page + PAGE_SIZE;
	size = end - start;
	hide(size);
	w->memory.size = 0;
	if (size > READ_SIZE || bpf_probe_read_user(w->memory.words, size, (void *)start))
		return -1;
	w->memory.start = start;
	w->memory.size = size;
	return 0;
}

/* The kernel checks that an address is the user's, and that it is there. */
static __always_inline enum unwind_stop unwind_read(struct unwind_memory *m, uint64_t address, uint64_t *out)
{
	__u64 at = address - m->start;

	if (address % UNWIND_WORD)
		return bpf_probe_read_user(out, sizeof(*out), (void *)address) ? UNWIND_STOP_FAULT : UNWIND_GO_ON;
	if (at >= m->size) {
		if (read_around(address))
			return UNWIND_STOP_FAULT;
		at = address - m->start;
	}
	at /= UNWIND_WORD;
	hide(at);
	*out = m->words[at & (READ_SIZE / UNWIND_WORD - 1)];
	return UNWIND_GO_ON;
}

#endif
