#include "collect/labels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "collect/state.h"
#include "proc/procfs.h"

#define CGROUPS_MAX 4096
#define LABEL_NAME_MAX 256

const char *const collect_label_names[] = {
	"pid", "tid", "comm", "thread_comm", "unit", "container_id", NULL,
};

/* What the cgroup ids seen so far mean. */
struct cgroup {
	uint64_t id;
	char *unit, *container;
};

static uint32_t add_label(struct profile *p, const char *key, const char *raw,
			  struct profile_label *labels, uint32_t nr)
{
	char clean[LABEL_NAME_MAX];
	size_t size = text_clean(clean, sizeof(clean), raw, strlen(raw));

	if (size)
		labels[nr++] = (struct profile_label){
			.key = profile_string(p, key),
			.str = profile_string_n(p, clean, size),
		};
	return nr;
}

static uint32_t add_number(struct profile *p, const char *key, uint32_t number,
			   struct profile_label *labels, uint32_t nr)
{
	char digits[16];

	snprintf(digits, sizeof(digits), "%u", number);
	return add_label(p, key, digits, labels, nr);
}

uint32_t labels_build(struct collect *c, struct kind *k, const struct label_source *src)
{
	struct profile *p = window_profile(c, k);
	struct profile_label labels[6];
	unsigned wanted = c->o.labels | k->labels;
	uint32_t nr = 0;

	/* In order of key. */
	if (wanted & LABEL_COMM)
		nr = add_label(p, "comm", src->comm, labels, nr);
	if (wanted & LABEL_CONTAINER_ID)
		nr = add_label(p, "container_id", src->container, labels, nr);
	if (wanted & LABEL_PID)
		nr = add_number(p, "pid", src->pid, labels, nr);
	if (wanted & LABEL_THREAD_COMM)
		nr = add_label(p, "thread_comm", src->thread_comm, labels, nr);
	if (wanted & LABEL_TID)
		nr = add_number(p, "tid", src->tid, labels, nr);
	if (wanted & LABEL_UNIT)
		nr = add_label(p, "unit", src->unit, labels, nr);
	return profile_label_set(p, labels, nr);
}

void labels_source(struct label_source *src, const struct process *p, const struct thread *t)
{
	*src = (struct label_source){
		.pid = p->pid, .tid = t->tid, .unit = p->unit, .container = p->container,
	};
	memcpy(src->comm, p->comm, sizeof(src->comm));
	memcpy(src->thread_comm, t->comm, sizeof(src->thread_comm));
}

uint32_t labels_of(struct collect *c, struct kind *k, struct process *p, struct thread *t)
{
	uint32_t *slot;

	if (t->window != c->window) {
		t->window = c->window;
		t->labels = c->nr_labels++;
	}
	slot = window_slot(&k->label_sets, &k->label_sets_cap, t->labels);
	if (!*slot) {
		struct label_source src;

		labels_source(&src, p, t);
		*slot = labels_build(c, k, &src) + 1;
	}
	return *slot - 1;
}

void labels_forget(struct process *p)
{
	for (struct thread *t = p->threads; t; t = t->next)
		t->window = 0;
}

/* --- Control groups --- */

static struct cgroup *cgroup_find(struct collect *c, uint64_t id)
{
	uint32_t pos, i, hash = hash_u64(id);

	for (i = hash_first(&c->cgroup_hash, hash, &pos); i != HASH_NONE;
	     i = hash_next(&c->cgroup_hash, hash, &pos))
		if (c->cgroups[i].id == id)
			return &c->cgroups[i];
	return NULL;
}

static void cgroups_forget(struct collect *c)
{
	for (uint32_t i = 0; i < c->nr_cgroups; i++) {
		free(c->cgroups[i].unit);
		free(c->cgroups[i].container);
	}
	c->nr_cgroups = 0;
	hash_clear(&c->cgroup_hash);
}

static void cgroup_set(struct collect *c, uint64_t id, const char *unit, const char *container)
{
	struct cgroup *g = cgroup_find(c, id);

	if (g) {
		free(g->unit);
		free(g->container);
	} else {
		if (c->nr_cgroups == CGROUPS_MAX)
			cgroups_forget(c);
		hash_add(&c->cgroup_hash, hash_u64(id), c->nr_cgroups);
		g = array_push(c->cgroups, c->nr_cgroups, c->cgroups_cap);
	}
	*g = (struct cgroup){ .id = id, .unit = xstrdup(unit), .container = xstrdup(container) };
}

void labels_cgroup_record(struct collect *c, const struct record_cgroup *r)
{
	char unit[LABEL_NAME_MAX], container[LABEL_NAME_MAX];

	procfs_parse_unit(r->path, unit, sizeof(unit), container, sizeof(container));
	cgroup_set(c, r->id, unit, container);
}

/* P runs in CGROUP (0: the record does not say). */
void labels_cgroup(struct collect *c, struct process *p, uint64_t cgroup)
{
	struct cgroup *known;

	if (cgroup ? p->cgroup == cgroup : p->cgroup_asked)
		return;
	if (!(c->all_labels & (LABEL_UNIT | LABEL_CONTAINER_ID)))
		return;
	labels_forget(p);
	known = cgroup ? cgroup_find(c, cgroup) : NULL;
	if (known) {
		process_set_cgroup(c->processes, p, cgroup, known->unit, known->container);
		return;
	}
	p->cgroup_asked = true;
	if (c->asks.cgroup)
		c->asks.cgroup(c->asks.ctx, p, cgroup);
	if (!cgroup)
		return;
	/* The answer, or that there is none, holds for all that run there. */
	if (p->cgroup != cgroup)
		process_set_cgroup(c->processes, p, cgroup, p->unit, p->container);
	cgroup_set(c, cgroup, p->unit, p->container);
}

void labels_fini(struct collect *c)
{
	cgroups_forget(c);
	hash_fini(&c->cgroup_hash);
	free(c->cgroups);
}
