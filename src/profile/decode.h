/* decode: bytes of profile.proto → struct profile. Input is hostile: every index is checked, and
 * unknown fields are skipped. */
#ifndef PROFILE_DECODE_H
#define PROFILE_DECODE_H

#include <stddef.h>

#include "profile/profile.h"

#define PROFILE_FILE_MAX (1ul << 30) /* of an uncompressed profile that profile_read takes */

/* Uncompressed bytes. 0, or -EBADMSG: no valid profile. On success *OUT is the caller's. It takes
 * memory in proportion to SIZE. Ids need not be dense or ordered; mappings keep their order. What no
 * profile of ours may hold is mended: see profile.h on strings and labels; a sample without a
 * location gets the frame "[no stack]"; equal samples are added up. In ERROR (may be NULL): a
 * sentence. */
int profile_decode(const void *data, size_t size, struct profile **out, char *error,
		   size_t error_size);

/* A file, gzip or plain, from FD. Also -EFBIG, and negative errno of reading it. */
int profile_read(int fd, struct profile **out, char *error, size_t error_size);

#endif
