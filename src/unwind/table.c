#include "unwind/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/hash.h"
#include "base/mem.h"

#define RULE_NONE 0 /* these two are always there */
#define RULE_UNSUPPORTED 1
#define RULES_KEPT 2

struct page {
	uint64_t number; /* offset / UNWIND_PAGE_SIZE */
	uint32_t object, nr_rows;
	bool used; /* since the hand passed */
	uint32_t rows[];
};

struct rule_slot {
	uint32_t refs;  /* pages that name it */
	uint32_t owner; /* the object that brought it */
	uint32_t next_free;
};

struct unwind_tables {
	size_t limit, size;
	struct page **pages;
	uint32_t nr_pages, pages_cap, hand, nr_rows;
	struct hash pages_hash;

	struct unwind_rule rules[UNWIND_RULES_MAX];
	struct rule_slot slots[UNWIND_RULES_MAX];
	uint32_t nr_slots, nr_rules;
	uint32_t free_rule;    /* lists of slots, by number + 1: */
	uint32_t held_rule[2]; /* not free yet, since a copy may be read: the newer, the older */
	struct hash rules_hash;

	struct unwind_watch watch;
	bool watched;

	uint64_t nr_evicted, nr_invalid, nr_rules_refused;
};

/* --- What a page may be --- */

/* One way to say each thing: a field that means nothing is 0. */
bool unwind_rule_valid(const struct unwind_rule *r)
{
	unsigned fp = r->fp & ~UNWIND_FP_TRAMPOLINE;

	switch (r->cfa) {
	case UNWIND_NONE:
	case UNWIND_UNSUPPORTED:
	case UNWIND_END:
	case UNWIND_CHAIN:
	case UNWIND_SWITCH:
		return !r->cfa_off && !r->fp_off && !r->fp;
	case UNWIND_SIGNAL:
		return !r->fp;
	case UNWIND_PLT:
		return !r->fp && !r->fp_off && unwind_hi(r) >= 0 && unwind_hi(r) < 16;
	case UNWIND_SP:
	case UNWIND_FP:
	case UNWIND_SP_DEREF:
	case UNWIND_FP_DEREF:
		return fp < UNWIND_NR_FP &&
		       (!r->fp_off || (fp != UNWIND_FP_SAME && fp != UNWIND_FP_LOST));
	default:
		return false;
	}
}

bool unwind_page_valid(const struct unwind_page *p)
{
	static const struct unwind_rule none;

	if (p->offset % UNWIND_PAGE_SIZE || !p->nr_rows || p->nr_rows > UNWIND_PAGE_ROWS_MAX ||
	    !p->nr_rules || p->nr_rules > UNWIND_PAGE_RULES_MAX || p->rows[0] >> 16)
		return false;
	if (memcmp(&p->rules[0], &none, sizeof(none)))
		return false;
	for (uint32_t i = 1; i < p->nr_rules; i++)
		if (!unwind_rule_valid(&p->rules[i]))
			return false;
	for (uint32_t i = 0; i < p->nr_rows; i++)
		if ((p->rows[i] & 0xffff) >= p->nr_rules ||
		    (i && p->rows[i] >> 16 <= p->rows[i - 1] >> 16))
			return false;
	return true;
}

/* --- Rules --- */

static uint32_t rule_hash(const struct unwind_rule *r)
{
	uint64_t bits;

	memcpy(&bits, r, sizeof(bits));
	return hash_u64(bits);
}

static uint32_t rule_find(const struct unwind_tables *t, const struct unwind_rule *r)
{
	uint32_t pos, i, hash = rule_hash(r);

	for (i = hash_first(&t->rules_hash, hash, &pos); i != HASH_NONE;
	     i = hash_next(&t->rules_hash, hash, &pos))
		if (!memcmp(&t->rules[i], r, sizeof(*r)))
			return i;
	return HASH_NONE;
}

static uint32_t rule_new(struct unwind_tables *t, const struct unwind_rule *r, uint32_t owner)
{
	uint32_t i;

	if (t->free_rule) {
		i = t->free_rule - 1;
		t->free_rule = t->slots[i].next_free;
	} else if (t->nr_slots < UNWIND_RULES_MAX) {
		i = t->nr_slots++;
	} else {
		return HASH_NONE;
	}
	t->rules[i] = *r;
	t->slots[i] = (struct rule_slot){ .owner = owner };
	t->nr_rules++;
	hash_add(&t->rules_hash, rule_hash(r), i);
	return i;
}

static void rule_put(struct unwind_tables *t, uint32_t i)
{
	if (i < RULES_KEPT || --t->slots[i].refs)
		return;
	hash_del(&t->rules_hash, rule_hash(&t->rules[i]), i);
	t->nr_rules--;
	if (t->watched) {
		t->slots[i].next_free = t->held_rule[0];
		t->held_rule[0] = i + 1;
	} else {
		t->slots[i].next_free = t->free_rule;
		t->free_rule = i + 1;
	}
}

