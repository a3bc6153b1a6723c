#include "base/background.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

struct queue {
	struct background_job *first, **last;
};

struct background {
	struct loop *loop;
	struct loop_watch watch; /* an eventfd: jobs have ended */
	background_ended_fn ended;
	void *ctx;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t submitted, finished_one;
	unsigned nr; /* waiting, running, or finished and not told: the loop's */
	/* Under the mutex. */
	struct queue waiting, finished;
	bool stop;
	bool left_behind; /* all of it is the thread's */
};

static void queue_init(struct queue *q)
{
	q->first = NULL;
	q->last = &q->first;
}

static void queue_add(struct queue *q, struct background_job *job)
{
	job->next = NULL;
	*q->last = job;
	q->last = &job->next;
}

static struct background_job *queue_take(struct queue *q)
{
	struct background_job *job = q->first;

	if (!job)
		return NULL;
	q->first = job->next;
	if (!q->first)
		q->last = &q->first;
	return job;
}

static void drop(struct background_job *job)
{
	if (job->drop)
		job->drop(job);
	else
		free(job);
}

static void destroy(struct background *b)
{
	if (b->watch.fd >= 0)
		close(b->watch.fd);
	pthread_cond_destroy(&b->submitted);
	pthread_cond_destroy(&b->finished_one);
	pthread_mutex_destroy(&b->mutex);
	free(b);
}

/* Nothing runs any more. */
static void end(struct background *b)
{
	b->ended(b->ctx);
	destroy(b);
}

/* JOB has been run; under the mutex. */
static void finish(struct background *b, struct background_job *job)
{
	static const uint64_t one = 1;

	if (b->left_behind) {
		drop(job);
		return;
	}
	queue_add(&b->finished, job);
	pthread_cond_signal(&b->finished_one);
	if (write(b->watch.fd, &one, sizeof(one)) < 0) {
		/* only when 2^64 − 1 ends were not told: never */
	}
}

static void *thread_main(void *arg)
{
	struct background *b = arg;
	bool left_behind;

	pthread_mutex_lock(&b->mutex);
	for (;;) {
		struct background_job *job = queue_take(&b->waiting);

		if (!job) {
			if (b->stop)
				break;
			pthread_cond_wait(&b->submitted, &b->mutex);
			continue;
		}
		pthread_mutex_unlock(&b->mutex);
		job->run(job);
		pthread_mutex_lock(&b->mutex);
		finish(b, job);
	}
	left_behind = b->left_behind;
	pthread_mutex_unlock(&b->mutex);
	if (left_behind)
		end(b);
	return NULL;
}

static void tell(struct background *b)
{
	struct background_job *job;

	for (;;) {
		pthread_mutex_lock(&b->mutex);
		job = queue_take(&b->finished);
		pthread_mutex_unlock(&b->mutex);
		if (!job)
			return;
		b->nr--;
		if (job->done)
			job->done(job);
		drop(job);
	}
}

static void jobs_ended(struct loop_watch *w, uint32_t events)
{
	uint64_t nr;

	if (read(w->fd, &nr, sizeof(nr)) == sizeof(nr))
		tell(w->ctx);
}

/* Signals are for the loop's signalfd: none may be delivered here. */
static int start(struct background *b, const char *name)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = -pthread_create(&b->thread, NULL, thread_main, b);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!err)
		pthread_setname_np(b->thread, name);
	return err;
}

int background_new(struct background **out, struct loop *l, const char *name,
		   background_ended_fn ended, void *ctx)
{
	struct background *b = xcalloc(1, sizeof(*b));
	pthread_condattr_t attr;
	int err;

	b->loop = l;
	b->ended = ended;
	b->ctx = ctx;
	b->watch = (struct loop_watch){ .fn = jobs_ended, .ctx = b };
	queue_init(&b->waiting);
	queue_init(&b->finished);
	pthread_mutex_init(&b->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&b->submitted, &attr);
	pthread_cond_init(&b->finished_one, &attr);
	pthread_condattr_destroy(&attr);
	b->watch.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	err = b->watch.fd < 0 ? -errno : loop_add(l, &b->watch, EPOLLIN);
	if (!err) {
		err = start(b, name);
		if (err)
			loop_del(l, &b->watch);
	}
	if (err)
		destroy(b);
	else
		*out = b;
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

/* Until all has been told. False: DEADLINE has passed, and B is the thread's. */
static bool tell_all(struct background *b, const struct timespec *deadline)
{
	bool late = false;

	for (tell(b); b->nr; tell(b)) {
		pthread_mutex_lock(&b->mutex);
		while (!b->finished.first && !late)
			late = pthread_cond_timedwait(&b->finished_one, &b->mutex, deadline) == ETIMEDOUT;
		if (!b->finished.first) {
			b->stop = b->left_behind = true;
			pthread_cond_signal(&b->submitted);
			pthread_detach(b->thread);
			pthread_mutex_unlock(&b->mutex);
			return false;
		}
		pthread_mutex_unlock(&b->mutex);
	}
	return true;
}

bool background_free(struct background *b, int timeout_ms)
{
	struct timespec deadline = deadline_in(timeout_ms);

	if (!b)
		return true;
	loop_del(b->loop, &b->watch);
	if (!tell_all(b, &deadline))
		return false;
	pthread_mutex_lock(&b->mutex);
	b->stop = true;
	pthread_cond_signal(&b->submitted);
	pthread_mutex_unlock(&b->mutex);
	pthread_join(b->thread, NULL);
	end(b);
	return true;
}

void background_submit(struct background *b, struct background_job *job)
{
	b->nr++;
	pthread_mutex_lock(&b->mutex);
	queue_add(&b->waiting, job);
	pthread_cond_signal(&b->submitted);
	pthread_mutex_unlock(&b->mutex);
}

unsigned background_nr_waiting(const struct background *b)
{
	return b->nr;
}
