#include "cli/select.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "config/units.h"

void select_init(struct select *s)
{
	*s = (struct select){ .now = time(NULL) };
}

static bool add_label(const struct cli *cli, struct select *s, const char *key, const char *pattern,
		      bool exact)
{
	if (s->nr_labels == SELECT_LABELS_MAX) {
		cli_usage(cli, "more than %d selectors", SELECT_LABELS_MAX);
		return false;
	}
	s->labels[s->nr_labels++] = (struct select_label){ key, pattern, exact };
	return true;
}

static bool add_number(const struct cli *cli, struct select *s, const char *key, const char *value)
{
	if (!*value || value[strspn(value, "0123456789")]) {
		cli_usage(cli, "--%s %s: not a number", key, value);
		return false;
	}
	return add_label(cli, s, key, value, true);
}

static bool set_time(const struct cli *cli, const struct select *s, const char *option,
		     const char *value, int64_t *seconds, bool *has)
{
	*has = !select_parse_time(value, s->now, seconds);
	if (!*has)
		cli_usage(cli,
			  "--%s %s: not a time (1h, \"2026-11-22 18:00\", 18:00, @EPOCH)", option,
			  value);
	return *has;
}

bool select_option(const struct cli *cli, struct select *s, int c, const char *value)
{
	switch (c) {
	case SELECT_SINCE:
		return set_time(cli, s, "since", value, &s->since, &s->has_since);
	case SELECT_UNTIL:
		return set_time(cli, s, "until", value, &s->until, &s->has_until);
	case SELECT_KIND:
		s->kind = value;
		return true;
	case SELECT_TARGET:
		s->target = value;
		return true;
	case SELECT_PID:
		return add_number(cli, s, "pid", value);
	case SELECT_TID:
		return add_number(cli, s, "tid", value);
	case SELECT_COMM:
		return add_label(cli, s, "comm", value, false);
	case SELECT_UNIT:
		return add_label(cli, s, "unit", value, false);
	}
	return false;
}

static int parse_epoch(const char *text, int64_t *seconds)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(text, &end, 10);
	if (end == text || *end || errno || v < 0)
		return -EINVAL;
	*seconds = v;
	return 0;
}

/* A calendar's time, all of TEXT; what it does not say is 0. */
static int parse_calendar(const char *text, int64_t now, int64_t *seconds)
{
	static const char *const formats[] = {
		"%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M",
		"%Y-%m-%d",	     "%H:%M:%S",       "%H:%M",
		"%Y%m%dT%H%M%S", /* the names' */
	};

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct tm tm = { 0 };
		time_t today = now;
		const char *end;
		bool utc;

		if (formats[i][1] == 'H') {
			localtime_r(&today, &tm);
			tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
		}
		tm.tm_isdst = -1;
		end = strptime(text, formats[i], &tm);
		if (!end)
			continue;
		utc = !strcmp(end, "Z");
		if (*end && !utc)
			continue;
		tm.tm_isdst = utc ? 0 : -1;
		*seconds = utc ? timegm(&tm) : mktime(&tm);
		return 0;
	}
	return -EINVAL;
}

int select_parse_time(const char *text, int64_t now, int64_t *seconds)
{
	uint64_t ago;

	if (!strcmp(text, "now")) {
		*seconds = now;
		return 0;
	}
	if (*text == '@')
		return parse_epoch(text + 1, seconds);
	if (!parse_calendar(text, now, seconds))
		return 0;
	if (units_parse_span(text, &ago) || ago / 1000000000 > (uint64_t)now)
		return -EINVAL;
	*seconds = now - (int64_t)(ago / 1000000000);
	return 0;
}

/* Selectors of one label are alternatives; those of different labels must all match. */
bool select_matches(const struct select *s, const char *(*value_of)(void *ctx, const char *key),
		    void *ctx)
{
	for (unsigned i = 0; i < s->nr_labels; i++) {
		const char *key = s->labels[i].key, *value = value_of(ctx, key);
		bool matches = false;

		for (unsigned k = 0; k < s->nr_labels && value && !matches; k++) {
			const struct select_label *l = &s->labels[k];

			if (!strcmp(l->key, key))
				matches = l->exact ? !strcmp(l->pattern, value) :
						     !fnmatch(l->pattern, value, 0);
		}
		if (!matches)
			return false;
	}
	return true;
}

struct set {
	const struct profile *p;
	uint32_t label_set;
};

static const char *label_of(void *ctx, const char *key)
{
	const struct set *set = ctx;

	return profile_label(set->p, set->label_set, key);
}

bool select_keeps(const struct select *s, const struct profile *p, uint32_t label_set)
{
	struct set set = { p, label_set };

	return select_matches(s, label_of, &set);
}
