/* Copied user stacks → addresses, by pages that are compiled when a walk first needs them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "object/cfi.h"
#include "object/elf.h"
#include "perf/record.h"
#include "proc/process.h"
#include "replay/impl.h"
#include "symbolize/vdso.h"

#define TABLES_SIZE (64u << 20)
#define PAGES_A_SAMPLE 256 /* that may be missing: more than there are frames is of no use */
#define VDSO 1             /* its number in the tables; files have theirs after it */
#define FIRST_FILE 2

#define REG_FP 6 /* PERF_REG_X86_*, asm/perf_regs.h */
#define REG_SP 7
#define REG_IP 8

struct object {
	bool opened;
	int err; /* of opening */
	struct elf *elf;
	struct cfi *cfi;
	bool looked; /* for a debug file */
	int debug_fd; /* 0: none */
	struct elf *debug;
};

struct replay_unwind {
	struct replay_names *names;
	struct process_table *processes;
	bool vdso_is_ours;
	int vdso_fd;
	struct object *objects; /* by number in the tables */
	uint32_t nr_objects, objects_cap;
	struct unwind_tables *tables;
	struct unwinder *unwinder;
	struct space *space; /* of the sample under way */
	struct unwind_walk walk;
};

struct replay_unwind *replay_unwind_new(struct replay_names *names, struct process_table *t,
					bool vdso)
{
	struct replay_unwind *u = xcalloc(1, sizeof(*u));

	u->names = names;
	u->processes = t;
	u->vdso_is_ours = vdso;
	u->vdso_fd = -1;
	u->tables = unwind_tables_new(TABLES_SIZE);
	u->unwinder = unwinder_new(u->tables);
	return u;
}

void replay_unwind_free(struct replay_unwind *u)
{
	if (!u)
		return;
	for (uint32_t i = 0; i < u->nr_objects; i++) {
		cfi_close(u->objects[i].cfi);
		elf_close(u->objects[i].elf);
		elf_close(u->objects[i].debug);
		if (u->objects[i].debug_fd)
			close(u->objects[i].debug_fd);
	}
	free(u->objects);
	if (u->vdso_fd >= 0)
		close(u->vdso_fd);
	unwinder_free(u->unwinder);
	unwind_tables_free(u->tables);
	free(u);
}

/* --- Objects --- */

static int open_object(struct object *o, int fd, const uint8_t *build_id, uint8_t size)
{
	uint8_t id[ELF_BUILD_ID_MAX];
	int err = elf_open(&o->elf, fd);

	if (err)
		return err;
	/* perf pads ids to 20 bytes in some of its records. */
	if (size) {
		unsigned nr = elf_build_id(o->elf, id);

		if (!nr || nr > size || memcmp(id, build_id, nr))
			return -ENOENT;
	}
	return cfi_open(&o->cfi, o->elf, NULL);
}

static struct object *object_of(struct replay_unwind *u, uint32_t number)
{
	uint32_t old = u->nr_objects;

	if (number >= old) {
		array_reserve(u->objects, u->objects_cap, (uint64_t)number + 1);
		u->nr_objects = number + 1;
		memset(u->objects + old, 0, (number + 1 - old) * sizeof(*u->objects));
	}
	return &u->objects[number];
}

static struct object *file_object(struct replay_unwind *u, uint32_t file)
{
	const struct symbolize_object *f = &u->names->files.objects[file];
	struct object *o = object_of(u, FIRST_FILE + file);

	if (!o->opened)
		o->err = open_object(o, f->fd, f->build_id, f->build_id_size);
	o->opened = true;
	return o;
}

/* Of this boot there is one vDSO; of others a build id tells whether it is the same. */
static struct object *vdso_object(struct replay_unwind *u, const struct process_file *file)
{
	struct object *o = object_of(u, VDSO);
	uint64_t size;

	if (o->opened)
		return o;
	o->opened = true;
	o->err = -ENOENT;
	if (!file->build_id_size && !u->vdso_is_ours)
		return o;
	u->vdso_fd = vdso_open(&size);
	if (u->vdso_fd >= 0)
		o->err = open_object(o, u->vdso_fd, file->build_id, file->build_id_size);
	return o;
}

/* --- What the walker asks --- */

