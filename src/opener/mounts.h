/* mounts: which mounts of a target somebody else has to answer for (a FUSE server, another
 * machine), told from the text of /proc/PID/mountinfo (proc_pid_mountinfo(5)) without touching
 * them. Pure. */
#ifndef OPENER_MOUNTS_H
#define OPENER_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mount_kind { MOUNT_UNKNOWN, MOUNT_LOCAL, MOUNT_REMOTE };

/* Of the mount with id ID. */
enum mount_kind mount_kind_of_id(const char *mountinfo, size_t size, uint64_t id);
/* Of the file system with device MAJOR:MINOR. */
enum mount_kind mount_kind_of_dev(const char *mountinfo, size_t size, unsigned major,
				  unsigned minor);
/* By statfs(2)'s f_type, for mounts that mountinfo does not show. */
enum mount_kind mount_kind_of_magic(uint64_t f_type);

/* Kinds of mounts by their unique id (statx(2), STATX_MNT_ID_UNIQUE, from 6.8), which no later mount gets again: what was
 * found out once stays true. Reading mountinfo costs more than all else that opening a file does. A zeroed one is empty. */
#define MOUNT_CACHE_SIZE 64
struct mount_cache {
	struct {
		uint64_t id;
		enum mount_kind kind;
	} mounts[MOUNT_CACHE_SIZE];
};

enum mount_kind mount_cache_find(const struct mount_cache *c, uint64_t unique_id);
void mount_cache_add(struct mount_cache *c, uint64_t unique_id, enum mount_kind kind);

#endif
