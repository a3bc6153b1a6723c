/* Method=cgroup: an event per control group, CPU and kind, which counts all that runs there and below. Groups come and go
 * with their units: a PERF_RECORD_CGROUP of one that matches, or the clock, makes us look again. That a group is removed is
 * told by nothing (its events are no task's, and never hang up): its folder is looked at by the clock. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"
#include "daemon/clock.h"
#include "daemon/target.h"
#include "proc/procfs.h"

#define DEPTH_MAX 16
#define GROUPS_MAX 1024    /* of a target */
#define FOLDERS_MAX 65536  /* looked through */
#define MEMBERS_MAX 16384  /* counted */
#define MOUNTINFO_MAX (1 << 20)

void targets_find_groups(struct targets *all)
{
	struct buf text = { 0 };
	int fd = openat(all->proc_root, "self/mountinfo", O_RDONLY | O_CLOEXEC);

	all->group_mount[0] = 0;
	if (fd < 0)
		return;
	if (!io_read_all(fd, &text, MOUNTINFO_MAX) && text.size &&
	    procfs_parse_cgroup_mount((char *)text.data, text.size, all->group_mount, sizeof(all->group_mount),
				      &all->group_v1) < 0)
		all->group_mount[0] = 0;
	buf_fini(&text);
	close(fd);
}

/* Folders. */

struct found {
	char *path;
	uint64_t inode;
};

struct walk {
	struct target *target;
	struct found *found;
	uint32_t nr, cap, nr_folders;
	bool cut; /* not all was looked at, or taken */
	char path[4096]; /* the folder that is looked at */
	size_t root;     /* length of the mount point in it */
};

static void found_add(struct walk *w, uint64_t inode)
{
	if (w->nr == GROUPS_MAX)
		w->cut = true;
	else
		*array_push(w->found, w->nr, w->cap) = (struct found){ .path = xstrdup(w->path), .inode = inode };
}

static void walk_folder(struct walk *w, int depth);

/* W's path has just got a component NAME. What lies below a group that was chosen is in it already. */
static void walk_child(struct walk *w, const char *name, int depth)
{
	struct stat st;

	if (match_cgroup(&w->target->match, w->path + w->root, name)) {
		if (!stat(w->path, &st))
			found_add(w, st.st_ino);
	} else if (depth < DEPTH_MAX) {
		walk_folder(w, depth + 1);
	}
}

static void walk_folder(struct walk *w, int depth)
{
	size_t length = strlen(w->path);
	DIR *d = opendir(w->path);
	struct dirent *e;

	if (!d)
		return;
	while (!w->cut && (e = readdir(d))) {
		size_t n = strlen(e->d_name);

		if (e->d_type != DT_DIR || e->d_name[0] == '.' || length + n + 2 > sizeof(w->path))
			continue;
		w->cut = ++w->nr_folders == FOLDERS_MAX;
		w->path[length] = '/';
		memcpy(w->path + length + 1, e->d_name, n + 1);
		walk_child(w, e->d_name, depth);
		w->path[length] = 0;
	}
	closedir(d);
}

static void walk(struct walk *w)
{
	struct stat st;

	w->root = (size_t)snprintf(w->path, sizeof(w->path), "%s", w->target->targets->group_mount);
	if (strcmp(w->target->o.cgroup, "/"))
		walk_folder(w, 0);
	else if (!stat(w->path, &st))
		found_add(w, st.st_ino);
}

/* Events. */

static void group_del(struct target *t, uint32_t i)
{
	struct target_group *g = t->groups[i];

	target_close_all(t, g->fds);
	t->nr_groups_gone -= g->gone_ns != 0;
	t->groups[i] = t->groups[--t->nr_groups];
	free(g->path);
	free(g);
}

static int group_add(struct target *t, const struct found *f)
{
	struct target_group *g;
	int dir = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err;

	if (dir < 0)
		return errno == ENOENT ? 0 : -errno; /* gone meanwhile */
	g = xcalloc(1, sizeof(*g) + target_slots(t) * sizeof(g->fds[0]));
	err = target_open_all(t, dir, PERF_FLAG_PID_CGROUP, 0, g->fds);
	close(dir);
	if (err < 0) {
		free(g);
		return err == -ENOENT && t->nr_groups ? 0 : err;
	}
	g->inode = f->inode;
	g->path = xstrdup(f->path);
	*array_push(t->groups, t->nr_groups, t->groups_cap) = g;
	return 0;
}

static bool is_there(const struct target_group *g)
{
	struct stat st;

	return !stat(g->path, &st) && st.st_ino == g->inode;
}

/* What those that are gone have sampled last is in the rings still. */
static void mark_gone(struct target *t)
{
	for (uint32_t i = 0; i < t->nr_groups; i++)
		if (!t->groups[i]->gone_ns && !is_there(t->groups[i])) {
			t->groups[i]->gone_ns = clock_ns(CLOCK_MONOTONIC);
			t->nr_groups_gone++;
		}
}

