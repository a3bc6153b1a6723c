/* plt: stubs are found where they are and nowhere else, and each has a name that says what it is. */
#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "object/elf.h"
#include "object/plt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = io_memfd("plt", data, size), length;
	char name[PLT_NAME_MAX];
	struct plt_stub s;
	struct plt *p = NULL;
	struct elf *e = NULL;

	if (!elf_open(&e, fd) && !plt_open(&p, e)) {
		assert(plt_nr(p) && plt_size(p));
		for (uint64_t at = 0x400000; at < 0x400600; at += 3) {
			if (plt_find(p, at, &s))
				continue;
			assert(at >= s.start && at - s.start < s.size && s.index < plt_nr(p));
			length = plt_name(p, fd, s.index, name);
			assert(length < PLT_NAME_MAX);
			if (length > 0)
				assert(strlen(name) == (size_t)length && strstr(name, "@plt"));
		}
		plt_trim(p);
		assert(plt_find(p, UINT64_MAX, &s));
	}
	plt_free(p);
	elf_close(e);
	close(fd);
	return 0;
}
