/* cfi: call frame information of an ELF file → unwind pages (unwind/table.h), one at a time and on
 * demand. x86-64 only.
 *
 * From .eh_frame, whose functions are found by the sorted table of .eh_frame_hdr where there is one
 * and by reading it all once where not; what that leaves out, all of the code perhaps, from
 * .debug_frame, of the file or of its debug file; and what nothing describes from its instructions
 * (cfi_code.h). The file is read in pieces of bounded size as they are needed. Code that makes no
 * sense gets the rule "none", what the rules cannot say "unsupported": a page can always be made.
 *
 * Formats: LSB core, "Exception Frames"; DWARF 5, section 6.4. */
#ifndef OBJECT_CFI_H
#define OBJECT_CFI_H

#include <stddef.h>
#include <stdint.h>

#include "unwind/table.h"

struct elf;
struct cfi;

#define CFI_FDES_MAX (1u << 20) /* of a file without .eh_frame_hdr: more are left out */

/* RULE holds from START to END (virtual addresses) whatever the file says. Overrides are few. */
struct cfi_override {
	uint64_t start, end;
	struct unwind_rule rule;
};

/* E, and DEBUG (the debug file, or NULL), stay the caller's and outlive it with their sections and
 * descriptors. 0; -ENOTSUP: another machine; -EBADMSG;
 * -ENOMEM; or the errno of reading. */
int cfi_open(struct cfi **out, const struct elf *e, const struct elf *debug);
void cfi_close(struct cfi *c);
size_t cfi_size(const struct cfi *c); /* bytes held */

/* Compiles the page that holds file offset OFFSET. *PAGE is valid (unwind_page_valid), C's, and
 * good until the next call. 0, or the errno of reading the file. */
int cfi_page(struct cfi *c, uint64_t offset, struct unwind_page *page);

/* Bytes of code on that page of which nothing was found. Of CFI_UNKNOWN_SIZE on it may be the program's
 * own, and a debug file may say more; what the start files bring without is 300 bytes. */
#define CFI_UNKNOWN_SIZE 512
uint32_t cfi_unknown(const struct cfi *c);

/* Pages that hold code: the file offset of the first one at or after OFFSET; UINT64_MAX: none. */
uint64_t cfi_next_page(const struct cfi *c, uint64_t offset);

#endif
