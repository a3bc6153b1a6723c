/* seen: what was found at the addresses met before: a number for each, so that the same address
 * costs one look into a table and no search. */
#ifndef SYMBOLIZE_SEEN_H
#define SYMBOLIZE_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEEN_MAX (1u << 18) /* addresses; then it forgets them all and begins anew */

struct seen_slot;

/* A zeroed struct seen is empty. */
struct seen {
	struct seen_slot *slots;
	uint32_t nr, mask; /* mask + 1 slots, at most 3/4 used; 0: none */
};

void seen_fini(struct seen *s); /* empties it */
size_t seen_size(const struct seen *s);
bool seen_find(const struct seen *s, uint64_t address, uint32_t *number);
/* ADDRESS is not there yet; NUMBER < UINT32_MAX. */
void seen_add(struct seen *s, uint64_t address, uint32_t number);

#endif
