/* pages: pages of unwind tables, as the worker compiles them (object/cfi.h). Objects stay open for a
 * while: one page is mostly followed by others. */
#ifndef WORKER_PAGES_H
#define WORKER_PAGES_H

#include "worker/protocol_pages.h"

struct pages;

struct pages *pages_new(void);
void pages_free(struct pages *p);
/* Closes all objects. */
void pages_idle(struct pages *p);

/* Opens Q's object, if it is not open; takes FD (−1: the vDSO). Then pages_compile answers for its
 * pages, however that went. */
void pages_open(struct pages *p, const struct worker_pages *q, int fd);
void pages_compile(struct pages *p, const struct worker_pages *q, uint64_t offset,
		   struct worker_page *out);

#endif
