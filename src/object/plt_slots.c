#include "object/plt_slots.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/reader.h"
#include "object/elf.h"
#include "object/plt.h"

#define DYNAMIC_SIZE_MAX (64u << 10)
#define RELOCATIONS_PIECE (2730 * sizeof(Elf64_Rela)) /* some 64 KiB of whole ones */

int plt_dynamic_read(struct plt_dynamic *d, const struct elf *e)
{
	const struct elf_segment *s = elf_dynamic(e);
	size_t size = !s ? 0 : s->file_size < DYNAMIC_SIZE_MAX ? s->file_size : DYNAMIC_SIZE_MAX;
	struct reader r;
	uint8_t *bytes;
	int err;

	if (!size)
		return 0;
	bytes = malloc(size);
	if (!bytes)
		return -ENOMEM;
	err = elf_read(e, s->offset, bytes, size);
	r = reader_of(bytes, err ? 0 : size);
	while (reader_left(&r) >= sizeof(Elf64_Dyn)) {
		uint64_t tag = reader_u64(&r), value = reader_u64(&r);

		switch (tag) {
		case DT_NULL: reader_fail(&r); break;
		case DT_JMPREL: d->jmprel = value; break;
		case DT_PLTRELSZ: d->jmprel_size = value; break;
		case DT_RELA: d->rela = value; break;
		case DT_RELASZ: d->rela_size = value; break;
		case DT_RELACOUNT: d->rela_count = value; break;
		case DT_SYMTAB: d->symtab = value; break;
		case DT_STRTAB: d->strtab = value; break;
		case DT_STRSZ: d->strtab_size = value; break;
		}
	}
	free(bytes);
	return err;
}

static int add_slot(struct plt_slots *t, uint64_t address, uint64_t info, uint64_t addend,
		    bool data)
{
	uint32_t type = ELF64_R_TYPE(info);
	struct plt_slot *s;

	if (type != R_X86_64_JUMP_SLOT && type != R_X86_64_IRELATIVE &&
	    (type != R_X86_64_GLOB_DAT || !data))
		return 0;
	if (t->nr == PLT_SLOTS_MAX)
		return -EFBIG;
	s = array_try_push(t->slots, t->nr, t->cap);
	if (!s)
		return -ENOMEM;
	*s = (struct plt_slot){ address, addend,
				type == R_X86_64_IRELATIVE ? 0 : ELF64_R_SYM(info) };
	return 0;
}

/* Of the relocations in the file's SIZE bytes at OFFSET those that fill slots: with DATA, of all
 * slots that hold a function's address, else of those alone that only stubs use. */
static int read_relocations(struct plt_slots *t, const struct elf *e, uint64_t offset,
			    uint64_t size, bool data)
{
	uint8_t *piece;
	int err = 0;

	if (size > PLT_RELOCATIONS_SIZE_MAX)
		return -EFBIG;
	piece = malloc(RELOCATIONS_PIECE);
	if (!piece)
		return -ENOMEM;
	size -= size % sizeof(Elf64_Rela);
	while (size && !err) {
		size_t part = size < RELOCATIONS_PIECE ? size : RELOCATIONS_PIECE;
		struct reader r = reader_of(piece, part);

		err = elf_read(e, offset, piece, part);
		while (!err && reader_left(&r)) {
			uint64_t address = reader_u64(&r), info = reader_u64(&r),
				 addend = reader_u64(&r);

			err = add_slot(t, address, info, addend, data);
		}
		offset += part;
		size -= part;
	}
	free(piece);
	return err;
}

/* Relocations of a loaded table. What is not in the file is as good as empty. */
static int read_loaded(struct plt_slots *t, const struct elf *e, uint64_t vaddr, uint64_t size,
		       bool data)
{
	uint64_t offset;

	if (!size || !elf_offset(e, vaddr, size, &offset))
		return 0;
	return read_relocations(t, e, offset, size, data);
}

static int by_address(const void *a, const void *b)
{
	const struct plt_slot *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

int plt_slots_read(struct plt_slots *t, const struct elf *e, const struct plt_dynamic *d,
		   bool data)
{
	/* The first are of another kind, hundreds of thousands in a large library. */
	uint64_t skip = d->rela_count < d->rela_size / sizeof(Elf64_Rela)
				? d->rela_count * sizeof(Elf64_Rela) : d->rela_size;
	const struct elf_section *s = elf_find_section(e, ".rela.plt");
	int err = 0;

	if (d->jmprel)
		err = read_loaded(t, e, d->jmprel, d->jmprel_size, data);
	else if (s && s->type == SHT_RELA && !(s->flags & SHF_COMPRESSED)) /* of a static program */
		err = read_relocations(t, e, s->offset, s->size, data);
	if (!err && d->rela && (data || !d->jmprel))
		err = read_loaded(t, e, d->rela + skip, d->rela_size - skip, data);
	if (err)
		return err;
	if (!t->nr)
		return -ENODATA;
	qsort(t->slots, t->nr, sizeof(*t->slots), by_address);
	return 0;
}

bool plt_slots_find(const struct plt_slots *t, uint64_t address, uint32_t *slot)
{
	uint32_t low = array_partition(t->slots, t->nr, at, at->address < address);

	*slot = low;
	return low < t->nr && t->slots[low].address == address;
}
