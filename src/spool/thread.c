#include "spool/thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/gzip.h"
#include "base/mem.h"
#include "spool/internal.h"

struct spool_thread {
	struct spool *spool;
	struct loop *loop;
	struct loop_watch watch; /* an eventfd: jobs have ended */
	spool_done_fn fn;
	void *ctx;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t submitted_cond, ended_cond;
	/* Under the mutex. Counts since the start, told ≤ ended ≤ submitted; job N is in slot N %
	 * JOBS. The slot of job `ended` is the thread's while it runs it. */
	unsigned told, ended, submitted;
	bool stop;
	bool left_behind;
	struct spool_job jobs[SPOOL_THREAD_JOBS];
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

static void run(struct spool *s, struct spool_job *job)
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

/* The thread is gone, or never was, or is the one that calls this. */
static void destroy(struct spool_thread *t)
{
	if (t->watch.fd >= 0)
		close(t->watch.fd);
	spool_close(t->spool);
	pthread_cond_destroy(&t->submitted_cond);
	pthread_cond_destroy(&t->ended_cond);
	pthread_mutex_destroy(&t->mutex);
	free(t);
}

static void *thread_main(void *arg)
{
	struct spool_thread *t = arg;
	static const uint64_t one = 1;
	bool left_behind;

	pthread_mutex_lock(&t->mutex);
	while (!t->left_behind) {
		struct spool_job *job = &t->jobs[t->ended % SPOOL_THREAD_JOBS];

		if (t->ended == t->submitted) {
			if (t->stop)
				break;
			pthread_cond_wait(&t->submitted_cond, &t->mutex);
			continue;
		}
		pthread_mutex_unlock(&t->mutex);
		run(t->spool, job);
		pthread_mutex_lock(&t->mutex);
		t->ended++;
		pthread_cond_signal(&t->ended_cond);
		if (write(t->watch.fd, &one, sizeof(one)) < 0) {
			/* only when 2^64 − 1 ends were not told: never */
		}
	}
	left_behind = t->left_behind;
	pthread_mutex_unlock(&t->mutex);
	if (left_behind)
		destroy(t);
	return NULL;
}

/* Tells the ends there are, one at a time: FN may submit further jobs. */
static void tell(struct spool_thread *t)
{
	struct spool_job job;

	for (;;) {
		pthread_mutex_lock(&t->mutex);
		if (t->told == t->ended) {
			pthread_mutex_unlock(&t->mutex);
			return;
		}
		job = t->jobs[t->told++ % SPOOL_THREAD_JOBS];
		pthread_mutex_unlock(&t->mutex);
		t->fn(t->ctx, &job);
	}
}

static void jobs_ended(struct loop_watch *w, uint32_t events)
{
	uint64_t nr;

	if (read(w->fd, &nr, sizeof(nr)) == sizeof(nr))
		tell(w->ctx);
}

/* Signals are for the loop's signalfd: none may be delivered here. */
static int start(struct spool_thread *t)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = -pthread_create(&t->thread, NULL, thread_main, t);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!err)
		pthread_setname_np(t->thread, "pprofd-spool");
	return err;
}

int spool_thread_new(struct spool_thread **out, const char *directory, struct loop *l,
		     spool_done_fn fn, void *ctx)
{
	struct spool_thread *t = xcalloc(1, sizeof(*t));
	pthread_condattr_t attr;
	int err;

	t->loop = l;
	t->fn = fn;
	t->ctx = ctx;
	t->watch = (struct loop_watch){ .fn = jobs_ended, .ctx = t, .fd = -1 };
	pthread_mutex_init(&t->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&t->submitted_cond, &attr);
	pthread_cond_init(&t->ended_cond, &attr);
	pthread_condattr_destroy(&attr);
	err = spool_open(&t->spool, directory, true);
	if (err)
		goto out;
	t->watch.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	err = t->watch.fd < 0 ? -errno : loop_add(l, &t->watch, EPOLLIN);
	if (err)
		goto out;
	err = start(t);
	if (err) {
		loop_del(l, &t->watch);
		goto out;
	}
	*out = t;
out:
	if (err)
		destroy(t);
	return err;
}

static struct timespec deadline_in(int ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += ms / 1000;
	ts.tv_nsec += ms % 1000 * 1000000L;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_nsec -= 1000000000;
		ts.tv_sec++;
	}
	return ts;
}

/* Until all that was submitted, now or by FN, is told. False when DEADLINE passed before. */
static bool finish(struct spool_thread *t, const struct timespec *deadline)
{
	bool all, left_behind, late = false;

	for (;;) {
		tell(t);
		pthread_mutex_lock(&t->mutex);
		while (t->told == t->ended && t->ended != t->submitted && !late)
			late = pthread_cond_timedwait(&t->ended_cond, &t->mutex, deadline) ==
			       ETIMEDOUT;
		all = t->told == t->submitted;
		if (all) {
			t->stop = true;
			pthread_cond_signal(&t->submitted_cond);
		} else if (late && t->told == t->ended) {
			t->left_behind = true;
			pthread_detach(t->thread);
		}
		left_behind = t->left_behind;
		pthread_mutex_unlock(&t->mutex);
		if (all || left_behind)
			return all;
	}
}

bool spool_thread_free(struct spool_thread *t, int timeout_ms)
{
	struct timespec deadline = deadline_in(timeout_ms);

	if (!t)
		return true;
	loop_del(t->loop, &t->watch);
	if (!finish(t, &deadline))
		return false; /* T is the thread's now */
	pthread_join(t->thread, NULL);
	destroy(t);
	return true;
}

int spool_thread_submit(struct spool_thread *t, const struct spool_job *job)
{
	struct spool_job *slot;
	int err = -EAGAIN;

	pthread_mutex_lock(&t->mutex);
	if (t->submitted - t->told < SPOOL_THREAD_JOBS) {
		slot = &t->jobs[t->submitted++ % SPOOL_THREAD_JOBS];
		*slot = *job;
		slot->status = 0;
		slot->final[0] = '\0';
		slot->written = 0;
		slot->pruned = (struct spool_pruned){ 0 };
		pthread_cond_signal(&t->submitted_cond);
		err = 0;
	}
	pthread_mutex_unlock(&t->mutex);
	return err;
}

unsigned spool_thread_nr_waiting(const struct spool_thread *t)
{
	struct spool_thread *unlocked = (struct spool_thread *)(uintptr_t)t;
	unsigned nr;

	pthread_mutex_lock(&unlocked->mutex);
	nr = t->submitted - t->told;
	pthread_mutex_unlock(&unlocked->mutex);
	return nr;
}
