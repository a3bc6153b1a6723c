/* object/elf: headers of files of all kinds, and of files that lie. */
#include "tests/unit/unit.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "object/elf.h"
#include "tests/elfgen.h"

static int open_bytes(struct elf **e, const void *p, size_t size, int *fd)
{
	int err;

	*fd = io_memfd("elf", p, size);
	assert_true(*fd >= 0);
	err = elf_open(e, *fd);
	if (err)
		close(*fd);
	return err;
}

static int open_gen(struct elf **e, struct elfgen *g, int *fd)
{
	return open_bytes(e, g->bytes, g->size, fd);
}

static void check_headers(struct elfgen *g)
{
	const struct elf_section *s;
	struct elf *e;
	uint64_t vaddr;
	uint8_t id[ELF_BUILD_ID_MAX];
	int fd;

	g->build_id_size = 20;
	for (unsigned i = 0; i < 20; i++)
		g->build_id[i] = (uint8_t)(i * 7);
	elfgen_make(g);
	assert_int_equal(open_gen(&e, g, &fd), 0);
	assert_int_equal(elf_fd(e), fd);
	assert_int_equal(elf_is_64(e), !g->is_32);
	assert_int_equal(elf_swap(e), g->big != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__));
	assert_int_equal(elf_type(e), ET_EXEC);
	assert_int_equal(elf_machine(e), EM_X86_64);
	assert_int_equal(elf_nr_segments(e), 2);
	assert_int_equal(elf_segment(e, 1)->vaddr, 0x401000);
	assert_true(elf_segment(e, 1)->exec);
	assert_null(elf_segment(e, 2));
	assert_int_equal(elf_nr_sections(e), ELFGEN_NR);
	assert_null(elf_section(e, ELFGEN_NR));
	s = elf_find_section(e, ".text");
	assert_ptr_equal(s, elf_section(e, ELFGEN_TEXT));
	assert_int_equal(s->addr, 0x401000);
	assert_int_equal(s->flags, SHF_ALLOC | SHF_EXECINSTR);
	assert_null(elf_find_section(e, ".data"));

	assert_int_equal(elf_build_id(e, id), 20);
	assert_memory_equal(id, g->build_id, 20);

	assert_true(elf_vaddr(e, 0x1234, &vaddr));
	assert_int_equal(vaddr, 0x401234);
	assert_true(elf_vaddr(e, 0x10, &vaddr)); /* in a segment that is not executable */
	assert_int_equal(vaddr, 0x400010);
	vaddr = 1;
	assert_false(elf_vaddr(e, 0x2000, &vaddr));
	assert_int_equal(vaddr, 1);
	elf_forget_sections(e);
	assert_int_equal(elf_nr_sections(e), 0);
	assert_true(elf_vaddr(e, 0x1fff, &vaddr));
	elf_close(e);
	close(fd);
}

static void reads_both_classes_and_byte_orders(void **state)
{
	for (unsigned i = 0; i < 4; i++) {
		struct elfgen g = { .is_32 = i & 1, .big = i & 2 };

		check_headers(&g);
	}
}

static void refuses_what_is_no_elf(void **state)
{
	struct elfgen g = { 0 };
	struct elf *e;
	int fd;

	assert_int_equal(open_bytes(&e, "", 0, &fd), -ENOEXEC);
	assert_int_equal(open_bytes(&e, "#!/bin/sh\necho this is not it\n", 30, &fd), -ENOEXEC);
	assert_int_equal(open_bytes(&e, "\177ELF", 4, &fd), -ENOEXEC);
	elfgen_make(&g);
	g.bytes[EI_CLASS] = 3;
	assert_int_equal(open_gen(&e, &g, &fd), -EBADMSG);
	g.bytes[EI_CLASS] = ELFCLASS64;
	assert_int_equal(open_bytes(&e, g.bytes, 40, &fd), -EBADMSG);
	assert_int_equal(elf_open(&e, -1), -EBADF);
}

/* A section that reaches past the end is there, but empty: nobody can read by it. */
static void cuts_what_reaches_past_the_end(void **state)
{
	struct elfgen g = { 0 };
	struct elf *e;
	uint8_t byte;
	int fd;

	elfgen_make(&g);
	memset(g.bytes + elfgen_shdr_at(&g, ELFGEN_SYMTAB) + offsetof(Elf64_Shdr, sh_offset), 0xff,
	       8);
	memset(g.bytes + elfgen_shdr_at(&g, ELFGEN_STRTAB) + offsetof(Elf64_Shdr, sh_size) + 4,
	       0x3f, 4);
	memset(g.bytes + sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr) + offsetof(Elf64_Phdr, p_filesz),
	       0x7f, 8);
	assert_int_equal(open_gen(&e, &g, &fd), 0);
	assert_int_equal(elf_section(e, ELFGEN_SYMTAB)->type, SHT_NULL);
	assert_int_equal(elf_section(e, ELFGEN_SYMTAB)->size, 0);
	assert_int_equal(elf_section(e, ELFGEN_STRTAB)->size, 0);
	assert_int_equal(elf_segment(e, 1)->file_size, g.size - 0x1000);
	assert_int_equal(elf_read(e, g.size - 1, &byte, 1), 0);
	assert_int_equal(elf_read(e, g.size, &byte, 1), -EBADMSG);
	assert_int_equal(elf_read(e, UINT64_MAX, &byte, 1), -EBADMSG);
	assert_int_equal(elf_read(e, 1, &byte, SIZE_MAX), -EBADMSG);
	elf_close(e);
	close(fd);
}

