/* debuglink: which separate debug file an object has, and whether a file is that one: by the build
 * id that both have, or, of an object without one, by the checksum in its .gnu_debuglink (gdb's
 * manual, "Debugging Information in Separate Files"). */
#ifndef OBJECT_DEBUGLINK_H
#define OBJECT_DEBUGLINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/debug_path.h"

#define DEBUGLINK_SIZE_MAX (512ull << 20) /* of a debug file that is read for its checksum */

struct elf;

struct debuglink {
	struct debug_names names;
	uint32_t crc; /* with names.link */
};

/* 0; -ENODATA: the file names none, -EBADMSG; -ENOMEM; or the errno of reading. */
int debuglink_read(struct elf *e, struct debuglink *l);

/* FD is the debug file L of the object OBJECT_FD. 0; -ENOENT: it is another, or the object itself;
 * -EFBIG: too large to find out; or as elf_open. */
int debuglink_check(const struct debuglink *l, int object_fd, int fd);
/* FD's build id is the SIZE bytes at ID. 0; -ENOENT: it is another; or as elf_open. */
int debuglink_check_build_id(int fd, const uint8_t *id, unsigned size);

#endif
