/* cache: (serial of a space, address) → location: open addressing, at most half full. The kernel is serial 0. Grows with the
 * window's profile, and is cleared with it. */
#ifndef COLLECT_CACHE_H
#define COLLECT_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"

struct cache_slot {
	uint64_t address;
	uint32_t serial;
	uint32_t location; /* UINT32_MAX: free */
};

/* Zeroed: empty. */
struct cache {
	struct cache_slot *slots;
	uint32_t nr, mask;
};

/* The memory that cache_find will look at is on its way. */
static inline void cache_prefetch(const struct cache *cache, uint32_t serial, uint64_t address)
{
	if (cache->slots)
		__builtin_prefetch(&cache->slots[hash_2u64(address, serial) & cache->mask]);
}

void cache_fini(struct cache *cache);
void cache_clear(struct cache *cache);
uint32_t cache_find(const struct cache *cache, uint32_t serial, uint64_t address); /* UINT32_MAX: not there */
/* What is not there yet. NR_LOCATIONS: how many different ones there are. */
void cache_add(struct cache *cache, uint32_t serial, uint64_t address, uint32_t location, uint32_t nr_locations);
size_t cache_size(const struct cache *cache); /* bytes */

#endif
