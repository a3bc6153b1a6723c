/* line_builder: a line index into a file: of an object's own debugging information, or that of its
 * separate debug file; in this process, or in a child of it that may die of what it reads. */
#ifndef SYMBOLIZE_LINE_BUILDER_H
#define SYMBOLIZE_LINE_BUILDER_H

#include <sys/types.h>

#include "object/line_build.h"

#define LINE_BUILDER_CPU_S 60         /* a build that computes for longer is given up */
#define LINE_BUILDER_WALL_S 900       /* or waits for a disk for longer: others wait for it */
#define LINE_BUILDER_MEMORY (4ull << 30) /* more address space: the child reserves sections whole */

/* Builds the index of the object SRC->fd into the empty file OUT. SRC->open_file is asked for the
 * separate debug file as well, with NAME "" and the object's build id, if it has one. 0 or negative errno as in
 * line_build.h. */
int line_builder_run(const struct line_source *src, const struct object_id *id, int out);

/* Zeroed: none is under way. */
struct line_builder {
	pid_t pid;
	int64_t until; /* seconds of CLOCK_MONOTONIC */
};

/* The same in a child, of low priority. 0 or negative errno. */
int line_builder_start(struct line_builder *b, const struct line_source *src,
		       const struct object_id *id, int out);
/* 1: it is at it; 0: done; negative errno: it has failed, -EFAULT: it has died. Never waits. */
int line_builder_poll(struct line_builder *b);
void line_builder_stop(struct line_builder *b);

#endif
