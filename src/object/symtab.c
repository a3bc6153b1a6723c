#include "object/symtab.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/mem.h"
#include "base/reader.h"
#include "object/elf.h"
#include "object/radix.h"
#include "object/strings.h"

#define ADDRESS_MAX (UINT64_C(1) << 60)
#define PIECE_SIZE (60u << 10) /* a multiple of both symbols' sizes */
#define ALIASES_MAX 64         /* of one address; more are dropped in the file's order */
#define NESTING_MAX 64         /* entries looked at behind a symbol that ends before the address */

_Static_assert(PIECE_SIZE % sizeof(Elf64_Sym) == 0 && PIECE_SIZE % sizeof(Elf32_Sym) == 0,
	       "whole symbols");

/* An entry's key is the address and, below it, four bits: while the table is built the symbol's
 * rank (the smaller, the better), so that sorting by key puts the best alias first; afterwards
 * these marks. */
#define KEY_BITS 4
#define RANK_LOCAL 2u /* 0 global, 1 weak */
#define RANK_LABEL 8u
#define KEY_ALIAS 1u  /* the entry before has the same address */
#define KEY_CHOSEN 2u /* the alias rule has been applied: the entry has the best name */
#define KEY_GUESSED 4u /* the file gives no size */

struct symtab {
	struct radix_entry *entries; /* a: size, b: offset of the name */
	uint32_t nr;
	bool whole;
	struct strings names;
	char *name; /* SYMTAB_NAME_MAX bytes once one has been asked for */
};

/* What one symbol table is read with. */
struct source {
	struct elf *elf;
	const struct elf_section *symbols, *strings;
	uint32_t cap;
};

static uint64_t address_of(const struct radix_entry *e)
{
	return e->key >> KEY_BITS;
}

struct raw_symbol {
	uint32_t name;
	uint8_t info, other;
	uint16_t section;
	uint64_t value, size;
};

static struct raw_symbol decode(struct reader *r, bool is_64)
{
	struct raw_symbol s = { .name = reader_u32(r) };

	if (!is_64) {
		s.value = reader_u32(r);
		s.size = reader_u32(r);
	}
	s.info = reader_u8(r);
	s.other = reader_u8(r);
	s.section = reader_u16(r);
	if (is_64) {
		s.value = reader_u64(r);
		s.size = reader_u64(r);
	}
	return s;
}

static bool is_label(const struct source *src, const struct raw_symbol *s)
{
	const struct elf_section *section = elf_section(src->elf, s->section);
	unsigned visibility = ELF64_ST_VISIBILITY(s->other);
	uint16_t machine = elf_machine(src->elf);

	if (!section || !(section->flags & SHF_EXECINSTR) || visibility == STV_HIDDEN ||
	    visibility == STV_INTERNAL)
		return false;
	/* There local labels are mapping symbols ($x, $d): not names of code but marks in it. */
	return ELF64_ST_BIND(s->info) != STB_LOCAL ||
	       (machine != EM_ARM && machine != EM_AARCH64 && machine != EM_RISCV);
}

/* The symbol's rank, or -1 when it names no function. */
static int rank_of(const struct source *src, const struct raw_symbol *s)
{
	unsigned type = ELF64_ST_TYPE(s->info), bind = ELF64_ST_BIND(s->info), rank = 0;

	if (s->section == SHN_UNDEF || !s->value || s->value >= ADDRESS_MAX || !s->name ||
	    s->name >= src->strings->size)
		return -1;
	if (type == STT_NOTYPE && is_label(src, s))
		rank = RANK_LABEL;
	else if (type != STT_FUNC && type != STT_GNU_IFUNC)
		return -1;
	return (int)(rank | (bind == STB_LOCAL ? RANK_LOCAL : bind == STB_WEAK));
}

static int add(struct symtab *t, struct source *src, const struct raw_symbol *s, unsigned rank)
{
	/* The lowest bit of an ARM function's value says Thumb. */
	uint64_t value = elf_machine(src->elf) == EM_ARM ? s->value & ~UINT64_C(1) : s->value;
	struct radix_entry *e;

	if (t->nr == SYMTAB_SYMBOLS_MAX)
		return -EFBIG;
	e = array_try_push(t->entries, t->nr, src->cap);
	if (!e)
		return -ENOMEM;
	*e = (struct radix_entry){
		.key = value << KEY_BITS | rank,
		.a = s->size > UINT32_MAX ? UINT32_MAX : (uint32_t)s->size,
		.b = s->name,
	};
	return 0;
}

