#include "daemon/sampling.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>

#include "base/log.h"
#include "daemon/beat.h"
#include "daemon/clock.h"
#include "daemon/daemon.h"
#include "daemon/debug_files.h"
#include "daemon/rotate.h"
#include "daemon/split.h"
#include "daemon/unwind.h"
#include "daemon/walker.h"

/* What comes out of the rings. */

/* The walker in the kernel lacks something of PID. */
static void look(struct daemon *d, uint32_t pid)
{
	struct process *p = process_find(d->processes, pid);

	if (!p)
		return;
	collect_recall(d->collect, p);
	walker_look(d->walker, p);
}

static void sampled_walked(struct daemon *d, const struct record *rec, const struct sampler_source *source, unsigned kind,
			   const struct record_layout *layout)
{
	int err = collect_compact(d->collect, rec, kind, layout, source->user_only);

	if (err < 0)
		collect_malformed(d->collect);
	else if (err > 0 && d->walker)
		look(d, rec->pid);
}

static void sampled(void *ctx, const struct record *rec, const struct sampler_source *source,
		    const struct record_layout *layout, int err)
{
	struct daemon *d = ctx;
	unsigned kind = d->kinds[source->kind];

	if (err == -EBADMSG)
		collect_malformed(d->collect);
	if (err)
		return;
	if (source->owner)
		kind = targets_sample(d->targets, source, rec);
	if (kind == TARGETS_DROP)
		return;
	if (source->walked)
		sampled_walked(d, rec, source, kind, layout);
	else
		collect_record(d->collect, rec, kind, layout);
	if (d->walker && !source->walked && rec->type == PERF_RECORD_SAMPLE && rec->sample.stack_size)
		look(d, rec->pid);
	if (!source->owner && rec->type != PERF_RECORD_SAMPLE)
		targets_record(d->targets, rec);
}

/* Maps that were read before what has been given are true now. */
static void settle_maps(struct daemon *d, uint64_t horizon_ns)
{
	bool any = false;
	uint32_t pid;

	while (asks_settle(d->asks, horizon_ns, &pid)) {
		struct process *p = d->targets ? process_find(d->processes, pid) : NULL;

		any = true;
		if (p)
			targets_maps(d->targets, p);
	}
	if (any && d->rotate)
		rotate_answered(d->rotate);
}

void sampling_drained(void *ctx, uint64_t horizon_ns)
{
	struct daemon *d = ctx;

	settle_maps(d, horizon_ns);
	targets_tick(d->targets, horizon_ns, clock_ns(CLOCK_MONOTONIC));
	asks_flush(d->asks);
	collect_tick(d->collect, horizon_ns);
	if (d->walker)
		walker_tick(d->walker, clock_ns(CLOCK_MONOTONIC));
	if (!d->stopping)
		rotate_check_size(d->rotate);
	beat(d, clock_ns(CLOCK_MONOTONIC));
}

void sampling_answered(void *ctx, const struct opener_request *request, const struct opener_answer *answer, int *fds,
		       unsigned nr)
{
	struct daemon *d = ctx;

	if (request->what == OPENER_DEBUG) {
		debug_files_answer(d->debug_files, request, answer, fds, nr);
		tables_poke(d->tables);
		return;
	}
	asks_answer(d->asks, request, answer, fds, nr);
	tables_poke(d->tables);
	if (d->rotate)
		rotate_answered(d->rotate);
}

void sampling_tables_arrived(void *ctx)
{
	struct daemon *d = ctx;

	collect_pages(d->collect);
	asks_flush(d->asks);
}

/* Life. */

static void walker_open(struct daemon *d, const struct config *c)
{
	struct walker_options o = { .tables_size = c->unwind_cache_size, .stack_size = c->stack_copy_size & ~UINT64_C(7) };

	d->walker_why[0] = 0;
	if (unwind_wants_walker(c) &&
	    walker_new(&d->walker, d->processes, tables_pages(d->tables), &o, d->walker_why, sizeof(d->walker_why)))
		log_info("stacks are not walked in the kernel: %s", d->walker_why);
	asks_set_walker(d->asks, d->walker);
}

void sampling_close(struct daemon *d)
{
	sampler_free(d->sampler);
	d->sampler = NULL;
	asks_set_walker(d->asks, NULL);
	walker_free(d->walker);
	d->walker = NULL;
}

int sampling_open(struct daemon *d, const struct config *c, char *why, size_t why_size)
{
	struct sampler_options o = { .events = c->scope == SCOPE_HOST ? c->events : 0, .frequency = c->sample_frequency,
				     .callchain = c->callchain, .ring_size = c->ring_size,
				     .exclude_idle = c->exclude_idle };
	int err = 0;

	walker_open(d, c);
	o.walker = d->walker;
	o.stack_size = unwind_stack_size(c, d->walker);
	unwind_copies(c, d->walker, &o.copies_size, &o.copies_frequency);
	if (c->scope != SCOPE_NONE)
		err = sampler_new(&d->sampler, d->loop, &o, sampled, sampling_drained, d, why, why_size);
	if (err)
		sampling_close(d);
	return err;
}

static void collect_options(struct daemon *d, const struct config *c, struct collect_options *o)
{
	struct sampler_status s = { 0 };

	if (d->sampler)
		sampler_status(d->sampler, &s);
	*o = (struct collect_options){ .labels = c->labels | split_labels(c->split), .exclude_idle = c->exclude_idle,
				       .outside = kernel_in_pid_namespace(), .kernel_relative = d->kernel.restricted,
				       .kernel_text = d->kernel.text,
				       .kernel_blind = d->kernel.blind, .kernel_build_id = d->kernel.build_id,
				       .max_stack = d->kernel.max_stack, .host = d->host,
				       .lost_by_count = s.features.format_lost };
}

static int64_t kind_period(unsigned kind, const struct config *c)
{
	/* Nominal; of cycles it is the kernel's to choose. */
	return kind == EVENT_CPU ? 1000000000 / (int64_t)c->sample_frequency : 1;
}

void sampling_collect_open(struct daemon *d)
{
	struct collect_options o;
	struct collect_asks asks;

	collect_options(d, &d->config, &o);
	asks_fill(d->asks, &asks);
	d->collect = collect_new(d->processes, &o, &asks);
	collect_set_tables(d->collect, tables_pages(d->tables));
	for (unsigned k = 0; k < EVENT_NR_KINDS; k++) {
		struct collect_kind kind = { .name = event_kind_names[k], .unit = k == EVENT_CPU ? "nanoseconds" : "count",
					     .period = kind_period(k, &d->config) };

		d->kinds[k] = collect_add_kind(d->collect, &kind);
	}
}

void sampling_configure(struct daemon *d, const struct config *c)
{
	struct collect_options o;

	collect_options(d, c, &o);
	collect_set_options(d->collect, &o);
	for (unsigned k = 0; k < EVENT_NR_KINDS; k++)
		collect_set_period(d->collect, d->kinds[k], kind_period(k, c));
}
