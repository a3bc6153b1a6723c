#include "object/kallsyms.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/buf.h"
#include "base/io.h"
#include "object/radix.h"

#define PIECE_SIZE (64u << 10)
#define LINE_SIZE_MAX 4096
#define BLOCK_SIZE 16 /* names found from one stored offset */
#define KEY_TEXT (UINT32_C(1) << 31)
#define PREFIX "__pfx_"
/* A name alone: PREFIX and the next symbol's name, as the kernel has for each function. */
#define PREFIX_MARK '\1'

/* Ranks of the alias rule; a marker ends the function before it (data, _etext) and has no name. */
enum rank { RANK_GLOBAL, RANK_WEAK, RANK_LOCAL, RANK_MARKER };

struct run { /* from symbol FIRST on, symbols belong to the module whose name is at MODULE */
	uint32_t first, module;
};

struct table {
	uint32_t nr, keys_cap, nr_blocks, blocks_cap, nr_runs, runs_cap;
	uint32_t *keys;   /* KEY_TEXT: the first symbol's address; sorted */
	uint32_t *blocks; /* offset in names of every BLOCK_SIZEth symbol */
	struct run *runs;
	struct buf names;
	uint32_t last_name; /* offset of the last symbol's */
	bool paired;        /* the symbol before the last is PREFIX_MARK */
};

struct kallsyms {
	uint64_t first, text;
	struct table sorted, loose;
	struct buf modules; /* names; "" first */
	char name[KALLSYMS_NAME_MAX + sizeof(PREFIX)];
};

struct line {
	uint64_t address;
	char type;
	const char *name, *module;
	size_t name_size, module_size;
};

/* The symbol that a later one of the same address may still replace. */
struct pending {
	bool any;
	uint32_t key, module;
	enum rank rank;
	size_t size;
	char name[KALLSYMS_NAME_MAX];
};

struct parser {
	struct kallsyms *k;
	struct pending pending; /* of k->sorted */
	bool any, any_address;
	struct radix_entry *loose; /* key: key and rank, a: name in loose_names, b: module */
	uint32_t nr_loose, loose_cap;
	struct buf loose_names;
	uint32_t module; /* the last one seen */
};

/* The last symbol is PREFIX and the name of the one that P is about to become. Not when that one is
 * itself half of such a pair: names would have to be looked up in turn. */
static bool is_prefix_pair(const struct table *t, const struct pending *p)
{
	const char *last;

	if (!t->nr || t->paired || !p->size)
		return false;
	last = (const char *)t->names.data + t->last_name;
	return !strncmp(last, PREFIX, sizeof(PREFIX) - 1) &&
	       !strcmp(last + sizeof(PREFIX) - 1, p->name);
}

static void table_append(struct table *t, const struct pending *p)
{
	t->paired = is_prefix_pair(t, p);
	if (t->paired) {
		t->names.size = t->last_name;
		buf_add(&t->names, (const char[]){ PREFIX_MARK, 0 }, 2);
	}
	if (t->nr % BLOCK_SIZE == 0)
		*array_push(t->blocks, t->nr_blocks, t->blocks_cap) = (uint32_t)t->names.size;
	if (!t->nr_runs || t->runs[t->nr_runs - 1].module != p->module)
		*array_push(t->runs, t->nr_runs, t->runs_cap) = (struct run){ t->nr, p->module };
	t->last_name = (uint32_t)t->names.size;
	buf_add(&t->names, p->name, p->size + 1);
	*array_push(t->keys, t->nr, t->keys_cap) = p->key;
}

static bool last_is_marker(const struct table *t)
{
	return t->nr && !t->names.data[t->last_name];
}

static void commit(struct table *t, struct pending *p)
{
	if (p->any && !(p->rank == RANK_MARKER && last_is_marker(t)))
		table_append(t, p);
	p->any = false;
}

static bool is_better(const struct pending *a, enum rank rank, const char *name, size_t size)
{
	size_t old_under = strspn(a->name, "_"), under;

	for (under = 0; under < size && name[under] == '_';)
		under++;
	if (rank != a->rank)
		return rank < a->rank;
	if (under != old_under)
		return under < old_under;
	if (size != a->size)
		return size < a->size;
	return memcmp(name, a->name, size) < 0;
}

/* Keys come in order. */
static void table_add(struct table *t, struct pending *p, uint32_t key, enum rank rank,
		      uint32_t module, const char *name, size_t size)
{
	if (p->any && p->key == key && !is_better(p, rank, name, size))
		return;
	if (p->any && p->key != key)
		commit(t, p);
	p->any = true;
	p->key = key;
	p->rank = rank;
	p->module = module;
	p->size = size;
	memcpy(p->name, name, size);
	p->name[size] = 0;
}

