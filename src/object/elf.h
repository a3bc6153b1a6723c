/* elf: an ELF file by its descriptor, through libelf with ELF_C_READ (pread: a mapped file that shrinks is SIGBUS). libelf's answers
 * are input too: every offset and size it reports is checked against the file's size. */
#ifndef OBJECT_ELF_H
#define OBJECT_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_SECTIONS_MAX 4096
#define ELF_SEGMENTS_MAX 256

struct elf_segment { /* PT_LOAD */
	uint64_t offset, vaddr, file_size, mem_size;
	bool exec;
};

struct elf_section {
	const char *name; /* "" when it cannot be read */
	uint64_t offset, addr, size, entry_size, flags;
	uint32_t type, link;
};

struct elf;

/* FD stays the caller's and must outlive the struct. 0; -ENOEXEC: no ELF file; -EBADMSG: damaged; -ENOMEM. */
int elf_open(struct elf **out, int fd);
void elf_close(struct elf *e);

int elf_fd(const struct elf *e);
bool elf_is_64(const struct elf *e);
bool elf_swap(const struct elf *e); /* of the other endianness */
uint16_t elf_machine(const struct elf *e);
uint16_t elf_type(const struct elf *e); /* ET_EXEC, ET_DYN, … */
unsigned elf_nr_segments(const struct elf *e);
const struct elf_segment *elf_segment(const struct elf *e, unsigned i);
unsigned elf_nr_sections(const struct elf *e);
const struct elf_section *elf_section(const struct elf *e, unsigned i);
const struct elf_section *elf_find_section(const struct elf *e, const char *name); /* NULL when not there */

/* The GNU build id: bytes in ID, number (0: none). From notes of segments, else of sections. */
unsigned elf_build_id(struct elf *e, uint8_t id[20]);

/* Virtual address of the file offset OFFSET, by the executable segment that holds it (else any). False: in none. */
bool elf_vaddr(const struct elf *e, uint64_t offset, uint64_t *vaddr);

/* Reads SIZE bytes at file offset OFFSET; 0 or negative errno, -EBADMSG past the end of the file. */
int elf_read(const struct elf *e, uint64_t offset, void *p, size_t size);

#endif
