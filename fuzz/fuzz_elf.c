/* elf: headers, notes and symbols of a file; no symbol covers an address outside of it. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "object/elf.h"
#include "object/symtab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = io_memfd("elf", data, size);
	struct symtab *t = NULL;
	struct elf *e = NULL;
	struct symbol s;
	uint8_t id[ELF_BUILD_ID_MAX];
	uint64_t vaddr, back;

	if (!elf_open(&e, fd)) {
		assert(elf_build_id(e, id) <= sizeof(id));
		for (unsigned i = 0; i < elf_nr_sections(e); i++)
			elf_find_section(e, elf_section(e, i)->name);
		for (unsigned i = 0; i < elf_nr_segments(e); i++)
			if (elf_offset(e, elf_segment(e, i)->vaddr, 1, &back))
				assert(back < elf_file_size(e));
		if (elf_dynamic(e))
			assert(elf_dynamic(e)->file_size <= elf_file_size(e));
		if (!symtab_open(&t, e)) {
			elf_forget_sections(e);
			for (uint64_t offset = 0; offset < 0x3000; offset += 13)
				if (elf_vaddr(e, offset, &vaddr) && !symtab_find(t, fd, vaddr, &s))
					assert(vaddr - s.start < s.size &&
					       strlen(s.name) < SYMTAB_NAME_MAX);
			assert(symtab_lookup(t, UINT64_MAX, &s));
			assert(symtab_size(t) > 0 && symtab_nr(t) > 0);
		}
	}
	symtab_free(t);
	elf_close(e);
	close(fd);
	return 0;
}
