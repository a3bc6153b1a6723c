#include "object/jitcode.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "object/radix.h"

void jitcode_fini(struct jitcode *c)
{
	free(c->entries);
	memset(c, 0, sizeof(*c));
}

size_t jitcode_size(const struct jitcode *c)
{
	return c->cap * sizeof(*c->entries);
}

int jitcode_add(struct jitcode *c, uint64_t start, uint64_t size, uint32_t number)
{
	struct radix_entry *e;

	if (!size || start >= JITCODE_ADDRESS_MAX)
		return 0;
	if (c->nr == JITCODE_NR_MAX)
		return -EFBIG;
	e = array_try_push(c->entries, c->nr, c->cap);
	if (!e)
		return -ENOMEM;
	*e = (struct radix_entry){
		.key = start,
		.a = size > UINT32_MAX ? UINT32_MAX : (uint32_t)size,
		.b = number,
	};
	return 0;
}

/* The functions that have begun at or before the place where a walk along the addresses is: a heap, the latest on top. Those
 * that have ended already stay until they come to the top. */
struct begun {
	const struct radix_entry *entries;
	uint32_t *heap, nr;
};

static uint64_t end_of(const struct radix_entry *e)
{
	return e->key + e->a;
}

static bool is_later(const struct begun *b, uint32_t i, uint32_t k)
{
	return b->entries[b->heap[i]].b > b->entries[b->heap[k]].b;
}

static void swap(struct begun *b, uint32_t i, uint32_t k)
{
	uint32_t entry = b->heap[i];

	b->heap[i] = b->heap[k];
	b->heap[k] = entry;
}

static void push(struct begun *b, uint32_t entry)
{
	uint32_t i = b->nr++;

	b->heap[i] = entry;
	for (; i && is_later(b, i, (i - 1) / 2); i = (i - 1) / 2)
		swap(b, i, (i - 1) / 2);
}

static void pop(struct begun *b)
{
	uint32_t i = 0, child;

	b->heap[0] = b->heap[--b->nr];
	while ((child = 2 * i + 1) < b->nr) {
		if (child + 1 < b->nr && is_later(b, child + 1, child))
			child++;
		if (!is_later(b, child, i))
			break;
		swap(b, i, child);
		i = child;
	}
}

/* The latest of those that have begun holds FROM until TO: one more part in PARTS, or a longer last one. */
static uint32_t add_part(struct radix_entry *parts, uint32_t nr, uint64_t from, uint64_t to, uint32_t number)
{
	struct radix_entry *last = nr ? &parts[nr - 1] : NULL;

	if (last && last->b == number && end_of(last) == from) {
		last->a += (uint32_t)(to - from);
		return nr;
	}
	parts[nr] = (struct radix_entry){ .key = from, .a = (uint32_t)(to - from), .b = number };
	return nr + 1;
}

/* Cuts the NR entries, which are by start, to PARTS that do not overlap, less than twice as many. */
static uint32_t cut(const struct radix_entry *entries, uint32_t nr, uint32_t *heap, struct radix_entry *parts)
{
	struct begun b = { .entries = entries, .heap = heap };
	uint32_t next = 0, nr_parts = 0;
	uint64_t at = 0;

	while (next < nr || b.nr) {
		uint64_t to;

		if (!b.nr)
			at = entries[next].key;
		while (next < nr && entries[next].key == at)
			push(&b, next++);
		while (b.nr && end_of(&entries[b.heap[0]]) <= at)
			pop(&b);
		if (!b.nr)
			continue;
		to = end_of(&entries[b.heap[0]]);
		if (next < nr && entries[next].key < to)
			to = entries[next].key;
		nr_parts = add_part(parts, nr_parts, at, to, entries[b.heap[0]].b);
		at = to;
	}
	return nr_parts;
}

int jitcode_settle(struct jitcode *c)
{
	struct radix_entry *parts, *fitting;
	uint32_t *heap;
	int err;

	if (!c->nr)
		return 0;
	err = radix_sort(c->entries, c->nr);
	if (err)
		return err;
	parts = reallocarray(NULL, 2 * (size_t)c->nr, sizeof(*parts));
	heap = reallocarray(NULL, c->nr, sizeof(*heap));
	if (!parts || !heap) {
		free(parts);
		free(heap);
		return -ENOMEM;
	}
	c->nr = cut(c->entries, c->nr, heap, parts);
	free(heap);
	free(c->entries);
	fitting = reallocarray(parts, c->nr, sizeof(*parts));
	c->entries = fitting ? fitting : parts;
	c->cap = c->nr;
	return 0;
}

int jitcode_find(const struct jitcode *c, uint64_t address, uint32_t *number)
{
	uint32_t low = array_partition(c->entries, c->nr, e, e->key <= address);
	const struct radix_entry *e = low ? &c->entries[low - 1] : NULL;

	if (!e || address - e->key >= e->a)
		return -ENOENT;
	*number = e->b;
	return 0;
}
