/* cfi: an ELF file; all its pages are valid, whatever it says. */
#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "object/cfi.h"
#include "object/elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PAGES 64 /* of one file */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = io_memfd("fuzz", data, size);
	struct elf *e = NULL;
	struct cfi *c = NULL;
	struct unwind_page page;
	uint64_t at = 0;

	if (fd >= 0 && !elf_open(&e, fd) && !cfi_open(&c, e, e))
		for (unsigned i = 0; i < PAGES; i++, at += UNWIND_PAGE_SIZE) {
			at = cfi_next_page(c, at);
			if (at == UINT64_MAX)
				break;
			assert(!cfi_page(c, at, &page) && unwind_page_valid(&page));
		}
	cfi_close(c);
	elf_close(e);
	if (fd >= 0)
		close(fd);
	return 0;
}
