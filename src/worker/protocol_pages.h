/* protocol_pages: pages of an object's unwind table: one worker_pages message; a worker_parsing and a worker_page for each of
 * them, in order, come back. Before the last of them there may be a worker_want for the object's separate debug file. */
#ifndef WORKER_PROTOCOL_PAGES_H
#define WORKER_PROTOCOL_PAGES_H

#include "worker/protocol.h"

#define WORKER_PAGES_MAX 64
#define WORKER_PAGES_DEADLINE_MS 5000
#define WORKER_PAGE_SIZE_MAX 73728 /* of rules and rows: all that unwind/table.h allows */

/* Descriptor [0]: the object; none for the vDSO, whose identity is all zeros. [1]: its separate debug
 * file, when the object's files say so, which may be another's. */
struct worker_pages {
	uint32_t type; /* WORKER_PAGES */
	uint32_t nr;   /* 1 … WORKER_PAGES_MAX */
	uint64_t cookie;
	struct worker_object object;
	uint64_t offsets[WORKER_PAGES_MAX]; /* in the file; multiples of 64 KiB. Only nr are sent */
};

struct worker_page {
	uint32_t type;  /* WORKER_PAGE */
	/* 0; else negative errno of the object or of reading it, and no rules or rows. -EAGAIN: its
	 * debug file is wanted, and may say more. */
	int32_t status;
	uint64_t cookie, offset;
	uint32_t nr_rules, nr_rows;
	/* struct unwind_rule for each rule, then a u32 for each row; whether they make sense
	 * unwind/table.h says. Only so much is sent. */
	uint64_t data[WORKER_PAGE_SIZE_MAX / 8];
};

static inline size_t worker_pages_size(const struct worker_pages *q)
{
	return offsetof(struct worker_pages, offsets) + q->nr * sizeof(q->offsets[0]);
}

static inline size_t worker_page_size(const struct worker_page *p)
{
	return offsetof(struct worker_page, data) + (size_t)p->nr_rules * 8 + (size_t)p->nr_rows * 4;
}

/* SIZE bytes at the message and NR_FDS descriptors are what protocol and request Q allow. NR_BEFORE
 * pages have come already. */
bool worker_pages_valid(const struct worker_pages *q, size_t size, unsigned nr_fds);
/* Request Q's worker begins with its object (0), or has ended (WORKER_PARSING_NONE). */
bool worker_pages_parsing_valid(const struct worker_parsing *p, size_t size,
				const struct worker_pages *q);
/* None is asked for that is not to be had; after one that came with Q, another. */
bool worker_pages_want_valid(const struct worker_want *want, size_t size,
			     const struct worker_pages *q);
bool worker_page_valid(const struct worker_page *p, size_t size, const struct worker_pages *q,
		       uint32_t nr_before);

#endif
