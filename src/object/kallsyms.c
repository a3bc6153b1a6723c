#include "object/kallsyms.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/buf.h"
#include "base/io.h"
#include "object/kallsyms_table.h"
#include "object/radix.h"

#define PIECE_SIZE (64u << 10)
#define LINE_SIZE_MAX 4096
#define KEY_FIRST (UINT32_C(1) << 31) /* key of the first symbol: others are 2 GiB around it */

struct kallsyms {
	uint64_t first, text;
	struct kallsyms_table sorted, loose;
	struct buf modules; /* names; "" first */
	char name[KALLSYMS_NAME_MAX + sizeof(KALLSYMS_PREFIX)];
};

struct line {
	uint64_t address;
	char type;
	const char *name, *module;
	size_t name_size, module_size;
};

struct parser {
	struct kallsyms *k;
	struct kallsyms_pending pending; /* of k->sorted */
	bool any, any_address;
	struct radix_entry *loose; /* key: key and rank, a: name in loose_names, b: module */
	uint32_t nr_loose, loose_cap;
	struct buf loose_names;
	uint32_t module; /* the last one seen */
};

static enum kallsyms_rank rank_of(const struct line *l)
{
	static const char *const ends[] = { "_etext", "_einittext", "__entry_text_end" };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (l->name_size == strlen(ends[i]) && !memcmp(l->name, ends[i], l->name_size))
			return KALLSYMS_MARKER;
	switch (l->type) {
	case 'T': return KALLSYMS_GLOBAL;
	case 'W':
	case 'w': return KALLSYMS_WEAK;
	case 't': return KALLSYMS_LOCAL;
	default: return KALLSYMS_MARKER;
	}
}

/* The module's name in k->modules. A module's symbols follow each other: only the last name is
 * looked at. */
static uint32_t module_of(struct parser *p, const struct line *l)
{
	struct buf *b = &p->k->modules;

	if (!l->module_size)
		return 0;
	if (p->module && !strncmp((char *)b->data + p->module, l->module, l->module_size) &&
	    !b->data[p->module + l->module_size])
		return p->module;
	p->module = (uint32_t)b->size;
	buf_add(b, l->module, l->module_size);
	buf_add(b, "", 1);
	return p->module;
}

static void take(struct parser *p, const struct line *l)
{
	struct kallsyms *k = p->k;
	enum kallsyms_rank rank = rank_of(l);
	size_t name_size = rank == KALLSYMS_MARKER ? 0 : l->name_size;
	uint64_t relative;
	uint32_t key;

	p->any = true;
	p->any_address |= l->address != 0;
	if (l->address < UINT64_C(1) << 63)
		return;
	if (!k->first)
		k->first = l->address;
	if (l->name_size == 5 && !memcmp(l->name, "_text", 5))
		k->text = l->address;
	relative = l->address - k->first + KEY_FIRST;
	if (relative > UINT32_MAX)
		return;
	key = (uint32_t)relative;
	if (name_size >= KALLSYMS_NAME_MAX)
		name_size = KALLSYMS_NAME_MAX - 1;
	if (!l->module_size && (!p->pending.any || key >= p->pending.key)) {
		kallsyms_table_add(&k->sorted, &p->pending, key, rank, 0, l->name, name_size);
		return;
	}
	*array_push(p->loose, p->nr_loose, p->loose_cap) = (struct radix_entry){
		.key = (uint64_t)key << 2 | rank,
		.a = (uint32_t)p->loose_names.size,
		.b = module_of(p, l),
	};
	buf_add(&p->loose_names, l->name, name_size);
	buf_add(&p->loose_names, "", 1);
}

static const char *word_end(const char *s, const char *end)
{
	const uint64_t ones = 0x0101010101010101, blank = ones * (' ' + 1);

	for (uint64_t word; end - s >= 8; s += 8) { /* eight at a time: most of the text is names */
		memcpy(&word, s, 8);
		if ((word - blank) & ~word & ones << 7) /* a byte is blank or a control */
			break;
	}
	while (s < end && (unsigned char)*s > ' ')
		s++;
	return s;
}

