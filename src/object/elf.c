#include "object/elf.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/reader.h"

#define SECTION_NAMES_MAX (1u << 20)
#define NOTES_MAX 64              /* note segments and sections looked at */
#define NOTE_SIZE_MAX (64u << 10) /* bytes of each */

struct elf_note {
	uint64_t offset, size, align;
};

struct elf {
	int fd;
	uint64_t file_size;
	bool is_64, swap;
	uint16_t machine, type;
	unsigned nr_segments, nr_sections, nr_notes;
	struct elf_segment *segments;
	struct elf_segment eh_frame_hdr, dynamic; /* file_size 0: none */
	struct elf_section *sections;
	char *section_names;
	size_t section_names_size;
	struct elf_note notes[NOTES_MAX];
};

static bool in_file(const struct elf *e, uint64_t offset, uint64_t size)
{
	return offset <= e->file_size && size <= e->file_size - offset;
}

int elf_read(const struct elf *e, uint64_t offset, void *p, size_t size)
{
	ssize_t n;

	if (!in_file(e, offset, size))
		return -EBADMSG;
	n = io_pread(e->fd, p, size, offset);
	if (n < 0)
		return (int)n;
	return (size_t)n == size ? 0 : -EBADMSG; /* it shrank */
}

ssize_t elf_read_section(const struct elf *e, const char *name, void *p, size_t size)
{
	const struct elf_section *s = elf_find_section(e, name);
	int err;

	if (!s || s->type != SHT_PROGBITS || (s->flags & SHF_COMPRESSED))
		return -ENODATA;
	if (s->size > size)
		return -EBADMSG;
	err = elf_read(e, s->offset, p, s->size);
	return err ? err : (ssize_t)s->size;
}

/* libelf allocates for as many sections as the file claims (gABI: e_shnum 0 means section 0's
 * sh_size), and a sparse file may claim any number: look first. */
static int check_claims(struct elf *e)
{
	uint8_t bytes[sizeof(Elf64_Ehdr)] = { 0 }, section[sizeof(Elf64_Shdr)] = { 0 };
	size_t ehdr_size, shdr_size;
	struct reader r;
	ssize_t n = io_pread(e->fd, bytes, sizeof(bytes), 0);
	uint64_t shoff;
	unsigned shnum;
	int err;

	if (n < 0)
		return (int)n;
	if (n < EI_NIDENT || memcmp(bytes, ELFMAG, SELFMAG))
		return -ENOEXEC;
	e->is_64 = bytes[EI_CLASS] == ELFCLASS64;
	if ((!e->is_64 && bytes[EI_CLASS] != ELFCLASS32) || bytes[EI_VERSION] != EV_CURRENT ||
	    (bytes[EI_DATA] != ELFDATA2LSB && bytes[EI_DATA] != ELFDATA2MSB))
		return -EBADMSG;
	e->swap = (bytes[EI_DATA] == ELFDATA2MSB) != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
	ehdr_size = e->is_64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
	shdr_size = e->is_64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
	if ((size_t)n < ehdr_size)
		return -EBADMSG;

	r = reader_of(bytes, ehdr_size);
	r.swap = e->swap;
	reader_skip(&r, e->is_64 ? offsetof(Elf64_Ehdr, e_shoff) : offsetof(Elf32_Ehdr, e_shoff));
	shoff = e->is_64 ? reader_u64(&r) : reader_u32(&r);
	reader_skip(&r, offsetof(Elf64_Ehdr, e_shnum) - offsetof(Elf64_Ehdr, e_flags));
	shnum = reader_u16(&r);
	if (shnum > ELF_SECTIONS_MAX)
		return -EBADMSG;
	if (shnum || !shoff)
		return 0;
	err = elf_read(e, shoff, section, shdr_size);
	if (err)
		return err;
	r = reader_of(section, shdr_size);
	r.swap = e->swap;
	reader_skip(&r, e->is_64 ? offsetof(Elf64_Shdr, sh_size) : offsetof(Elf32_Shdr, sh_size));
	return (e->is_64 ? reader_u64(&r) : reader_u32(&r)) > ELF_SECTIONS_MAX ? -EBADMSG : 0;
}

static void add_note(struct elf *e, uint64_t offset, uint64_t size, uint64_t align)
{
	if (e->nr_notes < NOTES_MAX && in_file(e, offset, size))
		e->notes[e->nr_notes++] = (struct elf_note){ offset, size, align == 8 ? 8 : 4 };
}

/* A segment that is no PT_LOAD, one of its kind. */
static void keep_segment(const struct elf *e, const GElf_Phdr *ph, struct elf_segment *s)
{
	if (in_file(e, ph->p_offset, ph->p_filesz))
		*s = (struct elf_segment){ .offset = ph->p_offset, .vaddr = ph->p_vaddr,
					   .file_size = ph->p_filesz, .mem_size = ph->p_memsz };
}

