#include "daemon/tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/array.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "collect/collect.h"
#include "daemon/clock.h"
#include "daemon/debug_files.h"
#include "worker/client.h"

#define WANTS_MAX 4096
#define WANT_NS 4000000000ull    /* then nobody waits for it any more */
#define FAILED_NS 60000000000ull /* before an object is tried again */
#define LOOKED_NS 60000000000ull /* before its debug file is looked for again */
#define RETRY_NS 20000000ull     /* when no worker could be started */
#define GATHER_NS 2000000ull     /* from an arrival to the walks that waited for it */

struct want {
	uint32_t object;
	uint64_t offset, since_ns;
};

struct object_state {
	uint64_t failed_ns; /* until then it is left alone */
	uint64_t wanted_ns; /* when its debug file was wanted last, 0: it has use for none */
};

struct tables {
	struct objects *objects;
	struct debug_files *debug_files;
	struct worker_pages_client *client;
	struct unwind_tables *pages;
	struct want *wants; /* in the order of their coming, but for those that took a place */
	uint32_t nr_wants, wants_cap;
	struct hash want_hash;
	struct object_state *states; /* by object */
	uint32_t nr_states, states_cap;
	uint32_t current; /* the object that the worker is at */
	bool debug_given, debug_wanted; /* of it: with the job, and by the worker since */
	uint64_t cookie, nr_asked, nr_refused;
	bool poked;
	struct loop *loop;
	struct loop_timer retry, gather;
	void (*arrived)(void *ctx);
	void *ctx;
};

/* --- Objects --- */

static uint32_t state_index(uint32_t object)
{
	return object == COLLECT_VDSO ? 0 : object; /* OBJECT_NONE is nobody's */
}

static struct object_state state_of(const struct tables *t, uint32_t object)
{
	object = state_index(object);
	return object < t->nr_states ? t->states[object] : (struct object_state){ 0 };
}

static struct object_state *state_get(struct tables *t, uint32_t object)
{
	uint32_t old = t->nr_states;

	object = state_index(object);
	if (object >= old) {
		array_reserve(t->states, t->states_cap, (uint64_t)object + 1);
		t->nr_states = object + 1;
		memset(t->states + old, 0, (t->nr_states - old) * sizeof(*t->states));
	}
	return &t->states[object];
}

static bool failed(const struct tables *t, uint32_t object)
{
	return state_of(t, object).failed_ns > clock_ns(CLOCK_MONOTONIC);
}

static void fail(struct tables *t, uint32_t object)
{
	state_get(t, object)->failed_ns = clock_ns(CLOCK_MONOTONIC) + FAILED_NS;
	t->nr_refused++;
}

/* --- Wants --- */

static uint32_t want_hash(uint32_t object, uint64_t offset)
{
	return hash_2u64(object, offset);
}

static struct want *want_find(struct tables *t, uint32_t object, uint64_t offset)
{
	uint32_t pos, i, hash = want_hash(object, offset);

	for (i = hash_first(&t->want_hash, hash, &pos); i != HASH_NONE;
	     i = hash_next(&t->want_hash, hash, &pos))
		if (t->wants[i].object == object && t->wants[i].offset == offset)
			return &t->wants[i];
	return NULL;
}

static void want_drop(struct tables *t, struct want *w)
{
	uint32_t i = (uint32_t)(w - t->wants), last = --t->nr_wants;
	const struct want *moved = &t->wants[last];

	hash_del(&t->want_hash, want_hash(w->object, w->offset), i);
	if (i == last)
		return;
	hash_move(&t->want_hash, want_hash(moved->object, moved->offset), last, i);
	*w = *moved;
}

static void wants_drop(struct tables *t, uint32_t object)
{
	for (uint32_t i = t->nr_wants; i-- > 0;) /* the last takes the place of one that goes */
		if (t->wants[i].object == object)
			want_drop(t, &t->wants[i]);
}

static void next_job(struct tables *t);

static void poke(struct tables *t)
{
	if (!t->poked)
		loop_timer_in(&t->gather, GATHER_NS, 0);
	t->poked = true;
}

