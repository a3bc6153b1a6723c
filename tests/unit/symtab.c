/* object/symtab: which symbol covers an address, under which name. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "object/elf.h"
#include "object/radix.h"
#include "object/strings.h"
#include "object/symtab.h"
#include "tests/elfgen.h"

#define INFO(bind, type) ELF64_ST_INFO(STB_##bind, STT_##type)
#define NR(a) (sizeof(a) / sizeof((a)[0]))

static int open_gen(struct symtab **t, struct elfgen *g, int *fd)
{
	struct elf *e;
	int err;

	*fd = io_memfd("symtab", g->bytes, g->size);
	err = elf_open(&e, *fd);
	if (!err) {
		err = symtab_open(t, e);
		elf_close(e);
	}
	if (err)
		close(*fd);
	return err;
}

static int make(struct symtab **t, struct elfgen *g, const struct elfgen_symbol *symbols, size_t nr,
		int *fd)
{
	g->symbols = symbols;
	g->nr_symbols = (unsigned)nr;
	elfgen_make(g);
	return open_gen(t, g, fd);
}

static void assert_name(struct symtab *t, int fd, uint64_t vaddr, const char *name)
{
	struct symbol s = { 0 };
	int err = symtab_find(t, fd, vaddr, &s);

	if (!name) {
		assert_int_equal(err, -ENOENT);
		return;
	}
	assert_int_equal(err, 0);
	assert_string_equal(s.name, name);
	assert_true(vaddr >= s.start && vaddr - s.start < s.size);
}

static void finds_functions_to_their_end(void **state)
{
	static const struct elfgen_symbol symbols[] = {
		{ "second", 0x401100, 0x20, INFO(LOCAL, FUNC), 0, 0 },
		{ "first", 0x401010, 0x40, INFO(GLOBAL, FUNC), 0, 0 },
		{ "resolver", 0x401200, 8, INFO(GLOBAL, GNU_IFUNC), 0, 0 },
		{ "data", 0x401060, 0x40, INFO(GLOBAL, OBJECT), 0, 0 },
		{ "tls", 0x401060, 0x40, INFO(GLOBAL, TLS), 0, 0 },
		{ "undefined", 0x401060, 0x40, INFO(GLOBAL, FUNC), 0xfffe, 0 },
		{ "zero", 0, 0x40, INFO(GLOBAL, FUNC), 0, 0 },
		{ "versioned@@V_1.2", 0x401300, 4, INFO(GLOBAL, FUNC), 0, 0 },
	};

	for (unsigned i = 0; i < 8; i++) {
		struct elfgen g = { .is_32 = i & 1, .big = i & 2, .dynsym = i & 4 };
		struct symtab *t;
		int fd;

		assert_int_equal(make(&t, &g, symbols, NR(symbols), &fd), 0);
		assert_int_equal(symtab_nr(t), 4);
		assert_name(t, fd, 0x40100f, NULL);
		assert_name(t, fd, 0x401010, "first");
		assert_name(t, fd, 0x40104f, "first");
		assert_name(t, fd, 0x401050, NULL);
		assert_name(t, fd, 0x401060, NULL);
		assert_name(t, fd, 0x40111f, "second");
		assert_name(t, fd, 0x401120, NULL);
		assert_name(t, fd, 0x401207, "resolver");
		assert_name(t, fd, 0x401302, "versioned");
		assert_name(t, fd, 0, NULL);
		assert_name(t, fd, UINT64_MAX, NULL);
		assert_true(symtab_size(t) > 4096); /* names are cached */
		symtab_trim(t);
		assert_name(t, fd, 0x401302, "versioned");
		symtab_free(t);
		close(fd);
	}
}

