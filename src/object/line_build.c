#include "object/line_build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "object/debuglink.h"
#include "object/dwarf_alt.h"
#include "object/dwarf_constants.h"
#include "object/elf.h"
#include "object/line_build_impl.h"

#define WORK_MIN (64u << 20)  /* bytes that may be looked at, whatever the size */
#define WORK_FACTOR 16        /* and so many times what there is */
#define STRINGS_MAX (512u << 20)
#define STEP_SIZE (1u << 20)  /* of .debug_info in a step */

bool line_in_text(const struct line_build *b, uint64_t address)
{
	for (unsigned i = 0; i < b->nr_text; i++)
		if (address >= b->text[i].start && address < b->text[i].end)
			return address != 0; /* where code was that the linker left out */
	return false;
}

uint32_t line_intern(struct line_build *b, const char *s, size_t size)
{
	uint32_t hash, pos, i;

	if (!size || !dwarf_charge(b->d, size))
		return 0;
	hash = hash_bytes(s, size);
	for (i = hash_first(&b->string_hash, hash, &pos); i != HASH_NONE;
	     i = hash_next(&b->string_hash, hash, &pos))
		if (!memcmp(b->strings.data + i, s, size) && !b->strings.data[i + size])
			return i;
	if (b->strings.size + size > STRINGS_MAX)
		return 0;
	i = (uint32_t)b->strings.size;
	hash_add(&b->string_hash, hash, i);
	buf_add(&b->strings, s, size);
	buf_add(&b->strings, "", 1);
	/* So that the comparison above stays within the buffer. */
	buf_reserve(&b->strings, DWARF_STRING_MAX + 1);
	return i;
}

size_t line_held(const struct line_build *b)
{
	return b->strings.cap + b->blobs.cap + b->functions_cap * sizeof(*b->functions) +
	       b->rows_cap * sizeof(*b->rows) + b->sequences_cap * sizeof(*b->sequences) +
	       b->nodes_cap * sizeof(*b->nodes) + b->ranges_cap * sizeof(*b->ranges);
}

static int read_text(struct line_build *b)
{
	const struct elf *e = b->d->elf;
	uint64_t end = 0;

	b->base = UINT64_MAX;
	for (unsigned i = 0; i < elf_nr_segments(e) && b->nr_text < LINE_SEGMENTS_MAX; i++) {
		const struct elf_segment *s = elf_segment(e, i);

		if (!s->exec || !s->mem_size || s->vaddr + s->mem_size < s->vaddr)
			continue;
		b->text[b->nr_text++] =
			(struct dwarf_range){ s->vaddr, s->vaddr + s->mem_size };
		if (s->vaddr < b->base)
			b->base = s->vaddr;
		if (s->vaddr + s->mem_size > end)
			end = s->vaddr + s->mem_size;
	}
	if (!b->nr_text)
		return -ENODATA;
	return end - b->base < UINT32_MAX ? 0 : -EFBIG;
}

static void add_work(struct line_build *b, const struct dwarf *d)
{
	for (unsigned i = 0; i < DWARF_NR_SECTIONS; i++)
		b->work.left += WORK_FACTOR * d->sections[i].size;
}

/* What cannot be had of the shared file stays without names. */
static int open_alt(struct line_build *b)
{
	struct dwarf_alt link;

	if (dwarf_alt_link(b->d->elf, &link) || !b->src.open_file)
		return 0;
	b->alt_fd = b->src.open_file(b->src.ctx, link.name, link.id, link.id_size);
	if (b->alt_fd < 0 || debuglink_check_build_id(b->alt_fd, link.id, link.id_size) ||
	    dwarf_open(&b->alt, b->alt_fd, false, b->limits.section_size, &b->work))
		return 0;
	add_work(b, b->alt);
	b->d->alt = b->alt;
	return dwarf_list_units(b->alt);
}

int line_build_new(struct line_build **out, const struct line_source *src,
		   const struct line_limits *limits)
{
	struct line_build *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return -ENOMEM;
	b->src = *src;
	b->limits = *limits;
	b->alt_fd = b->split_fd = -1;
	b->work.left = WORK_MIN;
	buf_add(&b->strings, "", 1);
	err = dwarf_open(&b->d, src->fd, false, limits->section_size, &b->work);
	if (!err) {
		add_work(b, b->d);
		err = read_text(b);
	}
	if (!err)
		err = open_alt(b);
	if (!err && dwarf_has_far_refs(b->d))
		err = dwarf_list_units(b->d);
	if (err)
		line_build_free(b);
	else
		*out = b;
	return err;
}

