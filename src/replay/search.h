/* search: the file that an object of a profile is here: by the path that it was mapped from, or by its build id below folders of
 * debug files. What is found has that build id, whatever it is called. */
#ifndef REPLAY_SEARCH_H
#define REPLAY_SEARCH_H

#include <stddef.h>
#include <stdint.h>

#define SEARCH_PATHS_MAX 16

struct search {
	const char *paths[SEARCH_PATHS_MAX]; /* in order */
	unsigned nr_paths;
};

/* The ELF file that PATH was where it had build id ID: PATH itself; below each folder .build-id/xx/yyyy, PATH, or its last
 * component. A descriptor; -ENOENT: there is none; -ESTALE: there is a PATH, of another build id; or negative errno of PATH. */
int search_object(const struct search *s, const char *path, const uint8_t *id, unsigned id_size);
/* Its separate debug file: below each folder .build-id/xx/yyyy.debug. A descriptor or -ENOENT. */
int search_debug_file(const struct search *s, const uint8_t *id, unsigned id_size);
/* What debugging information names further: a line_file_fn (object/line_build.h) whose CTX is a struct search. */
int search_named(void *ctx, const char *name, const uint8_t *id, unsigned id_size);

/* The bytes of a build id that profiles write in hexadecimal; their number, 0: it is none. */
unsigned search_build_id(const char *hex, uint8_t id[20]);

#endif
