#include "config/units.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads digits at *S and moves it behind them. */
static int take_number(const char **s, uint64_t *number)
{
	uint64_t v = 0;

	if (!is_digit(**s))
		return -EINVAL;
	for (; is_digit(**s); (*s)++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(**s - '0'), &v))
			return -EINVAL;
	*number = v;
	return 0;
}

int units_parse_number(const char *s, uint64_t *number)
{
	uint64_t v;
	int err = take_number(&s, &v);

	if (err || *s)
		return -EINVAL;
	*number = v;
	return 0;
}

int units_parse_size(const char *s, uint64_t *bytes)
{
	static const char suffixes[] = "KMGT";
	const char *suffix;
	uint64_t v;
	int err = take_number(&s, &v);

	if (err)
		return err;
	if (*s) {
		suffix = strchr(suffixes, *s++);
		if (!suffix || *s ||
		    __builtin_mul_overflow(v, UINT64_C(1024) << (suffix - suffixes) * 10, &v))
			return -EINVAL;
	}
	*bytes = v;
	return 0;
}

int units_parse_percent(const char *s, unsigned *percent)
{
	uint64_t v;
	int err = take_number(&s, &v);

	if (err || strcmp(s, "%") || v > 100)
		return -EINVAL;
	*percent = (unsigned)v;
	return 0;
}

static const struct {
	char name[4];
	bool written;
	uint64_t ns;
} span_units[] = { /* the largest first; weeks are read, not written: "7d" says more than "1w" */
	{ "w", false, UINT64_C(604800000000000) },
	{ "d", true, UINT64_C(86400000000000) },
	{ "h", true, UINT64_C(3600000000000) },
	{ "min", true, UINT64_C(60000000000) },
	{ "s", true, UINT64_C(1000000000) },
	{ "ms", true, UINT64_C(1000000) },
	{ "us", true, UINT64_C(1000) },
};
#define NR_SPAN_UNITS (sizeof(span_units) / sizeof(span_units[0]))

/* The unit named by the letters at *S, moved behind them; 0: there is none. */
static uint64_t take_unit(const char **s)
{
	size_t length = strspn(*s, "abcdefghijklmnopqrstuvwxyz");

	for (size_t i = 0; i < NR_SPAN_UNITS; i++)
		if (length == strlen(span_units[i].name) &&
		    !strncmp(*s, span_units[i].name, length)) {
			*s += length;
			return span_units[i].ns;
		}
	return 0;
}

int units_parse_span(const char *s, uint64_t *ns)
{
	uint64_t sum = 0, v, unit;

	if (!units_parse_number(s, &v)) {
		if (__builtin_mul_overflow(v, UINT64_C(1000000000), &v))
			return -EINVAL;
		*ns = v;
		return 0;
	}
	do {
		s += strspn(s, " \t");
		if (take_number(&s, &v))
			return -EINVAL;
		unit = take_unit(&s);
		if (!unit || __builtin_mul_overflow(v, unit, &v) ||
		    __builtin_add_overflow(sum, v, &sum))
			return -EINVAL;
	} while (*s);
	*ns = sum;
	return 0;
}

void units_format_size(uint64_t bytes, char *out, size_t size)
{
	static const char suffixes[] = "\0KMGT";
	int i = 0;

	while (bytes && !(bytes % 1024) && i < 4) {
		bytes /= 1024;
		i++;
	}
	snprintf(out, size, "%llu%.1s", (unsigned long long)bytes, &suffixes[i]);
}

void units_format_span(uint64_t ns, char *out, size_t size)
{
	size_t n = 0;

	snprintf(out, size, "0");
	for (size_t i = 0; i < NR_SPAN_UNITS && n < size; i++) {
		uint64_t v = ns / span_units[i].ns;

		if (!v || !span_units[i].written)
			continue;
		ns -= v * span_units[i].ns;
		n += (size_t)snprintf(out + n, size - n, "%s%llu%s", n ? " " : "",
				      (unsigned long long)v, span_units[i].name);
	}
}
