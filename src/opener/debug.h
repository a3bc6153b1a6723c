/* debug: opens the separate debug file of an object that a process has mapped (OPENER_DEBUG). */
#ifndef OPENER_DEBUG_FILE_H
#define OPENER_DEBUG_FILE_H

#include "opener/file.h"

/* Below the root of PROCESS (NULL: none), then of US. The descriptor or negative errno. */
int debug_open(struct target *process, struct target *us, const struct opener_debug *d);

#endif
