#include "proc/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

#define ROSTER_CAP_MIN 64

void roster_fini(struct roster *r)
{
	hash_fini(&r->hash);
	free(r->items);
	memset(r, 0, sizeof(*r));
}

void roster_add(struct roster *r, uint32_t hash, void *item)
{
	hash_add(&r->hash, hash, r->nr);
	*array_push(r->items, r->nr, r->cap) = item;
}

void roster_del(struct roster *r, uint32_t hash, const void *item,
		uint32_t (*rehash)(const void *))
{
	roster_for_each(r, hash, pos, i) {
		if (r->items[i] != item)
			continue;
		hash_del(&r->hash, hash, i);
		if (i != --r->nr) {
			r->items[i] = r->items[r->nr];
			hash_move(&r->hash, rehash(r->items[i]), r->nr, i);
		}
		break;
	}
	if (r->cap > ROSTER_CAP_MIN && r->nr < r->cap / 4) {
		r->cap /= 2;
		r->items = xreallocarray(r->items, r->cap, sizeof(*r->items));
	}
}

size_t roster_size(const struct roster *r)
{
	return (r->hash.slots ? ((size_t)r->hash.mask + 1) * sizeof(*r->hash.slots) : 0) +
	       r->cap * sizeof(*r->items);
}
