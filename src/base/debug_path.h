/* debug_path: where the separate debug file of an object may be: by its build id, or by the name that the object has for it
 * (gdb's manual, "Debugging Information in Separate Files"). Pure; whether a file that is there is the right one is for
 * others to see. */
#ifndef BASE_DEBUG_PATH_H
#define BASE_DEBUG_PATH_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#define DEBUG_LINK_MAX 256 /* with the NUL */
#define DEBUG_BUILD_ID_MAX 20

/* What is known of a debug file before it is found: at least one of the two. */
struct debug_names {
	uint8_t build_id[DEBUG_BUILD_ID_MAX]; /* the rest is 0 */
	uint8_t build_id_size;                /* 0: none */
	char link[DEBUG_LINK_MAX];            /* a file's name without folder, or below .dwz; what is behind its NUL 0; "": none */
};

/* The best first. */
enum debug_place {
	DEBUG_BY_BUILD_ID, /* FOLDER/.build-id/ab/cdef.debug */
	DEBUG_BESIDE,      /* in the object's folder */
	DEBUG_BELOW,       /* in .debug there */
	DEBUG_IN_FOLDER,   /* in the folder below FOLDER that is called as the object's; of dwz's files in FOLDER itself */
	DEBUG_NR_PLACES
};

/* NAME is a file's in a folder: it leads nowhere else. */
bool debug_link_valid(const char *name);
/* The link of dwz's file NAME, that others of DWARF refer to by a path of theirs: ".dwz/x/y.debug", since distributions have
 * them below FOLDER/.dwz. False: it is called otherwise, and is found by build id alone. */
bool debug_dwz_link(const char *name, char link[DEBUG_LINK_MAX]);
bool debug_names_valid(const struct debug_names *n);

/* The path at PLACE for the object at OBJECT, absolute, with debug files in FOLDER, absolute. False: N does not tell, or it
 * would be too long. */
bool debug_path(const struct debug_names *n, enum debug_place place, const char *object, const char *folder,
		char path[PATH_MAX]);

#endif
