/* jitdump: functions of code that a program has made at run time, with their lines, as it tells in a file jit-PID.dump that
 * it maps for all to see (linux: tools/perf/Documentation/jitdump-specification.txt, version 1). Read are the records
 * JIT_CODE_LOAD, JIT_CODE_MOVE and JIT_CODE_DEBUG_INFO; others are skipped. Code is thrown away and its place used again:
 * where functions overlap, the one with the later timestamp counts (object/jitcode.h), of equal ones the later record. Either
 * byte order. Held are some 50 bytes a function; names and lines stay in the file and are read when asked for.
 *
 * V8 says lines 64 bytes too far, since perf takes off as many. Who does so is told by no line beginning within the first 64
 * bytes of any function. */
#ifndef OBJECT_JITDUMP_H
#define OBJECT_JITDUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JITDUMP_HEADER_SIZE 40           /* bytes: a file that is shorter tells nothing yet */
#define JITDUMP_SIZE_MAX    (512u << 20) /* bytes of a file that are read; most are code, which is skipped */
#define JITDUMP_NAME_MAX    1024         /* with the NUL; longer names are cut */
#define JITDUMP_WALK_MAX    (64u << 20)  /* bytes of lines looked through from one jitdump_trim to the next */

struct jitdump;

struct jit_line {
	uint32_t file; /* for jitdump_file; 0: not known */
	uint32_t line; /* 0: not known */
};

/* FD's file begins like one. */
bool jitdump_is(int fd);

/* Reads FD, which stays the caller's; a record that is being written is left out, and with what makes no sense the file is
 * taken to end. 0; -ENODATA: no functions; -EBADMSG: no such file; -EFBIG: the file is larger than JITDUMP_SIZE_MAX, or has
 * more than JITCODE_NR_MAX functions; -ENOMEM; or the errno of reading. */
int jitdump_open(struct jitdump **out, int fd);
void jitdump_free(struct jitdump *d);
size_t jitdump_size(const struct jitdump *d); /* bytes held */
uint32_t jitdump_nr(const struct jitdump *d); /* functions, each as often as it was moved and once */
void jitdump_trim(struct jitdump *d);         /* forgets the cached parts of the file */

/* The number of the function at ADDRESS, < jitdump_nr. 0 or -ENOENT. */
int jitdump_find(const struct jitdump *d, uint64_t address, uint32_t *function);

/* These read by FD, a descriptor of the same file. The name and the file's name go into OUT, cut to fit OUT_SIZE (≥ 1): the
 * length or negative errno. */
int jitdump_name(struct jitdump *d, int fd, uint32_t function, char *out, size_t out_size);
int jitdump_file(struct jitdump *d, int fd, uint32_t file, char *out, size_t out_size);
/* The line of ADDRESS, which is in a function. 0; -ENOENT: not told; -EBADMSG: it is damaged; -EFBIG: enough has been looked
 * through; or the errno of reading. */
int jitdump_line(struct jitdump *d, int fd, uint64_t address, struct jit_line *l);

#endif
