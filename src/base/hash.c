#include "base/hash.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"

#define HASH_SLOTS_MIN 16

uint64_t hash_seed;

__attribute__((constructor)) static void hash_seed_init(void)
{
	/* Without entropy (very early boot) a fixed seed is better than waiting. */
	if (getrandom(&hash_seed, sizeof(hash_seed), GRND_NONBLOCK) != sizeof(hash_seed))
		hash_seed = 0x2545f4914f6cdd1d;
}

void hash_fini(struct hash *h)
{
	free(h->slots);
	memset(h, 0, sizeof(*h));
}

void hash_clear(struct hash *h)
{
	if (h->slots)
		memset(h->slots, 0xff, ((size_t)h->mask + 1) * sizeof(*h->slots));
	h->nr = 0;
}

static void hash_insert(struct hash *h, uint32_t hash, uint32_t index)
{
	uint32_t pos = hash & h->mask;

	while (h->slots[pos].index != HASH_NONE)
		pos = (pos + 1) & h->mask;
	h->slots[pos] = (struct hash_slot){ hash, index };
}

static void hash_resize(struct hash *h, uint32_t nr_new)
{
	struct hash_slot *old = h->slots;
	uint32_t nr_old = old ? h->mask + 1 : 0;

	h->slots = xreallocarray(NULL, nr_new, sizeof(*h->slots));
	memset(h->slots, 0xff, (size_t)nr_new * sizeof(*h->slots));
	h->mask = nr_new - 1;
	for (uint32_t i = 0; i < nr_old; i++)
		if (old[i].index != HASH_NONE)
			hash_insert(h, old[i].hash, old[i].index);
	free(old);
}

void hash_reserve(struct hash *h, uint32_t nr)
{
	uint64_t slots = h->slots ? (uint64_t)h->mask + 1 : HASH_SLOTS_MIN;

	while (((uint64_t)h->nr + nr) * 4 > slots * 3)
		slots *= 2;
	if (slots <= UINT32_MAX && (!h->slots || slots > (uint64_t)h->mask + 1))
		hash_resize(h, (uint32_t)slots);
}

void hash_add(struct hash *h, uint32_t hash, uint32_t index)
{
	if (!h->slots || (uint64_t)(h->nr + 1) * 4 > ((uint64_t)h->mask + 1) * 3)
		hash_resize(h, h->slots ? (h->mask + 1) * 2 : HASH_SLOTS_MIN);
	hash_insert(h, hash, index);
	h->nr++;
}

static bool hash_locate(const struct hash *h, uint32_t hash, uint32_t index, uint32_t *pos)
{
	if (!h->mask)
		return false;
	for (*pos = hash & h->mask; h->slots[*pos].index != HASH_NONE; *pos = (*pos + 1) & h->mask)
		if (h->slots[*pos].index == index)
			return true;
	return false;
}

bool hash_del(struct hash *h, uint32_t hash, uint32_t index)
{
	uint32_t hole, pos;

	if (!hash_locate(h, hash, index, &hole))
		return false;
	/* Close the gap: pull back each later element of the run that may stand here. */
	for (pos = (hole + 1) & h->mask; h->slots[pos].index != HASH_NONE; pos = (pos + 1) & h->mask) {
		uint32_t home = h->slots[pos].hash & h->mask;

		if (((pos - home) & h->mask) >= ((pos - hole) & h->mask)) {
			h->slots[hole] = h->slots[pos];
			hole = pos;
		}
	}
	h->slots[hole].index = HASH_NONE;
	h->nr--;
	if (h->mask >= HASH_SLOTS_MIN && h->nr < h->mask / 8)
		hash_resize(h, (h->mask + 1) / 2);
	return true;
}

void hash_move(struct hash *h, uint32_t hash, uint32_t old_index, uint32_t new_index)
{
	uint32_t pos;

	if (hash_locate(h, hash, old_index, &pos))
		h->slots[pos].index = new_index;
}

uint32_t hash_bytes(const void *p, size_t size)
{
	const unsigned char *s = p;
	uint64_t h = hash_seed ^ size, word;

	for (; size >= 8; s += 8, size -= 8) {
		memcpy(&word, s, 8);
		h = hash_mix(h ^ word, 0x9e3779b97f4a7c15);
	}
	if (size) {
		word = 0;
		memcpy(&word, s, size);
		h = hash_mix(h ^ word, 0xd6e8feb86659fd93);
	}
	return (uint32_t)(hash_mix(h, 0xa0761d6478bd642f) >> 16);
}