static void close_split(struct line_build *b)
{
	dwarf_close(b->split);
	b->split = NULL;
	if (b->split_fd >= 0)
		close(b->split_fd);
	b->split_fd = -1;
}

void line_build_free(struct line_build *b)
{
	if (!b)
		return;
	close_split(b);
	dwarf_close(b->alt);
	dwarf_close(b->d);
	if (b->alt_fd >= 0)
		close(b->alt_fd);
	buf_fini(&b->strings);
	buf_fini(&b->blobs);
	hash_fini(&b->string_hash);
	hash_fini(&b->seen_hash);
	hash_fini(&b->name_hash);
	dwarf_line_fini(&b->line);
	free(b->functions);
	free(b->rows);
	free(b->sequences);
	free(b->seen);
	free(b->names);
	free(b->nodes);
	free(b->ranges);
	free(b);
}

/* The unit of the split file that U stands for. */
static struct dwarf_unit *find_split(struct dwarf *d, const struct dwarf_unit *u)
{
	for (uint32_t i = 0; i < d->nr_units; i++) {
		struct dwarf_unit *s = &d->units[i];

		if (s->type != DW_UT_type && s->type != DW_UT_split_type &&
		    !dwarf_unit_open(d, s) && s->dwo_id == u->dwo_id)
			return s;
	}
	return NULL;
}

/* Reads the functions of a unit whose DIEs are in a file of their own; false: they are not to be
 * had. */
static bool read_split(struct line_build *b, struct dwarf_unit *u)
{
	struct dwarf_unit *s = NULL;
	uint8_t id[8];
	char *name;

	name = b->src.open_file ? dwarf_split_name(u) : NULL;
	if (!name)
		return false;
	memcpy(id, &u->dwo_id, sizeof(id));
	b->split_fd = b->src.open_file(b->src.ctx, name, id, sizeof(id));
	free(name);
	if (b->split_fd >= 0 &&
	    !dwarf_open(&b->split, b->split_fd, true, b->limits.section_size, &b->work)) {
		add_work(b, b->split);
		b->split->skeleton = b->d;
		b->split->split_from = u;
		if (!dwarf_list_units(b->split))
			s = find_split(b->split, u);
	}
	if (s)
		line_read_functions(b, b->split, s);
	close_split(b);
	return s;
}

static void read_unit(struct line_build *b, struct dwarf_unit *u)
{
	hash_clear(&b->name_hash);
	b->nr_names = 0;
	line_read_rows(b, b->d, u);
	if (!u->dwo_name || !read_split(b, u))
		line_read_functions(b, b->d, u);
}

int line_build_step(struct line_build *b)
{
	uint64_t until = b->next + STEP_SIZE;

	while (b->next < until) {
		struct dwarf_unit *u = &b->unit;
		int err = dwarf_unit_header(b->d, b->next, u);

		/* Behind a header that makes no sense no unit can be found. */
		if (err == -ENODATA || err == -EBADMSG)
			return 0;
		if (err)
			return err;
		b->next = u->end;
		if (u->type != DW_UT_type && u->type != DW_UT_split_type) {
			err = dwarf_unit_open(b->d, u);
			if (!err)
				read_unit(b, u);
			else if (err != -EBADMSG)
				return err;
		}
		if (!b->work.left || line_held(b) > b->limits.memory)
			return -EFBIG;
		if (!b->d->whole)
			dwarf_section_forget(&b->d->sections[DWARF_INFO], b->next);
		dwarf_abbrevs_trim(b->d);
		if (b->alt)
			dwarf_abbrevs_trim(b->alt);
	}
	return 1;
}

int line_build(const struct line_source *src, const struct line_limits *limits,
	       const struct object_id *id, void **image, size_t *size)
{
	struct line_build *b;
	int err = line_build_new(&b, src, limits);

	if (err)
		return err;
	do
		err = line_build_step(b);
	while (err == 1);
	if (!err)
		err = line_build_finish(b, id, image, size);
	line_build_free(b);
	return err;
}
