#include "symbolize/vdso.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/io.h"

#define VDSO_SIZE_MAX (1u << 20)

int vdso_open(uint64_t *size)
{
	/* The auxiliary vector gives an address as an integer. */
	const ElfW(Ehdr) *eh = (const void *)(uintptr_t)getauxval(AT_SYSINFO_EHDR);
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), end;
	int fd;

	if (!eh || memcmp(eh->e_ident, ELFMAG, SELFMAG))
		return -ENOENT;
	end = eh->e_shoff + (uint64_t)eh->e_shnum * eh->e_shentsize; /* the linker puts them last */
	if (end < sizeof(*eh) || end > VDSO_SIZE_MAX)
		return -ENOENT;
	end = (end + page - 1) & ~(page - 1);
	fd = io_memfd("vdso", eh, end);
	if (fd >= 0)
		*size = end;
	return fd;
}
