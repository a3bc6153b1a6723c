#include <stdio.h>
#include <string.h>

#include "replay/impl.h"

static bool is_clock(const struct perf_event_attr *attr)
{
	return attr->type == PERF_TYPE_SOFTWARE && (attr->config == PERF_COUNT_SW_CPU_CLOCK ||
						    attr->config == PERF_COUNT_SW_TASK_CLOCK);
}

/* "cycles:u" → "cycles", "cpu_core/cycles/P" → "cycles"; "sched:sched_switch" stays. */
static void bare_name(const struct perfdata_event *e, char *out, size_t out_size)
{
	const char *name = e->name, *colon = strrchr(name, ':'), *slash = strchr(name, '/');
	const char *end = slash ? strchr(slash + 1, '/') : NULL;
	size_t size = strlen(name);

	if (end && end > slash + 1) {
		name = slash + 1;
		size = (size_t)(end - name);
	} else if (colon && e->attr.type != PERF_TYPE_TRACEPOINT &&
		   strspn(colon + 1, "ukhHGpPSDIWeb") == strlen(colon + 1)) {
		size = (size_t)(colon - name);
	}
	snprintf(out, out_size, "%.*s", (int)size, name);
}

static bool is_name_char(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (!first && c >= '0' && c <= '9');
}

static void type_name(const struct perfdata_event *e, char *out, size_t out_size)
{
	char bare[sizeof(e->name)];
	size_t n = 0;

	bare_name(e, bare, sizeof(bare));
	if (!is_name_char(bare[0], true))
		out[n++] = '_';
	for (const char *p = bare; *p && n + 1 < out_size; p++)
		out[n++] = is_name_char(*p, false) ? *p : '_';
	out[n] = 0;
}

void replay_kind(const struct perfdata_event *e, struct replay_kind *k)
{
	uint64_t period = e->attr.sample_period; /* or frequency */

	if (is_clock(&e->attr)) {
		snprintf(k->name, sizeof(k->name), "cpu");
		k->unit = "nanoseconds";
		if (e->attr.freq)
			period = period && period <= 1000000000 ? 1000000000 / period : 0;
	} else {
		type_name(e, k->name, sizeof(k->name));
		k->unit = "count";
		if (e->attr.freq)
			period = 1; /* not known; samples carry their own */
	}
	k->period = period && period <= INT64_MAX ? (int64_t)period : 1;
}
