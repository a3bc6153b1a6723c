/* vdso: a copy of the vDSO that the kernel has mapped into this process; that of all other 64-bit
 * processes of this boot is the same. */
#ifndef SYMBOLIZE_VDSO_H
#define SYMBOLIZE_VDSO_H

#include <stdint.h>

/* A memfd with the image, whose size in pages goes to *SIZE, in bytes; or negative errno (-ENOENT:
 * there is none). */
int vdso_open(uint64_t *size);

#endif
