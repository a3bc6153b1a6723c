/* simplify: a demangled C++ or Rust name without parameters and template arguments. Pure text: what
 * does not look as expected stays as it is. */
#ifndef SYMBOLIZE_SIMPLIFY_H
#define SYMBOLIZE_SIMPLIFY_H

#include <stddef.h>

/* The simple form of NAME into OUT, which has room for all of NAME; its length.
 * "std::vector<int>::at" gives "std::vector::at", "f(int)::{lambda(int)#1}::operator()" gives
 * "f::{lambda(int)#1}::operator()", and
 * "<Vec<T> as Drop>::drop" gives "<Vec as Drop>::drop". */
size_t simplify(const char *name, char *out);

#endif
