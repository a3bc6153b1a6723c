/* spool: the folder of finished profiles: names, whole-or-nothing publishing, retention. Blocking: in the daemon all calls are made by the spool's
 * thread (spool/thread.h). */
#ifndef SPOOL_SPOOL_H
#define SPOOL_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPOOL_NAME_MAX 128

struct spool_limits {
	uint64_t max_use;        /* bytes of our own files; 0: none */
	uint64_t keep_free;      /* bytes of the file system; 0: none */
	unsigned keep_free_percent; /* of the file system, used when not 0 */
	uint64_t max_files;      /* 0: none */
	uint64_t max_retention_ns; /* 0: none */
};

/* A file's name: KIND[@TARGET]-YYYYMMDDTHHMMSSZ-Ns[-SEQ].pb.gz */
struct spool_name {
	char kind[32], target[33]; /* target "" for the host's */
	int64_t start;             /* seconds since the epoch, UTC */
	uint32_t seconds;          /* length of the window, rounded */
	uint32_t seq;              /* 0: no suffix */
};

int spool_format_name(const struct spool_name *n, char *out, size_t size);
/* True for our own names only: whatever else lies in the folder is never touched. */
bool spool_parse_name(const char *name, struct spool_name *n);

struct spool_entry {
	char name[SPOOL_NAME_MAX];
	struct spool_name parsed;
	uint64_t size; /* st_size; disk use is by st_blocks */
	uint64_t disk_size;
};

struct spool;

/* Opens DIRECTORY (which must exist), takes a lock against a second daemon (-EWOULDBLOCK) when LOCK, and removes stale temporaries. 0 or
 * negative errno. */
int spool_open(struct spool **out, const char *directory, bool lock);
void spool_close(struct spool *s);

/* A file without a name (O_TMPFILE; where the file system has none, a hidden ".….tmp"), mode 0640. Descriptor or negative errno. */
int spool_create(struct spool *s, const struct spool_name *n);
/* Gives FD (of spool_create) its name: fsync when SYNC, link, never overwriting (seq counts up), fsync of the folder; prunes before and
 * after by LIMITS. FINAL gets the name. FD stays the caller's. 0 or negative errno: then the file is gone. */
int spool_publish(struct spool *s, int fd, const struct spool_name *n, const struct spool_limits *limits, bool sync, char *final,
		  size_t final_size);
/* Forgets a file of spool_create that is not to be published (closes FD). */
void spool_discard(struct spool *s, int fd);

struct spool_pruned {
	uint64_t nr_files, bytes;
};
/* Removes oldest files first until LIMITS hold with ROOM more bytes; never the newest of all. 0 or negative errno of the first failure. */
int spool_prune(struct spool *s, const struct spool_limits *limits, uint64_t room, int64_t now, struct spool_pruned *pruned);

/* All own files, oldest first; *entries is malloc'ed. Number or negative errno. DIRECTORY need not be locked. */
long spool_list(const char *directory, struct spool_entry **entries);

#endif
