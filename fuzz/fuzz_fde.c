/* fde: every range found covers what was asked for, and asking again finds it again. */
#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "object/elf.h"
#include "object/fde.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = io_memfd("fde", data, size);
	struct fde_table *t = NULL;
	struct fde_range r, again;
	struct elf *e = NULL;

	if (!elf_open(&e, fd) && !fde_open(&t, e)) {
		for (uint64_t at = 0x400ff0; at < 0x401800; at += 13) {
			if (fde_find(t, fd, at, &r))
				continue;
			assert(at >= r.start && at - r.start < r.size);
			assert(r.start < FDE_ADDRESS_MAX);
			fde_trim(t);
			assert(!fde_find(t, fd, at, &again) && again.start == r.start);
		}
		assert(fde_find(t, fd, UINT64_MAX, &r));
		assert(fde_size(t) > 0 && fde_nr(t) > 0);
	}
	fde_free(t);
	elf_close(e);
	close(fd);
	return 0;
}
