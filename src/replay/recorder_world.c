/* What collecting asks about processes and files, answered with the caller's own rights. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/io.h"
#include "base/text.h"
#include "proc/fill.h"
#include "replay/recorder_impl.h"

#define MAPS_SIZE_MAX (64u << 20)

void recorder_world_open(struct recorder *r)
{
	r->proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

void recorder_world_close(struct recorder *r)
{
	if (r->proc_fd >= 0)
		close(r->proc_fd);
	replay_files_fini(&r->files);
	free(r->answers);
	buf_fini(&r->text);
}

/* --- Questions --- */

static bool want_maps(void *ctx, struct process *p)
{
	struct recorder *r = ctx;

	*array_push(r->answers, r->nr_answers, r->answers_cap) = (struct recorder_answer){
		.maps = true, .pid = p->pid, .exec_count = p->exec_count, .fork_ns = p->fork_ns,
		.time_ns = recorder_clock(CLOCK_MONOTONIC),
	};
	return true;
}

/* By the mapping itself where the kernel lets us (CAP_CHECKPOINT_RESTORE), or else by its name:
 * then it must still be the inode that was mapped, where that is known. A build id is compared by
 * whoever reads the file. */
static int open_mapped(struct recorder *r, const struct collect_object_ask *ask)
{
	const struct process_file *f = ask->file;
	char *path = xasprintf("%u/map_files/%llx-%llx", ask->process->pid,
			       (unsigned long long)ask->start, (unsigned long long)ask->end);
	int fd = openat(r->proc_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	free(path);
	if (fd >= 0 || f->path[0] != '/')
		return fd;
	path = xasprintf("%u/root%s", ask->process->pid, f->path);
	fd = openat(r->proc_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	free(path);
	if (fd < 0)
		fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0 && f->inode && (fstat(fd, &st) < 0 || st.st_ino != f->inode)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static bool want_object(void *ctx, const struct collect_object_ask *ask)
{
	struct recorder *r = ctx;
	struct recorder_answer a = {
		.pid = ask->process->pid, .exec_count = ask->process->exec_count,
		.fork_ns = ask->process->fork_ns, .start = ask->start, .file_key = ask->file_key, .object = OBJECT_MISSING,
	};
	int fd = open_mapped(r, ask);
	uint32_t number;

	if (fd >= 0 && !replay_files_add(&r->files, fd, ask->file->path, ask->file->build_id,
					 ask->file->build_id_size, &number))
		a.object = OBJECT_FIRST + number;
	*array_push(r->answers, r->nr_answers, r->answers_cap) = a;
	return true;
}

static void want_cgroup(void *ctx, struct process *p, uint64_t cgroup)
{
	struct recorder *r = ctx;

	fill_cgroup(r->processes, r->proc_fd, p, cgroup);
}

void recorder_world_asks(struct recorder *r, struct collect_asks *asks)
{
	*asks = (struct collect_asks){
		.ctx = r, .maps = want_maps, .object = want_object, .cgroup = want_cgroup,
	};
}

/* --- Answers --- */

static void answer_maps(struct recorder *r, const struct recorder_answer *a)
{
	char path[32];
	int fd, err = -ENOENT;

	snprintf(path, sizeof(path), "%u/maps", a->pid);
	fd = openat(r->proc_fd, path, O_RDONLY | O_CLOEXEC);
	r->text.size = 0;
	if (fd >= 0) {
		err = io_read_all(fd, &r->text, MAPS_SIZE_MAX);
		close(fd);
	}
	collect_maps(r->collect, a->pid, a->fork_ns, a->exec_count, (char *)r->text.data,
		     err ? 0 : r->text.size, a->time_ns);
}

/* An answer may make collect ask again: of what waited for maps, the files. */
void recorder_world_answer(struct recorder *r)
{
	for (uint32_t i = 0; i < r->nr_answers; i++) {
		struct recorder_answer a = r->answers[i];

		if (a.maps)
			answer_maps(r, &a);
		else
			collect_object(r->collect, a.pid, a.fork_ns, a.exec_count, a.start, a.file_key, a.object);
	}
	r->nr_answers = 0;
}

/* --- What was there before us --- */

void recorder_world_scan(struct recorder *r)
{
	fill_process(r->processes, r->proc_fd, r->o.pid, recorder_clock(CLOCK_MONOTONIC));
}

void recorder_world_exe(struct recorder *r)
{
	char path[32], target[sizeof(r->exe)];
	ssize_t n;

	snprintf(path, sizeof(path), "%u/exe", r->o.pid);
	n = readlinkat(r->proc_fd, path, target, sizeof(target));
	if (n > 0)
		text_clean(r->exe, sizeof(r->exe), target, (size_t)n);
}
