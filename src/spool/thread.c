#include "spool/thread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/background.h"
#include "base/gzip.h"
#include "base/mem.h"
#include "spool/internal.h"

struct spool_thread {
	struct spool *spool;
	struct background *background;
	spool_done_fn fn;
	void *ctx;
};

struct job {
	struct background_job background;
	struct spool_thread *t;
	struct spool_job job;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int publish(struct spool *s, struct spool_job *job, int fd)
{
	struct spool_published out;
	int err = spool_publish(s, fd, &job->name, &job->limits, job->sync, &out);

	job->pruned.nr_files += out.pruned.nr_files;
	job->pruned.bytes += out.pruned.bytes;
	job->written = out.size;
	memcpy(job->final, out.name, sizeof(job->final));
	return err;
}

static int write_once(struct spool *s, struct spool_job *job)
{
	int fd = spool_create(s, &job->name), err;

	if (fd < 0)
		return fd;
	err = gzip_fd_to_fd(fd, job->data_fd, job->data_size, job->compress_level, NULL);
	if (err) {
		spool_failed(s, "writing a file in", err);
		spool_discard(s, fd);
		return err;
	}
	err = publish(s, job, fd);
	close(fd);
	return err;
}

/* A full disk costs old files first. What it takes is known for the uncompressed profile only,
 * which is more than enough. */
static int write_profile(struct spool *s, struct spool_job *job)
{
	struct spool_pruned sacrificed;
	int err = write_once(s, job);

	if (err != -ENOSPC && err != -EDQUOT)
		return err;
	spool_sacrifice(s, job->data_size, job->name.start + job->name.seconds, &sacrificed);
	job->pruned.nr_files += sacrificed.nr_files;
	job->pruned.bytes += sacrificed.bytes;
	return sacrificed.nr_files ? write_once(s, job) : err;
}

static void run_spool_job(struct spool *s, struct spool_job *job)
{
	switch (job->what) {
	case SPOOL_CREATE:
		job->fd = spool_create(s, &job->name);
		job->status = job->fd < 0 ? job->fd : 0;
		break;
	case SPOOL_PUBLISH:
		job->status = publish(s, job, job->fd);
		close_fd(&job->fd);
		break;
	case SPOOL_WRITE:
		job->status = write_profile(s, job);
		close_fd(&job->data_fd);
		break;
	case SPOOL_DISCARD:
		spool_discard(s, job->fd);
		job->fd = -1;
		job->status = 0;
		break;
	case SPOOL_PRUNE:
		job->status = spool_prune(s, &job->limits, 0, job->now, &job->pruned);
		break;
	}
}

static void run(struct background_job *background)
{
	struct job *j = (struct job *)background;

	run_spool_job(j->t->spool, &j->job);
}

static void done(struct background_job *background)
{
	struct job *j = (struct job *)background;
	struct spool_job told = j->job;

	j->job.fd = -1; /* theirs */
	j->t->fn(j->t->ctx, &told);
}

/* A file that was created for somebody who is not there any more goes with it. */
static void drop(struct background_job *background)
{
	struct job *j = (struct job *)background;

	if (j->job.what == SPOOL_CREATE && j->job.fd >= 0)
		spool_discard(j->t->spool, j->job.fd);
	free(j);
}

static void ended(void *ctx)
{
	struct spool_thread *t = ctx;

	spool_close(t->spool);
	free(t);
}

int spool_thread_new(struct spool_thread **out, const char *directory, struct loop *l,
		     spool_done_fn fn, void *ctx)
{
	struct spool_thread *t = xcalloc(1, sizeof(*t));
	int err;

	t->fn = fn;
	t->ctx = ctx;
	err = spool_open(&t->spool, directory, true);
	if (!err)
		err = background_new(&t->background, l, "pprofd-spool", ended, t);
	if (err)
		ended(t);
	else
		*out = t;
	return err;
}

bool spool_thread_free(struct spool_thread *t, int timeout_ms)
{
	return !t || background_free(t->background, timeout_ms);
}

int spool_thread_submit(struct spool_thread *t, const struct spool_job *job)
{
	struct job *j;

	if (background_nr_waiting(t->background) >= SPOOL_THREAD_JOBS)
		return -EAGAIN;
	j = xcalloc(1, sizeof(*j));
	*j = (struct job){ .background = { .run = run, .done = done, .drop = drop }, .t = t, .job = *job };
	j->job.status = 0;
	j->job.final[0] = '\0';
	j->job.written = 0;
	j->job.pruned = (struct spool_pruned){ 0 };
	background_submit(t->background, &j->background);
	return 0;
}

unsigned spool_thread_nr_waiting(const struct spool_thread *t)
{
	return background_nr_waiting(t->background);
}
