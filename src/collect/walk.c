#include "collect/walk.h"

#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "collect/state.h"
#include "collect/wait.h"

#define REG_FP 6 /* PERF_REG_X86_*, asm/perf_regs.h */
#define REG_SP 7
#define REG_IP 8
#define OBJECTS_MAX 4096 /* that are counted by themselves */

struct walker {
	struct collect *collect;
	struct unwind_tables *tables;
	struct unwinder *unwinder;
	struct process *process; /* of the walk under way */
	bool file_asked;         /* it met a file that may still come */
	struct unwind_walk walk;
	struct collect_walks *objects;
	uint32_t nr_objects, objects_cap;
	struct hash object_hash;
};

void collect_set_tables(struct collect *c, struct unwind_tables *tables)
{
	wait_end(c);
	walk_fini(c);
	if (!tables)
		return;
	c->walker = xcalloc(1, sizeof(*c->walker));
	c->walker->collect = c;
	c->walker->tables = tables;
	c->walker->unwinder = unwinder_new(tables);
}

void walk_fini(struct collect *c)
{
	if (!c->walker)
		return;
	unwinder_free(c->walker->unwinder);
	free(c->walker->objects);
	hash_fini(&c->walker->object_hash);
	free(c->walker);
	c->walker = NULL;
}

static bool read_reg(const struct record_sample *s, const struct record_layout *layout, unsigned reg,
		     uint64_t *out)
{
	uint64_t below = layout->regs_user & ((UINT64_C(1) << reg) - 1);

	if (!(layout->regs_user >> reg & 1))
		return false;
	memcpy(out, (const char *)s->regs + 8 * __builtin_popcountll(below), 8);
	return true;
}

bool walk_read(const struct collect *c, const struct record *rec, const struct record_layout *layout,
	       struct walk_input *in)
{
	const struct record_sample *s = &rec->sample;

	if (!c->walker || !s->has_stack || s->regs_abi != PERF_SAMPLE_REGS_ABI_64 || layout->swap ||
	    !read_reg(s, layout, REG_IP, &in->regs.ip) ||
	    !read_reg(s, layout, REG_SP, &in->regs.sp) || !read_reg(s, layout, REG_FP, &in->regs.fp))
		return false;
	in->stack = s->stack;
	in->size = s->stack_size;
	return true;
}

/* --- What the walker asks --- */

static uint32_t object_of(struct walker *w, struct process_map *map,
			  const struct process_file *file)
{
	struct collect *c = w->collect;

	if (file->special)
		return strcmp(file->path, "[vdso]") ? OBJECT_NONE : COLLECT_VDSO;
	if (c->asks.object && map->object != OBJECT_MISSING)
		resolve_want_object(c, w->process, map);
	/* A copy of a mapping does not get the answer that the mapping gets. */
	if (map->object == OBJECT_ASKED && map->window == c->window)
		map->object = c->maps[map->mapping].object;
	return map->object;
}

static void find(void *ctx, uint64_t address, struct unwind_code *code)
{
	struct walker *w = ctx;
	struct process_map *map = space_find(w->process->space, address);
	const struct process_file *file;
	uint32_t object;

	*code = (struct unwind_code){ .kind = UNWIND_CODE_UNMAPPED };
	if (!map)
		return;
	file = process_file(w->collect->processes, map->file);
	object = object_of(w, map, file);
	if (file->special && object != COLLECT_VDSO) {
		code->kind = UNWIND_CODE_FILELESS;
		return;
	}
	code->kind = UNWIND_CODE_UNKNOWN;
	if (object == COLLECT_VDSO || object >= OBJECT_FIRST) {
		code->kind = UNWIND_CODE_OBJECT;
		code->object = object;
		code->bias = map->start - map->pgoff;
	} else {
		w->file_asked = object != OBJECT_MISSING && w->collect->asks.object;
	}
}

/* --- Who was walked, and where it ended --- */

