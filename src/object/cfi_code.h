/* cfi_code: rules for code that nothing describes (a C library without unwind information, assembly), out of the
 * instructions themselves: what each does to the stack and frame pointers, followed along jumps from where functions
 * begin. x86-64 only.
 *
 * Functions begin where symbols say so, where calls lead to, and where code stands that nothing else leads to. That is a
 * guess, as are the cases of a switch, which nothing visible leads to either; what cannot be told has the rule "none".
 * A function that clears the frame pointer first (psABI 3.4.1: the outermost frame), and the file's entry, end a stack;
 * what returns from a signal is known by its instructions. */
#ifndef OBJECT_CFI_CODE_H
#define OBJECT_CFI_CODE_H

#include <stddef.h>
#include <stdint.h>

#include "unwind/format.h"

struct elf;
struct cfi_code;

#define CFI_CODE_BEFORE (16u << 10) /* bytes before the range that are looked at as well, */
#define CFI_CODE_BEHIND (2u << 10)  /* and behind it */
#define CFI_CODE_RANGE_MAX (64u << 10)

/* E stays the caller's and outlives it. NULL: memory is out. */
struct cfi_code *cfi_code_new(const struct elf *e);
void cfi_code_free(struct cfi_code *k);
size_t cfi_code_size(const struct cfi_code *k); /* bytes held; while it works, 17 for each byte of code */

/* From ADDRESS on RULE holds. */
typedef void cfi_code_fn(void *ctx, uint64_t address, const struct unwind_rule *rule);

/* The rules of [START, END), at most CFI_CODE_RANGE_MAX bytes of the code at virtual addresses [FROM, TO) that nothing else
 * describes, to PUT by rising address, the first perhaps before START. 0; -EBADMSG: it is not in the file; -ENOMEM; or the
 * errno of reading. */
int cfi_code_rules(struct cfi_code *k, uint64_t from, uint64_t to, uint64_t start, uint64_t end, cfi_code_fn *put,
		   void *ctx);

#endif
