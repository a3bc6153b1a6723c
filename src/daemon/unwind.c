#include "daemon/unwind.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "daemon/daemon.h"
#include "daemon/walker.h"

#define FILES_SHOWN 40
#define RING_MS 500 /* of copies fit at least, for auto: half of it fills before it is read */

static bool wants_user(const struct config *c)
{
	return c->callchain == CALLCHAIN_YES || c->callchain == CALLCHAIN_USER;
}

static bool pays(const struct config *c)
{
	return c->sample_frequency * c->stack_copy_size <= UNWIND_AUTO_RATE;
}

static bool fits(const struct config *c)
{
	return c->sample_frequency * c->stack_copy_size * RING_MS / 1000 <= c->ring_size;
}

bool unwind_wants_walker(const struct config *c)
{
	return c->scope != SCOPE_NONE &&
	       (c->unwind == UNWINDING_BPF || (c->unwind == UNWINDING_AUTO && c->sample_frequency <= UNWIND_AUTO_WALKS));
}

/* Where the kernel does not walk, bpf is as auto. */
static bool is_auto(const struct config *c)
{
	return c->unwind == UNWINDING_AUTO || c->unwind == UNWINDING_BPF;
}

size_t unwind_stack_size(const struct config *c, bool walker)
{
	bool copy = walker || c->unwind == UNWINDING_STACK || (is_auto(c) && pays(c) && fits(c));

	return wants_user(c) && copy ? c->stack_copy_size & ~UINT64_C(7) : 0;
}

void unwind_copies(const struct config *c, bool walker, size_t *size, unsigned *frequency)
{
	uint64_t fitting = c->ring_size * 1000 / RING_MS / c->stack_copy_size;
	uint64_t paying = UNWIND_AUTO_RATE / c->stack_copy_size, hz = 0;

	if (walker)
		hz = UINT_MAX;
	else if (c->unwind == UNWINDING_STACK) /* at such a rate they are wanted, whatever fits */
		hz = c->sample_frequency > fitting ? c->sample_frequency : fitting;
	else if (is_auto(c))
		hz = paying < fitting ? paying : fitting;
	*size = c->stack_copy_size & ~UINT64_C(7);
	*frequency = hz < UINT_MAX ? (unsigned)hz : UINT_MAX;
}

bool unwind_same(const struct config *a, const struct config *b)
{
	return a->unwind == b->unwind && a->stack_copy_size == b->stack_copy_size &&
	       (a->unwind_cache_size == b->unwind_cache_size || !unwind_wants_walker(a));
}

/* What is in use where the kernel does not walk. */
static void explain_without(const struct config *c, const struct sampler_status *s, char *text, size_t size)
{
	unsigned long long copied = c->stack_copy_size & ~UINT64_C(7);
	const char *why = "";

	if (unwind_stack_size(c, false) && s->features.stack_user) {
		snprintf(text, size, "stack: copies of %llu bytes, walked by unwind tables%s", copied,
			 is_auto(c) ? " (auto: at this SampleFrequency they cost little)" : "");
		return;
	}
	if (unwind_stack_size(c, false))
		why = " (this kernel copies no stacks)";
	else if (c->unwind == UNWINDING_AUTO && c->sample_frequency > UNWIND_AUTO_WALKS)
		why = " (auto: at this SampleFrequency whole stacks cost too much; Unwind=bpf asks for them all the same)";
	else if (is_auto(c) && !pays(c))
		why = " (auto: at this SampleFrequency stack copies cost too much; Unwind=stack asks for "
		      "them all the same)";
	else if (is_auto(c))
		why = " (auto: RingSize= holds less than half a second of stack copies)";
	snprintf(text, size, "fp: the kernel's frame-pointer callchain%s", why);
}

void unwind_explain(struct daemon *d, char *text, size_t size)
{
	struct sampler_status s = { 0 };
	char without[256];

	if (d->sampler)
		sampler_status(d->sampler, &s);
	if (!wants_user(&d->config)) {
		snprintf(text, size, "none: CallChain= asks for no user callers");
		return;
	}
	if (d->walker) {
		snprintf(text, size, "bpf: walked in the kernel by unwind tables");
		return;
	}
	explain_without(&d->config, &s, without, sizeof(without));
	if (d->walker_why[0])
		snprintf(text, size, "%s; not bpf: %s", without, d->walker_why);
	else
		snprintf(text, size, "%s", without);
}

