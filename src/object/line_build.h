/* line_build: makes a line index (line.h) of an object's DWARF, in steps that take some milliseconds
 * each, so that whoever calls can do other things in between. */
#ifndef OBJECT_LINE_BUILD_H
#define OBJECT_LINE_BUILD_H

#include <stddef.h>
#include <stdint.h>

#include "object/line.h"

struct line_build;

/* Opens a further file that the object names: dwz's shared one (ID: its build id) or the .dwo file
 * of a unit (ID: 8 bytes). NAME is the file's word, maybe relative to the object's place. A
 * descriptor, which becomes the build's, or negative errno: then what is in there stays unknown. */
typedef int (*line_file_fn)(void *ctx, const char *name, const uint8_t *id, unsigned id_size);

struct line_source {
	int fd;                 /* the object, or its separate debug file; the caller's */
	line_file_fn open_file; /* may be NULL */
	void *ctx;
};

struct line_limits {
	uint64_t section_size; /* bytes of the largest section, decompressed */
	uint64_t memory;       /* bytes held for the index while it is built */
};

#define LINE_LIMITS_DEFAULT ((struct line_limits){ 2ull << 30, 1ull << 30 })

/* 0; -ENODATA: no DWARF; -EFBIG: over a limit; -ENOTSUP: compressed in a way that we cannot read;
 * -ENOEXEC, -EBADMSG, -ENOMEM, or the errno of reading. */
int line_build_new(struct line_build **out, const struct line_source *src,
		   const struct line_limits *limits);
void line_build_free(struct line_build *b);
/* The next step: 1 when there are more, 0 when all has been read; or negative errno as above. What
 * is damaged of single units only lacks in the index. */
int line_build_step(struct line_build *b);
/* After the last step: the index for the object ID, from malloc(3). 0; -EFBIG; -ENOMEM; -ENODATA:
 * nothing in it. */
int line_build_finish(struct line_build *b, const struct object_id *id, void **image,
		      size_t *size);

/* All of it. */
int line_build(const struct line_source *src, const struct line_limits *limits,
	       const struct object_id *id, void **image, size_t *size);

#endif
