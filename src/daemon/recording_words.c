#include "daemon/recording_words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "collect/collect.h"

bool recording_number(const char *text, uint64_t max, uint64_t *out)
{
	char *rest;
	unsigned long long n;

	errno = 0;
	n = strtoull(text, &rest, 10);
	if (*text < '0' || *text > '9' || *rest || errno || !n || n > max)
		return false;
	*out = n;
	return true;
}

static bool take_name(const char *text, const char *const names[], unsigned nr, unsigned *out)
{
	for (unsigned i = 0; i < nr; i++)
		if (!strcmp(text, names[i])) {
			*out = i;
			return true;
		}
	return false;
}

static bool take_text(const char *text, char *out, size_t size)
{
	if (!*text || strlen(text) >= size)
		return false;
	strcpy(out, text);
	return true;
}

/* One word of the request. False: not known, or out of its range. */
static bool take_word(const char *word, struct recording_words *w)
{
	struct config_target *o = &w->target;
	static const char *const chains[] = {
		[CALLCHAIN_NO] = "no", [CALLCHAIN_YES] = "yes",
		[CALLCHAIN_USER] = "user", [CALLCHAIN_KERNEL] = "kernel",
	};
	const char *value = strchr(word, '=');
	unsigned kind;
	uint64_t n;

	if (!value)
		return false;
	value++;
	if (text_has_prefix(word, "pid=") && recording_number(value, INT32_MAX, &n)) {
		o->pids.pids[0] = (uint32_t)n;
		o->pids.nr = 1;
		return true;
	}
	if (text_has_prefix(word, "tid=") && recording_number(value, INT32_MAX, &n)) {
		o->tid = (uint32_t)n;
		return true;
	}
	if (text_has_prefix(word, "frequency=") && recording_number(value, RECORDINGS_FREQUENCY_MAX, &n)) {
		o->sample_frequency = (unsigned)n;
		return true;
	}
	if (text_has_prefix(word, "unit="))
		return take_text(value, o->unit, sizeof(o->unit));
	if (text_has_prefix(word, "comm="))
		return take_text(value, o->comm, sizeof(o->comm));
	if (text_has_prefix(word, "event=") && take_name(value, event_kind_names, EVENT_NR_KINDS, &kind)) {
		w->kind = (enum event_kind)kind;
		return true;
	}
	if (text_has_prefix(word, "callchain="))
		return take_name(value, chains, 4, &o->callchain);
	return text_has_prefix(word, "seconds=") && recording_number(value, RECORDINGS_SECONDS_MAX, &w->seconds);
}

int recording_parse(struct recording_words *w, int argc, char **argv, char *why, size_t why_size)
{
	struct config_target *o = &w->target;

	*w = (struct recording_words){ .kind = EVENT_CPU };
	config_target_defaults(o, "recording");
	o->on_demand = true;
	o->labels = LABEL_ALL;
	for (int i = 0; i < argc; i++)
		if (!take_word(argv[i], w)) {
			snprintf(why, why_size, "%s: not known, or beyond the limits (%d Hz, %d s)", argv[i],
				 RECORDINGS_FREQUENCY_MAX, RECORDINGS_SECONDS_MAX);
			return -EINVAL;
		}
	o->events = 1u << w->kind;
	if (o->pids.nr || o->tid || o->unit[0] || o->comm[0])
		return 0;
	snprintf(why, why_size, "nothing to record is named");
	return -EINVAL;
}
