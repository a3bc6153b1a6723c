/* debug_files: separate debug files of objects, asked of the opener when a worker says that it has use for one, then of the
 * fetcher, if there is one, and given with the object from then on, as long as it is in use. Whether one is the right one is
 * for the worker to see: of one that is not, the next that is there is given, and when there is none, for an hour of windows no
 * other but what the fetcher brings. */
#ifndef DAEMON_DEBUG_FILES_H
#define DAEMON_DEBUG_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/objects.h"
#include "opener/client.h"
#include "worker/client.h"

struct debug_files;
struct fetch_client;

/* FOLDER: DebugPath=. */
struct debug_files *debug_files_new(struct objects *o, const char *folder);
void debug_files_free(struct debug_files *d);
void debug_files_set_opener(struct debug_files *d, struct opener_client *opener);
/* NULL: nothing is fetched. What was asked of another before gets no answer any more. */
void debug_files_set_fetch(struct debug_files *d, struct fetch_client *fetch);
/* What was found elsewhere before is forgotten. */
void debug_files_set_folder(struct debug_files *d, const char *folder);

/* A worker's WANT for what is number OBJECT here. False: it is not asked for now. */
bool debug_files_want(struct debug_files *d, uint32_t object, const struct worker_want *want);
/* The opener is looking for that file. */
bool debug_files_asked(const struct debug_files *d, uint32_t object, enum worker_file file);
/* The opener's answer to an OPENER_DEBUG; FDS are taken. */
void debug_files_answer(struct debug_files *d, const struct opener_request *request, const struct opener_answer *answer,
			int *fds, unsigned nr);
/* The fetcher's answer (fetch/client.h), CTX being the struct debug_files. */
void debug_files_fetched(void *ctx, const uint8_t *build_id, unsigned size, int fd);
/* OBJECT's, WORKER_DEBUG_FILE or WORKER_ALT_FILE: a descriptor that stays ours, until the next call of anything here; −1. */
int debug_files_get(struct debug_files *d, uint32_t object, enum worker_file file);
/* A worker died at OBJECT: perhaps of these, which are not given any more. */
void debug_files_blame(struct debug_files *d, uint32_t object);
/* A window has ended: closes what has not been given for a while. */
void debug_files_next_window(struct debug_files *d);

unsigned debug_files_nr(const struct debug_files *d); /* open */

#endif
