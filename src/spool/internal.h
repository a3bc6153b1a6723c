/* internal: what the spool's own files share. */
#ifndef SPOOL_INTERNAL_H
#define SPOOL_INTERNAL_H

#include <sys/types.h>

#include "spool/spool.h"

/* A file of spool_create that has a (hidden) name, known by its inode: descriptors may be
 * copied. */
struct spool_temporary {
	dev_t dev;
	ino_t ino;
	char name[SPOOL_NAME_MAX + 8];
};

struct spool {
	char *path;
	int dir; /* locked when LOCK; never -1 */
	bool lock;
	bool lock_refused; /* the file system knows no locks: said once */
	struct spool_temporary *temporaries;
	uint32_t nr_temporaries, temporaries_cap;
	int failing;       /* errno last logged by publishing, 0 when all is well */
	bool squeezed;     /* the next success owes to a sacrifice: nothing is well yet */
	int prune_failing; /* the same for pruning */
};

/* An own file while a folder is looked through. */
struct spool_file {
	const char *name;
	struct spool_name parsed;
	uint64_t size, disk_size;
};

bool spool_is_folder(const char *name);
typedef void (*spool_scan_fn)(void *ctx, const struct spool_file *f);
/* Calls FN for each own regular file of the folder DIR and those of own folders below it, in no
 * order. 0 or negative errno. */
int spool_scan(int dir, spool_scan_fn fn, void *ctx);

/* Opens the folder again when DIRECTORY is no longer what is open. 0 or negative errno. */
int spool_refresh(struct spool *s);

/* The bookkeeping of one publishing: one look through the folder, then what came and went. */
struct spool_inventory;

int spool_inventory_new(struct spool_inventory **out, struct spool *s, int64_t now);
void spool_inventory_free(struct spool_inventory *inv);
/* NAME has been published; it is not pruned by this inventory. */
void spool_inventory_add(struct spool_inventory *inv, const char *name, uint64_t disk_size);
/* INCOMING: bytes of a file that is on disk but has no name yet; 0: none. */
int spool_inventory_prune(struct spool_inventory *inv, const struct spool_limits *limits,
			  uint64_t incoming, uint64_t room, struct spool_pruned *pruned);
/* Log a failure ("WHAT DIRECTORY: ERR") and one to prune, once until the reason changes. Return
 * ERR. */
int spool_failed(struct spool *s, const char *what, int err);
int spool_tell_pruning(struct spool *s, int err);

#endif
