#include "worker/pages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "object/cfi.h"
#include "object/debuglink.h"
#include "object/elf.h"
#include "symbolize/vdso.h"

#define OPEN_MAX 16
#define HELD_SIZE_MAX (8u << 20) /* by what is open but not in use */

struct open_object {
	struct worker_object id;
	int fd; /* −1: free */
	int err; /* of opening */
	struct elf *elf;
	struct cfi *cfi;
	struct debuglink link;
	bool has_link;
	bool refused;     /* the debug file that came last was not this object's, or damaged: */
	uint64_t refused_dev, refused_inode;
	int debug_fd;     /* −1: none */
	struct elf *debug;
	uint64_t used; /* the larger the later */
};

struct pages {
	struct open_object objects[OPEN_MAX];
	struct open_object *current;
	uint64_t clock;
};

struct pages *pages_new(void)
{
	struct pages *p = xcalloc(1, sizeof(*p));

	for (unsigned i = 0; i < OPEN_MAX; i++)
		p->objects[i].fd = p->objects[i].debug_fd = -1;
	return p;
}

static void close_object(struct open_object *o)
{
	if (o->fd < 0)
		return;
	cfi_close(o->cfi);
	elf_close(o->elf);
	elf_close(o->debug);
	close(o->fd);
	if (o->debug_fd >= 0)
		close(o->debug_fd);
	*o = (struct open_object){ .fd = -1, .debug_fd = -1 };
}

void pages_idle(struct pages *p)
{
	for (unsigned i = 0; i < OPEN_MAX; i++)
		close_object(&p->objects[i]);
	p->current = NULL;
}

void pages_free(struct pages *p)
{
	if (!p)
		return;
	pages_idle(p);
	free(p);
}

static size_t size_of(const struct open_object *o)
{
	return (o->cfi ? cfi_size(o->cfi) : 0) + (o->elf ? elf_size(o->elf) : 0) +
	       (o->debug ? elf_size(o->debug) : 0);
}

static struct open_object *oldest(struct pages *p, bool in_use)
{
	struct open_object *found = NULL;

	for (unsigned i = 0; i < OPEN_MAX; i++) {
		struct open_object *o = &p->objects[i];

		if (in_use && o->fd < 0)
			continue;
		if (!found || o->used < found->used)
			found = o;
	}
	return found;
}

/* Room for one more, and no more memory than it should be. */
static void make_room(struct pages *p)
{
	for (;;) {
		struct open_object *o = oldest(p, true);
		size_t size = 0;

		for (unsigned i = 0; i < OPEN_MAX; i++)
			size += p->objects[i].fd < 0 ? 0 : size_of(&p->objects[i]);
		if (!o || size <= HELD_SIZE_MAX)
			break;
		close_object(o);
	}
}

/* A build id that is not the kernel's is another file's, whatever its name and times say. */
static int open_elf(struct open_object *o)
{
	uint8_t id[ELF_BUILD_ID_MAX];
	int err = elf_open(&o->elf, o->fd);

	if (err)
		return err;
	if (o->id.build_id_size) {
		unsigned nr = elf_build_id(o->elf, id);

		if (nr != o->id.build_id_size || memcmp(id, o->id.build_id, nr))
			return -ESTALE;
	}
	o->has_link = !debuglink_read(o->elf, &o->link);
	return cfi_open(&o->cfi, o->elf, NULL);
}

static struct open_object *find(struct pages *p, const struct worker_object *id)
{
	for (unsigned i = 0; i < OPEN_MAX; i++)
		if (p->objects[i].fd >= 0 && !memcmp(&p->objects[i].id, id, sizeof(*id)))
			return &p->objects[i];
	return NULL;
}

static void open_object(struct open_object *o, const struct worker_object *id, int fd)
{
	uint64_t size;

	*o = (struct open_object){ .id = *id, .debug_fd = -1, .fd = fd >= 0 ? fd : vdso_open(&size) };
	o->err = o->fd < 0 ? o->fd : open_elf(o);
}

/* What O's debug file, if FD is that, says in addition. */
static void open_debug(struct open_object *o, int fd)
{
	struct stat st;
	struct cfi *c;
	int err = debuglink_check(&o->link, o->fd, fd);

	if (!err)
		err = elf_open(&o->debug, fd);
	if (!err)
		err = cfi_open(&c, o->elf, o->debug);
	o->refused = err;
	if (err) {
		elf_close(o->debug);
		o->debug = NULL;
		if (!fstat(fd, &st)) {
			o->refused_dev = st.st_dev;
			o->refused_inode = st.st_ino;
		}
		close(fd);
		return;
	}
	o->debug_fd = fd;
	cfi_close(o->cfi);
	o->cfi = c;
}

void pages_open(struct pages *p, const struct worker_pages *q, int fd, int debug_fd)
{
	struct worker_object id = q->object;
	struct open_object *o;

	id.files = id.flags = 0;
	o = find(p, &id);
	if (o) {
		if (fd >= 0)
			close(fd);
	} else {
		make_room(p);
		o = oldest(p, false);
		close_object(o);
		open_object(o, &id, fd);
	}
	if (debug_fd >= 0 && o->has_link && o->debug_fd < 0 && !o->err)
		open_debug(o, debug_fd);
	else if (debug_fd >= 0)
		close(debug_fd);
	o->used = ++p->clock;
	p->current = o;
}

/* More may be known of a page with so much unknown code. */
static bool wants_debug(const struct open_object *o, const struct worker_pages *q, uint32_t unknown)
{
	if (!o->has_link || o->debug_fd >= 0 || q->object.flags & WORKER_NO_FILES)
		return false;
	if (q->object.files && !o->refused_inode)
		return false; /* nobody could say which one is not it */
	return unknown >= CFI_UNKNOWN_SIZE;
}

void pages_want(const struct pages *p, const struct worker_pages *q, struct worker_want *want)
{
	memset(want, 0, sizeof(*want)); /* padding is sent too */
	want->type = WORKER_WANT;
	want->cookie = q->cookie;
	want->file = WORKER_DEBUG_FILE;
	want->names = p->current->link.names;
	if (p->current->refused && q->object.files) {
		want->refused.dev = p->current->refused_dev;
		want->refused.inode = p->current->refused_inode;
	}
}

void pages_compile(struct pages *p, const struct worker_pages *q, uint64_t offset,
		   struct worker_page *out)
{
	struct open_object *o = p->current;
	struct unwind_page page;
	int err = o->err;

	if (!err)
		err = cfi_page(o->cfi, offset, &page);
	if (!err && wants_debug(o, q, cfi_unknown(o->cfi)))
		err = -EAGAIN;
	out->type = WORKER_PAGE;
	out->status = err;
	out->cookie = q->cookie;
	out->offset = offset;
	out->nr_rules = err ? 0 : page.nr_rules;
	out->nr_rows = err ? 0 : page.nr_rows;
	if (err)
		return;
	memcpy(out->data, page.rules, page.nr_rules * sizeof(page.rules[0]));
	memcpy(out->data + page.nr_rules, page.rows, page.nr_rows * sizeof(page.rows[0]));
}
