/* gopclntab: the table that a Go program carries of its own functions, stripped or not: names,
 * bounds, files, lines and what was inlined. Read in place: a look-up reads what it needs through a
 * cache of some hundred KiB; nothing is indexed.
 *
 * Formats: Go 1.16 to 1.25 (magic fffffffa, fffffff0, fffffff1), names and bounds also of 1.2 to
 * 1.15 (fffffffb); runtime/symtab.go and runtime/symtabinl.go of those releases. Either class and
 * byte order. */
#ifndef OBJECT_GOPCLNTAB_H
#define OBJECT_GOPCLNTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GOPCLNTAB_NAME_MAX 4096         /* with the NUL; longer names are cut */
#define GOPCLNTAB_FRAMES_MAX 64         /* of one address */
#define GOPCLNTAB_SCAN_MAX (512u << 20) /* bytes of a file searched for a table without section */

struct elf;
struct gopclntab;

struct go_function {
	uint64_t start, size; /* virtual address; bytes, padding included */
	uint32_t name;        /* for gopclntab_name */
	uint32_t index;       /* in the table */
};

#define GOPCLNTAB_NO_FILE UINT32_MAX

struct go_frame {
	uint32_t name, file;      /* for gopclntab_name, gopclntab_file; GOPCLNTAB_NO_FILE: not known */
	int32_t line, start_line; /* 0: not known */
};

/* Keeps nothing of E, which needs its sections and may be closed afterwards. 0; -ENODATA: no Go
 * program, or one without such a table; -EBADMSG; -ENOMEM; or the errno of reading. */
int gopclntab_open(struct gopclntab **out, const struct elf *e);
void gopclntab_free(struct gopclntab *t);
size_t gopclntab_size(const struct gopclntab *t); /* bytes held, with the cache of the file */
uint32_t gopclntab_nr(const struct gopclntab *t); /* functions */
bool gopclntab_has_lines(const struct gopclntab *t);
void gopclntab_trim(struct gopclntab *t);         /* forgets the cached parts of the file */

/* All of these read by FD, a descriptor of the same file. */

/* The function at virtual address VADDR. 0; -ENOENT; -EBADMSG; or the errno of reading. */
int gopclntab_find(struct gopclntab *t, int fd, uint64_t vaddr, struct go_function *f);
/* The I-th function, I < gopclntab_nr, in order of addresses. */
int gopclntab_function(struct gopclntab *t, int fd, uint32_t i, struct go_function *f);
/* The frames at VADDR, innermost first, the last one being the function itself: their number, at
 * least 1, or as above. Where the table of inlined calls cannot be had that is all. Of 1.2's
 * format: no files and lines. */
int gopclntab_frames(struct gopclntab *t, int fd, uint64_t vaddr,
		     struct go_frame frames[GOPCLNTAB_FRAMES_MAX]);
/* The length, or negative errno. */
int gopclntab_name(struct gopclntab *t, int fd, uint32_t name, char *out, size_t out_size);
int gopclntab_file(struct gopclntab *t, int fd, uint32_t file, char *out, size_t out_size);

#endif
