/* Whole objects: their debugging information into an index, which then must answer. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "object/line_build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every further file that it names is the object itself. */
static int open_self(void *ctx, const char *name, const uint8_t *id, unsigned id_size)
{
	return dup(*(int *)ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = io_memfd("object", data, size);
	struct line_source src = { .fd = fd, .open_file = open_self, .ctx = &fd };
	struct line_limits limits = { 16 << 20, 16 << 20 };
	struct line_frame frames[LINE_DEPTH_MAX];
	struct object_id id = { .inode = 1 };
	struct line_index *x;
	void *image;
	size_t n;
	unsigned nr;

	if (fd >= 0 && !line_build(&src, &limits, &id, &image, &n)) {
		if (line_open_memory(&x, image, n, &id))
			abort(); /* what we build we can read */
		for (uint64_t at = 0; at < 0x4000; at += 7)
			line_find(x, at, frames, &nr);
		line_close(x);
	}
	close(fd);
	return 0;
}