static void walker_values(struct daemon *d, struct control_client *c)
{
	struct walker_status s;

	walker_status(d->walker, &s);
	control_value(c, "unwind_kernel_memory", "%zu", s.size);
	control_value(c, "unwind_kernel_processes", "%u", s.mirror.nr_processes);
	control_value(c, "unwind_kernel_pages", "%u", s.mirror.nr_pages);
	control_value(c, "unwind_kernel_no_room", "%llu", (unsigned long long)s.mirror.nr_no_room);
	control_value(c, "unwind_kernel_walked", "%llu", (unsigned long long)s.nr_walked);
	control_value(c, "unwind_kernel_copied", "%llu", (unsigned long long)s.nr_copied);
	control_value(c, "unwind_kernel_refused", "%llu", (unsigned long long)s.nr_refused);
}

void unwind_status(struct daemon *d, struct control_client *c)
{
	struct unwind_tables_stats t;
	struct tables_status s;

	tables_status(d->tables, &s);
	unwind_tables_stats(tables_pages(d->tables), &t);
	control_value(c, "unwind_worker_pid", "%d", s.worker_pid);
	control_value(c, "unwind_worker_deaths", "%llu", (unsigned long long)s.nr_deaths);
	control_value(c, "unwind_memory", "%zu", t.size);
	control_value(c, "unwind_pages", "%u", t.nr_pages);
	control_value(c, "unwind_rules", "%u", t.nr_rules);
	control_value(c, "unwind_pages_wanted", "%u", s.nr_wanted);
	control_value(c, "unwind_pages_asked", "%llu", (unsigned long long)s.nr_asked);
	control_value(c, "unwind_pages_evicted", "%llu", (unsigned long long)t.nr_evicted);
	control_value(c, "unwind_pages_invalid", "%llu", (unsigned long long)t.nr_invalid);
	control_value(c, "unwind_files_failed", "%llu", (unsigned long long)s.nr_failed);
	if (d->walker)
		walker_values(d, c);
}

/* --- Files --- */

static const char *const stop_words[UNWIND_NR_STOPS] = {
	[UNWIND_STOP_COMPLETE] = "whole",       [UNWIND_STOP_NO_MAPPING] = "no_mapping",
	[UNWIND_STOP_NO_PAGE] = "no_table",     [UNWIND_STOP_NO_ROW] = "no_row",
	[UNWIND_STOP_UNSUPPORTED] = "unsupported", [UNWIND_STOP_SHORT] = "short",
	[UNWIND_STOP_SWITCHED] = "switched",    [UNWIND_STOP_DEEP] = "deep",
	[UNWIND_STOP_BAD_CFA] = "bad_frame",    [UNWIND_STOP_LOOP] = "loop",
	[UNWIND_STOP_FAULT] = "fault",
};

static uint64_t nr_ended(const struct collect_walks *w)
{
	uint64_t nr = 0;

	for (unsigned i = 0; i < UNWIND_NR_STOPS; i++)
		nr += w->nr_ended[i];
	return nr;
}

/* Those whose stacks are cut most come first. */
static int by_trouble(const void *a, const void *b)
{
	const struct collect_walks *x = *(const struct collect_walks *const *)a;
	const struct collect_walks *y = *(const struct collect_walks *const *)b;
	uint64_t cut_x = nr_ended(x) - x->nr_ended[UNWIND_STOP_COMPLETE];
	uint64_t cut_y = nr_ended(y) - y->nr_ended[UNWIND_STOP_COMPLETE];

	if (cut_x != cut_y)
		return cut_x < cut_y ? 1 : -1;
	return (nr_ended(x) < nr_ended(y)) - (nr_ended(x) > nr_ended(y));
}

static void show_file(struct daemon *d, struct control_client *c, unsigned number,
		      const struct collect_walks *w)
{
	char key[32], text[512];
	uint32_t nr_pages;
	size_t size, at = 0;

	unwind_tables_object(tables_pages(d->tables), w->object, &nr_pages, &size);
	for (unsigned i = 0; i < UNWIND_NR_STOPS; i++)
		if (w->nr_ended[i] && at < sizeof(text))
			at += (size_t)snprintf(text + at, sizeof(text) - at, " %s=%llu", stop_words[i],
					       (unsigned long long)w->nr_ended[i]);
	snprintf(key, sizeof(key), "file.%u", number);
	control_value(c, key, "%s%s pages=%u bytes=%zu", w->path, text, nr_pages, size);
}

void unwind_status_files(struct daemon *d, struct control_client *c)
{
	uint32_t nr;
	const struct collect_walks *all = collect_walks(d->collect, &nr), **order;

	order = xreallocarray(NULL, nr + 1u, sizeof(*order));
	for (uint32_t i = 0; i < nr; i++)
		order[i] = &all[i];
	qsort(order, nr, sizeof(*order), by_trouble);
	for (uint32_t i = 0; i < nr && i < FILES_SHOWN; i++)
		show_file(d, c, i + 1, order[i]);
	free(order);
}
