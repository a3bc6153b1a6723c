/* jitmap: every function that is found has a name without a line's end. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "object/jitmap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = io_memfd("map", data, size);
	struct jitmap *m;

	if (!jitmap_open(&m, fd)) {
		char *name = malloc(32);

		assert(jitmap_nr(m) && jitmap_size(m));
		for (uint64_t at = 0; at < 0x4000; at += 16) {
			uint32_t f;

			if (!jitmap_find(m, at, &f))
				assert(jitmap_name(m, fd, f, name, 32) >= 0 && !strchr(name, '\n'));
		}
		free(name);
		jitmap_trim(m);
		jitmap_free(m);
	}
	close(fd);
	return 0;
}
