/* compact: a record of the walker in the kernel (kernel.h) → a walk. Its bytes are taken as any other input. */
#ifndef UNWIND_COMPACT_H
#define UNWIND_COMPACT_H

#include <stddef.h>

#include "unwind/kernel.h"
#include "unwind/stack.h"

struct unwind_compact_info {
	uint64_t period;
	uint32_t serial; /* of the image that the walk went by; 0: none */
	bool chain;      /* of frame pointers, as there was no walk */
	bool ask;        /* what is at the last address (of a chain: the first) was not known */
};

/* 0, or -EBADMSG: WALK and INFO are as they were then. What follows the record is padding. */
int unwind_compact_read(const void *raw, size_t size, struct unwind_walk *walk, struct unwind_compact_info *info);

#endif
