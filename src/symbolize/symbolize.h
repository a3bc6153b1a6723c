/* symbolize: fills functions into a profile's locations, from the objects behind its mappings. Runs
 * in the worker and in replay; every file is hostile. What was learned of an object, its names too,
 * stays in a cache with a byte budget: the next window with the same functions costs look-ups only.
 */
#ifndef SYMBOLIZE_SYMBOLIZE_H
#define SYMBOLIZE_SYMBOLIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/debug_path.h"
#include "object/object_id.h"
#include "profile/profile.h"
#include "symbolize/levels.h"

#define SYMBOLIZE_NR_OTHERS 2 /* the vDSO, the kernel */

struct symbolizer;

struct symbolize_object {
	struct object_id id;
	int fd; /* descriptors stay the caller's, open during the call */
	/* These may be none: 0 or below. */
	int index_fd; /* a line index that was built before (object/line.h) */
	int debug_fd; /* a separate debug file: used when it is this object's (object/debuglink.h) */
	int alt_fd;   /* the file that dwz has moved shared parts of that to */
	uint8_t build_id_size; /* the kernel's word from MMAP2; 0: none. Another one in the file
				  means: no names */
	uint8_t build_id[20];
	bool jit_map;     /* no ELF file but what a JIT tells: offsets in it are addresses */
	bool quarantined; /* not to be parsed */
	bool index_coming; /* a line index is there and will be given: none is to be built */
};

/* What was asked of one object in a call, and what it said. */
struct symbolize_object_stats {
	uint32_t nr[LEVEL_NR]; /* locations, by the level that named them; [0]: without a name */
	/* 0; or why it names nothing: -ECANCELED: quarantined; -ESTALE: another build id than the kernel said; -ENODATA: it knows
	 * no functions; -ENOEXEC: no ELF file; -EBADMSG: damaged; -EFBIG: too large; -EIO: could not be read this time. */
	int status;
	int lines; /* 1: known; 0: not, or not yet; negative errno: why they are not to be had (object/line_build.h) */
	uint8_t build_id[20]; /* the file's own */
	unsigned build_id_size;
};

struct symbolize_stats {
	uint32_t nr_locations; /* those that had no lines; of these have */
	uint32_t nr_named;     /* a name, */
	uint32_t nr_bounded;   /* or "libfoo.so+0x1234", which tells functions apart */
	uint32_t nr_objects;             /* asked for a name */
	uint32_t nr_objects_failed; /* quarantined, unreadable, damaged, or of another build id */
	uint32_t nr_cached;         /* objects found in the cache */
	uint32_t nr_lined;          /* locations with file and line */
	uint32_t nr_indexes, nr_waiting, nr_refused; /* objects whose lines are known, will be, or
							are not to be had */
	/* The caller's, zeroed: one for each object, then one for the vDSO and one for the kernel; NULL: not wanted. */
	struct symbolize_object_stats *objects;
};

/* Called before an object is parsed (index into objects), so that whoever watches knows what it
 * died of. */
typedef void (*symbolize_notice_fn)(void *ctx, uint32_t object);

/* CACHE_SIZE in bytes; what is in use may exceed it during a call. */
struct symbolizer *symbolizer_new(size_t cache_size);
void symbolizer_free(struct symbolizer *s);
void symbolizer_set_cache_size(struct symbolizer *s, size_t cache_size);
size_t symbolizer_size(const struct symbolizer *s); /* bytes held */

/* Reads the kernel's symbols from KALLSYMS_FD, now (some 50 ms, most of them the kernel's: pass it
 * once, and again when there is news); -1: goes on with what was read before. KERNEL_RELATIVE:
 * kernel locations' addresses are hidden, with KERNEL_BLIND (base/kernel_hide.h). 0 or negative errno of reading it (-EACCES:
 * restricted; see object/kallsyms.h): then what was read before stays. A caller whose watcher wants
 * to know announces it as object UINT32_MAX. */
int symbolizer_set_kernel(struct symbolizer *s, int kallsyms_fd, bool kernel_relative,
			  uint64_t kernel_blind);

/* Opens further files for debugging information; see object/line_build.h and symbolize/lines.h. */
typedef int (*symbolize_file_fn)(void *ctx, const char *name, const uint8_t *id, unsigned id_size);

enum symbolize_file {
	SYMBOLIZE_DEBUG_FILE,
	SYMBOLIZE_ALT_FILE, /* dwz's, of the debug file's or the object's own debugging information */
};

/* A file of OBJECT (index into objects) that would be of use; ANOTHER than the one that came with it,
 * which is not this object's. A descriptor, which becomes the symbolizer's; -EAGAIN: a later call may
 * bring it with the object; or negative errno: there is none. */
typedef int (*symbolize_want_fn)(void *ctx, uint32_t object, enum symbolize_file file, bool another,
				 const struct debug_names *names);

struct symbolize_debug {
	uint64_t earned; /* samples after which an object's is wanted; 0: before it is named */
	symbolize_want_fn want; /* NULL: none are */
	void *ctx;
};

/* An index of object ID was built: SIZE bytes in FD, which stays the symbolizer's. */
typedef void (*symbolize_index_fn)(void *ctx, const struct object_id *id, int fd, uint64_t size);

struct symbolize_lines {
	size_t size;       /* bytes of indexes kept; 0: no lines */
	uint64_t earned;   /* samples after which an object's index is built */
	bool now;          /* during the call; else in a process of its own, for later windows */
	symbolize_file_fn open_file; /* may be NULL */
	symbolize_index_fn built;    /* may be NULL */
	void *ctx;
};

/* Files, lines and inlined functions too, from now on. */
void symbolizer_set_lines(struct symbolizer *s, const struct symbolize_lines *lines);
/* Separate debug files, from now on. */
void symbolizer_set_debug(struct symbolizer *s, const struct symbolize_debug *debug);
/* Looks after what is built for later windows; never waits. True: something is under way, ask again
 * some time later. */
bool symbolizer_poll(struct symbolizer *s);

/* Every location of P that has no lines gets one: of mappings with mapping.object = 1 + index into
 * OBJECTS from that file, of "[kernel.kallsyms]" from kallsyms, of "[vdso]" from our own vDSO when
 * it has that size and build id. A function without a name whose bounds are known is called
 * "basename+0x1234" by its first address in the file; what has neither gets the function "[basename
 * of mapping]". A mapping's has_functions says whether every location of it has a name, bounds are
 * none. Function.name is demangled
 * (symbolize/demangle.h), system_name as in the file; both are clean. With lines, what is inlined
 * there gets lines of its own, innermost first; has_filenames, has_line_numbers and
 * has_inline_frames say that it is so for every location. NOTICE and STATS may be NULL.
 */
void symbolize(struct symbolizer *s, struct profile *p, const struct symbolize_object *objects,
	       uint32_t nr_objects, symbolize_notice_fn notice, void *ctx,
	       struct symbolize_stats *stats);

#endif