/* e_shnum 0 with a section 0 that claims 2^32 sections of a sparse file: libelf would allocate for
 * them. */
static void refuses_more_sections_than_there_can_be(void **state)
{
	struct elfgen g = { 0 };
	uint64_t claim = UINT32_MAX;
	uint32_t segments = 1u << 30;
	struct elf *e;
	int fd;

	elfgen_make(&g);
	memset(g.bytes + offsetof(Elf64_Ehdr, e_shnum), 0, 2);
	memcpy(g.bytes + elfgen_shdr_at(&g, 0) + offsetof(Elf64_Shdr, sh_size), &claim, 8);
	fd = io_memfd("elf", g.bytes, g.size);
	assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
	assert_int_equal(elf_open(&e, fd), -EBADMSG);
	close(fd);

	elfgen_make(&g);
	memset(g.bytes + offsetof(Elf64_Ehdr, e_shnum), 0xff, 2);
	assert_int_equal(open_gen(&e, &g, &fd), -EBADMSG);

	elfgen_make(&g);
	memset(g.bytes + offsetof(Elf64_Ehdr, e_phnum), 0xff, 2); /* PN_XNUM: section 0's sh_info */
	memcpy(g.bytes + elfgen_shdr_at(&g, 0) + offsetof(Elf64_Shdr, sh_info), &segments, 4);
	fd = io_memfd("elf", g.bytes, g.size);
	assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
	assert_int_equal(elf_open(&e, fd), -EBADMSG);
	close(fd);
}

static void build_ids_that_are_none(void **state)
{
	struct elfgen g = { .build_id_size = 8 };
	uint8_t id[ELF_BUILD_ID_MAX];
	struct elf *e;
	int fd;

	elfgen_make(&g);
	assert_int_equal(open_gen(&e, &g, &fd), 0);
	assert_int_equal(elf_build_id(e, id), 8);
	elf_close(e);
	close(fd);

	/* The description's size reaches past the note. */
	*(uint32_t *)memmem(g.bytes, g.size, "\x08\0\0\0\x03\0\0\0GNU", 11) = 0xfffffff0;
	assert_int_equal(open_gen(&e, &g, &fd), 0);
	assert_int_equal(elf_build_id(e, id), 0);
	elf_close(e);
	close(fd);

	g.build_id_size = 0;
	elfgen_make(&g);
	assert_int_equal(open_gen(&e, &g, &fd), 0);
	assert_int_equal(elf_build_id(e, id), 0);
	elf_close(e);
	close(fd);
}

/* The file may shrink at any time: an error, no signal. */
static void survives_a_file_that_shrinks(void **state)
{
	struct elfgen g = { 0 };
	uint8_t bytes[64];
	struct elf *e;
	int fd;

	elfgen_make(&g);
	assert_int_equal(open_gen(&e, &g, &fd), 0);
	assert_int_equal(ftruncate(fd, 0x1010), 0);
	assert_int_equal(elf_read(e, 0x1000, bytes, sizeof(bytes)), -EBADMSG);
	elf_close(e);
	close(fd);
}

/* Every prefix of a good file: refused or read, never more. */
static void survives_truncation_anywhere(void **state)
{
	struct elfgen g = { .build_id_size = 20 };

	elfgen_make(&g);
	for (size_t size = 0; size < g.size; size += size < 256 || size > g.size - 512 ? 1 : 61) {
		struct elf *e;
		int fd;

		if (open_bytes(&e, g.bytes, size, &fd))
			continue;
		for (unsigned i = 0; i < elf_nr_sections(e); i++)
			assert_true(elf_section(e, i)->offset + elf_section(e, i)->size <= size);
		elf_close(e);
		close(fd);
	}
}

static void reads_its_own_program(void **state)
{
	struct elf *e;
	int fd;

	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_int_equal(elf_open(&e, fd), 0);
	assert_non_null(elf_find_section(e, ".text"));
	assert_true(elf_size(e) > 0);
	elf_close(e);
	close(fd);
	elf_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_both_classes_and_byte_orders),
		cmocka_unit_test(refuses_what_is_no_elf),
		cmocka_unit_test(cuts_what_reaches_past_the_end),
		cmocka_unit_test(refuses_more_sections_than_there_can_be),
		cmocka_unit_test(build_ids_that_are_none),
		cmocka_unit_test(survives_a_file_that_shrinks),
		cmocka_unit_test(survives_truncation_anywhere),
		cmocka_unit_test(reads_its_own_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
