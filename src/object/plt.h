/* plt: the stubs by which a file calls functions of others (x86-64's procedure linkage table), named
 * as objdump(1) does: "memcpy@plt", or "*ABS*+0x9f2a0@plt" where a resolver chooses the function.
 *
 * A stub jumps by way of a slot that a relocation fills: the relocation says which function. Both
 * stay in stripped files. Where the sections' names have gone too, the code is searched for stubs
 * of slots that nothing but a stub uses.
 *
 * Formats: gABI, "Dynamic Section", "Relocation"; x86-64 psABI, "Procedure Linkage Table". */
#ifndef OBJECT_PLT_H
#define OBJECT_PLT_H

#include <stddef.h>
#include <stdint.h>

struct elf;
struct plt;

struct plt_stub {
	uint64_t start;
	uint32_t size;
	uint32_t index; /* for plt_name */
};

#define PLT_SLOTS_MAX (1u << 17)           /* relocations kept of one file */
#define PLT_RELOCATIONS_SIZE_MAX (64u << 20) /* bytes of them read */
#define PLT_CODE_SIZE_MAX (16u << 20)      /* bytes of code looked at */
#define PLT_SUFFIX "@plt"                  /* of a stub's name, behind that of the function it calls */
#define PLT_NAME_MAX 4096                  /* with the NUL; longer ones are cut before "@plt" */

/* Keeps nothing of E, which needs its sections, if it has any. 0; -ENODATA: no stubs, or not of
 * x86-64; -EBADMSG; -EFBIG: over a limit; -ENOMEM; or the errno of reading. */
int plt_open(struct plt **out, const struct elf *e);
void plt_free(struct plt *p);
size_t plt_size(const struct plt *p); /* bytes held, with the caches of the file */
uint32_t plt_nr(const struct plt *p);
void plt_trim(struct plt *p); /* forgets the cached parts of the file */

/* The stub at virtual address VADDR. 0 or -ENOENT. */
int plt_find(const struct plt *p, uint64_t vaddr, struct plt_stub *stub);
/* Its name, read by FD, a descriptor of the same file. Its length; -EBADMSG; or the errno of
 * reading. */
int plt_name(struct plt *p, int fd, uint32_t index, char name[PLT_NAME_MAX]);

#endif
