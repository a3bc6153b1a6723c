/* symbols: which objects gave names to the windows' addresses and which did not, and why, as the worker last said of each. */
#ifndef DAEMON_SYMBOLS_H
#define DAEMON_SYMBOLS_H

#include <stdint.h>

#include "control/server.h"
#include "worker/client.h"

#define SYMBOLS_OBJECTS_MAX 512 /* known; the one that was asked longest ago goes first */
#define SYMBOLS_PATH_MAX 256    /* bytes of a path kept, its end */
#define SYMBOLS_KERNEL UINT32_MAX

struct symbols;

struct symbols *symbols_new(void);
void symbols_free(struct symbols *s);
/* What the worker said of OBJECT (daemon/objects.h, or SYMBOLS_KERNEL), for one file of the window that began at WINDOW, seconds
 * since the epoch: files of one window add up. */
void symbols_note(struct symbols *s, int64_t window, uint32_t object, const char *path, const struct worker_object_symbols *o);
/* All that is known, those first that were asked most in the newest window. */
void symbols_status(const struct symbols *s, struct control_client *c);

#endif