void unwind_tables_settle(struct unwind_tables *t)
{
	while (t->held_rule[1]) {
		uint32_t i = t->held_rule[1] - 1;

		t->held_rule[1] = t->slots[i].next_free;
		t->slots[i].next_free = t->free_rule;
		t->free_rule = i + 1;
	}
	t->held_rule[1] = t->held_rule[0];
	t->held_rule[0] = 0;
}

void unwind_tables_watch(struct unwind_tables *t, const struct unwind_watch *w)
{
	t->watched = w;
	t->watch = w ? *w : (struct unwind_watch){ 0 };
	if (w)
		return;
	unwind_tables_settle(t);
	unwind_tables_settle(t);
}

static uint32_t rules_of(const struct unwind_tables *t, uint32_t owner)
{
	uint32_t nr = 0;

	for (uint32_t i = RULES_KEPT; i < t->nr_slots; i++)
		nr += t->slots[i].refs && t->slots[i].owner == owner;
	return nr;
}

/* Renumbers the rows of P, a new page with references to what it names. */
static void take_rules(struct unwind_tables *t, struct page *page, const struct unwind_page *p)
{
	uint16_t number[UNWIND_PAGE_RULES_MAX] = { 0 }; /* + 1 */
	uint32_t room = UNWIND_OBJECT_RULES_MAX, owned = rules_of(t, page->object);

	room = owned < room ? room - owned : 0;
	for (uint32_t k = 0; k < p->nr_rows; k++) {
		uint32_t local = p->rows[k] & 0xffff, i;

		if (!number[local]) {
			i = rule_find(t, &p->rules[local]);
			if (i == HASH_NONE && room) {
				i = rule_new(t, &p->rules[local], page->object);
				room--;
			}
			if (i == HASH_NONE) {
				t->nr_rules_refused++;
				i = RULE_UNSUPPORTED;
			}
			number[local] = (uint16_t)(i + 1);
		}
		page->rows[k] = (p->rows[k] & 0xffff0000) | (number[local] - 1u);
	}
}

/* FN for each rule that PAGE names, once. */
static void each_rule(struct unwind_tables *t, const struct page *page,
		      void (*fn)(struct unwind_tables *t, uint32_t rule))
{
	uint64_t seen[UNWIND_RULES_MAX / 64] = { 0 };

	for (uint32_t k = 0; k < page->nr_rows; k++) {
		uint32_t i = page->rows[k] & 0xffff;

		if (seen[i / 64] >> i % 64 & 1)
			continue;
		seen[i / 64] |= UINT64_C(1) << i % 64;
		fn(t, i);
	}
}

static void rule_get(struct unwind_tables *t, uint32_t i)
{
	t->slots[i].refs++;
}

/* --- Pages --- */

static uint32_t page_hash(uint32_t object, uint64_t number)
{
	return hash_2u64(object, number);
}

static struct page *page_find(const struct unwind_tables *t, uint32_t object, uint64_t offset,
			      uint32_t *index)
{
	uint64_t number = offset >> UNWIND_PAGE_SHIFT;
	uint32_t pos, i, hash = page_hash(object, number);

	for (i = hash_first(&t->pages_hash, hash, &pos); i != HASH_NONE;
	     i = hash_next(&t->pages_hash, hash, &pos)) {
		if (t->pages[i]->object == object && t->pages[i]->number == number) {
			*index = i;
			return t->pages[i];
		}
	}
	return NULL;
}

static size_t page_size(const struct page *p)
{
	/* A slot of the hash is 8 bytes, of which at most 3/4 are used; and malloc's own. */
	return sizeof(*p) + p->nr_rows * sizeof(p->rows[0]) + sizeof(p) + 24;
}

static void page_drop(struct unwind_tables *t, uint32_t i)
{
	struct page *p = t->pages[i], *last = t->pages[--t->nr_pages];

	if (t->watched)
		t->watch.dropped(t->watch.ctx, p->object, p->number << UNWIND_PAGE_SHIFT);
	hash_del(&t->pages_hash, page_hash(p->object, p->number), i);
	if (last != p) {
		hash_move(&t->pages_hash, page_hash(last->object, last->number), t->nr_pages, i);
		t->pages[i] = last;
	}
	each_rule(t, p, rule_put);
	t->size -= page_size(p);
	t->nr_rows -= p->nr_rows;
	free(p);
}

static bool is_used(struct unwind_tables *t, const struct page *p)
{
	bool elsewhere = t->watched && t->watch.used(t->watch.ctx, p->object,
						     p->number << UNWIND_PAGE_SHIFT);

	return p->used || elsewhere;
}

