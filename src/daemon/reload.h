/* reload: another configuration takes the running one's place, whole or not at all. */
#ifndef DAEMON_RELOAD_H
#define DAEMON_RELOAD_H

#include "config/config.h"

struct daemon;

/* Reads D's configuration file again. 0, or negative errno: D->reload_error says why, and the old configuration stays. */
int daemon_reload(struct daemon *d);

/* What start and reload do alike. The line cache's folder, "" for none: */
const char *reload_cache_directory(const struct config *c);
int reload_cache_open(struct daemon *d, const struct config *c); /* 0 or negative errno */
/* Targets of C that there are not yet are added, others removed. What cannot be added is logged, and told by status. */
void reload_targets(struct daemon *d, const struct config *c);

#endif
