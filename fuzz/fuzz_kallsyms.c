/* kallsyms: the text in one piece and by descriptor give one table, and no function covers more
 * than it may. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "object/kallsyms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = io_memfd("kallsyms", data, size), err;
	struct kallsyms *k = NULL, *same = NULL;
	struct kallsyms_symbol s, t;
	char *copy = malloc(size + !size);

	memcpy(copy, data, size);
	err = kallsyms_parse(&k, copy, size);
	assert(kallsyms_open(&same, fd) == err);
	free(copy);
	if (!err) {
		assert(kallsyms_nr(k) == kallsyms_nr(same) && kallsyms_size(k) > 0);
		for (int64_t at = -0x2000; at < 0x4000; at += 8) {
			err = kallsyms_find(k, at, &s);
			assert(kallsyms_find(same, at, &t) == err);
			assert(err || (s.start <= at && at - s.start < KALLSYMS_FUNCTION_MAX));
			assert(err || (!strcmp(s.name, t.name) && !strcmp(s.module, t.module)));
		}
	}
	kallsyms_free(k);
	kallsyms_free(same);
	close(fd);
	return 0;
}