static void alias_rule(void **state)
{
	static const struct elfgen_symbol symbols[] = {
		/* bindings, the later the better */
		{ "local", 0x401000, 8, INFO(LOCAL, FUNC), 0, 0 },
		{ "weak", 0x401000, 8, INFO(WEAK, FUNC), 0, 0 },
		{ "__global", 0x401000, 8, INFO(GLOBAL, FUNC), 0, 0 },
		/* fewest underscores */
		{ "_a", 0x401010, 8, INFO(GLOBAL, FUNC), 0, 0 },
		{ "long_name", 0x401010, 8, INFO(GLOBAL, FUNC), 0, 0 },
		{ "__a", 0x401010, 8, INFO(GLOBAL, FUNC), 0, 0 },
		/* shortest */
		{ "write_all", 0x401020, 8, INFO(WEAK, FUNC), 0, 0 },
		{ "write", 0x401020, 8, INFO(WEAK, FUNC), 0, 0 },
		/* bytes */
		{ "_ZC2", 0x401030, 8, INFO(WEAK, FUNC), 0, 0 },
		{ "_ZC1", 0x401030, 8, INFO(WEAK, FUNC), 0, 0 },
		/* the largest size counts, whose name it is does not matter */
		{ "big", 0x401040, 0, INFO(GLOBAL, FUNC), 0, 0 },
		{ "bigger", 0x401040, 0x100, INFO(LOCAL, FUNC), 0, 0 },
		/* a function's name over a label's */
		{ "label", 0x401200, 0, INFO(GLOBAL, NOTYPE), 0, 0 },
		{ "__function", 0x401200, 0x10, INFO(LOCAL, FUNC), 0, 0 },
	};
	struct elfgen_symbol mixed[NR(symbols)];

	for (unsigned turn = 0; turn < NR(symbols); turn++) { /* whatever the file's order */
		struct elfgen g = { 0 };
		struct symtab *t;
		struct symbol a, b;
		int fd;

		for (unsigned i = 0; i < NR(symbols); i++)
			mixed[i] = symbols[(i * 5 + turn) % NR(symbols)];
		assert_int_equal(make(&t, &g, mixed, NR(mixed), &fd), 0);
		assert_name(t, fd, 0x401004, "__global");
		assert_name(t, fd, 0x401014, "long_name");
		assert_name(t, fd, 0x401024, "write");
		assert_name(t, fd, 0x401034, "_ZC1");
		assert_name(t, fd, 0x401034, "_ZC1"); /* asked again */
		assert_name(t, fd, 0x40113f, "big");
		assert_name(t, fd, 0x401208, "__function");
		assert_int_equal(symtab_lookup(t, 0x401010, &a), 0);
		assert_int_equal(symtab_lookup(t, 0x401017, &b), 0);
		assert_int_equal(a.index, b.index);
		assert_null(a.name);
		symtab_free(t);
		close(fd);
	}
}

static void labels_of_assembly(void **state)
{
	static const struct elfgen_symbol symbols[] = {
		{ "_start", 0x401000, 0, INFO(GLOBAL, NOTYPE), 0, 0 },
		{ "loop", 0x401040, 0, INFO(LOCAL, NOTYPE), 0, 0 },
		{ "hidden", 0x401060, 0, INFO(GLOBAL, NOTYPE), 0, STV_HIDDEN },
		{ "absolute", 0x401070, 0, INFO(GLOBAL, NOTYPE), SHN_ABS, 0 },
		{ "in_strings", 0x401080, 0, INFO(GLOBAL, NOTYPE), ELFGEN_STRTAB, 0 },
		{ "function", 0x401100, 0x100, INFO(GLOBAL, FUNC), 0, 0 },
		{ "inside", 0x401180, 0, INFO(GLOBAL, NOTYPE), 0, 0 },
		{ "last", 0x401ff0, 0, INFO(GLOBAL, FUNC), 0, 0 },
		{ "outside", 0x500000, 0, INFO(GLOBAL, FUNC), 0, 0 },
	};
	struct elfgen g = { 0 };
	struct symtab *t;
	int fd;

	assert_int_equal(make(&t, &g, symbols, NR(symbols), &fd), 0);
	assert_name(t, fd, 0x40103f, "_start");
	assert_name(t, fd, 0x401090, "loop"); /* up to the next symbol */
	assert_name(t, fd, 0x401190, "function");
	assert_name(t, fd, 0x401200, NULL);
	assert_name(t, fd, 0x401fff, "last");
	assert_name(t, fd, 0x402000, NULL); /* the section ends */
	assert_name(t, fd, 0x500000 + SYMTAB_UNSIZED_MAX - 1, "outside");
	assert_name(t, fd, 0x500000 + SYMTAB_UNSIZED_MAX, NULL);
	symtab_free(t);
	close(fd);

	g = (struct elfgen){ .machine = EM_AARCH64 };
	assert_int_equal(make(&t, &g, symbols, NR(symbols), &fd), 0);
	assert_name(t, fd, 0x401048, "_start"); /* local labels are mapping symbols there */
	symtab_free(t);
	close(fd);
}

