/* gopclntab: a function found covers its address, and frames end in a function of the table. */
#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "object/elf.h"
#include "object/gopclntab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct go_frame frames[GOPCLNTAB_FRAMES_MAX];
	int fd = io_memfd("go", data, size);
	struct gopclntab *t = NULL;
	struct elf *e = NULL;
	struct go_function f;
	char text[256];

	if (!elf_open(&e, fd) && !gopclntab_open(&t, e)) {
		for (uint64_t at = 0x400ff0; at < 0x401080; at += 5) {
			int nr = gopclntab_frames(t, fd, at, frames);

			assert(nr && nr <= GOPCLNTAB_FRAMES_MAX);
			for (int i = 0; i < nr; i++) {
				gopclntab_name(t, fd, frames[i].name, text, sizeof(text));
				gopclntab_file(t, fd, frames[i].file, text, sizeof(text));
			}
			if (gopclntab_find(t, fd, at, &f))
				continue;
			assert(at - f.start < f.size && f.index < gopclntab_nr(t));
			assert(nr < 0 || frames[nr - 1].name == f.name);
		}
		assert(gopclntab_size(t) < 1 << 20);
	}
	gopclntab_free(t);
	elf_close(e);
	close(fd);
	return 0;
}
