/* encode: struct profile → the bytes of profile.proto
 * (github.com/google/pprof/proto/profile.proto), uncompressed. Ids are 1…N in order: all
 * mappings, functions, locations and strings are written, so that ids are numbers + 1. */
#ifndef PROFILE_ENCODE_H
#define PROFILE_ENCODE_H

#include "base/buf.h"
#include "profile/profile.h"

/* Appends to OUT. Samples whose values are all 0, or whose stack is empty, are left out. */
void profile_encode(const struct profile *p, struct buf *out);

#endif
