#include "profile/ids.h"

#include <stdlib.h>

#include "base/array.h"

void ids_fini(struct ids *t)
{
	free(t->ids);
	free(t->numbers);
	hash_fini(&t->hash);
}

uint32_t ids_find(const struct ids *t, uint64_t id)
{
	uint32_t pos, i;

	if (id - 1 < t->nr && t->ids[id - 1] == id) /* the usual 1…N */
		return t->numbers[id - 1];
	for (i = hash_first(&t->hash, hash_u64(id), &pos); i != HASH_NONE;
	     i = hash_next(&t->hash, hash_u64(id), &pos))
		if (t->ids[i] == id)
			return t->numbers[i];
	return HASH_NONE;
}

bool ids_add(struct ids *t, uint64_t id, uint32_t number)
{
	if (!id || ids_find(t, id) != HASH_NONE)
		return false;
	array_reserve(t->ids, t->ids_cap, (uint64_t)t->nr + 1);
	array_reserve(t->numbers, t->numbers_cap, (uint64_t)t->nr + 1);
	t->ids[t->nr] = id;
	t->numbers[t->nr] = number;
	if (id != (uint64_t)t->nr + 1)
		hash_add(&t->hash, hash_u64(id), t->nr);
	t->nr++;
	return true;
}
