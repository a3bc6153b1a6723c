/* bracket: a frame for what has no name: "[libfoo.so]", by the base name of its mapping, as pprof shows a location without
 * a line, which other viewers would not show at all. */
#ifndef PROFILE_BRACKET_H
#define PROFILE_BRACKET_H

#include "profile/profile.h"

/* The function "[basename]" of MAPPING, "[unknown]" of none. */
uint32_t profile_bracket(struct profile *p, uint32_t mapping);
/* Gives it to every location that has no line. */
void profile_bracket_all(struct profile *p);

#endif
