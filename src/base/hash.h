/* hash: an open-addressing index over elements that live elsewhere. A slot holds 32 bits of the element's hash
 * and its number; the caller compares elements. Not a map by itself: it owns no keys and no values.
 *
 * Keys come from programs that we profile, so hashes are seeded per process: nobody outside can choose
 * colliding keys. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_NONE UINT32_MAX

struct hash_slot {
	uint32_t hash;
	uint32_t index; /* HASH_NONE: free */
};

/* A zeroed struct hash is an empty index. */
struct hash {
	struct hash_slot *slots;
	uint32_t nr, mask; /* mask + 1 slots, at most 3/4 used; mask is 0 before the first hash_add */
};

void hash_fini(struct hash *h);
void hash_clear(struct hash *h); /* forgets all elements, keeps the slots */
void hash_reserve(struct hash *h, uint32_t nr); /* room for NR elements more */
void hash_add(struct hash *h, uint32_t hash, uint32_t index);
/* Removes the slot of element INDEX; false when it is not there. Memory that few elements are left in is given back. */
bool hash_del(struct hash *h, uint32_t hash, uint32_t index);
/* Element OLD_INDEX is called NEW_INDEX from now on (it was moved into a hole). */
void hash_move(struct hash *h, uint32_t hash, uint32_t old_index, uint32_t new_index);

/* Walks the elements that may equal the key:
 *	uint32_t pos, i;
 *	for (i = hash_first(h, hash, &pos); i != HASH_NONE; i = hash_next(h, hash, &pos))
 *		if (elements[i] equals key) ...
 */
static inline uint32_t hash_next(const struct hash *h, uint32_t hash, uint32_t *pos)
{
	for (;;) {
		const struct hash_slot *s = &h->slots[*pos];

		if (s->index == HASH_NONE)
			return HASH_NONE;
		*pos = (*pos + 1) & h->mask;
		if (s->hash == hash)
			return s->index;
	}
}

static inline uint32_t hash_first(const struct hash *h, uint32_t hash, uint32_t *pos)
{
	if (!h->mask)
		return HASH_NONE;
	*pos = hash & h->mask;
	return hash_next(h, hash, pos);
}

extern uint64_t hash_seed; /* random, set before main() */

static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
	__uint128_t m = (__uint128_t)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static inline uint32_t hash_u64(uint64_t x)
{
	return (uint32_t)(hash_mix(x ^ hash_seed, 0x9e3779b97f4a7c15) >> 16);
}

static inline uint32_t hash_2u64(uint64_t x, uint64_t y)
{
	return (uint32_t)(hash_mix(hash_mix(x ^ hash_seed, 0x9e3779b97f4a7c15) ^ y, 0xd6e8feb86659fd93) >> 16);
}

uint32_t hash_bytes(const void *p, size_t size);

#endif
