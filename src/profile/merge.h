/* merge: the samples of one profile, or some of them, added to another. */
#ifndef PROFILE_MERGE_H
#define PROFILE_MERGE_H

#include "profile/profile.h"

/* Adds SRC's samples, and what they use, to DST. Mappings of equal size and offset that are one
 * become one, with addresses rebased: of equal object when it is not 0, else of equal build id,
 * else, without one, of equal file name. A merged mapping has functions when all its parts have.
 * SRC's first mapping comes along even if unused, as it names the file: DST's stays the first.
 * A location without lines takes those of an equal one.
 *
 * Types, period type, frames to drop and default type are those of the first source; later ones
 * must have the same types and period type, by name, else -EINVAL and DST is as before. The
 * time is the earliest, the period the longest; durations add up, comments are kept once. */
int profile_merge(struct profile *dst, const struct profile *src);
/* As profile_merge, with only the samples for which KEEP is true. */
typedef bool (*profile_keep_fn)(void *ctx, const struct profile *p, uint32_t sample);
int profile_merge_some(struct profile *dst, const struct profile *src, profile_keep_fn keep,
		       void *ctx);

#endif