/* "ffffffff81000000 T name", then perhaps a tab and "[module]". */
static bool parse_line(struct line *l, const char *s, const char *end)
{
	/* value + 1 */
	static const uint8_t digits[256] = {
		['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
		['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
		['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12,
		['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
	};
	const char *start = s;
	bool bad = false;

	*l = (struct line){ 0 };
	for (; s < end && *s != ' '; s++) {
		unsigned digit = digits[(unsigned char)*s];

		bad |= !digit;
		l->address = l->address << 4 | (digit - 1);
	}
	if (bad || s == start || s - start > 16 || end - s < 4 || s[2] != ' ')
		return false;
	l->type = s[1];
	l->name = s += 3;
	s = word_end(s, end);
	l->name_size = (size_t)(s - l->name);
	if (!l->name_size)
		return false;
	while (s < end && (*s == ' ' || *s == '\t'))
		s++;
	if (s < end && *s == '[') {
		l->module = ++s;
		s = word_end(s, end);
		if (s - l->module < 2 || s[-1] != ']')
			return false;
		l->module_size = (size_t)(s - 1 - l->module);
	}
	return s == end;
}

/* Takes the whole lines of TEXT, with LAST also a last one without its end. Returns the bytes
 * taken, or -EBADMSG. */
static ssize_t feed(struct parser *p, const char *text, size_t size, bool last)
{
	const char *s = text, *end = text + size;

	while (s < end) {
		const char *eol = memchr(s, '\n', (size_t)(end - s));
		struct line l;

		if (!eol && !last)
			break;
		if (!eol)
			eol = end;
		if (eol - s > LINE_SIZE_MAX || !parse_line(&l, s, eol))
			return -EBADMSG;
		take(p, &l);
		s = eol < end ? eol + 1 : end;
	}
	return s - text;
}

static int finish(struct parser *p)
{
	struct kallsyms *k = p->k;
	int err;

	kallsyms_table_commit(&k->sorted, &p->pending);
	if (p->any && !p->any_address)
		return -EACCES;
	if (!k->text)
		return -EBADMSG;
	err = p->nr_loose ? radix_sort(p->loose, p->nr_loose) : 0;
	if (err)
		return err;
	for (uint32_t i = 0; i < p->nr_loose; i++) {
		const struct radix_entry *e = &p->loose[i];
		const char *name = (const char *)p->loose_names.data + e->a;

		kallsyms_table_add(&k->loose, &p->pending, (uint32_t)(e->key >> 2), e->key & 3,
				   e->b, name, strlen(name));
	}
	kallsyms_table_commit(&k->loose, &p->pending);
	kallsyms_table_shrink(&k->sorted);
	kallsyms_table_shrink(&k->loose);
	return 0;
}

static struct parser parser_new(void)
{
	struct parser p = { .k = xcalloc(1, sizeof(*p.k)) };

	buf_add(&p.k->modules, "", 1);
	return p;
}

static int parser_end(struct parser *p, int err, struct kallsyms **out)
{
	if (!err)
		err = finish(p);
	free(p->loose);
	buf_fini(&p->loose_names);
	if (err)
		kallsyms_free(p->k);
	else
		*out = p->k;
	return err;
}

int kallsyms_parse(struct kallsyms **out, const char *text, size_t size)
{
	struct parser p = parser_new();
	ssize_t n = size > KALLSYMS_SIZE_MAX ? -EFBIG : feed(&p, text, size, true);

	return parser_end(&p, n < 0 ? (int)n : 0, out);
}

int kallsyms_open(struct kallsyms **out, int fd)
{
	struct parser p = parser_new();
	char *piece = xmalloc(PIECE_SIZE);
	uint64_t offset = 0;
	size_t held = 0;
	int err = 0;

	for (;;) {
		ssize_t n = io_pread(fd, piece + held, PIECE_SIZE - held, offset), taken;

		if (n >= 0 && (offset += (uint64_t)n) > KALLSYMS_SIZE_MAX)
			n = -EFBIG;
		taken = n < 0 ? n : feed(&p, piece, held + (size_t)n, !n);
		if (taken < 0) {
			err = (int)taken;
			break;
		}
		if (!n)
			break;
		held += (size_t)(n - taken);
		memmove(piece, piece + taken, held);
		if (held == PIECE_SIZE) { /* no line is so long */
			err = -EBADMSG;
			break;
		}
	}
	free(piece);
	return parser_end(&p, err, out);
}

void kallsyms_free(struct kallsyms *k)
{
	if (!k)
		return;
	kallsyms_table_fini(&k->sorted);
	kallsyms_table_fini(&k->loose);
	buf_fini(&k->modules);
	free(k);
}

size_t kallsyms_size(const struct kallsyms *k)
{
	return sizeof(*k) + kallsyms_table_size(&k->sorted) + kallsyms_table_size(&k->loose) +
	       k->modules.cap;
}

uint32_t kallsyms_nr(const struct kallsyms *k)
{
	return k->sorted.nr + k->loose.nr;
}

uint64_t kallsyms_text(const struct kallsyms *k)
{
	return k->text;
}

int kallsyms_find(struct kallsyms *k, int64_t relative, struct kallsyms_symbol *sym)
{
	uint64_t key = (uint64_t)relative + (k->text - k->first) + KEY_FIRST;
	const struct kallsyms_table *t = &k->sorted;
	uint32_t i, loose;
	const char *name;

	if (key > UINT32_MAX)
		return -ENOENT;
	i = kallsyms_table_find(t, (uint32_t)key);
	loose = kallsyms_table_find(&k->loose, (uint32_t)key);
	if (loose && (!i || k->loose.keys[loose - 1] > t->keys[i - 1])) {
		t = &k->loose;
		i = loose;
	}
	if (!i-- || key - t->keys[i] >= KALLSYMS_FUNCTION_MAX)
		return -ENOENT;
	name = kallsyms_table_name(t, i, k->name);
	if (!*name)
		return -ENOENT;
	*sym = (struct kallsyms_symbol){
		.start = relative - (int64_t)(key - t->keys[i]),
		.name = name,
		.module = (const char *)k->modules.data + kallsyms_table_module(t, i),
	};
	return 0;
}
