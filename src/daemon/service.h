/* service: the daemon's life. */
#ifndef DAEMON_SERVICE_H
#define DAEMON_SERVICE_H

#include <stdbool.h>

#include "config/config.h"

/* Runs until SIGTERM, with CONFIG as loaded from FILE (read again on SIGHUP; REQUIRED: it must be there). The exit
 * status. */
int daemon_run(const struct config *config, const char *file, bool required);

#endif
