/* fde: where functions begin and end, by the unwind information that stripped files keep too: the
 * sorted table of .eh_frame_hdr finds a function's description entry (FDE) in .eh_frame, which
 * gives its range. Nothing is indexed or held: a look-up reads what it needs. A file without that
 * table (musl's static programs) has its .eh_frame read once, and 16 bytes a function are held.
 *
 * Formats: LSB core, "Exception Frames". */
#ifndef OBJECT_FDE_H
#define OBJECT_FDE_H

#include <stddef.h>
#include <stdint.h>

#define FDE_ADDRESS_MAX (UINT64_C(1) << 60) /* functions lie below */
#define FDE_SCANNED_MAX (1u << 18)          /* functions of a file without a table: more are left out */

struct elf;
struct fde_table;

struct fde_range {
	uint64_t start, size; /* virtual address; bytes */
};

/* Keeps nothing of E, which may be closed. 0; -ENODATA: there is neither such a table, of the kind
 * that linkers write, nor a section .eh_frame; -EBADMSG; -ENOMEM; or the errno of reading. */
int fde_open(struct fde_table **out, const struct elf *e);
void fde_free(struct fde_table *t);
size_t fde_size(const struct fde_table *t); /* bytes held, with the cache of the file */
uint32_t fde_nr(const struct fde_table *t);
void fde_trim(struct fde_table *t); /* forgets the cached parts of the file */

/* The function at virtual address VADDR, read by FD, a descriptor of the same file. 0; -ENOENT:
 * none; -EBADMSG: what should say is damaged; or the errno of reading. */
int fde_find(struct fde_table *t, int fd, uint64_t vaddr, struct fde_range *range);

#endif
