/* minidebug: .gnu_debugdata, the symbols of a file's own functions that some distributions leave in
 * what they strip: an ELF file with a .symtab, compressed with xz ("MiniDebugInfo"). */
#ifndef OBJECT_MINIDEBUG_H
#define OBJECT_MINIDEBUG_H

#include <stddef.h>

#define MINIDEBUG_SIZE_MAX   (64u << 20) /* bytes, inflated */
#define MINIDEBUG_MEMORY_MAX (80u << 20) /* of the decoder: xz -9 needs 65 MiB */

struct elf;

/* A memfd that holds the inflated file, *SIZE its bytes. Negative errno: -ENODATA: there is none,
 * or this build cannot read it; -EBADMSG; -EFBIG: over one of the limits; -ENOMEM; or the errno of
 * reading or writing. */
int minidebug_open(const struct elf *e, size_t *size);

#endif
