/* values: sums of samples and how they are written. */
#ifndef VIEW_VALUES_H
#define VIEW_VALUES_H

#include "profile/profile.h"

/* Never negative, never wraps: values are other programs' (profile_add keeps to this too). */
static inline int64_t values_sum(int64_t a, int64_t b)
{
	return a > INT64_MAX - b ? INT64_MAX : a + b;
}

static inline double values_percent(int64_t part, int64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

static inline int64_t values_of(const struct profile *p, uint32_t sample, unsigned type)
{
	return p->values[(size_t)sample * p->nr_types + type];
}

int64_t values_total(const struct profile *p, unsigned type);

/* One unit for all of a table. */
struct values_unit {
	double divisor;
	const char *suffix;
	int decimals;
};
struct values_unit values_unit(const struct profile *p, unsigned type, int64_t total);

#define VALUES_TEXT 40
/* "1.25s" in OUT, which is returned. */
const char *values_text(const struct values_unit *u, int64_t v, char out[VALUES_TEXT]);

#endif