static int read_segments(struct elf *e, Elf *elf)
{
	size_t nr;

	if (elf_getphdrnum(elf, &nr) || nr > ELF_SEGMENTS_MAX)
		return -EBADMSG;
	e->segments = calloc(nr ? nr : 1, sizeof(*e->segments));
	if (!e->segments)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		struct elf_segment *s = &e->segments[e->nr_segments];
		GElf_Phdr ph;

		if (!gelf_getphdr(elf, (int)i, &ph))
			return -EBADMSG;
		if (ph.p_type == PT_NOTE)
			add_note(e, ph.p_offset, ph.p_filesz, ph.p_align);
		if (ph.p_type == PT_GNU_EH_FRAME)
			keep_segment(e, &ph, &e->eh_frame_hdr);
		if (ph.p_type == PT_DYNAMIC)
			keep_segment(e, &ph, &e->dynamic);
		if (ph.p_type != PT_LOAD || ph.p_offset > e->file_size)
			continue;
		s->offset = ph.p_offset;
		s->vaddr = ph.p_vaddr;
		s->file_size = in_file(e, ph.p_offset, ph.p_filesz) ? ph.p_filesz
								    : e->file_size - ph.p_offset;
		s->mem_size = ph.p_memsz;
		s->exec = ph.p_flags & PF_X;
		e->nr_segments++;
	}
	return 0;
}

/* Sections without readable names are still sections. */
static int read_section_names(struct elf *e, Elf *elf)
{
	const struct elf_section *s;
	size_t index;

	if (elf_getshdrstrndx(elf, &index) || index >= e->nr_sections)
		return 0;
	s = &e->sections[index];
	if (s->type != SHT_STRTAB || (s->flags & SHF_COMPRESSED) || s->size > SECTION_NAMES_MAX)
		return 0;
	e->section_names = malloc(s->size + 1);
	if (!e->section_names)
		return -ENOMEM;
	if (elf_read(e, s->offset, e->section_names, s->size))
		return 0;
	e->section_names[s->size] = 0;
	e->section_names_size = s->size;
	return 0;
}

static int read_sections(struct elf *e, Elf *elf)
{
	uint32_t *names = NULL;
	size_t nr;
	int err = -ENOMEM;

	if (elf_getshdrnum(elf, &nr) || nr > ELF_SECTIONS_MAX)
		return -EBADMSG;
	e->sections = calloc(nr ? nr : 1, sizeof(*e->sections));
	names = calloc(nr ? nr : 1, sizeof(*names));
	if (!e->sections || !names)
		goto out;
	for (size_t i = 0; i < nr; i++) {
		struct elf_section *s = &e->sections[i];
		Elf_Scn *scn = elf_getscn(elf, i);
		GElf_Shdr sh;

		s->name = "";
		if (!scn || !gelf_getshdr(scn, &sh) ||
		    (sh.sh_type != SHT_NOBITS && !in_file(e, sh.sh_offset, sh.sh_size)))
			continue;
		names[i] = sh.sh_name;
		s->offset = sh.sh_offset;
		s->addr = sh.sh_addr;
		s->size = sh.sh_size;
		s->entry_size = sh.sh_entsize;
		s->flags = sh.sh_flags;
		s->type = sh.sh_type;
		s->link = sh.sh_link;
		if (s->type == SHT_NOTE && !(s->flags & SHF_COMPRESSED))
			add_note(e, s->offset, s->size, sh.sh_addralign);
	}
	e->nr_sections = (unsigned)nr;
	err = read_section_names(e, elf);
	for (size_t i = 0; i < nr; i++)
		if (names[i] < e->section_names_size)
			e->sections[i].name = e->section_names + names[i];
out:
	free(names);
	return err;
}

int elf_open(struct elf **out, int fd)
{
	struct elf *e = calloc(1, sizeof(*e));
	struct stat st;
	Elf *elf = NULL;
	GElf_Ehdr eh;
	int err;

	if (!e)
		return -ENOMEM;
	e->fd = fd;
	err = fstat(fd, &st) ? -errno : 0;
	if (err)
		goto out;
	e->file_size = st.st_size > 0 ? (uint64_t)st.st_size : 0;
	err = check_claims(e);
	if (err)
		goto out;

	err = -EBADMSG;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &eh))
		goto out;
	e->machine = eh.e_machine;
	e->type = eh.e_type;
	err = read_segments(e, elf);
	if (!err)
		err = read_sections(e, elf);
out:
	elf_end(elf);
	if (err)
		elf_close(e);
	else
		*out = e;
	return err;
}

void elf_forget_sections(struct elf *e)
{
	free(e->sections);
	free(e->section_names);
	e->sections = NULL;
	e->section_names = NULL;
	e->section_names_size = 0;
	e->nr_sections = 0;
}

