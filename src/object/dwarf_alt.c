#include "object/dwarf_alt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/reader.h"
#include "object/dwarf.h"

int dwarf_alt_link(const struct elf *e, struct dwarf_alt *link)
{
	uint8_t bytes[DWARF_ALT_NAME_MAX + ELF_BUILD_ID_MAX];
	ssize_t n = elf_read_section(e, ".gnu_debugaltlink", bytes, sizeof(bytes));
	struct reader r;
	const char *name;
	size_t id_size;

	if (n < 0)
		return (int)n;
	r = reader_of(bytes, (size_t)n);
	name = reader_str(&r);
	id_size = reader_left(&r);
	if (!name || !*name || strlen(name) >= sizeof(link->name) || !id_size ||
	    id_size > sizeof(link->id))
		return -EBADMSG;
	strcpy(link->name, name);
	memcpy(link->id, r.pos, id_size);
	link->id_size = (unsigned)id_size;
	return 0;
}

char *dwarf_split_name(const struct dwarf_unit *u)
{
	size_t dir_size = u->comp_dir && *u->dwo_name != '/' ? strnlen(u->comp_dir, DWARF_STRING_MAX)
							      : 0;
	size_t size = dir_size + strnlen(u->dwo_name, DWARF_STRING_MAX) + 2;
	char *path = malloc(size);

	if (path)
		snprintf(path, size, "%.*s%s%s", (int)dir_size, dir_size ? u->comp_dir : "",
			 dir_size ? "/" : "", u->dwo_name);
	return path;
}
