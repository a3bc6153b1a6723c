/* store: a folder of debug files, by build id. A file is written without a name and linked when it is whole and on the disk; what
 * was used longest ago goes first when the files take more than they may. What is in a file is for the caller to check. */
#ifndef FETCH_STORE_H
#define FETCH_STORE_H

#include <stddef.h>
#include <stdint.h>

#define STORE_NAME_MAX 64

/* "HEX.debug". */
void store_name(char out[STORE_NAME_MAX], const uint8_t *build_id, size_t size);
/* The file NAME of folder DIR, for reading, from now on used last: a descriptor or negative errno. */
int store_find(int dir, const char *name);
/* A file without a name, to be written: a descriptor or negative errno. */
int store_begin(int dir);
/* FD, written whole, gets NAME. 0 or negative errno. */
int store_keep(int dir, int fd, const char *name);
/* Nobody finds NAME any more. */
void store_forget(int dir, const char *name);
/* Removes files until the rest has at most MAX_USE bytes. Other files than ours are left alone. */
void store_prune(int dir, uint64_t max_use);

#endif