void tables_poke(struct tables *t)
{
	if (t->nr_wants)
		next_job(t);
	poke(t);
}

bool tables_want(struct tables *t, uint32_t object, uint64_t offset)
{
	offset &= ~(UNWIND_PAGE_SIZE - 1);
	if (failed(t, object))
		return false;
	if (t->nr_wants == WANTS_MAX || want_find(t, object, offset))
		return true; /* or asked again, when there is room */
	*array_push(t->wants, t->nr_wants, t->wants_cap) = (struct want){
		.object = object, .offset = offset, .since_ns = clock_ns(CLOCK_MONOTONIC),
	};
	hash_add(&t->want_hash, want_hash(object, offset), t->nr_wants - 1);
	/* The first asks at once; those that come meanwhile, when it has been answered. */
	if (!worker_pages_client_busy(t->client))
		loop_timer_in(&t->retry, 1, 0);
	return true;
}

/* --- The worker --- */

static void got_page(void *ctx, uint64_t cookie, uint64_t offset, int status,
		     const struct unwind_page *page)
{
	struct tables *t = ctx;
	struct want *w = want_find(t, t->current, offset);

	if (status == -EAGAIN && t->debug_wanted)
		return; /* it stays wanted */
	if (!status)
		status = unwind_tables_add(t->pages, t->current, page);
	if (w)
		want_drop(t, w);
	if (status) {
		log_debug("unwind table of object %u: %s", t->current, strerror(-status));
		fail(t, t->current);
		wants_drop(t, t->current);
	}
	poke(t);
}

/* It is asked for, or the next one after one that was another's: until there is an answer the object's
 * pages wait. If there is none, they are made without it. */
static void debug_wanted(void *ctx, const struct worker_want *want)
{
	struct tables *t = ctx;

	state_get(t, t->current)->wanted_ns = clock_ns(CLOCK_MONOTONIC);
	debug_files_want(t->debug_files, t->current, want);
	/* Who refuses what it was not given would do so again. */
	t->debug_wanted = !t->debug_given || debug_files_get(t->debug_files, t->current, WORKER_DEBUG_FILE) < 0;
}

static void job_done(void *ctx, const struct worker_pages_outcome *o)
{
	struct tables *t = ctx;
	bool blame = o->parsing && t->current != COLLECT_VDSO &&
		     (o->result == WORKER_DIED || o->cpu_bound);

	if (o->result != WORKER_WRITTEN) {
		if (blame && t->debug_given) /* of that perhaps */
			debug_files_blame(t->debug_files, t->current);
		blame = blame && objects_blame(t->objects, t->current);
		log_warnx("worker of unwind tables %s%s",
			  o->result == WORKER_LATE ? "overran its deadline" : "died",
			  blame ? "; the file that it was reading is not read again" : "");
		/* Once is tried again: it may have been somebody's kill -9. */
		if (blame || o->result == WORKER_LATE) {
			fail(t, t->current);
			wants_drop(t, t->current);
		}
	}
	poke(t);
	next_job(t);
}

/* The separate debug file of OBJECT, when its pages have use for one. False: it is being looked for. */
static bool take_debug_file(struct tables *t, uint32_t object, struct worker_pages_job *job)
{
	struct object_state s = state_of(t, object);
	int fd;

	if (!s.wanted_ns)
		return true;
	if (debug_files_asked(t->debug_files, object, WORKER_DEBUG_FILE))
		return false;
	fd = debug_files_get(t->debug_files, object, WORKER_DEBUG_FILE);
	if (fd >= 0) {
		job->debug_fd = fd;
		state_get(t, object)->wanted_ns = 1; /* once it has gone it is looked for at once */
	} else {
		job->no_files = clock_ns(CLOCK_MONOTONIC) - s.wanted_ns < LOOKED_NS;
	}
	return true;
}

