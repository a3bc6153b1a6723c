/* demangle: C++ (Itanium ABI) and Rust names, by libiberty where configured, else as they are. */
#ifndef SYMBOLIZE_DEMANGLE_H
#define SYMBOLIZE_DEMANGLE_H

#include <stddef.h>

#define DEMANGLE_INPUT_MAX 4096 /* longer names stay mangled */
#define DEMANGLE_OUTPUT_MAX \
	16384 /* so do those that would get longer (a short one can mean gigabytes) */

/* The readable name of MANGLED without parameters, template arguments kept out (see simplify.h;
 * Rust's without hash), into OUT; a copy of MANGLED where it is no mangled name. Clean text
 * (text_clean), cut to fit OUT_SIZE (≥ 1). Returns its length. */
size_t demangle(const char *mangled, char *out, size_t out_size);

#endif
