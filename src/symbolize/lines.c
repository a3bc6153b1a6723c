#include "symbolize/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/io.h"
#include "base/mem.h"
#include "object/gopclntab.h"
#include "symbolize/lines_impl.h"
#include "symbolize/object_cache.h"

#define ALT_WAITS_MAX 3 /* windows */
#define ENTRIES_MAX 65536 /* objects known; then those forget that have nothing to lose */

struct lines *lines_new(const struct symbolize_lines *o)
{
	struct lines *l = xcalloc(1, sizeof(*l));

	l->options = *o;
	return l;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_sources(struct lines_entry *e)
{
	close_fd(&e->fd);
	close_fd(&e->debug_fd);
	close_fd(&e->alt_fd);
}

static void forget(struct lines *l, struct lines_entry *e)
{
	l->size -= e->size;
	e->size = 0;
	line_close(e->index);
	e->index = NULL;
	close_sources(e);
	close_fd(&e->index_fd);
	e->stored = false;
	name_table_fini(&e->names);
	name_table_fini(&e->files);
}

void lines_free(struct lines *l)
{
	if (!l)
		return;
	line_builder_stop(&l->builder);
	for (uint32_t i = 0; i < l->nr_entries; i++)
		forget(l, &l->entries[i]);
	free(l->entries);
	hash_fini(&l->hash);
	free(l);
}

size_t lines_size(const struct lines *l)
{
	return sizeof(*l) + l->size + l->entries_cap * sizeof(*l->entries);
}

static uint32_t hash_id(const struct object_id *id)
{
	return hash_2u64(hash_2u64(id->dev, id->inode), (uint64_t)id->ctime_ns);
}

struct lines_entry *lines_find(const struct lines *l, const struct object_id *id)
{
	uint32_t hash = hash_id(id), pos, i;

	for (i = hash_first(&l->hash, hash, &pos); i != HASH_NONE;
	     i = hash_next(&l->hash, hash, &pos))
		if (!memcmp(&l->entries[i].id, id, sizeof(*id)))
			return &l->entries[i];
	return NULL;
}

/* Those that have built nothing go: what they were told can be told again. */
static void compact(struct lines *l)
{
	uint32_t kept = 0;

	hash_clear(&l->hash);
	for (uint32_t i = 0; i < l->nr_entries; i++) {
		struct lines_entry *e = &l->entries[i];

		if (e->state == LINES_EARNING || e->state == LINES_REFUSED) {
			forget(l, e);
			continue;
		}
		if (l->builder.pid && l->building == i)
			l->building = kept;
		hash_add(&l->hash, hash_id(&e->id), kept);
		l->entries[kept++] = *e;
	}
	l->nr_entries = kept;
}

static struct lines_entry *add(struct lines *l, const struct object_id *id)
{
	struct lines_entry *e;

	if (l->nr_entries == ENTRIES_MAX)
		compact(l);
	if (l->nr_entries == ENTRIES_MAX)
		return NULL;
	hash_add(&l->hash, hash_id(id), l->nr_entries);
	e = array_push(l->entries, l->nr_entries, l->entries_cap);
	*e = (struct lines_entry){ .id = *id, .fd = -1, .debug_fd = -1, .alt_fd = -1, .index_fd = -1 };
	return e;
}

void lines_settle(struct lines *l, struct lines_entry *e)
{
	l->size -= e->size;
	e->size = name_table_size(&e->names) + name_table_size(&e->files);
	if (e->index)
		e->size += line_size(e->index) + (e->stored ? 0 : line_file_size(e->index));
	l->size += e->size;
}

/* An index that is larger than all the others may be takes their place, but is never its own
 * victim: it would be built again and again. */
static void fit(struct lines *l, const struct lines_entry *keep)
{
	while (l->size > l->options.size) {
		struct lines_entry *oldest = NULL;

		for (uint32_t i = 0; i < l->nr_entries; i++) {
			struct lines_entry *e = &l->entries[i];

			if (e->size && e != keep && (!oldest || e->used < oldest->used))
				oldest = e;
		}
		if (!oldest)
			break;
		forget(l, oldest);
		oldest->state = LINES_EARNING;
		oldest->nr_samples = 0;
	}
}

static void done(struct lines *l, struct lines_entry *e, int err)
{
	close_sources(e);
	if (!err) {
		lines_settle(l, e);
		e->state = LINES_READY;
		if (e->size > l->options.size)
			err = -EFBIG;
	}
	if (err) {
		forget(l, e);
		e->state = LINES_REFUSED;
		e->status = err;
	} else {
		fit(l, e);
	}
}

/* --- building --- */

static struct lines_entry *next(struct lines *l)
{
	struct lines_entry *best = NULL;

