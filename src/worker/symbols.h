/* symbols: what each object of a window said, as the sampler is told of it. Pure. */
#ifndef WORKER_SYMBOLS_H
#define WORKER_SYMBOLS_H

#include "symbolize/symbolize.h"
#include "worker/protocol_window.h"

/* The next message about STATS (NR_OBJECTS and SYMBOLIZE_NR_OTHERS of them) from *AT on, which goes on; at first 0. S's type
 * and cookie are the caller's. False: all has been said. */
bool symbols_next(const struct symbolize_object_stats *stats, uint32_t nr_objects, uint32_t *at, struct worker_symbols *s);

#endif
