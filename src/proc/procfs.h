/* procfs: the text files of /proc, below a root descriptor so that tests use a made-up tree. Only
 * files that cannot block are read here (stat, cgroup, the lists of pids and tids); maps come as
 * bytes, from the opener. Formats: proc(5), cgroups(7). */
#ifndef PROC_PROCFS_H
#define PROC_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct procfs_stat {
	uint32_t ppid;
	char state;
	char comm[16];       /* as it is there: may hold any byte but NUL; a kthread's is cut */
	uint64_t start_time; /* clock ticks after boot, field 22 */
	bool kthread;        /* PF_KTHREAD in field 9 */
	uint64_t rss_pages;  /* of its process, field 24; 0 where the text ends before it */
};

/* All return 0 or negative errno; ROOT is a descriptor of /proc. What is gone is -ENOENT or
 * -ESRCH, a damaged text -EBADMSG. */
int procfs_each_pid(int root, void (*fn)(void *ctx, uint32_t pid), void *ctx);
int procfs_each_tid(int root, uint32_t pid, void (*fn)(void *ctx, uint32_t tid), void *ctx);
/* Of /proc/PID/task/TID/stat; TID 0: /proc/PID/stat. */
int procfs_stat(int root, uint32_t pid, uint32_t tid, struct procfs_stat *st);
/* From the last ')' on: comm may hold one. */
int procfs_parse_stat(const char *text, size_t size, struct procfs_stat *st);
/* Effective user, of /proc/PID/status: the owner of /proc/PID is root's where a process changed its
 * ids without an exec (proc(5), "dumpable"). */
int procfs_uid(int root, uint32_t pid, uint32_t *uid);
int procfs_parse_uid(const char *text, size_t size, uint32_t *uid);
/* Time that a thread has run, ns: the first number of /proc/PID/task/TID/schedstat. -EBADMSG also
 * where the kernel does not keep it. */
int procfs_run_ns(int root, uint32_t pid, uint32_t tid, uint64_t *run_ns);
/* Times that a thread was put on a CPU: /proc/PID/task/TID/schedstat, its third number. */
int procfs_switches(int root, uint32_t pid, uint32_t tid, uint64_t *switches);

/* Where control groups are that perf events take: of a mountinfo text (proc(5)), the mount point of
 * the perf_event hierarchy (then V1), else of cgroup2; escapes undone. -ENOENT; -ENAMETOOLONG. */
int procfs_parse_cgroup_mount(const char *text, size_t size, char *path, size_t path_size, bool *v1);

/* The process's cgroup as one raw path: cgroup v2's ("0::/…") unless that is "/" and a v1 hierarchy
 * of systemd or, failing that, perf_event names a deeper one; " (deleted)" stripped. -ENOENT: none;
 * -ENAMETOOLONG. */
int procfs_cgroup(int root, uint32_t pid, char *path, size_t size);
int procfs_parse_cgroup(const char *text, size_t size, char *path, size_t path_size);

/* Unit and container id out of a cgroup path, ASCII, "" where there is none.
 * Unit: the last component that has a unit's name (systemd.unit(5)) and ends in .service, .scope,
 * .socket, .mount, .swap or .timer, else the last .slice; \x2d and the like kept as systemd writes
 * them, the '_' of its cgroup escaping taken off.
 * Container: the last 64 hex digits (docker, containerd, cri-o, podman) that are a component, bare,
 * after "docker-", "crio-", "libpod-", "cri-containerd-" or the last ':', maybe with ".scope". */
void procfs_parse_unit(const char *cgroup, char *unit, size_t unit_size, char *container,
		       size_t container_size);

struct procfs_map {
	uint64_t start, end, pgoff, inode;
	uint32_t dev_major, dev_minor;
	bool read, write, exec, shared;
	const char *path; /* in place, not NUL-terminated; \012 not undone */
	size_t path_size; /* without " (deleted)" */
	bool deleted;
};
/* The next line of a maps text at *POS; false at its end. Damaged lines are passed over and counted
 * in *NR_BAD. */
bool procfs_next_map(const char *text, size_t size, size_t *pos, struct procfs_map *map,
		     uint32_t *nr_bad);
/* Copies to OUT, of SIZE bytes, the lines of a maps text whose mappings are executable, and those that
 * are damaged. How many bytes that are. */
size_t procfs_executable_maps(const char *text, size_t size, char *out);

#endif