void target_groups_reap(struct target *t, uint64_t horizon_ns)
{
	for (uint32_t i = t->nr_groups; i-- > 0;)
		if (t->groups[i]->gone_ns && t->groups[i]->gone_ns < horizon_ns)
			group_del(t, i);
}

static bool is_open(const struct target *t, const struct found *f)
{
	for (uint32_t i = 0; i < t->nr_groups; i++)
		if (t->groups[i]->inode == f->inode && !strcmp(t->groups[i]->path, f->path))
			return true;
	return false;
}

static int groups_change(struct target *t, struct walk *w, char *why, size_t why_size)
{
	struct targets *all = t->targets;
	uint32_t nr_new = 0;
	int err;

	for (uint32_t i = 0; i < w->nr; i++)
		nr_new += !is_open(t, &w->found[i]);
	err = targets_budget(nr_new, all->nr_cpus, t->nr_kinds, all->nr_fds, all->max_fds, why, why_size);
	for (uint32_t i = 0; i < w->nr && !err; i++) {
		if (is_open(t, &w->found[i]))
			continue;
		err = group_add(t, &w->found[i]);
		if (err)
			snprintf(why, why_size, "events of control group %s: %s", w->found[i].path, strerror(-err));
	}
	if (err || !w->cut)
		return err;
	snprintf(why, why_size, "not all of it: there are more than %d control groups that match, or %d in all", GROUPS_MAX,
		 FOLDERS_MAX);
	return 1;
}

/* A group of the hierarchy that is there in any case tells whether the kernel takes its events. */
static int probe_groups(struct target *t, char *why, size_t why_size)
{
	int dir = open(t->targets->group_mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = dir < 0 ? -errno : 0;
	int *fds = xcalloc(target_slots(t), sizeof(*fds));

	if (!err)
		err = target_open_all(t, dir, PERF_FLAG_PID_CGROUP, 0, fds);
	if (err)
		snprintf(why, why_size, "events of control groups are refused: %s", strerror(-err));
	else
		target_close_all(t, fds);
	if (dir >= 0)
		close(dir);
	free(fds);
	return err;
}

int target_groups_scan(struct target *t, char *why, size_t why_size)
{
	struct walk *w;
	int err;

	if (!t->targets->group_mount[0]) {
		snprintf(why, why_size, "no hierarchy of control groups is mounted that perf events take");
		return -ENOENT;
	}
	err = t->begun ? 0 : probe_groups(t, why, why_size);
	if (err)
		return err;
	mark_gone(t);
	w = xcalloc(1, sizeof(*w));
	w->target = t;
	walk(w);
	err = groups_change(t, w, why, why_size);
	for (uint32_t i = 0; i < w->nr; i++)
		free(w->found[i].path);
	free(w->found);
	free(w);
	return err;
}

void target_groups_close(struct target *t)
{
	while (t->nr_groups)
		group_del(t, t->nr_groups - 1);
}

/* Members. */

static void each_number(const char *path, const char *file, void (*fn)(struct members *m, uint32_t id), struct members *m)
{
	char *name = xasprintf("%s/%s", path, file);
	FILE *f = fopen(name, "re");
	unsigned id;

	while (f && m->nr_threads < MEMBERS_MAX && fscanf(f, "%u", &id) == 1)
		fn(m, id);
	if (f)
		fclose(f);
	free(name);
}

static void in_processes(struct members *m, uint32_t pid)
{
	members_add(m, pid, pid, 0);
}

static void add_folder(struct target *t, struct members *m, const char *path, int depth)
{
	DIR *d = opendir(path);
	struct dirent *e;

	each_number(path, "cgroup.procs", in_processes, m);
	while (d && depth < DEPTH_MAX && (e = readdir(d))) {
		char *child;

		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		child = xasprintf("%s/%s", path, e->d_name);
		add_folder(t, m, child, depth + 1);
		free(child);
	}
	if (d)
		closedir(d);
}

struct adding {
	struct members *members;
	uint32_t pid;
};

static void add_thread(void *ctx, uint32_t tid)
{
	struct adding *a = ctx;

	if (a->members->nr_threads < MEMBERS_MAX)
		members_add(a->members, a->pid, tid, 0);
}

void target_groups_members(struct target *t)
{
	struct members now = { 0 };

	for (uint32_t i = 0; i < t->nr_groups; i++)
		add_folder(t, &now, t->groups[i]->path, 0);
	for (uint32_t i = 0; i < now.nr_processes; i++) {
		struct adding a = { &now, now.processes[i].pid };

		procfs_each_tid(t->targets->proc_root, a.pid, add_thread, &a);
	}
	for (uint32_t i = 0; i < now.nr_threads; i++) {
		const struct member *before = members_find(&t->members, now.threads[i].tid);

		if (before)
			now.threads[i].switches = before->switches;
	}
	members_fini(&t->members);
	t->members = now;
}
