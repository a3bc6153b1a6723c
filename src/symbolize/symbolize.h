/* symbolize: fills functions into a profile's locations, from the objects behind its mappings. Runs in the worker and in replay; every
 * file is hostile. Names of objects seen before come from a cache with a byte budget. */
#ifndef SYMBOLIZE_SYMBOLIZE_H
#define SYMBOLIZE_SYMBOLIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profile/profile.h"

struct symbolizer;

/* Identity of an object: what fstat says of its descriptor. */
struct object_id {
	uint64_t dev, inode, size;
	int64_t mtime_ns, ctime_ns;
};

struct symbolize_object {
	struct object_id id;
	int fd;                  /* stays the caller's, open during the call */
	uint8_t build_id_size;   /* the kernel's word from MMAP2; 0: none. Another one in the file means: no names */
	uint8_t build_id[20];
	bool quarantined;        /* not to be parsed */
};

struct symbolize_stats {
	uint32_t nr_locations, nr_named, nr_objects, nr_objects_failed;
	uint32_t nr_cached; /* objects found in the cache */
};

/* Called before an object is parsed for the first time (index into objects; UINT32_MAX: kallsyms), so that whoever watches knows what
 * it died of. */
typedef void (*symbolize_notice_fn)(void *ctx, uint32_t object);

struct symbolizer *symbolizer_new(size_t cache_size);
void symbolizer_free(struct symbolizer *s);
void symbolizer_set_cache_size(struct symbolizer *s, size_t cache_size);
/* KALLSYMS_FD (-1: none): read on first need, and again after the caller passed a fresh one. KERNEL_RELATIVE: kernel locations'
 * addresses are relative to _text. 0 or negative errno of reading it (-EACCES: restricted). */
int symbolizer_set_kernel(struct symbolizer *s, int kallsyms_fd, bool kernel_relative);

/* Every location of P that has no lines gets one or more: of mappings with mapping.object = 1 + index into OBJECTS from that file, of
 * "[kernel.kallsyms]" from kallsyms, of "[vdso]" from our own vDSO. What has no name gets the function "[basename of mapping]"; a mapping's
 * has_functions becomes true when every location of it is named. Names are demangled (Function.name without parameters, system_name
 * as in the file) and cleaned. */
void symbolize(struct symbolizer *s, struct profile *p, const struct symbolize_object *objects, uint32_t nr_objects,
	       symbolize_notice_fn notice, void *ctx, struct symbolize_stats *stats);

#endif
