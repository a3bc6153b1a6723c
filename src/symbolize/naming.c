#include "symbolize/naming.h"

#include <errno.h>
#include <string.h>

#include "object/elf.h"

_Static_assert(sizeof(((struct symbolize_object *)0)->build_id) == ELF_BUILD_ID_MAX &&
		       sizeof(((struct cached *)0)->build_id) == ELF_BUILD_ID_MAX,
	       "one size of build ids");

static struct cached *parse_jit(struct object_cache *c, const struct symbolize_object *o)
{
	struct levels levels = { 0 };
	struct cached *e;
	int err = levels_open_jit(&levels, o->fd);

	if (err && err != -ENODATA && err != -EBADMSG && err != -EFBIG)
		return NULL;
	e = object_cache_add(c, &o->id);
	e->status = err;
	e->levels = levels;
	return e;
}

struct cached *naming_parse(struct object_cache *c, const struct symbolize_object *o)
{
	uint8_t build_id[ELF_BUILD_ID_MAX] = { 0 };
	unsigned build_id_size = 0;
	struct levels levels = { 0 };
	struct debug_file debug = { 0 };
	struct elf *elf = NULL;
	struct cached *e;
	int err;

	if (o->jit_map)
		return parse_jit(c, o);
	err = elf_open(&elf, o->fd);
	if (!err) {
		build_id_size = elf_build_id(elf, build_id);
		err = levels_open(&levels, elf);
		debug_file_read(&debug, elf, &levels);
		elf_forget_sections(elf);
	}
	if (err && err != -ENODATA) { /* what knows no functions may know lines */
		elf_close(elf);
		elf = NULL;
		if (err != -ENOEXEC && err != -EBADMSG && err != -EFBIG)
			return NULL;
	}
	e = object_cache_add(c, &o->id);
	e->status = err;
	e->elf = elf;
	e->levels = levels;
	e->debug = debug;
	e->build_id_size = build_id_size;
	memcpy(e->build_id, build_id, sizeof(build_id));
	return e;
}

/* Kernels differ in whether they count the zeros that pad a short id. */
static bool same_build_id(const struct cached *e, const struct symbolize_object *o)
{
	uint8_t padded[ELF_BUILD_ID_MAX] = { 0 };

	if (!o->build_id_size)
		return true;
	memcpy(padded, o->build_id,
	       o->build_id_size < sizeof(padded) ? o->build_id_size : sizeof(padded));
	return !memcmp(padded, e->build_id, sizeof(padded));
}

int naming_refusal(const struct cached *e, const struct symbolize_object *o)
{
	if (o->quarantined)
		return -ECANCELED;
	if (!e)
		return -EIO;
	return e->status || same_build_id(e, o) ? e->status : -ESTALE;
}

bool naming_usable(const struct cached *e, const struct symbolize_object *o)
{
	return !e->status && same_build_id(e, o);
}

bool naming_identified(const struct cached *e, const struct symbolize_object *o)
{
	return (e->elf || e->levels.dump) && same_build_id(e, o);
}

bool naming_failed(const struct cached *e, const struct symbolize_object *o)
{
	return e->status == -EBADMSG || e->status == -EFBIG || !same_build_id(e, o);
}

bool naming_recall(struct cached *e, uint64_t offset, struct name **out)
{
	uint32_t number;

	if (!seen_find(&e->seen, offset, &number))
		return false;
	*out = number ? &e->names.names[number - 1] : NULL;
	return true;
}

static struct name *name_of(struct cached *e, int fd, const struct level_function *f,
			    const char *base)
{
	uint64_t symbol = (uint64_t)f->level << NAMING_LEVEL_SHIFT | f->start;
	struct name *n = name_table_find(&e->names, symbol);
	char text[LEVEL_NAME_MAX];

	if (n)
		return n;
	if (levels_name(&e->levels, fd, f, base, text))
		return NULL;
	return name_table_add(&e->names, symbol, text);
}

struct name *naming_find(struct cached *e, int fd, uint64_t offset, const char *base)
{
	struct level_function f;
	struct name *n = NULL;
	uint64_t vaddr;
	int err = -ENOENT;

	if (naming_recall(e, offset, &n))
		return n;
	if (levels_of_jit(&e->levels))
		err = levels_find(&e->levels, fd, offset, &f);
	else if (elf_vaddr(e->elf, offset, &vaddr))
		err = levels_find(&e->levels, fd, vaddr, &f);
	if (!err)
		n = name_of(e, fd, &f, base);
	/* An error of reading may not come again. */
	if (n || err == -ENOENT)
		seen_add(&e->seen, offset, n ? (uint32_t)(n - e->names.names) + 1 : 0);
	return n;
}
