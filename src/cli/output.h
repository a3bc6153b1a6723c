/* output: a profile as a file: there whole or not at all. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include "profile/profile.h"

/* Writes P, compressed, to PATH by way of a hidden temporary file beside it, which then takes the
 * name: what had it before stays until that moment, or for good if something fails. "-" is stdout;
 * what is no regular file (/dev/null, a pipe) is written to as it is. 0 or negative errno; a
 * failure has been logged. */
int output_profile(const char *path, const struct profile *p);
/* The same where PATH is what P was read from: the file keeps its mode and, as far as we may, its owner. */
int output_in_place(const char *path, const struct profile *p);

#endif
