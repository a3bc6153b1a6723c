#include "daemon/accounts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "daemon/clock.h"
#include "proc/procfs.h"

#define READ_AT_ONCE 32 /* threads, some 10 µs each */
#define READ_EVERY_NS 1000000ull

struct row {
	uint32_t pid, tid;
	char comm[64], thread_comm[64], unit[256];
	int64_t sampled_ns, adding_ns; /* the latter: of the profile being added */
	uint64_t kernel_ns, rss;
	bool has_kernel;
	char state;
};

struct table {
	struct row *rows;
	uint32_t nr, cap;
	struct hash hash; /* by tid */
	int64_t start, others_ns;
	uint64_t window_ns;
	uint32_t nr_others;
	bool whole;
};

/* A thread's clock at the end of the last window. */
struct clock {
	uint32_t pid, tid;
	uint64_t start_time; /* /proc's: a reused tid has another */
	uint64_t run_ns, used; /* used: the last window with samples of it */
};

struct accounts {
	struct loop_timer timer;
	struct loop *loop;
	int proc_fd;
	struct table next, shown;
	struct clock *clocks;
	uint32_t nr_clocks, clocks_cap, nr_read;
	struct hash clock_hash;
	uint64_t window;
	double ticks_per_ns;
};

static struct row *row_find(const struct table *t, uint32_t tid)
{
	uint32_t hash = hash_u64(tid), pos, i;

	for (i = hash_first(&t->hash, hash, &pos); i != HASH_NONE; i = hash_next(&t->hash, hash, &pos))
		if (t->rows[i].tid == tid)
			return &t->rows[i];
	return NULL;
}

static void table_fini(struct table *t)
{
	free(t->rows);
	hash_fini(&t->hash);
	*t = (struct table){ 0 };
}

/* --- Sampled --- */

static uint32_t number(const char *text)
{
	return text ? (uint32_t)strtoul(text, NULL, 10) : 0;
}

static void copy_label(char *to, size_t size, const struct profile *p, uint32_t set, const char *key)
{
	const char *value = profile_label(p, set, key);

	/* Again, as it may be cut. */
	text_clean(to, size, value ? value : "", value ? strlen(value) : 0);
}

static struct row *row_of(struct table *t, const struct profile *p, uint32_t set)
{
	uint32_t pid = number(profile_label(p, set, "pid")), tid = number(profile_label(p, set, "tid"));
	struct row *r;

	if (!pid || !tid)
		return NULL;
	r = row_find(t, tid);
	if (r)
		return r;
	hash_add(&t->hash, hash_u64(tid), t->nr);
	r = array_push(t->rows, t->nr, t->cap);
	*r = (struct row){ .pid = pid, .tid = tid, .state = 'X' };
	copy_label(r->comm, sizeof(r->comm), p, set, "comm");
	copy_label(r->thread_comm, sizeof(r->thread_comm), p, set, "thread_comm");
	copy_label(r->unit, sizeof(r->unit), p, set, "unit");
	return r;
}

void accounts_add(struct accounts *a, const struct profile *p)
{
	int64_t *sums = xcalloc((size_t)p->nr_label_sets + 1, sizeof(*sums));

	if (a->next.whole) /* the one before was never read to its end: windows are that short */
		table_fini(&a->next);
	for (uint32_t i = 0; i < p->nr_samples; i++) {
		int64_t *sum = &sums[p->samples[i].label_set], value = p->values[(i + 1) * p->nr_types - 1];

		*sum = *sum > INT64_MAX - value ? INT64_MAX : *sum + value;
	}
	for (uint32_t i = 0; i < p->nr_label_sets; i++) {
		struct row *r = sums[i] ? row_of(&a->next, p, i) : NULL;

		if (r) /* a thread that was renamed has two sets */
			r->adding_ns += sums[i] < INT64_MAX - r->adding_ns ? sums[i] : 0;
	}
	for (uint32_t i = 0; i < a->next.nr; i++) {
		struct row *r = &a->next.rows[i];

		if (r->adding_ns > r->sampled_ns)
			r->sampled_ns = r->adding_ns;
		r->adding_ns = 0;
	}
	free(sums);
}

/* --- The kernel's clocks --- */

static uint32_t clock_find(const struct accounts *a, uint32_t tid)
{
	uint32_t hash = hash_u64(tid), pos, i;

	for (i = hash_first(&a->clock_hash, hash, &pos); i != HASH_NONE; i = hash_next(&a->clock_hash, hash, &pos))
		if (a->clocks[i].tid == tid)
			return i;
	return HASH_NONE;
}

static void clocks_index(struct accounts *a)
{
	hash_clear(&a->clock_hash);
	for (uint32_t i = 0; i < a->nr_clocks; i++)
		hash_add(&a->clock_hash, hash_u64(a->clocks[i].tid), i);
}

static int by_use(const void *x, const void *y)
{
	const struct clock *a = x, *b = y;

	return a->used == b->used ? 0 : a->used > b->used ? -1 : 1;
}

/* Every row gets a clock; the longest idle ones go for it. */
static void clocks_choose(struct accounts *a)
{
	for (uint32_t i = 0; i < a->next.nr; i++) {
		const struct row *r = &a->next.rows[i];
		uint32_t k = clock_find(a, r->tid);

		if (k == HASH_NONE) {
			hash_add(&a->clock_hash, hash_u64(r->tid), a->nr_clocks);
			k = a->nr_clocks;
			*array_push(a->clocks, a->nr_clocks, a->clocks_cap) =
				(struct clock){ .pid = r->pid, .tid = r->tid };
		}
		a->clocks[k].used = a->window;
	}
	if (a->nr_clocks)
		qsort(a->clocks, a->nr_clocks, sizeof(*a->clocks), by_use);
	if (a->nr_clocks > ACCOUNTS_CLOCKS_MAX)
		a->nr_clocks = ACCOUNTS_CLOCKS_MAX;
	clocks_index(a);
}