static enum rank rank_of(const struct line *l)
{
	static const char *const ends[] = { "_etext", "_einittext", "__entry_text_end" };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (l->name_size == strlen(ends[i]) && !memcmp(l->name, ends[i], l->name_size))
			return RANK_MARKER;
	switch (l->type) {
	case 'T': return RANK_GLOBAL;
	case 'W':
	case 'w': return RANK_WEAK;
	case 't': return RANK_LOCAL;
	default: return RANK_MARKER;
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
	enum rank rank = rank_of(l);
	size_t name_size = rank == RANK_MARKER ? 0 : l->name_size;
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
	relative = l->address - k->first + KEY_TEXT;
	if (relative > UINT32_MAX)
		return;
	key = (uint32_t)relative;
	if (name_size >= KALLSYMS_NAME_MAX)
		name_size = KALLSYMS_NAME_MAX - 1;
	if (!l->module_size && (!p->pending.any || key >= p->pending.key)) {
		table_add(&k->sorted, &p->pending, key, rank, 0, l->name, name_size);
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

static void *shrink(void *p, size_t size)
{
	void *smaller = size ? realloc(p, size) : NULL;

	return smaller ? smaller : p;
}

static void table_shrink(struct table *t)
{
	t->keys = shrink(t->keys, t->nr * sizeof(*t->keys));
	t->blocks = shrink(t->blocks, t->nr_blocks * sizeof(*t->blocks));
	t->runs = shrink(t->runs, t->nr_runs * sizeof(*t->runs));
	t->names.data = shrink(t->names.data, t->names.size);
	t->keys_cap = t->nr;
	t->blocks_cap = t->nr_blocks;
	t->runs_cap = t->nr_runs;
	t->names.cap = t->names.size;
}

static int finish(struct parser *p)
{
	struct kallsyms *k = p->k;
	int err;

	commit(&k->sorted, &p->pending);
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

		table_add(&k->loose, &p->pending, (uint32_t)(e->key >> 2), e->key & 3, e->b, name,
			  strlen(name));
	}
	commit(&k->loose, &p->pending);
	table_shrink(&k->sorted);
	table_shrink(&k->loose);
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

static void table_fini(struct table *t)
{
	free(t->keys);
	free(t->blocks);
	free(t->runs);
	buf_fini(&t->names);
}

void kallsyms_free(struct kallsyms *k)
{
	if (!k)
		return;
	table_fini(&k->sorted);
	table_fini(&k->loose);
	buf_fini(&k->modules);
	free(k);
}

static size_t table_size(const struct table *t)
{
	return t->keys_cap * sizeof(*t->keys) + t->blocks_cap * sizeof(*t->blocks) +
	       t->runs_cap * sizeof(*t->runs) + t->names.cap;
}

size_t kallsyms_size(const struct kallsyms *k)
{
	return sizeof(*k) + table_size(&k->sorted) + table_size(&k->loose) + k->modules.cap;
}

uint32_t kallsyms_nr(const struct kallsyms *k)
{
	return k->sorted.nr + k->loose.nr;
}

uint64_t kallsyms_text(const struct kallsyms *k)
{
	return k->text;
}

/* Number of keys ≤ KEY. */
static uint32_t upper_bound(const struct table *t, uint32_t key)
{
	uint32_t low = 0, high = t->nr;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (t->keys[middle] <= key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const char *name_of(struct kallsyms *k, const struct table *t, uint32_t i)
{
	const char *s = (const char *)t->names.data + t->blocks[i / BLOCK_SIZE];

	for (uint32_t skip = i % BLOCK_SIZE; skip; skip--)
		s += strlen(s) + 1;
	if (*s != PREFIX_MARK)
		return s;
	memcpy(k->name, PREFIX, sizeof(PREFIX) - 1);
	strcpy(k->name + sizeof(PREFIX) - 1, s + 2);
	return k->name;
}

static const char *module_name(const struct kallsyms *k, const struct table *t, uint32_t i)
{
	uint32_t low = 0, high = t->nr_runs;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (t->runs[middle].first <= i)
			low = middle;
		else
			high = middle;
	}
	return (const char *)k->modules.data + t->runs[low].module;
}

int kallsyms_find(struct kallsyms *k, int64_t relative, struct kallsyms_symbol *sym)
{
	uint64_t key = (uint64_t)relative + (k->text - k->first) + KEY_TEXT;
	const struct table *t = &k->sorted;
	uint32_t i, loose;
	const char *name;

	if (key > UINT32_MAX)
		return -ENOENT;
	i = upper_bound(t, (uint32_t)key);
	loose = upper_bound(&k->loose, (uint32_t)key);
	if (loose && (!i || k->loose.keys[loose - 1] > t->keys[i - 1])) {
		t = &k->loose;
		i = loose;
	}
	if (!i-- || key - t->keys[i] >= KALLSYMS_FUNCTION_MAX)
		return -ENOENT;
	name = name_of(k, t, i);
	if (!*name)
		return -ENOENT;
	*sym = (struct kallsyms_symbol){
		.start = relative - (int64_t)(key - t->keys[i]),
		.name = name,
		.module = module_name(k, t, i),
	};
	return 0;
}
