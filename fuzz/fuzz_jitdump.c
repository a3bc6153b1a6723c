/* jitdump: every function that is found has a number, and what is asked of it ends. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "object/jitdump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = io_memfd("dump", data, size);
	struct jitdump *d;

	if (!jitdump_open(&d, fd)) {
		char *text = malloc(32);

		assert(jitdump_is(fd) && jitdump_nr(d) && jitdump_size(d));
		for (uint64_t at = 0; at < 0x4000; at += 16) {
			struct jit_line line;
			uint32_t f;

			if (jitdump_find(d, at, &f))
				continue;
			assert(f < jitdump_nr(d) && jitdump_name(d, fd, f, text, 32) < 32);
			if (!jitdump_line(d, fd, at, &line))
				assert(jitdump_file(d, fd, line.file, text, 32) < 32);
		}
		free(text);
		jitdump_trim(d);
		jitdump_free(d);
	}
	close(fd);
	return 0;
}
