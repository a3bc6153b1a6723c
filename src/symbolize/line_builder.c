#include "symbolize/line_builder.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/child.h"
#include "base/io.h"
#include "object/debuglink.h"
#include "object/elf.h"

/* The exit statuses of the child: 0, or 1 + index of what it failed with. */
static const int errors[] = { EIO, ENODATA, EFBIG, ENOTSUP, ENOEXEC, EBADMSG, ENOMEM };
#define NICE 5
#define NR_ERRORS (sizeof(errors) / sizeof(errors[0]))

static int open_debug_file(const struct line_source *src)
{
	uint8_t id[ELF_BUILD_ID_MAX];
	struct elf *e;
	unsigned size;
	int fd, err = elf_open(&e, src->fd);

	if (err)
		return err;
	size = elf_build_id(e, id);
	elf_close(e);
	fd = src->open_file ? src->open_file(src->ctx, "", id, size) : -1;
	if (fd < 0)
		return -ENODATA;
	if (!size) /* whoever gave it has found it out by other means */
		return fd;
	err = debuglink_check_build_id(fd, id, size);
	if (err)
		close(fd);
	return err == -ENOENT ? -ENODATA : err ? err : fd;
}

int line_builder_run(const struct line_source *src, const struct object_id *id, int out)
{
	struct line_source debug = *src;
	void *image;
	size_t size;
	int err = line_build(src, &LINE_LIMITS_DEFAULT, id, &image, &size);

	if (err == -ENODATA) {
		debug.fd = open_debug_file(src);
		if (debug.fd < 0)
			return debug.fd;
		err = line_build(&debug, &LINE_LIMITS_DEFAULT, id, &image, &size);
		close(debug.fd);
	}
	if (err)
		return err;
	err = io_write(out, image, size);
	free(image);
	return err;
}

static void limit_cpu(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_CPU, &l))
		return;
	l.rlim_cur = LINE_BUILDER_CPU_S < l.rlim_max ? LINE_BUILDER_CPU_S : l.rlim_max;
	setrlimit(RLIMIT_CPU, &l);
}

static int in_child(const struct line_source *src, const struct object_id *id, int out, pid_t parent)
{
	struct sched_param batch = { 0 };
	int err;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		return 1;
	close(CHILD_CHANNEL_FD); /* its end says that the worker has gone */
	/* Not SCHED_IDLE: on a host that is always busy no index would ever be done. */
	sched_setscheduler(0, SCHED_BATCH, &batch);
	setpriority(PRIO_PROCESS, 0, NICE);
	limit_cpu();
	child_limit_memory(LINE_BUILDER_MEMORY);
	err = line_builder_run(src, id, out);
	for (unsigned i = 0; i < NR_ERRORS && err; i++)
		if (err == -errors[i])
			return (int)i + 1;
	return err ? 1 : 0;
}

static int64_t now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

int line_builder_start(struct line_builder *b, const struct line_source *src,
		       const struct object_id *id, int out)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return -errno;
	if (!pid)
		_exit(in_child(src, id, out, parent));
	b->pid = pid;
	b->until = now_s() + LINE_BUILDER_WALL_S;
	return 0;
}

int line_builder_poll(struct line_builder *b)
{
	int status;
	pid_t pid = waitpid(b->pid, &status, WNOHANG);

	if (!pid) {
		if (now_s() > b->until)
			kill(b->pid, SIGKILL); /* it ends as soon as its disk lets it */
		return 1;
	}
	b->pid = 0;
	if (pid < 0 || !WIFEXITED(status))
		return -EFAULT;
	if (!WEXITSTATUS(status))
		return 0;
	return WEXITSTATUS(status) <= (int)NR_ERRORS ? -errors[WEXITSTATUS(status) - 1] : -EFAULT;
}

void line_builder_stop(struct line_builder *b)
{
	if (!b->pid)
		return;
	kill(b->pid, SIGKILL);
	waitpid(b->pid, NULL, 0);
	b->pid = 0;
}
