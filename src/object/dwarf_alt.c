#include "object/dwarf_alt.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/reader.h"
#include "object/dwarf.h"

int dwarf_alt_link(const struct elf *e, struct dwarf_alt *link)
{
	const struct elf_section *s = elf_find_section(e, ".gnu_debugaltlink");
	uint8_t bytes[DWARF_ALT_NAME_MAX + ELF_BUILD_ID_MAX];
	struct reader r;
	const char *name;
	int err;

	if (!s || s->type == SHT_NOBITS)
		return -ENODATA;
	if (s->size > sizeof(bytes))
		return -EBADMSG;
	err = elf_read(e, s->offset, bytes, s->size);
	if (err)
		return err;
	r = reader_of(bytes, s->size);
	name = reader_str(&r);
	link->id_size = (unsigned)reader_left(&r);
	if (!name || !*name || strlen(name) >= sizeof(link->name) || !link->id_size ||
	    link->id_size > sizeof(link->id))
		return -EBADMSG;
	strcpy(link->name, name);
	memcpy(link->id, r.pos, link->id_size);
	return 0;
}

bool dwarf_alt_is(int fd, const struct dwarf_alt *link)
{
	uint8_t id[ELF_BUILD_ID_MAX];
	struct elf *e;
	bool same;

	if (elf_open(&e, fd))
		return false;
	same = elf_build_id(e, id) == link->id_size && !memcmp(id, link->id, link->id_size);
	elf_close(e);
	return same;
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