/* The pages of W's object. False: none can be asked for now. */
static bool start_job(struct tables *t, const struct want *first)
{
	uint32_t object = first->object;
	uint64_t offsets[WORKER_PAGES_MAX];
	struct worker_object id;
	struct worker_pages_job job = { .cookie = ++t->cookie, .fd = -1, .offsets = offsets };
	bool is_file = object != COLLECT_VDSO, started;

	if (is_file) {
		if (!take_debug_file(t, object, &job) || !objects_pin(t->objects, object, &id, &job.fd))
			return false;
		job.object = &id;
		objects_unpin(t->objects, object); /* the message holds the descriptor */
	} else {
		job.no_files = true;
	}
	if (is_file && id.quarantined) {
		fail(t, object);
		wants_drop(t, object);
		poke(t);
		return false;
	}
	for (uint32_t i = 0; i < t->nr_wants && job.nr < WORKER_PAGES_MAX; i++)
		if (t->wants[i].object == object)
			offsets[job.nr++] = t->wants[i].offset;
	t->current = object;
	t->debug_given = job.debug_fd > 0;
	t->debug_wanted = false;
	started = worker_pages_client_start(t->client, &job);
	if (started)
		t->nr_asked += job.nr;
	else
		loop_timer_in(&t->retry, RETRY_NS, 0);
	return started;
}

/* Asks for what is wanted and can be had now: an object's file may not be open yet. */
static void next_job(struct tables *t)
{
	uint64_t old_ns = clock_ns(CLOCK_MONOTONIC) - WANT_NS;

	for (uint32_t i = 0; i < t->nr_wants && !worker_pages_client_busy(t->client);) {
		uint32_t nr = t->nr_wants;

		if (t->wants[i].since_ns < old_ns)
			want_drop(t, &t->wants[i]);
		else if (start_job(t, &t->wants[i]))
			break;
		i = t->nr_wants < nr ? 0 : i + 1;
	}
}

static void retry(struct loop_timer *timer)
{
	next_job(timer->ctx);
}

static void gathered(struct loop_timer *timer)
{
	struct tables *t = timer->ctx;

	t->poked = false;
	t->arrived(t->ctx);
}

/* --- The whole --- */

int tables_new(struct tables **out, struct loop *l, struct objects *o, struct debug_files *d, size_t limit,
	       void (*arrived)(void *ctx), void *ctx)
{
	struct tables *t = xcalloc(1, sizeof(*t));
	int err;

	t->loop = l;
	t->objects = o;
	t->debug_files = d;
	t->arrived = arrived;
	t->ctx = ctx;
	t->retry = (struct loop_timer){ .watch.fd = -1, .fn = retry, .ctx = t };
	t->gather = (struct loop_timer){ .watch.fd = -1, .fn = gathered, .ctx = t };
	t->pages = unwind_tables_new(limit);
	err = worker_pages_client_new(&t->client, l, got_page, job_done, t);
	if (!err)
		err = loop_timer_init(l, &t->retry, CLOCK_MONOTONIC);
	if (!err)
		err = loop_timer_init(l, &t->gather, CLOCK_MONOTONIC);
	if (err) {
		tables_free(t);
		return err;
	}
	worker_pages_client_set_want(t->client, debug_wanted);
	*out = t;
	return err;
}

void tables_free(struct tables *t)
{
	if (!t)
		return;
	loop_timer_fini(t->loop, &t->retry);
	loop_timer_fini(t->loop, &t->gather);
	worker_pages_client_free(t->client);
	unwind_tables_free(t->pages);
	free(t->wants);
	hash_fini(&t->want_hash);
	free(t->states);
	free(t);
}

struct unwind_tables *tables_pages(struct tables *t)
{
	return t->pages;
}

void tables_set_limit(struct tables *t, size_t limit)
{
	unwind_tables_set_limit(t->pages, limit);
}

void tables_status(const struct tables *t, struct tables_status *s)
{
	*s = (struct tables_status){
		.worker_pid = worker_pages_client_pid(t->client),
		.nr_deaths = worker_pages_client_nr_deaths(t->client),
		.nr_asked = t->nr_asked,
		.nr_failed = t->nr_refused,
		.nr_wanted = t->nr_wants,
	};
}
