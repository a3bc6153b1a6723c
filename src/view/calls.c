#include "view/calls.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/mem.h"
#include "view/values.h"

static uint32_t child(struct calls *c, uint32_t parent, uint32_t name)
{
	uint32_t hash = hash_u64((uint64_t)parent << 32 | name), pos, i;

	for (i = hash_first(&c->hash, hash, &pos); i != HASH_NONE;
	     i = hash_next(&c->hash, hash, &pos))
		if (c->calls[i].parent == parent && c->calls[i].name == name)
			return i;
	i = c->nr;
	array_reserve(c->calls, c->cap, (uint64_t)c->nr + 1);
	c->calls[c->nr++] = (struct call){ .parent = parent,
					   .name = name,
					   .depth = c->calls[parent].depth + 1 };
	hash_add(&c->hash, hash, i);
	return i;
}

static uint32_t enter(struct calls *c, uint32_t at, uint32_t name, int64_t value)
{
	at = child(c, at, name);
	c->calls[at].total = values_sum(c->calls[at].total, value);
	return at;
}

static void add_sample(struct calls *c, struct frames *f, uint32_t sample, int64_t value,
		       const char *root)
{
	const struct profile *p = f->p;
	const struct profile_sample *s = &p->samples[sample];
	const struct profile_stack *stack = &p->stacks[s->stack];
	const char *label = root ? profile_label(p, s->label_set, root) : NULL;
	uint32_t at = 0;

	c->calls[0].total = values_sum(c->calls[0].total, value);
	if (label)
		at = enter(c, at, frames_name(f, label), value);
	for (uint32_t i = stack->nr; i-- > 0;) {
		uint32_t l = p->stack_locations[stack->first + i];

		for (uint32_t k = f->first[l + 1]; k-- > f->first[l];)
			at = enter(c, at, f->of[k], value);
	}
	c->calls[at].self = values_sum(c->calls[at].self, value);
}

void calls_init(struct calls *c, struct frames *f, unsigned type, const char *root)
{
	*c = (struct calls){ 0 };
	*array_push(c->calls, c->nr, c->cap) = (struct call){ 0 };
	for (uint32_t i = 0; i < f->p->nr_samples; i++) {
		int64_t value = values_of(f->p, i, type);

		if (value)
			add_sample(c, f, i, value, root);
	}
}

void calls_fini(struct calls *c)
{
	free(c->calls);
	hash_fini(&c->hash);
	free(c->order);
	free(c->first);
}

struct sorting {
	uint32_t call, parent;
	int64_t total;
	const char *name;
};

static int by_total(const void *a, const void *b)
{
	const struct sorting *x = a, *y = b;

	if (x->parent != y->parent)
		return x->parent < y->parent ? -1 : 1;
	if (x->total != y->total)
		return x->total > y->total ? -1 : 1;
	return strcmp(x->name, y->name);
}

void calls_sort(struct calls *c, const struct frames *f, bool by_name)
{
	struct sorting *sorted = xreallocarray(NULL, c->nr, sizeof(*sorted));

	for (uint32_t i = 1; i < c->nr; i++)
		sorted[i - 1] = (struct sorting){ i, c->calls[i].parent,
						  by_name ? 0 : c->calls[i].total,
						  f->names[c->calls[i].name] };
	qsort(sorted, c->nr - 1, sizeof(*sorted), by_total);
	c->order = xreallocarray(c->order, c->nr, sizeof(*c->order));
	c->first = xreallocarray(c->first, (size_t)c->nr + 1, sizeof(*c->first));
	for (uint32_t i = 0, parent = 0; parent <= c->nr; parent++) {
		c->first[parent] = i;
		while (i < c->nr - 1 && sorted[i].parent == parent)
			i++;
	}
	for (uint32_t i = 0; i < c->nr - 1; i++)
		c->order[i] = sorted[i].call;
	free(sorted);
}
