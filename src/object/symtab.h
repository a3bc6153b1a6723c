/* symtab: function symbols of an ELF file as a sorted index, 16 bytes a symbol; names stay in the
 * file and are read when asked for. Never attributes an address past its symbol's end.
 *
 * Taken are STT_FUNC and STT_GNU_IFUNC, and as perf(1) does the visible STT_NOTYPE labels of
 * executable sections
 * (_start of hand-written assembly) where no function covers them. A symbol of size 0 reaches to
 * the next symbol or its section's end, at most SYMTAB_UNSIZED_MAX. Of nested symbols the innermost
 * that covers the address counts. Where several symbols start at one address the alias rule
 * chooses: function over label, global over weak over local, fewest leading '_', shortest, then in
 * order of bytes. */
#ifndef OBJECT_SYMTAB_H
#define OBJECT_SYMTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf;
struct symtab;

struct symbol {
	uint64_t start, size;
	const char *name; /* raw, version suffix (@…) stripped; valid until the next call on this
			     symtab */
	uint32_t index; /* of the symbol in this table: one number for all addresses of one function
			 */
	bool guessed; /* the file gives no size: where it ends is a guess */
};

#define SYMTAB_BYTES_MAX (256u << 20) /* symbol table bytes read of one file */
#define SYMTAB_SYMBOLS_MAX (4u << 20) /* functions kept of one file */
#define SYMTAB_NAME_MAX 4096          /* longer names are cut */
#define SYMTAB_UNSIZED_MAX (64u << 10)

/* From .symtab, or .dynsym where that has no functions. 0; -ENODATA: no symbols; -EBADMSG; -EFBIG:
 * over one of the limits; -ENOMEM; or the errno of reading. Keeps nothing of E, which may be
 * closed. */
int symtab_open(struct symtab **out, struct elf *e);
void symtab_free(struct symtab *t);
size_t symtab_size(const struct symtab *t); /* bytes held, with the cache of names */
uint32_t symtab_nr(const struct symtab *t);
bool symtab_is_whole(const struct symtab *t); /* from .symtab, which strip(1) takes out */
void symtab_trim(struct symtab *t); /* forgets the cached parts of the file that hold names */

/* The function at virtual address VADDR: start, size and index; name NULL. 0 or -ENOENT. */
int symtab_lookup(const struct symtab *t, uint64_t vaddr, struct symbol *sym);
/* Adds the name to what symtab_lookup found, read by FD, a descriptor of the same file. 0, or the
 * errno of reading. */
int symtab_name(struct symtab *t, int fd, struct symbol *sym);
/* Both. */
int symtab_find(struct symtab *t, int fd, uint64_t vaddr, struct symbol *sym);

#endif
