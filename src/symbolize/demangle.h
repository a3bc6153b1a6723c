/* demangle: C++ (Itanium ABI) and Rust names, by libiberty where configured, else as they are. */
#ifndef SYMBOLIZE_DEMANGLE_H
#define SYMBOLIZE_DEMANGLE_H

#include <stddef.h>

/* The readable name of MANGLED without parameters, template arguments kept out ("std::vector<int>::push_back(int)" gives
 * "std::vector::push_back"), into OUT; a copy of MANGLED where it is no mangled name. Clean text (text_clean). Returns its length. */
size_t demangle(const char *mangled, char *out, size_t out_size);

#endif