static void count(struct walker *w, const struct unwind_walk *walk)
{
	struct space *s = w->process->space;
	struct process_map *map = walk->nr ? space_find(s, walk->addresses[walk->nr - 1]) : NULL;
	const struct process_file *file;
	struct collect_walks *o;
	uint32_t key, pos, i;

	if (!map)
		return;
	file = process_file(w->collect->processes, map->file);
	/* What has no number yet, or is no file, is told apart by its name. */
	key = map->object >= OBJECT_FIRST ? hash_u64(map->object)
					  : hash_bytes(file->path, strlen(file->path));
	for (i = hash_first(&w->object_hash, key, &pos); i != HASH_NONE;
	     i = hash_next(&w->object_hash, key, &pos))
		if (w->objects[i].key == key)
			break;
	if (i == HASH_NONE) {
		if (w->nr_objects == OBJECTS_MAX)
			return;
		hash_add(&w->object_hash, key, w->nr_objects);
		o = array_push(w->objects, w->nr_objects, w->objects_cap);
		*o = (struct collect_walks){ .key = key, .object = map->object };
		if (!strcmp(file->path, "[vdso]"))
			o->object = COLLECT_VDSO;
		snprintf(o->path, sizeof(o->path), "%s", file->path);
		i = w->nr_objects - 1;
	}
	w->objects[i].nr_ended[walk->stop]++;
}

const struct collect_walks *collect_walks(const struct collect *c, uint32_t *nr)
{
	*nr = c->walker ? c->walker->nr_objects : 0;
	return c->walker ? c->walker->objects : NULL;
}

/* --- Walks --- */

bool walk_may_go_on(struct collect *c, const struct walk_missing *m)
{
	struct unwind_rule rule;

	/* A file has no way to say that it is there but to be looked for. */
	return m->object == OBJECT_NONE ||
	       unwind_tables_find(c->walker->tables, m->object, m->offset, &rule) ||
	       !c->asks.page(c->asks.ctx, m->object, m->offset);
}

bool walk_try(struct collect *c, struct process *p, const struct walk_input *in,
	      struct walk_missing *missing)
{
	struct walker *w = c->walker;
	struct unwind_space space = { .serial = p->space->serial, .ctx = w, .find = find };
	struct unwind_walk *walk = &w->walk;

	w->process = p;
	w->file_asked = false;
	unwind_stack(w->unwinder, &space, &in->regs, in->stack, in->size, walk);
	if (walk->stop != UNWIND_STOP_NO_PAGE)
		return true;
	*missing = (struct walk_missing){ walk->missing_object, walk->missing_offset };
	if (!walk->missing_object)
		return !w->file_asked;
	return !c->asks.page(c->asks.ctx, walk->missing_object, walk->missing_offset);
}

bool walk_want(struct collect *c, struct process *p, uint64_t address)
{
	struct walker *w = c->walker;
	struct unwind_code code;
	struct unwind_rule rule;

	if (!w)
		return true;
	w->process = p;
	find(w, address, &code);
	if (code.kind == UNWIND_CODE_OBJECT &&
	    !unwind_tables_find(w->tables, code.object, address - code.bias, &rule))
		c->asks.page(c->asks.ctx, code.object, (address - code.bias) & ~(UNWIND_PAGE_SIZE - 1));
	return code.kind != UNWIND_CODE_UNMAPPED;
}

void walk_note(struct collect *c, struct process *p, const struct unwind_walk *walk)
{
	if (!c->walker)
		return;
	c->walker->process = p;
	count(c->walker, walk);
}

void walk_end(struct collect *c, struct process *p, struct stack *s)
{
	const struct unwind_walk *walk = &c->walker->walk;

	c->counters.stacks_walked++;
	count(c->walker, walk);
	if (walk->stop == UNWIND_STOP_NO_MAPPING)
		resolve_ask_maps(c, p);
	/* Where the tables end nothing is better than what the kernel found by frame pointers, if
	 * that goes further. */
	if (walk->stop == UNWIND_STOP_NO_PAGE && s->nr_user > walk->nr)
		s->cut = CUT_NO_TABLE;
	else
		chain_walked(c, walk, s);
}