/* Second chance: what was looked at since the hand came by stays for another round. */
static void fit(struct unwind_tables *t, size_t more)
{
	while (t->nr_pages && t->size + more > t->limit) {
		if (t->hand >= t->nr_pages)
			t->hand = 0;
		if (is_used(t, t->pages[t->hand])) {
			t->pages[t->hand++]->used = false;
			continue;
		}
		page_drop(t, t->hand);
		t->nr_evicted++;
	}
}

int unwind_tables_add(struct unwind_tables *t, uint32_t object, const struct unwind_page *p)
{
	struct page *page;
	uint32_t old;

	if (!unwind_page_valid(p)) {
		t->nr_invalid++;
		return -EBADMSG;
	}
	page = malloc(sizeof(*page) + p->nr_rows * sizeof(page->rows[0]));
	if (!page)
		return -ENOMEM;
	page->object = object;
	page->number = p->offset >> UNWIND_PAGE_SHIFT;
	page->nr_rows = p->nr_rows;
	page->used = true;
	if (page_find(t, object, p->offset, &old))
		page_drop(t, old);
	fit(t, page_size(page));
	take_rules(t, page, p);
	each_rule(t, page, rule_get);
	hash_add(&t->pages_hash, page_hash(object, page->number), t->nr_pages);
	*array_push(t->pages, t->nr_pages, t->pages_cap) = page;
	t->size += page_size(page);
	t->nr_rows += page->nr_rows;
	if (t->watched)
		t->watch.added(t->watch.ctx, object, p->offset);
	return 0;
}

bool unwind_tables_find(struct unwind_tables *t, uint32_t object, uint64_t offset,
			struct unwind_rule *rule)
{
	uint32_t i;
	struct page *p = page_find(t, object, offset, &i);

	if (!p)
		return false;
	p->used = true;
	*rule = t->rules[unwind_row(p->rows, p->nr_rows, offset & (UNWIND_PAGE_SIZE - 1)) & 0xffff];
	return true;
}

void unwind_tables_forget(struct unwind_tables *t, uint32_t object)
{
	for (uint32_t i = t->nr_pages; i-- > 0;) /* the last takes the place of one that goes */
		if (t->pages[i]->object == object)
			page_drop(t, i);
}

/* --- The whole --- */

struct unwind_tables *unwind_tables_new(size_t limit)
{
	static const struct unwind_rule none = { .cfa = UNWIND_NONE },
					unsupported = { .cfa = UNWIND_UNSUPPORTED };
	struct unwind_tables *t = xcalloc(1, sizeof(*t));

	t->limit = limit;
	rule_new(t, &none, 0);
	rule_new(t, &unsupported, 0);
	return t;
}

void unwind_tables_free(struct unwind_tables *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; i < t->nr_pages; i++)
		free(t->pages[i]);
	free(t->pages);
	hash_fini(&t->pages_hash);
	hash_fini(&t->rules_hash);
	free(t);
}

void unwind_tables_set_limit(struct unwind_tables *t, size_t limit)
{
	t->limit = limit;
	fit(t, 0);
}

void unwind_tables_object(const struct unwind_tables *t, uint32_t object, uint32_t *nr_pages,
			  size_t *size)
{
	*nr_pages = 0;
	*size = 0;
	for (uint32_t i = 0; i < t->nr_pages; i++)
		if (t->pages[i]->object == object) {
			++*nr_pages;
			*size += page_size(t->pages[i]);
		}
}

void unwind_tables_stats(const struct unwind_tables *t, struct unwind_tables_stats *s)
{
	*s = (struct unwind_tables_stats){
		.size = sizeof(*t) + t->size,
		.nr_pages = t->nr_pages,
		.nr_rows = t->nr_rows,
		.nr_rules = t->nr_rules,
		.nr_evicted = t->nr_evicted,
		.nr_invalid = t->nr_invalid,
		.nr_rules_refused = t->nr_rules_refused,
	};
}

const uint32_t *unwind_tables_rows(struct unwind_tables *t, uint32_t object, uint64_t offset,
				   uint32_t *nr)
{
	uint32_t i;
	struct page *p = page_find(t, object, offset, &i);

	if (!p)
		return NULL;
	*nr = p->nr_rows;
	return p->rows;
}

const struct unwind_rule *unwind_tables_rule(const struct unwind_tables *t, uint32_t number)
{
	return &t->rules[number];
}

void unwind_tables_each(struct unwind_tables *t, uint32_t object,
			void (*fn)(void *ctx, uint64_t offset), void *ctx)
{
	for (uint32_t i = 0; i < t->nr_pages; i++)
		if (t->pages[i]->object == object)
			fn(ctx, t->pages[i]->number << UNWIND_PAGE_SHIFT);
}
