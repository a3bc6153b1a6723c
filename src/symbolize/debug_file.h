/* debug_file: the separate debug file of an object in the cache: which one would be wanted, and the
 * taking of one that came. */
#ifndef SYMBOLIZE_DEBUG_FILE_H
#define SYMBOLIZE_DEBUG_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "object/debuglink.h"

struct cached;
struct elf;
struct levels;
struct symbolize_debug;
struct symbolize_object;

/* A zeroed one is of an object that wants none. */
struct debug_file {
	struct debuglink link;
	bool known;              /* where to look for one */
	bool has_names, has_lines; /* in the object itself */
	bool refused; /* the last one that came was of another object, or damaged */
	uint64_t refused_dev, refused_inode; /* that one */
	uint64_t nr_samples;     /* seen while it is wanted */
	uint32_t asked;          /* when it was asked for last: symbolizer's window, 0: never */
	struct debug_names alt;  /* dwz's file of shared parts, by its build id; size 0: none */
	uint32_t alt_asked;
	unsigned alt_waits;      /* windows in which lines waited for that */
	bool alt_refused;        /* what came last as that was another file: */
	uint64_t alt_dev, alt_inode;
};

/* What E, which has its sections, and its levels L say. */
void debug_file_read(struct debug_file *d, struct elf *e, const struct levels *l);
/* FD is the one that was refused last. */
bool debug_file_is_refused(const struct debug_file *d, int fd);
/* C wants one, for names or, with LINES, for lines. */
bool debug_file_wanted(const struct cached *c, bool lines);
/* C, of the object OBJECT_FD, gets FD, which stays the caller's, if it is its debug file. Names known
 * so far are forgotten: there may be better ones. 0, or negative errno as debuglink_check and
 * levels_add_debug. */
int debug_file_take(struct cached *c, int object_fd, int fd);

/* C is O, number OBJECT of the window WINDOW, and in so many more of its samples: asks for what later
 * windows would have use for, if C has earned it, and again after a while; at once when what came with
 * O was refused. */
void debug_file_want(struct cached *c, const struct symbolize_debug *debug, uint32_t object,
		     const struct symbolize_object *o, uint64_t nr_samples, uint32_t window,
		     bool lines);

#endif
