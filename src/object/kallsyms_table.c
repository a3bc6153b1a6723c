#include "object/kallsyms_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

#define BLOCK_SIZE 16 /* names found from one stored offset */
/* A name alone: the prefix and the next symbol's name, as the kernel has for each function. */
#define PREFIX_MARK '\1'

/* The last symbol is KALLSYMS_PREFIX and the name of the one that P is about to become. Not when
 * that one is itself half of such a pair: names would have to be looked up in turn. */
static bool is_prefix_pair(const struct kallsyms_table *t, const struct kallsyms_pending *p)
{
	const char *last;

	if (!t->nr || t->paired || !p->size)
		return false;
	last = (const char *)t->names.data + t->last_name;
	return !strncmp(last, KALLSYMS_PREFIX, sizeof(KALLSYMS_PREFIX) - 1) &&
	       !strcmp(last + sizeof(KALLSYMS_PREFIX) - 1, p->name);
}

static void table_append(struct kallsyms_table *t, const struct kallsyms_pending *p)
{
	t->paired = is_prefix_pair(t, p);
	if (t->paired) {
		t->names.size = t->last_name;
		buf_add(&t->names, (const char[]){ PREFIX_MARK, 0 }, 2);
	}
	if (t->nr % BLOCK_SIZE == 0)
		*array_push(t->blocks, t->nr_blocks, t->blocks_cap) = (uint32_t)t->names.size;
	if (!t->nr_runs || t->runs[t->nr_runs - 1].module != p->module)
		*array_push(t->runs, t->nr_runs, t->runs_cap) =
			(struct kallsyms_run){ t->nr, p->module };
	t->last_name = (uint32_t)t->names.size;
	buf_add(&t->names, p->name, p->size + 1);
	*array_push(t->keys, t->nr, t->keys_cap) = p->key;
}

static bool last_is_marker(const struct kallsyms_table *t)
{
	return t->nr && !t->names.data[t->last_name];
}

void kallsyms_table_commit(struct kallsyms_table *t, struct kallsyms_pending *p)
{
	if (p->any && !(p->rank == KALLSYMS_MARKER && last_is_marker(t)))
		table_append(t, p);
	p->any = false;
}

static bool is_better(const struct kallsyms_pending *a, enum kallsyms_rank rank, const char *name,
		      size_t size)
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

void kallsyms_table_add(struct kallsyms_table *t, struct kallsyms_pending *p, uint32_t key,
			enum kallsyms_rank rank, uint32_t module, const char *name, size_t size)
{
	if (p->any && p->key == key && !is_better(p, rank, name, size))
		return;
	if (p->any && p->key != key)
		kallsyms_table_commit(t, p);
	p->any = true;
	p->key = key;
	p->rank = rank;
	p->module = module;
	p->size = size;
	memcpy(p->name, name, size);
	p->name[size] = 0;
}

static void *shrink(void *p, size_t size)
{
	void *smaller = size ? realloc(p, size) : NULL;

	return smaller ? smaller : p;
}

void kallsyms_table_shrink(struct kallsyms_table *t)
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

void kallsyms_table_fini(struct kallsyms_table *t)
{
	free(t->keys);
	free(t->blocks);
	free(t->runs);
	buf_fini(&t->names);
}

size_t kallsyms_table_size(const struct kallsyms_table *t)
{
	return t->keys_cap * sizeof(*t->keys) + t->blocks_cap * sizeof(*t->blocks) +
	       t->runs_cap * sizeof(*t->runs) + t->names.cap;
}

uint32_t kallsyms_table_find(const struct kallsyms_table *t, uint32_t key)
{
	return array_partition(t->keys, t->nr, e, *e <= key);
}

const char *kallsyms_table_name(const struct kallsyms_table *t, uint32_t i,
				char buffer[KALLSYMS_NAME_MAX + sizeof(KALLSYMS_PREFIX)])
{
	const char *s = (const char *)t->names.data + t->blocks[i / BLOCK_SIZE];

	for (uint32_t skip = i % BLOCK_SIZE; skip; skip--)
		s += strlen(s) + 1;
	if (*s != PREFIX_MARK)
		return s;
	memcpy(buffer, KALLSYMS_PREFIX, sizeof(KALLSYMS_PREFIX) - 1);
	strcpy(buffer + sizeof(KALLSYMS_PREFIX) - 1, s + 2);
	return buffer;
}

uint32_t kallsyms_table_module(const struct kallsyms_table *t, uint32_t i)
{
	uint32_t begun = array_partition(t->runs, t->nr_runs, e, e->first <= i);

	return t->runs[begun ? begun - 1 : 0].module;
}
