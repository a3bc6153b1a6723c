/* procfs: the text files of /proc, below a root descriptor so that tests use a made-up tree. Only files that cannot block are
 * read here (stat, status, comm, cgroup, the lists of pids and tids); maps come as bytes, from the opener. */
#ifndef PROC_PROCFS_H
#define PROC_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct procfs_stat {
	uint32_t ppid;
	char state;
	char comm[16];       /* as it is there: may hold any byte but NUL */
	uint64_t start_time; /* clock ticks after boot, field 22 */
	bool kthread;        /* PF_KTHREAD in field 9 */
};

/* All return 0 or negative errno; ROOT is a descriptor of /proc. */
int procfs_each_pid(int root, void (*fn)(void *ctx, uint32_t pid), void *ctx);
int procfs_each_tid(int root, uint32_t pid, void (*fn)(void *ctx, uint32_t tid), void *ctx);
int procfs_stat(int root, uint32_t pid, uint32_t tid, struct procfs_stat *st); /* tid 0: /proc/PID/stat */
int procfs_parse_stat(const char *text, size_t size, struct procfs_stat *st);  /* from the last ')' on: comm may hold one */
/* The process's cgroup as one path: cgroup v2's ("0::/…") unless that is "/" and a v1 hierarchy of systemd or perf_event
 * names a deeper one. */
int procfs_cgroup(int root, uint32_t pid, char *path, size_t size);
int procfs_parse_cgroup(const char *text, size_t size, char *path, size_t path_size);

/* Unit and container id out of a cgroup path: the last component that ends in .service, .scope, .socket, .mount, .swap, .timer or
 * .slice-less unit syntax (a .slice only when nothing better), \x2d and the like kept as systemd writes them; 64 hex digits (docker, containerd, cri-o,
 * podman: bare, after "docker-", "crio-", "libpod-", "cri-containerd-" or ':') become the container id. Both are "" where
 * there is none. */
void procfs_parse_unit(const char *cgroup, char *unit, size_t unit_size, char *container, size_t container_size);

struct procfs_map {
	uint64_t start, end, pgoff, inode;
	uint32_t dev_major, dev_minor;
	bool read, write, exec, shared;
	const char *path; /* in place, not NUL-terminated; " (deleted)" stripped and said in deleted; \012 not undone */
	size_t path_size;
	bool deleted;
};
/* The next line of a maps text at *POS; false at its end. Damaged lines are passed over and counted in *NR_BAD. */
bool procfs_next_map(const char *text, size_t size, size_t *pos, struct procfs_map *map, uint32_t *nr_bad);

#endif
