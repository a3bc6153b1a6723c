/* array: growable arrays as three plain variables, `T *x; uint32_t nr_x, x_cap;`. */
#ifndef BASE_ARRAY_H
#define BASE_ARRAY_H

#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"

/* Makes room for WANT elements in all. Aborts when memory is out or WANT exceeds 2^31. */
#define array_reserve(ptr, cap, want)                                                              \
	do {                                                                                       \
		if ((want) > (cap)) {                                                              \
			(cap) = array_next_cap((cap), (want));                                     \
			(ptr) = xreallocarray((ptr), (cap), sizeof(*(ptr)));                       \
		}                                                                                  \
	} while (0)

/* A new last element, uninitialized; evaluates to its address. */
#define array_push(ptr, nr, cap)                                                                   \
	({                                                                                         \
		array_reserve(ptr, cap, (uint64_t)(nr) + 1);                                       \
		&(ptr)[(nr)++];                                                                    \
	})

/* The same where input chooses how many: NULL when memory is out or there are 2^31 - 1; those that
 * there are stay. */
#define array_try_push(ptr, nr, cap)                                                               \
	({                                                                                         \
		__typeof__(&(ptr)[0]) room_ = (ptr);                                               \
		if ((nr) == (cap)) {                                                               \
			room_ = array_try_grow((ptr), &(cap), sizeof(*(ptr)));                     \
			if (room_)                                                                 \
				(ptr) = room_;                                                     \
		}                                                                                  \
		room_ ? &room_[(nr)++] : NULL;                                                     \
	})

/* How many elements hold COND, an expression of E, which points at one. Those that do come first. */
#define array_partition(ptr, nr, e, cond)                                                          \
	({                                                                                         \
		uint32_t low_ = 0, high_ = (nr);                                                   \
		while (low_ < high_) {                                                             \
			uint32_t middle_ = low_ + (high_ - low_) / 2;                              \
			__typeof__(&(ptr)[0]) e = &(ptr)[middle_];                                 \
			if (cond)                                                                  \
				low_ = middle_ + 1;                                                \
			else                                                                       \
				high_ = middle_;                                                   \
		}                                                                                  \
		low_;                                                                              \
	})

static inline uint32_t array_next_cap(uint64_t cap, uint64_t want)
{
	uint64_t next = cap < 8 ? 8 : cap + cap / 2;

	if (next < want)
		next = want;
	return next > INT32_MAX ? (want > INT32_MAX ? (abort(), 0) : INT32_MAX) : (uint32_t)next;
}

static inline void *array_try_grow(void *p, uint32_t *cap, size_t size)
{
	uint32_t next = *cap < INT32_MAX ? array_next_cap(*cap, (uint64_t)*cap + 1) : 0;

	p = next ? reallocarray(p, next, size) : NULL;
	if (p)
		*cap = next;
	return p;
}

#endif