static int read_symbols(struct symtab *t, struct source *src)
{
	bool is_64 = elf_is_64(src->elf);
	size_t symbol_size = is_64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	uint64_t left = src->symbols->size - src->symbols->size % symbol_size,
		 offset = src->symbols->offset;
	uint8_t *piece = malloc(PIECE_SIZE);
	int err = piece ? 0 : -ENOMEM;

	while (left && !err) {
		size_t size = left < PIECE_SIZE ? left : PIECE_SIZE;
		struct reader r = reader_of(piece, size);

		r.swap = elf_swap(src->elf);
		err = elf_read(src->elf, offset, piece, size);
		while (!err && reader_left(&r)) {
			struct raw_symbol s = decode(&r, is_64);
			int rank = rank_of(src, &s);

			if (rank >= 0)
				err = add(t, src, &s, (unsigned)rank);
		}
		offset += size;
		left -= size;
	}
	free(piece);
	return err;
}

/* Where code at ADDRESS can reach at most: its section's end, or the next section when it is in
 * none. */
static uint64_t section_end(const struct elf *e, uint64_t address)
{
	uint64_t next = UINT64_MAX;

	for (unsigned i = 0; i < elf_nr_sections(e); i++) {
		const struct elf_section *s = elf_section(e, i);

		if (!(s->flags & SHF_ALLOC))
			continue;
		if (address >= s->addr && address - s->addr < s->size)
			return s->size < UINT64_MAX - s->addr ? s->addr + s->size : UINT64_MAX;
		if (s->addr > address && s->addr < next)
			next = s->addr;
	}
	return next;
}

/* Size of an unsized symbol: up to NEXT or its section's end. *END is what section_end said of the
 * one before: a search for each would let a file of many sections and symbols cost their product.
 */
static uint32_t unsized(const struct elf *e, uint64_t address, uint64_t next, uint64_t *end)
{
	uint64_t size;

	if (address >= *end)
		*end = section_end(e, address);
	size = (next < *end ? next : *end) - address;
	return size < SYMTAB_UNSIZED_MAX ? (uint32_t)size : SYMTAB_UNSIZED_MAX;
}

/* Makes the index of the sorted symbols, in place: of each address only the symbols of the best
 * rank stay, all with the largest size there; labels inside functions go. */
static void build_index(struct symtab *t, const struct elf *elf)
{
	struct radix_entry *e = t->entries;
	uint64_t covered = 0, end = 0;
	uint32_t out = 0, first, next;

	for (first = 0; first < t->nr; first = next) {
		uint64_t address = address_of(&e[first]), key = e[first].key;
		uint32_t size = 0, start = out, guessed = 0;

		for (next = first; next < t->nr && address_of(&e[next]) == address; next++)
			if (e[next].a > size)
				size = e[next].a;
		if ((key & RANK_LABEL) && address < covered)
			continue;
		if (!(key & RANK_LABEL) && address + size > covered)
			covered = address + size;
		if (!size) {
			size = unsized(elf, address,
				       next < t->nr ? address_of(&e[next]) : UINT64_MAX, &end);
			guessed = KEY_GUESSED;
		}
		for (uint32_t i = first; i < next && e[i].key == key && out - start < ALIASES_MAX;
		     i++, out++)
			e[out] = (struct radix_entry){ address << KEY_BITS | guessed |
							       (out > start ? KEY_ALIAS : 0),
						       size, e[i].b };
	}
	t->nr = out;
}

static int open_source(struct symtab *t, struct source *src)
{
	void *p;
	int err;

	if (src->symbols->size > SYMTAB_BYTES_MAX)
		return -EFBIG;
	t->names = strings_of(src->strings->offset, src->strings->size);
	err = read_symbols(t, src);
	if (!err && !t->nr)
		err = -ENODATA;
	if (!err)
		err = radix_sort(t->entries, t->nr);
	if (err)
		return err;
	build_index(t, src->elf);
	p = reallocarray(t->entries, t->nr, sizeof(*t->entries));
	if (p)
		t->entries = p;
	return 0;
}

/* The first usable section of TYPE. More than one would let a file have the same bytes read any
 * number of times. */
static bool find_source(struct elf *e, uint32_t type, struct source *src)
{
	for (unsigned i = 0; i < elf_nr_sections(e); i++) {
		const struct elf_section *s = elf_section(e, i), *strings = elf_section(e, s->link);

		if (s->type == type && s->size && strings && strings->type == SHT_STRTAB &&
		    !((s->flags | strings->flags) & SHF_COMPRESSED)) {
			*src = (struct source){ .elf = e, .symbols = s, .strings = strings };
			return true;
		}
	}
	return false;
}

