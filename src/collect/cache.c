#include "collect/cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

#define CACHE_MIN 1024

void cache_fini(struct cache *cache)
{
	free(cache->slots);
	memset(cache, 0, sizeof(*cache));
}

void cache_clear(struct cache *cache)
{
	if (cache->slots)
		memset(cache->slots, 0xff, ((size_t)cache->mask + 1) * sizeof(*cache->slots));
	cache->nr = 0;
}

size_t cache_size(const struct cache *cache)
{
	return cache->slots ? ((size_t)cache->mask + 1) * sizeof(*cache->slots) : 0;
}

/* The slot of the key, or the free one where it belongs. */
static inline struct cache_slot *cache_at(const struct cache *cache, uint32_t serial,
					  uint64_t address)
{
	uint32_t pos = hash_2u64(address, serial) & cache->mask;

	for (;; pos = (pos + 1) & cache->mask) {
		struct cache_slot *slot = &cache->slots[pos];

		if (slot->location == UINT32_MAX ||
		    (slot->address == address && slot->serial == serial))
			return slot;
	}
}

static void cache_grow(struct cache *cache)
{
	struct cache old = *cache;

	cache->mask = old.slots ? old.mask * 2 + 1 : CACHE_MIN - 1;
	cache->slots = xreallocarray(NULL, (size_t)cache->mask + 1, sizeof(*cache->slots));
	memset(cache->slots, 0xff, ((size_t)cache->mask + 1) * sizeof(*cache->slots));
	for (uint32_t i = 0; old.slots && i <= old.mask; i++)
		if (old.slots[i].location != UINT32_MAX)
			*cache_at(cache, old.slots[i].serial, old.slots[i].address) = old.slots[i];
	free(old.slots);
}

void cache_add(struct cache *cache, uint32_t serial, uint64_t address, uint32_t location, uint32_t nr_locations)
{
	/* Spaces that change all the time leave dead entries behind: rather start over than grow
	 * for them. */
	if (cache->nr >= CACHE_MIN && cache->nr / 4 > nr_locations)
		cache_clear(cache);
	if (!cache->slots || (uint64_t)(cache->nr + 1) * 2 > (uint64_t)cache->mask + 1)
		cache_grow(cache);
	*cache_at(cache, serial, address) = (struct cache_slot){ address, serial, location };
	cache->nr++;
}

uint32_t cache_find(const struct cache *cache, uint32_t serial, uint64_t address)
{
	return cache->slots ? cache_at(cache, serial, address)->location : UINT32_MAX;
}
