/* encode: struct profile → the bytes of profile.proto (github.com/google/pprof/proto/profile.proto), uncompressed. Ids are 1…N in
 * order; nothing that no sample needs is left out or reordered, so that ids are numbers + 1. */
#ifndef PROFILE_ENCODE_H
#define PROFILE_ENCODE_H

#include "base/buf.h"
#include "profile/profile.h"

/* Appends to OUT. Strings must be valid UTF-8 already (text_clean): they are written as they are. Samples whose values are all 0
 * are left out. */
void profile_encode(const struct profile *p, struct buf *out);

#endif
