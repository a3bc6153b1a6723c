/* debuglink: what a file says of its debug file can be asked for, and a file is or is not one. */
#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "object/debuglink.h"
#include "object/elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = io_memfd("object", data, size), twin = io_memfd("debug", data, size);
	struct debuglink l;
	struct elf *e;

	if (!elf_open(&e, fd)) {
		if (!debuglink_read(e, &l)) {
			assert(debug_names_valid(&l.names));
			assert(debuglink_check(&l, fd, fd)); /* not its own */
			/* The same bytes have the same build id, but hardly their own checksum. */
			assert(!l.names.build_id_size || !debuglink_check(&l, fd, twin));
			debuglink_check(&l, fd, twin);
			assert(debuglink_check(&l, fd, -1));
		}
		elf_close(e);
	}
	close(fd);
	close(twin);
	return 0;
}