void elf_close(struct elf *e)
{
	if (!e)
		return;
	elf_forget_sections(e);
	free(e->segments);
	free(e);
}

size_t elf_size(const struct elf *e)
{
	return sizeof(*e) + e->nr_segments * sizeof(*e->segments) +
	       e->nr_sections * sizeof(*e->sections) + e->section_names_size;
}

int elf_fd(const struct elf *e)
{
	return e->fd;
}

uint64_t elf_file_size(const struct elf *e)
{
	return e->file_size;
}

bool elf_is_64(const struct elf *e)
{
	return e->is_64;
}

bool elf_swap(const struct elf *e)
{
	return e->swap;
}

uint16_t elf_machine(const struct elf *e)
{
	return e->machine;
}

uint16_t elf_type(const struct elf *e)
{
	return e->type;
}

unsigned elf_nr_segments(const struct elf *e)
{
	return e->nr_segments;
}

const struct elf_segment *elf_segment(const struct elf *e, unsigned i)
{
	return i < e->nr_segments ? &e->segments[i] : NULL;
}

const struct elf_segment *elf_eh_frame_hdr(const struct elf *e)
{
	return e->eh_frame_hdr.file_size ? &e->eh_frame_hdr : NULL;
}

const struct elf_segment *elf_dynamic(const struct elf *e)
{
	return e->dynamic.file_size ? &e->dynamic : NULL;
}

unsigned elf_nr_sections(const struct elf *e)
{
	return e->nr_sections;
}

const struct elf_section *elf_section(const struct elf *e, unsigned i)
{
	return i < e->nr_sections ? &e->sections[i] : NULL;
}

const struct elf_section *elf_find_section(const struct elf *e, const char *name)
{
	for (unsigned i = 0; i < e->nr_sections; i++)
		if (!strcmp(e->sections[i].name, name))
			return &e->sections[i];
	return NULL;
}

/* Notes: gABI "Note Section"; name and description are each padded to the alignment. */
static unsigned build_id_in(struct reader r, uint64_t align, uint8_t id[ELF_BUILD_ID_MAX])
{
	while (reader_left(&r) && !r.failed) {
		uint32_t name_size = reader_u32(&r), size = reader_u32(&r), type = reader_u32(&r);
		const char *name = reader_bytes(&r, name_size);
		const void *desc;

		reader_skip(&r, -(uint64_t)name_size & (align - 1));
		desc = reader_bytes(&r, size);
		if (!r.failed && type == NT_GNU_BUILD_ID && name_size == 4 &&
		    !memcmp(name, "GNU", 4)) {
			if (!size || size > ELF_BUILD_ID_MAX)
				return 0;
			memcpy(id, desc, size);
			return size;
		}
		reader_skip(&r, -(uint64_t)size & (align - 1));
	}
	return 0;
}

unsigned elf_build_id(struct elf *e, uint8_t id[ELF_BUILD_ID_MAX])
{
	unsigned found = 0;

	for (unsigned i = 0; i < e->nr_notes && !found; i++) {
		const struct elf_note *n = &e->notes[i];
		size_t size = n->size < NOTE_SIZE_MAX ? n->size : NOTE_SIZE_MAX;
		uint8_t *bytes = malloc(size ? size : 1);

		if (bytes && !elf_read(e, n->offset, bytes, size)) {
			struct reader r = reader_of(bytes, size);

			r.swap = e->swap;
			found = build_id_in(r, n->align, id);
		}
		free(bytes);
	}
	return found;
}

char *elf_build_id_hex(const uint8_t *id, unsigned size, char hex[2 * ELF_BUILD_ID_MAX + 1])
{
	hex[0] = 0;
	for (unsigned i = 0; i < size; i++)
		snprintf(hex + 2 * i, 3, "%02x", id[i]);
	return hex;
}

bool elf_vaddr(const struct elf *e, uint64_t offset, uint64_t *vaddr)
{
	const struct elf_segment *found = NULL;

	for (unsigned i = 0; i < e->nr_segments; i++) {
		const struct elf_segment *s = &e->segments[i];

		if (offset >= s->offset && offset - s->offset < s->file_size &&
		    (!found || (s->exec && !found->exec)))
			found = s;
	}
	if (!found)
		return false;
	*vaddr = found->vaddr + (offset - found->offset);
	return true;
}

bool elf_offset(const struct elf *e, uint64_t vaddr, uint64_t size, uint64_t *offset)
{
	for (unsigned i = 0; i < e->nr_segments; i++) {
		const struct elf_segment *s = &e->segments[i];

		if (vaddr >= s->vaddr && vaddr - s->vaddr < s->file_size &&
		    size <= s->file_size - (vaddr - s->vaddr)) {
			*offset = s->offset + (vaddr - s->vaddr);
			return true;
		}
	}
	return false;
}