int symtab_open(struct symtab **out, struct elf *e)
{
	static const uint32_t types[] = { SHT_SYMTAB, SHT_DYNSYM };
	struct symtab *t = calloc(1, sizeof(*t));
	int err = -ENODATA;

	if (!t)
		return -ENOMEM;
	for (size_t i = 0; i < 2 && err == -ENODATA; i++) {
		struct source src;

		if (find_source(e, types[i], &src))
			err = open_source(t, &src);
		t->whole = types[i] == SHT_SYMTAB;
	}
	if (err)
		symtab_free(t);
	else
		*out = t;
	return err;
}

void symtab_free(struct symtab *t)
{
	if (!t)
		return;
	symtab_trim(t);
	free(t->entries);
	free(t);
}

void symtab_trim(struct symtab *t)
{
	strings_trim(&t->names);
	free(t->name);
	t->name = NULL;
}

size_t symtab_size(const struct symtab *t)
{
	return sizeof(*t) + t->nr * sizeof(*t->entries) + t->names.blocks.held;
}

uint32_t symtab_nr(const struct symtab *t)
{
	return t->nr;
}

bool symtab_is_whole(const struct symtab *t)
{
	return t->whole;
}

int symtab_lookup(const struct symtab *t, uint64_t vaddr, struct symbol *sym)
{
	const struct radix_entry *e = t->entries;
	uint32_t low = array_partition(e, t->nr, at, address_of(at) <= vaddr);

	for (uint32_t i = low, steps = 0; i-- > 0 && steps < NESTING_MAX + ALIASES_MAX; steps++) {
		if ((e[i].key & KEY_ALIAS) || vaddr - address_of(&e[i]) >= e[i].a)
			continue;
		*sym = (struct symbol){
			.start = address_of(&e[i]),
			.size = e[i].a,
			.index = i,
			.guessed = e[i].key & KEY_GUESSED,
		};
		return 0;
	}
	return -ENOENT;
}

/* Reads the name at POS of the string table, without its version. */
static int read_name(struct symtab *t, int fd, uint32_t pos, char name[SYMTAB_NAME_MAX])
{
	int length = strings_get(&t->names, fd, pos, name, SYMTAB_NAME_MAX);
	char *at;

	if (length < 0)
		return length;
	at = length ? memchr(name + 1, '@', (size_t)length) : NULL;
	if (at)
		*at = 0;
	return 0;
}

static bool is_better(const char *a, const char *b)
{
	size_t a_under = strspn(a, "_"), b_under = strspn(b, "_"), a_length = strlen(a),
	       b_length = strlen(b);

	if (!a_length || !b_length)
		return a_length > b_length;
	if (a_under != b_under)
		return a_under < b_under;
	if (a_length != b_length)
		return a_length < b_length;
	return strcmp(a, b) < 0;
}

/* Applies the alias rule to the symbols that begin where entry FIRST does; its own name is in
 * t->name. */
static int choose_alias(struct symtab *t, int fd, uint32_t first)
{
	struct radix_entry *e = t->entries;
	char other[SYMTAB_NAME_MAX];

	for (uint32_t i = first + 1; i < t->nr && (e[i].key & KEY_ALIAS); i++) {
		int err = read_name(t, fd, e[i].b, other);

		if (err)
			return err;
		if (is_better(other, t->name)) {
			uint32_t name = e[first].b;

			e[first].b = e[i].b;
			e[i].b = name;
			strcpy(t->name, other);
		}
	}
	e[first].key |= KEY_CHOSEN;
	return 0;
}

int symtab_name(struct symtab *t, int fd, struct symbol *sym)
{
	const struct radix_entry *e = &t->entries[sym->index];
	int err;

	if (!t->name)
		t->name = xmalloc(SYMTAB_NAME_MAX);
	err = read_name(t, fd, e->b, t->name);
	if (!err && !(e->key & KEY_CHOSEN))
		err = choose_alias(t, fd, sym->index);
	if (!err)
		sym->name = t->name;
	return err;
}

int symtab_find(struct symtab *t, int fd, uint64_t vaddr, struct symbol *sym)
{
	int err = symtab_lookup(t, vaddr, sym);

	return err ? err : symtab_name(t, fd, sym);
}
