/* record_sample: the samples of any layout, for record.c: the way of perf.data files, where
 * pprofd's own take a shorter one. */
#ifndef PERF_RECORD_SAMPLE_H
#define PERF_RECORD_SAMPLE_H

#include "base/reader.h"
#include "perf/record.h"

/* Words of what TYPE (sample_type) has of one bit; summed, since popcount is a call on plain
 * x86-64. */
static inline size_t record_word(uint64_t type, uint64_t bit)
{
	return type & bit ? 8 : 0;
}

/* Decodes what follows the header, R, into OUT, which holds the header's fields; R fails when that
 * is damaged. */
void record_sample_decode(struct reader *r, const struct record_layout *l, struct record *out);

#endif
