/* jitmap: functions of code that a program has made at run time, as it tells in /tmp/perf-PID.map: a line "START SIZE NAME"
 * each, start and size in hexadecimal, with or without 0x (linux: tools/perf/Documentation/jit-interface.txt). Code is
 * thrown away and its place used again: of entries that overlap the later one counts (object/jitcode.h). Names stay in the
 * file. */
#ifndef OBJECT_JITMAP_H
#define OBJECT_JITMAP_H

#include <stddef.h>
#include <stdint.h>

#define JITMAP_SIZE_MAX  (64u << 20) /* bytes of a file that are read */
#define JITMAP_NAME_MAX  1024        /* with the NUL; longer names are cut */

struct jitmap;

/* Reads FD, which stays the caller's; lines that make no sense are left out, and so is one that is being written. 0;
 * -ENODATA: no functions; -EFBIG: the file is larger than JITMAP_SIZE_MAX, or has
 * more than JITCODE_NR_MAX functions; -ENOMEM; or the errno of reading. */
int jitmap_open(struct jitmap **out, int fd);
void jitmap_free(struct jitmap *m);
size_t jitmap_size(const struct jitmap *m); /* bytes held */
uint32_t jitmap_nr(const struct jitmap *m); /* functions */
void jitmap_trim(struct jitmap *m);         /* forgets the cached parts of the file */

/* The function at ADDRESS, by its name's number, which no other one has. 0 or -ENOENT. */
int jitmap_find(const struct jitmap *m, uint64_t address, uint32_t *name);
/* That name, read by FD, a descriptor of the same file, into OUT, cut to fit OUT_SIZE (≥ 1). The length or negative errno. */
int jitmap_name(struct jitmap *m, int fd, uint32_t name, char *out, size_t out_size);

#endif
