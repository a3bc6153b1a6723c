/* kallsyms: the kernel's own functions from the text of /proc/kallsyms ("address type name
 * [module]", proc(5)), as a sorted index of 4 bytes a function and packed names. Addresses are kept
 * relative to _text, so that the index serves with and without kptr_restrict, whatever the kernel's
 * base.
 *
 * The kernel's own symbols come sorted and are packed while they are read; modules, BPF programs
 * and whatever else is out of order go into a second table. Symbols below 2^63 (per-CPU offsets,
 * absolute values) are no addresses and are left out. Where several begin at one address the alias
 * rule of symtab.h chooses. */
#ifndef OBJECT_KALLSYMS_H
#define OBJECT_KALLSYMS_H

#include <stddef.h>
#include <stdint.h>

#define KALLSYMS_NAME_MAX 512            /* as in the kernel, with the NUL; longer names are cut */
#define KALLSYMS_SIZE_MAX (256u << 20)   /* bytes of text */
#define KALLSYMS_FUNCTION_MAX (64 << 10) /* no function reaches further from its start */

struct kallsyms;

struct kallsyms_symbol {
	int64_t start;      /* relative to _text */
	const char *name;   /* as in the file; valid until the next call */
	const char *module; /* "" for the kernel, "bpf" for BPF programs; lives as long as K */
};

/* Reads FD from its beginning to its end, in pieces; the position stays. 0; -EACCES: all addresses
 * are 0 (kptr_restrict, or no CAP_SYSLOG when it was opened); -EBADMSG: no _text, or not the
 * format; -EFBIG; -ENOMEM; or the errno of reading. */
int kallsyms_open(struct kallsyms **out, int fd);
/* The same from memory, for tests. */
int kallsyms_parse(struct kallsyms **out, const char *text, size_t size);
void kallsyms_free(struct kallsyms *k);
size_t kallsyms_size(const struct kallsyms *k);   /* bytes held */
uint32_t kallsyms_nr(const struct kallsyms *k);   /* functions */
uint64_t kallsyms_text(const struct kallsyms *k); /* address of _text */
/* The function at ADDRESS − _text. 0 or -ENOENT: data, past _etext, or KALLSYMS_FUNCTION_MAX past
 * the last symbol. */
int kallsyms_find(struct kallsyms *k, int64_t relative, struct kallsyms_symbol *sym);

#endif