/* C and, if there is one, its row R. */
static void clock_read(struct accounts *a, struct clock *c, struct row *r)
{
	struct procfs_stat st;
	uint64_t run_ns;
	bool known, born;

	if (r && r->pid != c->pid)
		r = NULL;
	if (procfs_stat(a->proc_fd, c->pid, c->tid, &st) < 0) {
		c->start_time = 0;
		return;
	}
	if (r) {
		r->state = st.state;
		r->rss = st.rss_pages * (uint64_t)sysconf(_SC_PAGESIZE);
	}
	if (procfs_run_ns(a->proc_fd, c->pid, c->tid, &run_ns) < 0) { /* the kernel does not keep it */
		c->start_time = 0;
		return;
	}
	known = c->start_time && c->start_time == st.start_time;
	born = (double)st.start_time >
	       (double)(clock_ns(CLOCK_BOOTTIME) - a->next.window_ns) * a->ticks_per_ns + 1;
	if (r) {
		r->has_kernel = known || born;
		r->kernel_ns = known ? run_ns - c->run_ns : run_ns;
	}
	c->start_time = st.start_time;
	c->run_ns = run_ns;
}

static void clocks_drop_gone(struct accounts *a)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < a->nr_clocks; i++)
		if (a->clocks[i].start_time)
			a->clocks[kept++] = a->clocks[i];
	a->nr_clocks = kept;
	clocks_index(a);
}

static void read_some(struct loop_timer *timer)
{
	struct accounts *a = timer->ctx;

	for (unsigned i = 0; i < READ_AT_ONCE && a->nr_read < a->nr_clocks; i++) {
		struct clock *c = &a->clocks[a->nr_read++];

		clock_read(a, c, row_find(&a->next, c->tid));
	}
	if (a->nr_read < a->nr_clocks)
		return;
	loop_timer_at(&a->timer, 0, 0);
	clocks_drop_gone(a);
	table_fini(&a->shown);
	a->shown = a->next;
	a->next = (struct table){ 0 };
}

static int by_time(const void *x, const void *y)
{
	const struct row *a = x, *b = y;

	if (a->sampled_ns != b->sampled_ns)
		return a->sampled_ns > b->sampled_ns ? -1 : 1;
	return a->tid < b->tid ? -1 : 1;
}

void accounts_end(struct accounts *a, int64_t start, uint64_t window_ns)
{
	struct table *t = &a->next;

	if (t->whole) /* nothing was added */
		table_fini(t);
	a->window++;
	t->start = start;
	t->window_ns = window_ns;
	t->whole = true;
	if (t->nr)
		qsort(t->rows, t->nr, sizeof(*t->rows), by_time);
	while (t->nr > ACCOUNTS_ROWS_MAX) {
		t->others_ns += t->rows[--t->nr].sampled_ns;
		t->nr_others++;
	}
	hash_clear(&t->hash);
	for (uint32_t i = 0; i < t->nr; i++)
		hash_add(&t->hash, hash_u64(t->rows[i].tid), i);
	clocks_choose(a);
	a->nr_read = 0;
	loop_timer_in(&a->timer, 1, READ_EVERY_NS);
}

/* --- Telling --- */

void accounts_answer(const struct accounts *a, struct control_client *c)
{
	const struct table *t = &a->shown;

	if (!t->whole) {
		control_end(c, -ENODATA, "no window has ended yet");
		return;
	}
	control_value(c, "window_start", "%lld", (long long)t->start);
	control_value(c, "window_seconds", "%.3f", (double)t->window_ns / 1e9);
	for (uint32_t i = 0; i < t->nr; i++) {
		const struct row *r = &t->rows[i];
		char kernel[24] = "-";

		if (r->has_kernel)
			snprintf(kernel, sizeof(kernel), "%llu", (unsigned long long)r->kernel_ns);
		control_value(c, "thread", "%u %u %c %lld %s %llu", r->pid, r->tid, r->state,
			      (long long)r->sampled_ns, kernel, (unsigned long long)r->rss);
		control_value(c, "comm", "%s", r->comm);
		control_value(c, "thread_comm", "%s", r->thread_comm);
		control_value(c, "unit", "%s", r->unit);
	}
	control_value(c, "others", "%u %lld", t->nr_others, (long long)t->others_ns);
	control_end(c, 0, NULL);
}

struct accounts *accounts_new(struct loop *l, int proc_fd)
{
	struct accounts *a = xcalloc(1, sizeof(*a));

	a->loop = l;
	a->proc_fd = proc_fd;
	a->ticks_per_ns = (double)sysconf(_SC_CLK_TCK) / 1e9;
	a->timer = (struct loop_timer){ .fn = read_some, .ctx = a, .watch.fd = -1 };
	if (loop_timer_init(l, &a->timer, CLOCK_MONOTONIC) < 0) {
		free(a);
		return NULL;
	}
	return a;
}

void accounts_free(struct accounts *a)
{
	if (!a)
		return;
	loop_timer_fini(a->loop, &a->timer);
	table_fini(&a->next);
	table_fini(&a->shown);
	free(a->clocks);
	hash_fini(&a->clock_hash);
	free(a);
}
