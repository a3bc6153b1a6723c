/* split: a window's profile in parts, one for each unit or process, each for a folder of its own. */
#ifndef DAEMON_SPLIT_H
#define DAEMON_SPLIT_H

#include "config/config.h"
#include "proc/process.h"
#include "profile/profile.h"

#define SPLIT_PARTS_MAX 200 /* of one profile; the smallest of more are one */

/* The labels (LABEL_*) that tell the parts of HOW apart. */
unsigned split_labels(enum config_split how);
/* Calls FN for each part; it is freed after that. A process's has its program as the first mapping: what TABLE knows of
 * it, or of one that is gone the lowest mapping of a file. */
void split_profile(const struct profile *p, enum config_split how, struct process_table *table,
		   void (*fn)(void *ctx, const char *folder, struct profile *part), void *ctx);

#endif
