/* mem: allocation for sizes that we choose. They abort when memory is out; sizes read from input are
 * range-checked and use malloc(3) and -ENOMEM instead. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t nr, size_t size) __attribute__((malloc, returns_nonnull));
/* nr × size is checked for overflow. */
void *xreallocarray(void *p, size_t nr, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2), returns_nonnull));

#endif