static void nested_functions(void **state)
{
	static const struct elfgen_symbol symbols[] = {
		{ "outer", 0x401000, 0x100, INFO(GLOBAL, FUNC), 0, 0 },
		{ "inner", 0x401040, 0x10, INFO(GLOBAL, FUNC), 0, 0 },
	};
	struct elfgen g = { 0 };
	struct symtab *t;
	int fd;

	assert_int_equal(make(&t, &g, symbols, NR(symbols), &fd), 0);
	assert_name(t, fd, 0x40103f, "outer");
	assert_name(t, fd, 0x401048, "inner");
	assert_name(t, fd, 0x401050, "outer");
	assert_name(t, fd, 0x401100, NULL);
	symtab_free(t);
	close(fd);
}

static void thumb_bit_is_no_address(void **state)
{
	static const struct elfgen_symbol symbols[] = { { "thumb", 0x401001, 0x10,
							  INFO(GLOBAL, FUNC), 0, 0 } };
	struct elfgen g = { .is_32 = true, .machine = EM_ARM };
	struct symtab *t;
	int fd;

	assert_int_equal(make(&t, &g, symbols, 1, &fd), 0);
	assert_name(t, fd, 0x401000, "thumb");
	symtab_free(t);
	close(fd);
}

/* Very many aliases, sizes and addresses at the limits of 64 bits, names past the table. */
static void hostile_symbols(void **state)
{
	static struct elfgen_symbol symbols[ELFGEN_SYMBOLS];
	struct elfgen g = { 0 };
	struct symtab *t;
	struct symbol s;
	uint64_t huge = UINT64_C(48) << 30;
	int fd;

	for (unsigned i = 0; i < ELFGEN_SYMBOLS; i++)
		symbols[i] = (struct elfgen_symbol){ "x",
						     i < 60 ? 0x401000 : UINT64_MAX - i,
						     i < 60 ? 1 : UINT64_MAX,
						     INFO(GLOBAL, FUNC),
						     0,
						     0 };
	symbols[59].value = UINT64_C(0x0fffffffffffffff);
	symbols[59].size = UINT64_MAX;
	assert_int_equal(make(&t, &g, symbols, NR(symbols), &fd), 0);
	assert_name(t, fd, 0x401000, "x");
	assert_name(t, fd, UINT64_MAX, NULL);
	assert_int_equal(symtab_lookup(t, UINT64_C(0x0fffffffffffffff) + UINT32_MAX - 1, &s), 0);
	symtab_free(t);
	close(fd);

	/* A string table of which only the beginning is in the file's section: no NUL. */
	symbols[0] = (struct elfgen_symbol){ "name", 0x401000, 16, INFO(GLOBAL, FUNC), 0, 0 };
	g.nr_symbols = 1;
	elfgen_make(&g);
	g.bytes[elfgen_shdr_at(&g, ELFGEN_STRTAB) + offsetof(Elf64_Shdr, sh_size)] = 4;
	assert_int_equal(open_gen(&t, &g, &fd), 0);
	assert_name(t, fd, 0x401000, "nam");
	assert_int_equal(ftruncate(fd, 0x1000),
			 0); /* names that were read stay, others are an error */
	symtab_trim(t);
	assert_int_equal(symtab_find(t, fd, 0x401000, &s), -EBADMSG);
	symtab_free(t);
	close(fd);

	/* A symbol table of 48 GiB in a sparse file. */
	elfgen_make(&g);
	memcpy(g.bytes + elfgen_shdr_at(&g, ELFGEN_SYMTAB) + offsetof(Elf64_Shdr, sh_size), &huge,
	       8);
	fd = io_memfd("symtab", g.bytes, g.size);
	assert_int_equal(ftruncate(fd, (off_t)64 << 30), 0);
	{
		struct elf *e;

		assert_int_equal(elf_open(&e, fd), 0);
		assert_int_equal(symtab_open(&t, e), -EFBIG);
		elf_close(e);
	}
	close(fd);
}