static bool map_file(struct replay_unwind *u, struct process_map *map,
		     const struct process_file *file, uint32_t *number)
{
	if (map->object >= OBJECT_FIRST) {
		*number = map->object - OBJECT_FIRST;
		return true;
	}
	if (map->object == OBJECT_MISSING)
		return false;
	if (replay_files_open(&u->names->files, file->path, file->build_id, file->build_id_size, number)) {
		map->object = OBJECT_MISSING;
		return false;
	}
	map->object = OBJECT_FIRST + *number;
	return true;
}

static void find(void *ctx, uint64_t address, struct unwind_code *code)
{
	struct replay_unwind *u = ctx;
	struct process_map *map = space_find(u->space, address);
	const struct process_file *file;
	struct object *o;
	uint32_t number;

	*code = (struct unwind_code){ .kind = UNWIND_CODE_UNMAPPED };
	if (!map)
		return;
	file = process_file(u->processes, map->file);
	code->kind = UNWIND_CODE_UNKNOWN;
	if (!file->special) {
		if (!map_file(u, map, file, &number))
			return;
		o = file_object(u, number);
		code->object = FIRST_FILE + number;
	} else if (!strcmp(file->path, "[vdso]")) {
		o = vdso_object(u, file);
		code->object = VDSO;
	} else {
		code->kind = UNWIND_CODE_FILELESS;
		return;
	}
	if (o->err)
		return;
	code->kind = UNWIND_CODE_OBJECT;
	code->bias = map->start - map->pgoff;
}

/* O's separate debug file may say what O does not. */
static bool open_debug(struct replay_unwind *u, uint32_t file, struct object *o)
{
	struct cfi *c;
	int fd;

	if (o->looked)
		return false;
	o->looked = true;
	fd = replay_debug_find(u->names, file, o->elf);
	if (fd < 0)
		return false;
	o->debug_fd = fd;
	if (elf_open(&o->debug, fd) || cfi_open(&c, o->elf, o->debug))
		return false;
	cfi_close(o->cfi);
	o->cfi = c;
	return true;
}

static int compile_page(struct object *o, uint64_t offset, struct unwind_page *page, bool *is_known)
{
	int err = cfi_page(o->cfi, offset, page);

	*is_known = cfi_unknown(o->cfi) < CFI_UNKNOWN_SIZE;
	return err;
}

static bool build_page(struct replay_unwind *u, uint32_t object, uint64_t offset)
{
	struct object *o = &u->objects[object];
	struct unwind_page page;
	bool is_known;
	int err = compile_page(o, offset, &page, &is_known);

	if (!err && !is_known && object >= FIRST_FILE && open_debug(u, object - FIRST_FILE, o))
		err = compile_page(o, offset, &page, &is_known);
	return !err && !unwind_tables_add(u->tables, object, &page);
}

/* --- Samples --- */

static bool read_reg(const struct record_sample *s, const struct record_layout *layout,
		     unsigned reg, uint64_t *out)
{
	uint64_t below = layout->regs_user & ((UINT64_C(1) << reg) - 1);

	if (!(layout->regs_user >> reg & 1))
		return false;
	memcpy(out, (const char *)s->regs + 8 * __builtin_popcountll(below), 8);
	return true;
}

const struct unwind_walk *replay_unwind_sample(struct replay_unwind *u, const struct record *rec,
					       const struct record_layout *layout)
{
	const struct record_sample *s = &rec->sample;
	struct unwind_space space = { .ctx = u, .find = find };
	struct unwind_regs regs;
	struct process *p;

	if (!s->has_stack || s->regs_abi != PERF_SAMPLE_REGS_ABI_64 || layout->swap ||
	    !(layout->sample_type & PERF_SAMPLE_TID) ||
	    !read_reg(s, layout, REG_IP, &regs.ip) || !read_reg(s, layout, REG_SP, &regs.sp) ||
	    !read_reg(s, layout, REG_FP, &regs.fp))
		return NULL;
	p = process_get(u->processes, rec->pid);
	if (!p)
		return NULL;
	u->space = p->space;
	space.serial = p->space->serial;
	for (unsigned i = 0; i < PAGES_A_SAMPLE; i++) {
		unwind_stack(u->unwinder, &space, &regs, s->stack, s->stack_size, &u->walk);
		if (u->walk.stop != UNWIND_STOP_NO_PAGE || !u->walk.missing_object ||
		    !build_page(u, u->walk.missing_object, u->walk.missing_offset))
			break;
	}
	return &u->walk;
}
