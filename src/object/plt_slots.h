/* plt_slots: the slots that stubs jump by, and what fills them (object/plt.h). */
#ifndef OBJECT_PLT_SLOTS_H
#define OBJECT_PLT_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

struct elf;

/* Entries of the dynamic section that matter; 0: not there. */
struct plt_dynamic {
	uint64_t jmprel, jmprel_size, rela, rela_size, rela_count, symtab, strtab, strtab_size;
};

struct plt_slot {
	uint64_t address, addend;
	uint32_t symbol; /* number in .dynsym; 0: none, the addend is an address */
};

/* A zeroed one is empty. */
struct plt_slots {
	struct plt_slot *slots; /* by address, from malloc(3) */
	uint32_t nr, cap;
};

/* 0, -ENOMEM or the errno of reading. A file without dynamic section has none of it. */
int plt_dynamic_read(struct plt_dynamic *d, const struct elf *e);
/* DATA: slots that code may use in other ways, too. 0; -ENODATA: none; -EFBIG; -ENOMEM; or the
 * errno of reading. */
int plt_slots_read(struct plt_slots *t, const struct elf *e, const struct plt_dynamic *d,
		   bool data);
/* The number of the slot at ADDRESS. */
bool plt_slots_find(const struct plt_slots *t, uint64_t address, uint32_t *slot);

#endif
