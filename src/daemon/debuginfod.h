/* debuginfod: the fetcher of debug files that the machine has not (Debuginfod=yes), into the folder debuginfod of the cache's. */
#ifndef DAEMON_DEBUGINFOD_H
#define DAEMON_DEBUGINFOD_H

#include "config/config.h"
#include "control/server.h"

struct daemon;

/* What the configuration asks for is fetched from now on, if anything. 0 or negative errno; that nothing can be fetched is told
 * in the status alone. */
int debuginfod_start(struct daemon *d);
/* From now on by C, in place of the daemon's. */
void debuginfod_reload(struct daemon *d, const struct config *c);
void debuginfod_status(const struct daemon *d, struct control_client *c);

#endif
