/* Label sets of a profile. */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/mem.h"
#include "profile/profile.h"

/* What Pyroscope takes for a label's name: one bad key and it refuses all of a file. */
static bool key_is_legal(const char *key)
{
	if (!*key || (*key >= '0' && *key <= '9') || *key == '.' || !strncmp(key, "__", 2))
		return false;
	for (; *key; key++)
		if (!((*key >= 'a' && *key <= 'z') || (*key >= 'A' && *key <= 'Z') ||
		      (*key >= '0' && *key <= '9') || *key == '_' || *key == '.'))
			return false;
	return true;
}

/* Field by field: a struct's padding has no value. */
static uint32_t labels_hash(const struct profile_label *labels, uint32_t nr)
{
	uint64_t h = nr;

	for (uint32_t i = 0; i < nr; i++) {
		h = hash_mix(h ^ hash_seed ^ labels[i].str,
			     0x9e3779b97f4a7c15 + 2 * (uint64_t)labels[i].key);
		if (!labels[i].str)
			h += hash_2u64((uint64_t)labels[i].num, labels[i].num_unit);
	}
	return hash_u64(h);
}

static bool same_label(const struct profile_label *a, const struct profile_label *b)
{
	return a->key == b->key && a->str == b->str &&
	       (a->str || (a->num == b->num && a->num_unit == b->num_unit));
}

static uint32_t find(const struct profile *p, uint32_t hash, const struct profile_label *labels,
		     uint32_t nr)
{
	uint32_t pos, i, k;

	for (i = hash_first(&p->label_set_hash, hash, &pos); i != HASH_NONE;
	     i = hash_next(&p->label_set_hash, hash, &pos)) {
		const struct profile_label_set *s = &p->label_sets[i];

		if (s->nr != nr)
			continue;
		for (k = 0; k < nr && same_label(&p->labels[s->first + k], &labels[k]); k++)
			;
		if (k == nr)
			break;
	}
	return i;
}

/* In order of key; of one key in order of appearance, so that the first stays. */
struct sorting {
	struct profile_label label;
	uint32_t order;
};

static int by_key(const void *a, const void *b)
{
	const struct sorting *x = a, *y = b;

	if (x->label.key != y->label.key)
		return x->label.key < y->label.key ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

/* Copies to OUT the labels that a set may hold, in order; returns their number. */
static uint32_t arrange(const struct profile *p, const struct profile_label *labels, uint32_t nr,
			struct profile_label *out)
{
	struct sorting *sorted = xreallocarray(NULL, (size_t)nr + 1, sizeof(*sorted));
	uint32_t nr_sorted = 0, nr_out = 0;

	for (uint32_t i = 0; i < nr; i++) {
		struct profile_label l = labels[i];

		if (!key_is_legal(p->strings[l.key]) || (!l.str && !l.num && !l.num_unit))
			continue;
		if (l.str)
			l.num = l.num_unit = 0;
		sorted[nr_sorted++] = (struct sorting){ l, i };
	}
	qsort(sorted, nr_sorted, sizeof(*sorted), by_key);
	for (uint32_t i = 0; i < nr_sorted; i++)
		if (!nr_out || out[nr_out - 1].key != sorted[i].label.key)
			out[nr_out++] = sorted[i].label;
	free(sorted);
	return nr_out;
}

uint32_t profile_label_set(struct profile *p, const struct profile_label *labels, uint32_t nr)
{
	struct profile_label *out = NULL;
	uint32_t hash = labels_hash(labels, nr);
	uint32_t i = find(p, hash, labels, nr);

	if (i != HASH_NONE)
		return i;
	if (nr) {
		array_reserve(p->labels, p->labels_cap, (uint64_t)p->nr_labels + nr);
		out = &p->labels[p->nr_labels];
		nr = arrange(p, labels, nr, out);
	}
	hash = labels_hash(out, nr);
	i = find(p, hash, out, nr);
	if (i != HASH_NONE)
		return i;
	i = p->nr_label_sets;
	*array_push(p->label_sets, p->nr_label_sets, p->label_sets_cap) =
		(struct profile_label_set){ p->nr_labels, nr };
	p->nr_labels += nr;
	hash_add(&p->label_set_hash, hash, i);
	return i;
}

const char *profile_label(const struct profile *p, uint32_t label_set, const char *key)
{
	const struct profile_label_set *s = &p->label_sets[label_set];

	for (uint32_t i = 0; i < s->nr; i++) {
		const struct profile_label *l = &p->labels[s->first + i];

		if (l->str && !strcmp(p->strings[l->key], key))
			return p->strings[l->str];
	}
	return NULL;
}
