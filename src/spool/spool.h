/* spool: the folder of finished profiles: names, whole-or-nothing publishing, retention. Blocking:
 * in the daemon all calls are made by the spool's thread (spool/thread.h).
 *
 * The folder is kept open. It may be removed, moved or mounted over meanwhile: calls then fail, and
 * spool_create and spool_prune open DIRECTORY anew. Publishing and pruning log their failures
 * themselves, once until the reason changes or they succeed again (a full disk: until there is room
 * for more than the next file); opening, naming and listing only return them. */
#ifndef SPOOL_SPOOL_H
#define SPOOL_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPOOL_NAME_MAX 256
#define SPOOL_FOLDER_MAX 128

struct spool_limits {
	uint64_t max_use;           /* bytes on disk of our own files; 0: none */
	unsigned max_use_percent;   /* of the file system's size, used when not 0 */
	uint64_t keep_free;         /* bytes of the file system; 0: none */
	unsigned keep_free_percent; /* of the file system's size, used when not 0 */
	uint64_t max_files;         /* 0: none */
	uint64_t max_retention_ns;  /* since a window's end; 0: none */
};

/* A file's name: [FOLDER/]KIND[@TARGET]-YYYYMMDDTHHMMSSZ-Ns[-SEQ].pb.gz. Folders below the spool are
 * ours when they are called unit-… or process-…: others are never looked into. */
struct spool_name {
	char kind[32], target[33]; /* [a-z_]+; [A-Za-z0-9_-]+, "" for the host's */
	int64_t start;             /* seconds since the epoch, UTC */
	uint32_t seconds;          /* length of the window, rounded */
	uint32_t seq;              /* 0: no suffix */
	char folder[SPOOL_FOLDER_MAX]; /* spool_folder; "": the spool itself */
};

/* The folder of WHAT ("unit", "process") called NAME, whatever that is: one component, without what a
 * shell or a terminal would stumble over. */
void spool_folder(char folder[SPOOL_FOLDER_MAX], const char *what, const char *name);
/* 0, or -EINVAL when no name of ours says that, -ENAMETOOLONG. */
int spool_format_name(const struct spool_name *n, char *out, size_t size);
/* True for our own names only: whatever else lies in the folder is never touched. */
bool spool_parse_name(const char *name, struct spool_name *n);

struct spool_entry {
	char name[SPOOL_NAME_MAX];
	struct spool_name parsed;
	uint64_t size;      /* st_size */
	uint64_t disk_size; /* st_blocks */
};

struct spool;

/* Opens DIRECTORY, which must exist. When LOCK, takes it for this process (-EWOULDBLOCK: another
 * daemon has it) and removes the temporaries that a killed one left. 0 or negative errno. */
int spool_open(struct spool **out, const char *directory, bool lock);
void spool_close(struct spool *s);

/* A file without a name (O_TMPFILE; where the file system has none, a hidden ".NAME.tmp"), mode
 * 0640. Descriptor or negative errno. */
int spool_create(struct spool *s, const struct spool_name *n);
struct spool_pruned {
	uint64_t nr_files, bytes; /* bytes on disk */
};

struct spool_published {
	char name[SPOOL_NAME_MAX];
	uint64_t size; /* bytes of the file */
	struct spool_pruned pruned;
};

/* Gives FD (of spool_create) its name: fsync when SYNC, link, never overwriting (seq counts up from
 * N's), fsync of the folder; prunes by LIMITS before, with room for the file, and after. FD stays the
 * caller's. 0 or negative errno: then the file is gone, and OUT has what was pruned only; but when
 * only the pruning fails, the file is published and 0 is returned. */
int spool_publish(struct spool *s, int fd, const struct spool_name *n,
		  const struct spool_limits *limits, bool sync, struct spool_published *out);
/* Forgets a file of spool_create that is not to be published (closes FD). */
void spool_discard(struct spool *s, int fd);

/* Retention. Files go by the time in their names, never by mtime, the oldest first. A file that
 * begins more than this after now was written before the clock was stepped back: older than all
 * that begin by now, it goes before them, and no age ends it. */
#define SPOOL_CLOCK_SLACK 3600 /* seconds */

/* Removes files until LIMITS hold with ROOM more bytes; never the newest of all. NOW is in seconds
 * of the epoch. 0 or the negative errno of the first failure; PRUNED (may be NULL) is written
 * always. */
int spool_prune(struct spool *s, const struct spool_limits *limits, uint64_t room, int64_t now,
		struct spool_pruned *pruned);
/* The disk is full: removes the oldest files that hold BYTES, never the newest, whatever the limits
 * are. As spool_prune. */
int spool_sacrifice(struct spool *s, uint64_t bytes, int64_t now, struct spool_pruned *pruned);

/* All own files, by start, then name; *entries is malloc'ed. Number or negative errno. DIRECTORY
 * need not be locked. */
long spool_list(const char *directory, struct spool_entry **entries);

#endif
