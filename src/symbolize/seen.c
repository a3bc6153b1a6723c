#include "symbolize/seen.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

#define SLOTS_MIN 64

struct seen_slot { /* 12 bytes: there are many of them */
	uint32_t low, high, number; /* of the address; number + 1, 0: free */
};

void seen_fini(struct seen *s)
{
	free(s->slots);
	memset(s, 0, sizeof(*s));
}

size_t seen_size(const struct seen *s)
{
	return s->slots ? ((size_t)s->mask + 1) * sizeof(*s->slots) : 0;
}

/* The slot that holds ADDRESS, or the free one where it belongs. */
static struct seen_slot *slot_of(const struct seen *s, uint64_t address)
{
	uint32_t low = (uint32_t)address, high = (uint32_t)(address >> 32);

	for (uint32_t i = hash_u64(address);; i++) {
		struct seen_slot *slot = &s->slots[i & s->mask];

		if (!slot->number || (slot->low == low && slot->high == high))
			return slot;
	}
}

bool seen_find(const struct seen *s, uint64_t address, uint32_t *number)
{
	const struct seen_slot *slot;

	if (!s->slots)
		return false;
	slot = slot_of(s, address);
	if (!slot->number)
		return false;
	*number = slot->number - 1;
	return true;
}

static void grow(struct seen *s)
{
	struct seen old = *s;
	uint32_t nr_slots = old.slots ? 2 * (old.mask + 1) : SLOTS_MIN;

	s->slots = xcalloc(nr_slots, sizeof(*s->slots));
	s->mask = nr_slots - 1;
	for (uint32_t i = 0; old.slots && i <= old.mask; i++) {
		const struct seen_slot *slot = &old.slots[i];

		if (slot->number)
			*slot_of(s, (uint64_t)slot->high << 32 | slot->low) = *slot;
	}
	free(old.slots);
}

void seen_add(struct seen *s, uint64_t address, uint32_t number)
{
	if (s->nr == SEEN_MAX)
		seen_fini(s);
	if (!s->slots || s->nr >= s->mask / 4 * 3)
		grow(s);
	*slot_of(s, address) = (struct seen_slot){
		(uint32_t)address, (uint32_t)(address >> 32), number + 1
	};
	s->nr++;
}
