#include "perf/merge.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

/* A record looked at and not yet given. It stays readable where it is: the ring is released only up
 * to it. */
struct entry {
	uint64_t time, pos; /* pos: bytes from the window's start */
	const void *record;
	size_t size;
};

/* The next records of one ring, sorted by time, then position: a queue in a circle. */
struct window {
	struct ring *ring; /* NULL: closed */
	unsigned first, nr;
	uint64_t start;	     /* the ring's tail when the drain began */
	uint64_t last_time;  /* of the record looked at last */
	uint64_t given_upto; /* bytes from start to the furthest given's end: none may stay */
	uint64_t stay;	     /* bytes from start to what stays */
	struct entry entries[MERGE_WINDOW];
};

/* One ring's earliest time: the heap compares without touching the windows. */
struct turn {
	uint64_t time;
	unsigned ring;
};

struct merge {
	struct window *windows;
	struct turn *heap; /* the earliest turn on top */
	unsigned nr_windows, cap;
};

struct drain {
	struct merge *merge;
	unsigned nr_turns;
	merge_time_fn time_of;
	merge_record_fn fn;
	void *ctx;
	uint64_t nr_given;
};

_Static_assert((MERGE_WINDOW & (MERGE_WINDOW - 1)) == 0, "a circle needs a power of two");

static struct entry *at(struct window *w, unsigned i)
{
	return &w->entries[(w->first + i) & (MERGE_WINDOW - 1)];
}

struct merge *merge_new(void)
{
	return xcalloc(1, sizeof(struct merge));
}

void merge_free(struct merge *m)
{
	if (!m)
		return;
	free(m->windows);
	free(m->heap);
	free(m);
}

/* Looks at one more record, if there is one and room for it. */
static bool window_add(struct window *w, struct drain *d)
{
	struct entry e;
	unsigned i;

	if (w->nr == MERGE_WINDOW)
		return false;
	e.record = ring_next(w->ring, &e.size, &e.pos);
	if (!e.record)
		return false;
	e.pos -= w->start;
	/* With many rings no hardware prefetcher follows them all: 64 of them merge in a third of
	 * the time. */
	__builtin_prefetch(w->ring->data + (w->ring->next & (w->ring->data_size - 1)));
	e.time = d->time_of(d->ctx, e.record, e.size);
	if (e.time)
		w->last_time = e.time;
	else
		e.time = w->last_time;
	for (i = w->nr++; i > 0 && at(w, i - 1)->time > e.time; i--)
		*at(w, i) = *at(w, i - 1);
	*at(w, i) = e;
	return true;
}

static bool before(const struct turn *a, const struct turn *b)
{
	return a->time != b->time ? a->time < b->time : a->ring < b->ring;
}

static void sift_down(struct turn *heap, unsigned nr, unsigned i)
{
	struct turn moved = heap[i];

	for (;;) {
		unsigned child = 2 * i + 1;

		if (child >= nr)
			break;
		if (child + 1 < nr && before(&heap[child + 1], &heap[child]))
			child++;
		if (!before(&heap[child], &moved))
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = moved;
}

static void build_heap(struct drain *d)
{
	struct merge *m = d->merge;

	d->nr_turns = 0;
	for (unsigned i = 0; i < m->nr_windows; i++) {
		if (m->windows[i].nr)
			m->heap[d->nr_turns++] =
				(struct turn){ .time = at(&m->windows[i], 0)->time, .ring = i };
	}
	for (unsigned i = d->nr_turns / 2; i-- > 0;)
		sift_down(m->heap, d->nr_turns, i);
}

/* The kernel goes on writing while we give, and that may take long: it gets back what has been given, in eighths of the
 * ring. */
static void give_back(struct window *w)
{
	uint64_t upto = w->ring->next - w->start;

	if (w->start + w->given_upto < w->ring->tail + w->ring->data_size / MERGE_PARTS)
		return;
	for (unsigned i = 0; i < w->nr; i++)
		if (at(w, i)->pos < upto)
			upto = at(w, i)->pos;
	ring_release(w->ring, w->start + upto);
}

/* Gives what is not later than HORIZON, looking further while it does so if REFILL. */
static void give(struct drain *d, uint64_t horizon, bool refill)
{
	struct turn *heap = d->merge->heap;

	build_heap(d);
	while (d->nr_turns && heap[0].time <= horizon) {
		struct window *w = &d->merge->windows[heap[0].ring];
		struct entry e = *at(w, 0);

		w->first++;
		w->nr--;
		if (e.pos + e.size > w->given_upto)
			w->given_upto = e.pos + e.size;
		d->nr_given++;
		d->fn(d->ctx, heap[0].ring, e.record, e.size, e.time);
		if (refill) {
			window_add(w, d);
			give_back(w);
		}
		if (w->nr)
			heap[0].time = at(w, 0)->time;
		else
			heap[0] = heap[--d->nr_turns];
		sift_down(heap, d->nr_turns, 0);
	}
}

/* Nothing more is due: finds where what stays begins, and leaves in the window only what may not
 * stay. */
static void keep_stragglers(struct window *w)
{
	unsigned nr = w->nr;

	w->nr = 0;
	w->stay = w->ring->next - w->start;
	for (unsigned i = 0; i < nr; i++) {
		const struct entry *e = at(w, i);

		if (e->pos < w->given_upto)
			*at(w, w->nr++) = *e;
		else if (e->pos < w->stay)
			w->stay = e->pos;
	}
}

static void begin(struct merge *m, struct ring **rings, unsigned nr)
{
	if (nr > m->cap) {
		m->windows = xreallocarray(m->windows, nr, sizeof(*m->windows));
		m->heap = xreallocarray(m->heap, nr, sizeof(*m->heap));
		m->cap = nr;
	}
	m->nr_windows = nr;
	for (unsigned i = 0; i < nr; i++) {
		struct window *w = &m->windows[i];

		w->ring = rings[i]->base ? rings[i] : NULL;
		w->first = w->nr = 0;
		w->last_time = w->given_upto = w->stay = 0;
		if (!w->ring)
			continue;
		ring_begin(w->ring);
		w->start = w->ring->tail;
	}
}

uint64_t merge_drain(struct merge *m, struct ring **rings, unsigned nr, uint64_t horizon,
		     merge_time_fn time_of, merge_record_fn fn, void *ctx)
{
	struct drain d = { .merge = m, .time_of = time_of, .fn = fn, .ctx = ctx };

	begin(m, rings, nr);
	for (unsigned i = 0; i < nr; i++) {
		while (m->windows[i].ring && window_add(&m->windows[i], &d))
			;
	}
	give(&d, horizon, true);
	for (unsigned i = 0; i < nr; i++) {
		if (m->windows[i].ring)
			keep_stragglers(&m->windows[i]);
	}
	give(&d, UINT64_MAX, false);
	for (unsigned i = 0; i < nr; i++) {
		if (m->windows[i].ring)
			ring_release(m->windows[i].ring,
				     m->windows[i].start + m->windows[i].stay);
	}
	return d.nr_given;
}
