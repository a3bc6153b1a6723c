#include "view/values.h"

#include <stdio.h>
#include <string.h>

int64_t values_total(const struct profile *p, unsigned type)
{
	int64_t total = 0;

	for (uint32_t i = 0; i < p->nr_samples; i++)
		total = values_sum(total, values_of(p, i, type));
	return total;
}

/* Small rows must not become 0.00: times stop at seconds, bytes one step below the total. */
struct values_unit values_unit(const struct profile *p, unsigned type, int64_t total)
{
	static const struct values_unit times[] = {
		{ 1e9, "s", 2 }, { 1e6, "ms", 2 }, { 1e3, "us", 2 }, { 1, "ns", 0 }
	};
	static const struct values_unit sizes[] = {
		{ 1 << 30, "GB", 2 }, { 1 << 20, "MB", 2 }, { 1 << 10, "kB", 2 }, { 1, "B", 0 }
	};
	const char *unit = profile_str(p, p->types[type].unit);
	unsigned i = 0;

	if (!strcmp(unit, "nanoseconds")) {
		while (i < 3 && (double)total < times[i].divisor)
			i++;
		return times[i];
	}
	if (!strcmp(unit, "bytes")) {
		while (i < 3 && (double)total / 1024 < sizes[i].divisor)
			i++;
		return sizes[i];
	}
	return (struct values_unit){ 1, "", 0 };
}

const char *values_text(const struct values_unit *u, int64_t v, char out[VALUES_TEXT])
{
	if (u->decimals)
		snprintf(out, VALUES_TEXT, "%.*f%s", u->decimals, (double)v / u->divisor,
			 u->suffix);
	else
		snprintf(out, VALUES_TEXT, "%lld%s", (long long)v, u->suffix);
	return out;
}
