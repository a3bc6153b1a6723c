/* kallsyms: the kernel's own symbols from the text of /proc/kallsyms, sorted, names packed; addresses are kept relative to _text, so that
 * the index serves with and without kptr_restrict. */
#ifndef OBJECT_KALLSYMS_H
#define OBJECT_KALLSYMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kallsyms;

struct kallsyms_symbol {
	int64_t start;    /* relative to _text */
	const char *name; /* valid until the next call */
	const char *module; /* "" for the kernel proper, "bpf" for BPF programs */
};

/* Reads FD from its beginning to its end, in pieces. 0; -EACCES: all addresses are 0 (kptr_restrict, or no CAP_SYSLOG); -EBADMSG:
 * no _text or not the format; -ENOMEM. */
int kallsyms_open(struct kallsyms **out, int fd);
/* The same from memory, for tests. */
int kallsyms_parse(struct kallsyms **out, const char *text, size_t size);
void kallsyms_free(struct kallsyms *k);
size_t kallsyms_size(const struct kallsyms *k);
uint32_t kallsyms_nr(const struct kallsyms *k);
uint64_t kallsyms_text(const struct kallsyms *k); /* address of _text */
/* The function at ADDRESS − _text. 0 or -ENOENT (data, gaps past _etext that no symbol covers, beyond the last symbol + 64 KiB). */
int kallsyms_find(struct kallsyms *k, int64_t relative, struct kallsyms_symbol *sym);

#endif
