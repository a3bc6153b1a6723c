/* line_store: the folder of line indexes: calls that may wait for a disk. A file's name is its object's identity: nobody
 * who merely writes another program's build id into a file gets at what is kept of that. What is in the files is checked by
 * who reads them (object/line.h). */
#ifndef DAEMON_LINE_STORE_H
#define DAEMON_LINE_STORE_H

#include <stdint.h>

#include "worker/protocol.h"

#define LINE_STORE_FILES_MAX 65536 /* more are removed */

struct line_store_file {
	struct worker_identity id;
	uint64_t size;   /* bytes on disk */
	int64_t used_ns; /* when it was last opened here, CLOCK_REALTIME */
};

/* Opens DIRECTORY, locked, removes what a killed daemon left half done, and lists what there is: *FILES from malloc(3).
 * The descriptor or negative errno; -EWOULDBLOCK: another daemon has it. */
int line_store_scan(const char *directory, struct line_store_file **files, uint32_t *nr);
/* The index of ID: a descriptor, or negative errno. It counts as used now. */
int line_store_open(int dir, const struct worker_identity *id);
/* Copies the first SIZE bytes of FD into the file of ID, whole or not at all, in place of one that is there. A descriptor of
 * it, for reading, or negative errno. */
int line_store_write(int dir, const struct worker_identity *id, int fd, uint64_t size, uint64_t *disk_size);
int line_store_remove(int dir, const struct worker_identity *id);

#endif
