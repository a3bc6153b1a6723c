/* ids: the ids by which a file calls its elements of one kind → our numbers. They need be neither
 * dense nor ordered; those that are 1…N in order cost no hashing. */
#ifndef PROFILE_IDS_H
#define PROFILE_IDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"

/* A zeroed struct ids is empty. */
struct ids {
	uint64_t *ids;
	uint32_t *numbers;
	uint32_t nr, ids_cap, numbers_cap;
	struct hash hash; /* of those out of order */
};

void ids_fini(struct ids *t);
/* False: ID is 0, or there already. */
bool ids_add(struct ids *t, uint64_t id, uint32_t number);
/* The number of ID, or HASH_NONE. */
uint32_t ids_find(const struct ids *t, uint64_t id);

#endif
