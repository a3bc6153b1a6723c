#include "opener/protocol.h"

#include <limits.h>
#include <string.h>

static bool debug_valid(const struct opener_debug *d)
{
	return memchr(d->object, 0, sizeof(d->object)) && memchr(d->folder, 0, sizeof(d->folder)) &&
	       d->folder[0] == '/' && d->skip <= OPENER_SKIP_MAX && (!*d->object || d->object[0] == '/') && debug_names_valid(&d->names);
}

bool opener_request_valid(const struct opener_request *q, size_t size)
{
	if (size < offsetof(struct opener_request, ranges) || size > sizeof(*q))
		return false;
	if (q->nr_ranges > OPENER_RANGES_MAX || size != opener_request_size(q))
		return false;
	if (!q->cookie || q->pid > INT_MAX || q->flags & ~OPENER_REMOTE)
		return false;
	if (q->what == OPENER_DEBUG)
		return !q->nr_ranges && debug_valid(&q->debug);
	if (!q->pid || (q->what != OPENER_MAPS && q->what != OPENER_FILES && q->what != OPENER_JIT))
		return false;
	if (q->what == OPENER_FILES ? !q->nr_ranges : q->nr_ranges > (q->what == OPENER_JIT))
		return false;
	for (uint32_t i = 0; i < q->nr_ranges; i++) {
		const struct opener_range *r = &q->ranges[i];

		if (r->start >= r->end || !memchr(r->path, 0, sizeof(r->path)))
			return false;
	}
	return true;
}

static bool status_valid(int32_t status)
{
	return status <= 0 && status >= -4095; /* the kernel's MAX_ERRNO */
}

bool opener_answer_valid(const struct opener_answer *a, size_t size, unsigned nr_fds,
			 const struct opener_request *q)
{
	uint32_t nr_ranges = 0;
	unsigned nr_opened = 0;

	if (size < offsetof(struct opener_answer, range_status) || size > sizeof(*a))
		return false;
	if (!status_valid(a->status) || a->nr_stuck > OPENER_STUCK_MAX ||
	    a->paused != (a->nr_stuck == OPENER_STUCK_MAX))
		return false;
	if (a->cookie != (q ? q->cookie : 0) || (!q && a->status))
		return false;
	if (q && !a->status) {
		nr_ranges = q->what == OPENER_FILES ? q->nr_ranges : 0;
		nr_opened = q->what != OPENER_FILES;
	}
	if (a->nr_ranges != nr_ranges || size != opener_answer_size(a))
		return false;
	for (uint32_t i = 0; i < nr_ranges; i++) {
		if (!status_valid(a->range_status[i]))
			return false;
		nr_opened += !a->range_status[i];
	}
	return nr_fds == nr_opened;
}
