/* fde: bounds of functions, as every encoding writes them, and from tables that lie. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <unistd.h>

#include "base/io.h"
#include "object/elf.h"
#include "object/fde.h"
#include "tests/fdegen.h"

static const struct fdegen_function functions[] = {
	{ 0x401000, 0x40 }, { 0x401040, 0x10 }, { 0x401100, 0x80 }, { 0x401200, 0x300 },
};
#define NR (sizeof(functions) / sizeof(functions[0]))

static struct fdegen good(void)
{
	return (struct fdegen){ .functions = functions, .nr = NR };
}

/* The table of G's file, or the error; *FD is to be closed. */
static int open_table(const struct fdegen *g, struct fde_table **t, int *fd)
{
	struct elf *e;
	int err;

	*fd = io_memfd("fde", g->elf.bytes, g->elf.size);
	assert_int_equal(elf_open(&e, *fd), 0);
	err = fde_open(t, e);
	elf_close(e);
	return err;
}

static void assert_opens(const struct fdegen *g, int want)
{
	struct fde_table *t = NULL;
	int fd;

	assert_int_equal(open_table(g, &t, &fd), want);
	fde_free(t);
	close(fd);
}

static void assert_range(struct fde_table *t, int fd, uint64_t at, unsigned i)
{
	struct fde_range r;

	assert_int_equal(fde_find(t, fd, at, &r), 0);
	assert_int_equal(r.start, functions[i].start);
	assert_int_equal(r.size, functions[i].size);
}

static void assert_none(struct fde_table *t, int fd, uint64_t at, int err)
{
	struct fde_range r;

	assert_int_equal(fde_find(t, fd, at, &r), err);
}

static void assert_finds_all(const struct fdegen *g)
{
	struct fde_table *t;
	int fd;

	assert_int_equal(open_table(g, &t, &fd), 0);
	assert_int_equal(fde_nr(t), NR);
	for (unsigned i = 0; i < NR; i++) {
		assert_range(t, fd, functions[i].start, i);
		assert_range(t, fd, functions[i].start + functions[i].size - 1, i);
	}
	assert_none(t, fd, 0, -ENOENT);
	assert_none(t, fd, 0x400fff, -ENOENT);
	assert_none(t, fd, 0x401050, -ENOENT);
	assert_none(t, fd, 0x401180, -ENOENT);
	assert_none(t, fd, 0x401500, -ENOENT);
	assert_none(t, fd, g->elf.is_32 ? UINT32_MAX : UINT64_MAX, -ENOENT);
	assert_true(fde_size(t) > 4096);
	fde_trim(t);
	assert_true(fde_size(t) < 4096);
	assert_range(t, fd, 0x401150, 2);
	fde_free(t);
	close(fd);
}

static void ranges_end_where_the_fde_says(void **state)
{
	struct fdegen g = good();

	(void)state;
	fdegen_make(&g);
	assert_finds_all(&g);
	fde_free(NULL);
}

static void either_class_and_byte_order(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		struct fdegen g = good();

		g.elf.is_32 = i & 1;
		g.elf.big = i & 2;
		g.long_length = i & 4;
		fdegen_make(&g);
		assert_finds_all(&g);
	}
}

static void encodings(void **state)
{
	static const uint8_t all[] = { 0x04, 0x03, 0x0b, 0x0c, 0x1b, 0x1c, 0x3b, 0x01, 0x10 };
	static const char *const letters[] = { "zR", "zRS", "zRB", "zPLR", "zLR", "zR?" };

	(void)state;
	for (unsigned i = 0; i < sizeof(all); i++) {
		for (unsigned k = 0; k < 6; k++) {
			struct fdegen g = good();

			g.encoding = all[i];
			g.letters = letters[k];
			g.version = k & 1 ? 3 : 1;
			fdegen_make(&g);
			assert_finds_all(&g);
		}
	}
	for (unsigned i = 0; i < 2; i++) { /* without 'R' they are plain addresses */
		struct fdegen g = good();

		g.encoding = 0x04;
		g.letters = i ? "z" : "";
		fdegen_make(&g);
		assert_finds_all(&g);
	}
}

static struct fdegen without_table(void)
{
	struct fdegen g = good();

	g.no_table = true;
	return g;
}

static void without_a_table_the_section_is_read(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		struct fdegen g = without_table();

		g.elf.is_32 = i & 1;
		g.elf.big = i & 2;
		g.long_length = i & 4;
		fdegen_make(&g);
		assert_finds_all(&g);
	}
}

/* VALUE at offset AT of a file without a table: how many functions it has then. */
static void assert_scanned(size_t at, uint64_t value, size_t size, unsigned want)
{
	struct fdegen g = without_table();
	struct fde_table *t;
	int fd;

	fdegen_make(&g);
	memcpy(g.elf.bytes + at, &value, size);
	if (!want) {
		assert_opens(&g, -ENODATA);
		return;
	}
	assert_int_equal(open_table(&g, &t, &fd), 0);
	assert_int_equal(fde_nr(t), want);
	assert_range(t, fd, 0x401010, 0);
	fde_free(t);
	close(fd);
}