	for (uint32_t i = 0; i < l->nr_entries; i++)
		if (l->entries[i].state == LINES_WAITING &&
		    (!best || l->entries[i].nr_samples > best->nr_samples))
			best = &l->entries[i];
	return best;
}

static void open_built(struct lines *l, struct lines_entry *e, int err)
{
	if (!err)
		err = line_open(&e->index, e->index_fd, &e->id);
	done(l, e, err);
	if (e->state == LINES_READY && l->options.built) {
		e->damaged = false;
		l->options.built(l->options.ctx, &e->id, e->index_fd, line_file_size(e->index));
	}
}

/* What was opened for E before, then whatever the caller of all this can open. */
struct opener {
	const struct lines *l;
	const struct lines_entry *e;
};

static int open_file(void *ctx, const char *name, const uint8_t *id, unsigned id_size)
{
	const struct opener *o = ctx;
	int known = *name ? o->e->alt_fd : o->e->debug_fd;

	if (known >= 0 && (!*name || id_size > 8)) /* a .dwo file's is of 8 */
		return fcntl(known, F_DUPFD_CLOEXEC, 3);
	return o->l->options.open_file ? o->l->options.open_file(o->l->options.ctx, name, id, id_size)
				       : -ENOENT;
}

static int build(struct lines *l, struct lines_entry *e, bool here)
{
	struct opener o = { l, e };
	struct line_source src = { .fd = e->fd, .open_file = open_file, .ctx = &o };

	e->index_fd = io_memfd_new("pprofd-lines");
	if (e->index_fd < 0)
		return e->index_fd;
	return here ? line_builder_run(&src, &e->id, e->index_fd)
		    : line_builder_start(&l->builder, &src, &e->id, e->index_fd);
}

int lines_poll(struct lines *l)
{
	struct lines_entry *e = l->builder.pid ? &l->entries[l->building] : NULL;
	int err;

	if (e) {
		err = line_builder_poll(&l->builder);
		if (err == 1)
			return 1;
		open_built(l, e, err);
	}
	while ((e = next(l))) {
		err = build(l, e, false);
		if (!err) {
			e->state = LINES_BUILDING;
			l->building = (uint32_t)(e - l->entries);
			return 1;
		}
		done(l, e, err);
	}
	return 0;
}

void lines_set_budget(struct lines *l, size_t budget)
{
	l->options.size = budget;
	fit(l, NULL);
}

static void announce(const struct lines_window *w, const struct object_id *id)
{
	for (uint32_t i = 0; w->notice && i < w->nr_objects; i++) {
		if (!memcmp(&w->objects[i].id, id, sizeof(*id))) {
			w->notice(w->ctx, i);
			break;
		}
	}
}

/* Everything that waits, at once. */
static void build_now(struct lines *l, const struct lines_window *w)
{
	struct lines_entry *e;

	while ((e = next(l))) {
		announce(w, &e->id);
		open_built(l, e, build(l, e, true));
	}
}

/* --- a window --- */

static int keep(int fd)
{
	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

/* An index that was built before, by us or another: checked once, like what a stranger says. */
static void adopt(struct lines *l, struct lines_entry *e, int index_fd)
{
	struct line_index *index;
	int fd;

	if (index_fd < 0 || e->damaged || e->state == LINES_BUILDING || e->state == LINES_TABLE ||
	    (e->state == LINES_READY && e->stored))
		return;
	fd = keep(index_fd);
	if (fd < 0)
		return;
	if (line_open(&index, fd, &e->id)) {
		e->damaged = true;
		close(fd);
		return;
	}
	forget(l, e); /* an index in memory is not needed any more */
	e->index = index;
	e->index_fd = fd;
	e->stored = true;
	done(l, e, 0);
}

/* What dwz has moved to another file: without it names would be missing for good. */
static bool waits_for_alt(const struct lines *l, const struct symbolize_object *o, struct cached *c)
{
	return !l->options.now && c->debug.alt.build_id_size &&
	       (o->alt_fd <= 0 || c->debug.alt_refused) && c->debug.alt_waits++ < ALT_WAITS_MAX;
}

/* The descriptors are the caller's: a later step needs some of its own. */
static void earn(struct lines *l, struct lines_entry *e, const struct symbolize_object *o,
		 struct cached *c, uint64_t nr_samples)
{
	const struct levels *levels = &c->levels;

	/* What had no debugging information may have got some. */
	if (e->state == LINES_REFUSED && e->status == -ENODATA && levels->has_debug &&
	    !e->with_debug)
		e->state = LINES_EARNING;
	e->nr_samples += nr_samples;
	if (e->state != LINES_EARNING || e->nr_samples < l->options.earned || o->index_coming ||
	    waits_for_alt(l, o, c))
		return;
	e->fd = keep(o->fd);
	e->with_debug = levels->has_debug;
	e->debug_fd = levels->has_debug ? keep(levels->debug_fd) : -1;
	e->alt_fd = o->alt_fd > 0 ? keep(o->alt_fd) : -1;
	if (e->fd >= 0)
		e->state = LINES_WAITING;
	else
		close_sources(e);
}

static void use(struct lines *l, const struct lines_window *w, uint32_t object)
{
	const struct symbolize_object *o = &w->objects[object];
	struct cached *c = w->cached[object];
	const struct gopclntab *go = c->levels.go;
	struct lines_entry *e = lines_find(l, &o->id);

	if (!e)
		e = add(l, &o->id);
	if (!e)
		return;
	e->used = l->window;
	if (go && gopclntab_has_lines(go)) {
		e->state = LINES_TABLE;
		return;
	}
	adopt(l, e, o->index_fd > 0 ? o->index_fd : -1);
	earn(l, e, o, c, w->nr_samples[object]);
}

void lines_window(struct lines *l, struct lines_window *w, struct symbolize_stats *stats)
{
	l->window++;
	for (uint32_t i = 0; i < w->nr_objects; i++)
		if (w->cached[i] && !w->objects[i].jit_map && w->nr_samples[i])
			use(l, w, i);
	if (l->options.now)
		build_now(l, w);
	else
		lines_poll(l);
	lines_fill(l, w, stats);
	fit(l, NULL);
	for (uint32_t i = 0; i < l->nr_entries; i++) {
		enum lines_state state = l->entries[i].state;

		stats->nr_indexes += state == LINES_READY;
		stats->nr_waiting += state == LINES_WAITING || state == LINES_BUILDING;
		stats->nr_refused += state == LINES_REFUSED;
	}
}

int lines_status(const struct lines *l, const struct object_id *id)
{
	const struct lines_entry *e = lines_find(l, id);

	if (!e)
		return 0;
	if (e->state == LINES_REFUSED)
		return e->status;
	return e->state == LINES_READY || e->state == LINES_TABLE;
}
