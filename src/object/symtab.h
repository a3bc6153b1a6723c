/* symtab: function symbols of an ELF file as a sorted index, 16 bytes an entry; names stay in the file and are read when asked
 * for. Never attributes an address past its symbol's size. Where several symbols start at one address the alias rule chooses:
 * global over weak over local, fewest leading '_', shortest, then in order of bytes. */
#ifndef OBJECT_SYMTAB_H
#define OBJECT_SYMTAB_H

#include <stddef.h>
#include <stdint.h>

struct elf;
struct symtab;

struct symbol {
	uint64_t start, size; /* size 0 in the file: up to the next symbol or the section's end, as far as 'known' goes */
	const char *name;     /* raw, version suffix (@…) stripped; valid until the next call on this symtab */
};

#define SYMTAB_BYTES_MAX (256u << 20) /* symbol table bytes read of one file, in total */
#define SYMTAB_NAME_MAX 4096

/* From .symtab, or .dynsym where there is none (or with MERGE both). 0; -ENODATA: no symbols; -EBADMSG; -EFBIG; -ENOMEM. Keeps E's
 * descriptor number only: E may be closed, the descriptor not. */
int symtab_open(struct symtab **out, struct elf *e);
void symtab_free(struct symtab *t);
size_t symtab_size(const struct symtab *t); /* bytes held */
uint32_t symtab_nr(const struct symtab *t);
/* The function at virtual address VADDR. 0 or -ENOENT; the name read by FD, a descriptor of the same file. */
int symtab_find(struct symtab *t, int fd, uint64_t vaddr, struct symbol *sym);

#endif
