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

/* Opens Q's object, if it is not open; takes FD (−1: the vDSO) and DEBUG_FD (−1: none), of what may
 * be its debug file. Then pages_compile answers for its pages, however that went. */
void pages_open(struct pages *p, const struct worker_pages *q, int fd, int debug_fd);
void pages_compile(struct pages *p, const struct worker_pages *q, uint64_t offset,
		   struct worker_page *out);
/* What to say of pages with the status -EAGAIN. */
void pages_want(const struct pages *p, const struct worker_pages *q, struct worker_want *want);

#endif
