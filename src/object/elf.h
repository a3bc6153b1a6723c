/* elf: the headers of an ELF file by its descriptor, through libelf with ELF_C_READ (pread: a
 * mapped file that shrinks is SIGBUS). libelf's answers are input too: every offset and size it
 * reports is checked against the file's size. Contents of sections are read with elf_read alone:
 * libelf would inflate compressed ones, however large they claim to be. Either class and byte
 * order. */
#ifndef OBJECT_ELF_H
#define OBJECT_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ELF_SECTIONS_MAX 4096
#define ELF_SEGMENTS_MAX 256
#define ELF_BUILD_ID_MAX 20 /* longer ones count as none, as in the kernel */

struct elf_segment { /* PT_LOAD; file_size is cut at the end of the file */
	uint64_t offset, vaddr, file_size, mem_size;
	bool exec;
};

/* A section that reaches past the end of the file has type SHT_NULL and size 0. */
struct elf_section {
	const char *name; /* "" when it cannot be read */
	uint64_t offset, addr, size, entry_size, flags;
	uint32_t type, link;
};

struct elf;

/* FD stays the caller's and must outlive the struct. 0; -ENOEXEC: no ELF file; -EBADMSG: damaged;
 * -ENOMEM; or the errno of reading it. */
int elf_open(struct elf **out, int fd);
void elf_close(struct elf *e);
/* Forgets the sections: what is left serves elf_vaddr, for as long as one likes, and needs no
 * descriptor. */
void elf_forget_sections(struct elf *e);
size_t elf_size(const struct elf *e); /* bytes held */

int elf_fd(const struct elf *e);
uint64_t elf_file_size(const struct elf *e); /* when it was opened */
bool elf_is_64(const struct elf *e);
bool elf_swap(const struct elf *e); /* of the other endianness */
uint16_t elf_machine(const struct elf *e);
uint16_t elf_type(const struct elf *e); /* ET_EXEC, ET_DYN, … */
unsigned elf_nr_segments(const struct elf *e);
const struct elf_segment *elf_segment(const struct elf *e, unsigned i);
const struct elf_segment *elf_eh_frame_hdr(const struct elf *e); /* PT_GNU_EH_FRAME, or NULL */
const struct elf_segment *elf_dynamic(const struct elf *e);      /* PT_DYNAMIC, or NULL */
unsigned elf_nr_sections(const struct elf *e);
const struct elf_section *elf_section(const struct elf *e, unsigned i);
/* NULL when not there. */
const struct elf_section *elf_find_section(const struct elf *e, const char *name);

/* The GNU build id: bytes in ID, number (0: none). From notes of segments, else of sections. */
unsigned elf_build_id(struct elf *e, uint8_t id[ELF_BUILD_ID_MAX]);
/* As profiles write it; returns HEX. */
char *elf_build_id_hex(const uint8_t *id, unsigned size, char hex[2 * ELF_BUILD_ID_MAX + 1]);

/* Virtual address of the file offset OFFSET, by the executable segment that holds it (else any).
 * False: in none. */
bool elf_vaddr(const struct elf *e, uint64_t offset, uint64_t *vaddr);
/* Where in the file the SIZE bytes are that are loaded at VADDR. False: no segment has them all. */
bool elf_offset(const struct elf *e, uint64_t vaddr, uint64_t size, uint64_t *offset);

/* Reads SIZE bytes at file offset OFFSET; 0 or negative errno, -EBADMSG past its end. */
int elf_read(const struct elf *e, uint64_t offset, void *p, size_t size);
/* The contents of the section NAME, uncompressed ones alone, into P, which has room for SIZE bytes.
 * Their size; -ENODATA: there is none; -EBADMSG: it is larger; or as elf_read. */
ssize_t elf_read_section(const struct elf *e, const char *name, void *p, size_t size);

#endif
