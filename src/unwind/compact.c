#include "unwind/compact.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

_Static_assert(offsetof(struct unwind_compact, addresses) == UNWIND_COMPACT_HEAD, "no padding");

/* In a chain the callers are return addresses. */
static void take(struct unwind_walk *w, uint32_t i, uint64_t address, bool chain)
{
	bool guess = !chain && address & UNWIND_COMPACT_GUESS;

	if (guess)
		address &= ~UNWIND_COMPACT_GUESS;
	w->addresses[i] = chain && i && address ? address - 1 : address;
	w->guessed[i / 64] |= (uint64_t)guess << i % 64;
	w->nr_guessed += guess;
}

int unwind_compact_read(const void *raw, size_t size, struct unwind_walk *walk, struct unwind_compact_info *info)
{
	struct unwind_compact head;
	uint64_t address;

	if (size < UNWIND_COMPACT_HEAD)
		return -EBADMSG;
	memcpy(&head, raw, UNWIND_COMPACT_HEAD);
	if (head.nr > UNWIND_COMPACT_FRAMES_MAX || head.nr > (size - UNWIND_COMPACT_HEAD) / sizeof(address) ||
	    head.stop >= UNWIND_NR_STOPS || head.flags & ~(UNWIND_COMPACT_CHAIN | UNWIND_COMPACT_ASK) || head.zero)
		return -EBADMSG;
	*info = (struct unwind_compact_info){ .period = head.period, .serial = head.serial,
					      .chain = head.flags & UNWIND_COMPACT_CHAIN,
					      .ask = head.flags & UNWIND_COMPACT_ASK };
	walk->stop = head.stop;
	walk->nr = head.nr;
	walk->nr_guessed = walk->missing_object = 0;
	walk->missing_offset = 0;
	memset(walk->guessed, 0, sizeof(walk->guessed));
	for (uint32_t i = 0; i < head.nr; i++) {
		memcpy(&address, (const char *)raw + UNWIND_COMPACT_HEAD + i * sizeof(address), sizeof(address));
		take(walk, i, address, info->chain);
	}
	return 0;
}
