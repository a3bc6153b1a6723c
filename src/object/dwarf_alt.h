/* dwarf_alt: names of further files that one's debugging information refers to. */
#ifndef OBJECT_DWARF_ALT_H
#define OBJECT_DWARF_ALT_H

#include <stdint.h>

#include "object/elf.h"

#define DWARF_ALT_NAME_MAX 4096

struct dwarf_unit;

/* dwz(1)'s shared file: its path, absolute or relative to the object's folder, and build id. */
struct dwarf_alt {
	char name[DWARF_ALT_NAME_MAX];
	uint8_t id[ELF_BUILD_ID_MAX];
	unsigned id_size;
};

/* What E's .gnu_debugaltlink says. 0; -ENODATA: there is none; -EBADMSG or the errno of reading. */
int dwarf_alt_link(const struct elf *e, struct dwarf_alt *link);
/* The path of U's .dwo file, from malloc(3), or NULL. */
char *dwarf_split_name(const struct dwarf_unit *u);

#endif
