#include "symbolize/debug_file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "object/dwarf_alt.h"
#include "object/elf.h"
#include "object/symtab.h"
#include "symbolize/object_cache.h"
#include "symbolize/symbolize.h"

#define ASK_AGAIN 4 /* windows: somebody may have installed it since */

static bool has_section(const struct elf *e, const char *name)
{
	const struct elf_section *s = elf_find_section(e, name);

	return s && s->size && s->type != SHT_NOBITS;
}

static void read_alt(struct debug_file *d, const struct elf *e)
{
	struct dwarf_alt *link = malloc(sizeof(*link));

	memset(&d->alt, 0, sizeof(d->alt));
	if (link && !dwarf_alt_link(e, link) && link->id_size > 1 &&
	    link->id_size <= sizeof(d->alt.build_id)) {
		d->alt.build_id_size = (uint8_t)link->id_size;
		memcpy(d->alt.build_id, link->id, link->id_size);
		debug_dwz_link(link->name, d->alt.link);
	}
	free(link);
}

void debug_file_read(struct debug_file *d, struct elf *e, const struct levels *l)
{
	*d = (struct debug_file){ .has_names = l->go || (l->symtab && symtab_is_whole(l->symtab)) };
	d->has_lines = l->go || has_section(e, ".debug_info") || has_section(e, ".zdebug_info");
	d->known = !debuglink_read(e, &d->link);
	if (d->has_lines)
		read_alt(d, e);
}

bool debug_file_is_refused(const struct debug_file *d, int fd)
{
	struct stat st;

	return d->refused && !fstat(fd, &st) && st.st_dev == d->refused_dev &&
	       st.st_ino == d->refused_inode;
}

bool debug_file_wanted(const struct cached *c, bool lines)
{
	const struct debug_file *d = &c->debug;

	return d->known && !c->levels.has_debug &&
	       (!d->has_names || (lines && !d->has_lines));
}

static int take(struct cached *c, int object_fd, int fd)
{
	struct elf *e;
	int copy, err = debuglink_check(&c->debug.link, object_fd, fd);

	if (!err)
		err = elf_open(&e, fd);
	if (err)
		return err;
	if (!c->debug.has_lines)
		read_alt(&c->debug, e);
	elf_close(e);
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return copy < 0 ? -errno : levels_add_debug(&c->levels, copy);
}

static void refuse(struct debug_file *d, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return;
	d->refused = true;
	d->refused_dev = st.st_dev;
	d->refused_inode = st.st_ino;
}

int debug_file_take(struct cached *c, int object_fd, int fd)
{
	int err = take(c, object_fd, fd);

	/* Out of memory or descriptors it may do next time. */
	if (err == -ENOENT || err == -ENOEXEC || err == -EBADMSG || err == -EFBIG)
		refuse(&c->debug, fd);
	if (!c->levels.has_debug)
		return err;
	name_table_fini(&c->names);
	seen_fini(&c->seen);
	if (c->levels.debug && c->status == -ENODATA)
		c->status = 0;
	return 0;
}

/* FD is not dwz's file: looked at once. */
static bool alt_is_refused(struct debug_file *d, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return false;
	if (st.st_dev != d->alt_dev || st.st_ino != d->alt_inode)
		d->alt_refused = debuglink_check_build_id(fd, d->alt.build_id, d->alt.build_id_size);
	d->alt_dev = st.st_dev;
	d->alt_inode = st.st_ino;
	return d->alt_refused;
}

static bool is_due(uint32_t asked, uint32_t window)
{
	return !asked || window - asked >= ASK_AGAIN;
}

void debug_file_want(struct cached *c, const struct symbolize_debug *debug, uint32_t object,
		     const struct symbolize_object *o, uint64_t nr_samples, uint32_t window,
		     bool lines)
{
	struct debug_file *d = &c->debug;
	bool another = o->debug_fd > 0 && debug_file_is_refused(d, o->debug_fd);

	d->nr_samples += nr_samples;
	if (d->nr_samples < debug->earned)
		return;
	if (debug_file_wanted(c, lines) && (another || is_due(d->asked, window))) {
		d->asked = window;
		debug->want(debug->ctx, object, SYMBOLIZE_DEBUG_FILE, another, &d->link.names);
	}
	if (!lines || !d->alt.build_id_size)
		return;
	another = o->alt_fd > 0 && alt_is_refused(d, o->alt_fd);
	if (another || (o->alt_fd <= 0 && is_due(d->alt_asked, window))) {
		d->alt_asked = window;
		debug->want(debug->ctx, object, SYMBOLIZE_ALT_FILE, another, &d->alt);
	}
}
