/* tables: the host's unwind tables: pages that walks lack are asked of a worker of their own, object
 * by object, so that a stack never waits for a window's names. An object that cannot be compiled is
 * left alone for a while; one that the worker dies of twice, for good (objects_blame). Where the object
 * itself does not say how to unwind, its separate debug file is looked for first. */
#ifndef DAEMON_TABLES_H
#define DAEMON_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "daemon/objects.h"
#include "unwind/table.h"

struct debug_files;
struct tables;

/* O and D outlive it. LIMIT: bytes of pages. ARRIVED is called from the loop, soon after something came for which walks
 * may have waited: a page, or what tables_poke tells of. 0 or negative errno. */
int tables_new(struct tables **out, struct loop *l, struct objects *o, struct debug_files *d, size_t limit,
	       void (*arrived)(void *ctx), void *ctx);
void tables_free(struct tables *t);
struct unwind_tables *tables_pages(struct tables *t);
void tables_set_limit(struct tables *t, size_t limit);

/* As collect_asks.page: never calls back. */
bool tables_want(struct tables *t, uint32_t object, uint64_t offset);
/* Objects may have been opened, or debug files. */
void tables_poke(struct tables *t);

struct tables_status {
	int worker_pid; /* 0: none */
	uint64_t nr_deaths, nr_asked, nr_failed;
	unsigned nr_wanted; /* pages, now */
};
void tables_status(const struct tables *t, struct tables_status *s);

#endif