static void tables_that_cannot_be_used(void **state)
{
	static const struct elfgen_symbol symbols[] = { { "f", 0x401000, 0x10, INFO(GLOBAL, FUNC),
							  0, 0 } };
	static const struct {
		unsigned section;
		size_t field;
		uint8_t value;
	} damage[] = {
		{ ELFGEN_SYMTAB, offsetof(Elf64_Shdr, sh_link), 77 },
		{ ELFGEN_SYMTAB, offsetof(Elf64_Shdr, sh_link), ELFGEN_TEXT },
		{ ELFGEN_SYMTAB, offsetof(Elf64_Shdr, sh_flags) + 1, SHF_COMPRESSED >> 8 },
		{ ELFGEN_STRTAB, offsetof(Elf64_Shdr, sh_flags) + 1, SHF_COMPRESSED >> 8 },
		{ ELFGEN_STRTAB, offsetof(Elf64_Shdr, sh_size), 1 },
		{ ELFGEN_SYMTAB, offsetof(Elf64_Shdr, sh_size), 23 },
	};
	struct elfgen g = { .symbols = symbols, .nr_symbols = 1 };
	struct symtab *t;
	int fd;

	for (unsigned i = 0; i < NR(damage); i++) {
		elfgen_make(&g);
		g.bytes[elfgen_shdr_at(&g, damage[i].section) + damage[i].field] = damage[i].value;
		assert_int_equal(open_gen(&t, &g, &fd), -ENODATA);
	}
	g.nr_symbols = 0;
	elfgen_make(&g);
	assert_int_equal(open_gen(&t, &g, &fd), -ENODATA);
	symtab_free(NULL);
}

static void sorts_any_keys(void **state)
{
	enum { NUMBER = 5000 };
	struct radix_entry *e = calloc(NUMBER, sizeof(*e));
	uint64_t x = 88172645463325252u;

	for (unsigned bits = 1; bits <= 64; bits += 9) {
		for (uint32_t i = 0; i < NUMBER; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			e[i] = (struct radix_entry){ .key = x >> (64 - bits), .a = i };
		}
		assert_int_equal(radix_sort(e, NUMBER), 0);
		for (uint32_t i = 1; i < NUMBER; i++)
			assert_true(e[i - 1].key < e[i].key ||
				    (e[i - 1].key == e[i].key && e[i - 1].a < e[i].a));
	}
	free(e);
	assert_int_equal(radix_sort(NULL, 0), 0);
}

static void reads_strings_across_blocks(void **state)
{
	enum { SIZE = 3 * 4096 };
	static char bytes[SIZE];
	struct strings s = strings_of(100, SIZE - 100);
	char out[SIZE];
	int fd;

	memset(bytes, 'x', SIZE);
	bytes[100 + 4000] = 0;
	bytes[100 + 9000] = 0;
	fd = io_memfd("strings", bytes, SIZE);
	assert_int_equal(strings_get(&s, fd, 0, out, sizeof(out)), 4000);
	assert_int_equal(strings_get(&s, fd, 4001, out, sizeof(out)), 4999);
	assert_int_equal(strings_get(&s, fd, 4001, out, 10), 9);
	assert_string_equal(out, "xxxxxxxxx");
	assert_int_equal(strings_get(&s, fd, 9001, out, sizeof(out)),
			 SIZE - 100 - 9001); /* no NUL: the range's end */
	assert_int_equal(strings_get(&s, fd, SIZE - 100, out, sizeof(out)), -EBADMSG);
	strings_trim(&s);
	assert_int_equal(s.blocks.held, 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_functions_to_their_end), cmocka_unit_test(alias_rule),
		cmocka_unit_test(labels_of_assembly),           cmocka_unit_test(nested_functions),
		cmocka_unit_test(thumb_bit_is_no_address),      cmocka_unit_test(hostile_symbols),
		cmocka_unit_test(tables_that_cannot_be_used),   cmocka_unit_test(sorts_any_keys),
		cmocka_unit_test(reads_strings_across_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
