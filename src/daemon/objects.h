/* objects: the files behind mappings, by the identity that fstat gives of a descriptor: never by a name or a build id
 * alone. A descriptor stays open while windows use the object, so that its names can be read; one that a whole window did
 * not hit is closed, since an open file keeps its file system busy and a deleted one on the disk. */
#ifndef DAEMON_OBJECTS_H
#define DAEMON_OBJECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "proc/process.h"
#include "worker/protocol.h"

struct objects;

struct objects *objects_new(unsigned max_fds);
void objects_free(struct objects *o);

/* Takes FD. Returns the object's number (≥ OBJECT_FIRST), or OBJECT_MISSING (then FD is closed). FILE may be NULL; its
 * name and build id serve objects_recall. */
uint32_t objects_add(struct objects *o, int fd, const struct process_file *file, uint64_t cgroup);
/* The same of a JIT's map, which grows: it is known by device and inode alone, and objects_pin says what it is by then. */
uint32_t objects_add_jit(struct objects *o, int fd);
/* An object whose descriptor is open and which was opened before as FILE by a process of CGROUP: for a process that was
 * gone before its file could be opened, and, where FILE has the kernel's own word on its inode, to spare the opener what
 * it has opened already. OBJECT_MISSING: none, or more than one. */
uint32_t objects_recall(struct objects *o, const struct process_file *file, uint64_t cgroup);
/* The same without a system call, where the kernel's own word is on FILE's inode and it was asked of within the last second
 * whether the object's file is unchanged; else OBJECT_NONE. */
uint32_t objects_known(struct objects *o, const struct process_file *file, uint64_t cgroup);

/* A process that has OBJECT mapped, the last that was heard of. */
struct object_user {
	uint32_t pid; /* 0: none */
	uint64_t fork_ns, start_time; /* as struct opener_request says */
};
/* USER has OBJECT mapped, and knows it as PATH. */
void objects_used_by(struct objects *o, uint32_t object, const struct object_user *user, const char *path);

/* Where OBJECT is: for who looks for files that belong to it. False: it is not open. */
struct object_place {
	struct object_user user;
	const char *path; /* as its first user knew it; NULL: not known */
	uint64_t dev, inode;
	uint32_t uid; /* its owner */
};
bool objects_place(const struct objects *o, uint32_t object, struct object_place *place);

/* OBJECT's descriptor is open: nothing need be asked. Marks it as used in this window. */
bool objects_use(struct objects *o, uint32_t object);

/* For a window's job: OBJECT's identity, build id and descriptor (which stays ours, open until objects_unpin). False:
 * not open. */
bool objects_pin(struct objects *o, uint32_t object, struct worker_object *w, int *fd);
void objects_unpin(struct objects *o, uint32_t object);
/* The worker died or hung at OBJECT. The second time it is put in quarantine: true. Once may have been somebody's kill -9,
 * or the OOM killer's choice, and libc is not given up for that. */
bool objects_blame(struct objects *o, uint32_t object);
/* A window has ended: closes what it did not use. */
void objects_next_window(struct objects *o);

struct objects_status {
	unsigned nr_known, nr_open, nr_quarantined;
	uint64_t nr_recalled;
};
void objects_status(const struct objects *o, struct objects_status *s);

#endif