static void a_damaged_section_is_read_as_far_as_it_goes(void **state)
{
	struct fdegen g = without_table();
	size_t fde, cie;

	(void)state;
	fdegen_make(&g);
	fde = g.fde[2];
	cie = g.cie;
	assert_scanned(fde, 0, 4, 2);              /* the terminator */
	assert_scanned(fde, 4, 4, 2);              /* too short, and what follows is no entry */
	assert_scanned(fde, UINT32_MAX, 4, 2);     /* 64-bit length: out of the section */
	assert_scanned(fde, 0x7fffffff, 4, 3);     /* its end is nowhere */
	assert_scanned(fde + 4, 0, 4, 3);          /* a CIE */
	assert_scanned(fde + 4, 0x10000, 4, 3);    /* its CIE is in front of the section */
	assert_scanned(fde + 12, 0, 4, 3);         /* empty */
	assert_scanned(cie + 8, 2, 1, 0);          /* the only CIE, of an unknown version */
	assert_scanned(cie + 16, 0x3b, 1, 0);      /* relative to what is not there */
	assert_scanned(elfgen_shdr_at(&g.elf, ELFGEN_NOTE) + 4, SHT_NOBITS, 4, 0);
	assert_scanned(elfgen_shdr_at(&g.elf, ELFGEN_NOTE) + 16, 0, 8, 0);
	assert_scanned(elfgen_shdr_at(&g.elf, ELFGEN_NOTE) + 16, UINT64_MAX, 8, 0);
}

/* VALUE at offset AT: what the look-up of 0x401150 says. */
static void assert_damaged(size_t at, uint64_t value, size_t size, int want)
{
	struct fdegen g = good();
	struct fde_table *t;
	int fd;

	fdegen_make(&g);
	memcpy(g.elf.bytes + at, &value, size);
	assert_int_equal(open_table(&g, &t, &fd), 0);
	assert_none(t, fd, 0x401150, want);
	fde_free(t);
	close(fd);
}

static void damaged_entries(void **state)
{
	struct fdegen g = good();
	size_t fde, cie;

	(void)state;
	fdegen_make(&g);
	fde = g.fde[2];
	cie = g.cie;
	assert_damaged(fde, 0, 4, -EBADMSG);                  /* the terminator */
	assert_damaged(fde, 4, 4, -EBADMSG);                  /* no room for addresses */
	assert_damaged(fde, UINT32_MAX, 4, -EBADMSG);         /* 64-bit length: what follows is none */
	assert_damaged(fde + 4, 0, 4, -EBADMSG);              /* a CIE */
	assert_damaged(fde + 4, 0x10000, 4, -EBADMSG);        /* a CIE in front of the segment */
	assert_damaged(fde + 4, 1, 4, -EBADMSG);              /* no CIE */
	assert_damaged(fde + 8, 0x12345678, 4, -ENOENT);      /* another function's */
	assert_damaged(fde + 12, 0, 4, -ENOENT);              /* empty */
	assert_damaged(fde + 12, 0x50, 4, -ENOENT);           /* ends at the address */
	assert_damaged(cie + 4, 1, 4, -EBADMSG);              /* an FDE */
	assert_damaged(cie + 8, 2, 1, -EBADMSG);              /* version */
	assert_damaged(cie + 9, 'e' | 'h' << 8, 2, -EBADMSG); /* gcc 2's */
	assert_damaged(cie + 16, 0x8b, 1, -EBADMSG);          /* indirect */
	assert_damaged(cie + 16, 0x5b, 1, -EBADMSG);          /* relative to nothing known */
	assert_damaged(cie + 16, 0x0f, 1, -EBADMSG);          /* no such format */
	assert_damaged(cie + 16, 0x04, 1, -ENOENT);           /* other addresses */
	assert_damaged(g.table + 2 * 8 + 4, 0x7fffffff, 4, -EBADMSG);
	assert_damaged(g.table + 2 * 8 + 4, 0x80000000, 4, -EBADMSG);
	assert_damaged(g.table + 2 * 8, 0x7fffffff, 4, -ENOENT); /* unsorted */
}

static void tables_that_cannot_be_used(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		int err;
	} cases[] = {
		{ FDEGEN_HDR, 2, -EBADMSG },         { FDEGEN_HDR + 1, 0xff, -EBADMSG },
		{ FDEGEN_HDR + 2, 0xff, -EBADMSG },  { FDEGEN_HDR + 3, 0x1b, -ENODATA },
		{ FDEGEN_HDR + 3, 0xff, -ENODATA },  { FDEGEN_HDR + 6, 0xff, -EBADMSG },
		{ FDEGEN_HDR + 8, 0, -ENODATA },     { FDEGEN_HDR + 8, NR + 1, -EBADMSG },
		{ FDEGEN_HDR + 11, 0xff, -EBADMSG }, { 64 + 2 * 56 + 32, 3, -EBADMSG },
		{ 64 + 2 * 56 + 32, 6, -EBADMSG },   { 64 + 2 * 56, 0, -ENODATA },
		{ 64 + 2 * 56 + 14, 1, -ENODATA },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fdegen g = good();

		fdegen_make(&g);
		g.elf.bytes[cases[i].at] = cases[i].value;
		assert_opens(&g, cases[i].err);
	}
}

static void a_file_that_shrinks(void **state)
{
	struct fdegen g = good();
	struct fde_table *t;
	int fd;

	(void)state;
	fdegen_make(&g);
	assert_int_equal(open_table(&g, &t, &fd), 0);
	assert_int_equal(ftruncate(fd, FDEGEN_FRAME), 0);
	assert_none(t, fd, 0x401150, -EBADMSG);
	fde_trim(t);
	assert_int_equal(ftruncate(fd, 0x1000), 0);
	assert_none(t, fd, 0x401150, -EBADMSG);
	close(fd);
	assert_none(t, fd, 0x401150, -EBADF);
	fde_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_end_where_the_fde_says),
		cmocka_unit_test(either_class_and_byte_order),
		cmocka_unit_test(encodings),
		cmocka_unit_test(without_a_table_the_section_is_read),
		cmocka_unit_test(a_damaged_section_is_read_as_far_as_it_goes),
		cmocka_unit_test(damaged_entries),
		cmocka_unit_test(tables_that_cannot_be_used),
		cmocka_unit_test(a_file_that_shrinks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
