#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/array.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "spool/internal.h"

#define BLOCK_SIZE UINT64_C(512) /* of st_blocks: stat(2) */

static int scan(int dir, const char *folder, spool_scan_fn fn, void *ctx)
{
	/* A description of its own: a copy would share the position and the lock. */
	int fd = openat(dir, *folder ? folder : ".",
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
	    err = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	while (errno = 0, (e = readdir(d))) {
		char name[SPOOL_FOLDER_MAX + 256];
		struct spool_file f = { .name = name };
		struct stat st;

		if (!*folder && spool_is_folder(e->d_name)) {
			err = scan(fd, e->d_name, fn, ctx);
			errno = -err;
			if (err && err != -ENOTDIR && err != -ELOOP && err != -ENOENT)
				break;
			continue;
		}
		snprintf(name, sizeof(name), "%s%s%s", folder, *folder ? "/" : "", e->d_name);
		if (!spool_parse_name(name, &f.parsed))
			continue;
		if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			if (errno == ENOENT) /* removed meanwhile */
				continue;
			break;
		}
		if (!S_ISREG(st.st_mode))
			continue;
		f.size = (uint64_t)st.st_size;
		f.disk_size = (uint64_t)st.st_blocks * BLOCK_SIZE;
		fn(ctx, &f);
	}
	err = -errno;
	closedir(d);
	return err;
}

int spool_scan(int dir, spool_scan_fn fn, void *ctx)
{
	return scan(dir, "", fn, ctx);
}

struct item {
	int64_t start, end;
	uint64_t disk_size;
	uint32_t seq;
	uint32_t name; /* offset in names: a spool of years has very many */
	bool future;
	bool kept; /* just published */
	bool gone;
};

struct spool_inventory {
	struct spool *spool;
	int64_t now;
	struct item *items;
	uint32_t nr_items, items_cap;
	struct buf names;
	uint64_t use, nr_files;  /* of those that are not gone */
	uint64_t total, avail; /* of the file system, at the beginning; freed bytes are added here,
				* since some file systems give them back late */
	int statvfs_err;
};

static void add_item(struct spool_inventory *inv, const struct spool_file *f, bool kept)
{
	struct item *it = array_push(inv->items, inv->nr_items, inv->items_cap);

	*it = (struct item){
		.start = f->parsed.start,
		.end = f->parsed.start + f->parsed.seconds,
		.disk_size = f->disk_size,
		.seq = f->parsed.seq,
		.name = (uint32_t)inv->names.size,
		.future = f->parsed.start > inv->now + SPOOL_CLOCK_SLACK,
		.kept = kept,
	};
	buf_add(&inv->names, f->name, strlen(f->name) + 1);
	inv->use += f->disk_size;
	inv->nr_files++;
}

static void found(void *ctx, const struct spool_file *f)
{
	add_item(ctx, f, false);
}

static const char *item_name(const struct spool_inventory *inv, const struct item *it)
{
	return (const char *)inv->names.data + it->name;
}

static int by_age(const void *a, const void *b, void *ctx)
{
	const struct item *x = a, *y = b;

	if (x->future != y->future)
		return x->future ? -1 : 1;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->seq != y->seq)
		return x->seq < y->seq ? -1 : 1;
	return strcmp(item_name(ctx, x), item_name(ctx, y));
}

static void sort_items(struct spool_inventory *inv)
{
	if (inv->nr_items)
		qsort_r(inv->items, inv->nr_items, sizeof(*inv->items), by_age, inv);
}

int spool_inventory_new(struct spool_inventory **out, struct spool *s, int64_t now)
{
	struct spool_inventory *inv = xcalloc(1, sizeof(*inv));
	struct statvfs vfs;
	int err;

	inv->spool = s;
	inv->now = now;
	if (fstatvfs(s->dir, &vfs) < 0) {
		inv->statvfs_err = -errno;
	} else {
		inv->total = (uint64_t)vfs.f_blocks * vfs.f_frsize;
		inv->avail = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	}
	err = spool_scan(s->dir, found, inv);
	if (err) {
		spool_inventory_free(inv);
		return err;
	}
	*out = inv;
	return 0;
}

void spool_inventory_free(struct spool_inventory *inv)
{
	if (!inv)
		return;
	buf_fini(&inv->names);
	free(inv->items);
	free(inv);
}

void spool_inventory_add(struct spool_inventory *inv, const char *name, uint64_t disk_size)
{
	struct spool_file f = { .name = name, .disk_size = disk_size };

	if (spool_parse_name(name, &f.parsed))
		add_item(inv, &f, true);
}

/* Of NAME, which was in it, when it is empty now. */
static void remove_folder(struct spool_inventory *inv, const char *name)
{
	char folder[SPOOL_NAME_MAX];
	const char *slash = strchr(name, '/');

	if (!slash)
		return;
	memcpy(folder, name, (size_t)(slash - name));
	folder[slash - name] = 0;
	unlinkat(inv->spool->dir, folder, AT_REMOVEDIR);
}

static int remove_item(struct spool_inventory *inv, struct item *it, struct spool_pruned *pruned)
{
	int err = unlinkat(inv->spool->dir, item_name(inv, it), 0) < 0 ? -errno : 0;

	if (err && err != -ENOENT)
		return err;
	remove_folder(inv, item_name(inv, it));
	it->gone = true;
	inv->use -= it->disk_size;
	inv->avail += it->disk_size;
	inv->nr_files--;
	if (!err) {
		pruned->nr_files++;
		pruned->bytes += it->disk_size;
	}
	return 0;
}

static uint64_t share(uint64_t total, unsigned percent, uint64_t otherwise)
{
	return percent ? total / 100 * percent : otherwise;
}

static bool is_too_old(const struct spool_inventory *inv, const struct item *it,
		       uint64_t retention_ns)
{
	return retention_ns && !it->future && it->end < inv->now &&
	       (uint64_t)(inv->now - it->end) > retention_ns / 1000000000;
}

int spool_inventory_prune(struct spool_inventory *inv, const struct spool_limits *limits,
			  uint64_t incoming, uint64_t room, struct spool_pruned *pruned)
{
	bool sized = !inv->statvfs_err;
	uint64_t max_use = limits->max_use, keep_free = 0, more = incoming || room ? 1 : 0;
	int first_err = 0;

	if (limits->max_use_percent)
		max_use = sized ? share(inv->total, limits->max_use_percent, 0) : 0;
	if (sized)
		keep_free = share(inv->total, limits->keep_free_percent, limits->keep_free);
	else if (limits->max_use_percent || limits->keep_free_percent || limits->keep_free)
		first_err = inv->statvfs_err;
	sort_items(inv);
	for (uint32_t i = 0; i + 1 < inv->nr_items; i++) { /* the last is the newest */
		struct item *it = &inv->items[i];
		bool over = (max_use && inv->use + incoming + room > max_use) ||
			    (keep_free && inv->avail < keep_free + room) ||
			    (limits->max_files && inv->nr_files + more > limits->max_files);
		int err;

		if (it->kept || it->gone ||
		    !(over || is_too_old(inv, it, limits->max_retention_ns)))
			continue;
		err = remove_item(inv, it, pruned);
		if (err && !first_err)
			first_err = err;
	}
	return first_err;
}

int spool_tell_pruning(struct spool *s, int err)
{
	if (err && err != s->prune_failing) {
		errno = -err;
		log_warn("spool: pruning %s", s->path);
	}
	s->prune_failing = err;
	return err;
}

int spool_prune(struct spool *s, const struct spool_limits *limits, uint64_t room, int64_t now,
		struct spool_pruned *pruned)
{
	struct spool_inventory *inv = NULL;
	struct spool_pruned none, *p = pruned ? pruned : &none;
	int err = spool_refresh(s);

	*p = (struct spool_pruned){ 0 };
	if (!err)
		err = spool_inventory_new(&inv, s, now);
	if (!err)
		err = spool_inventory_prune(inv, limits, 0, room, p);
	spool_inventory_free(inv);
	return spool_tell_pruning(s, err);
}

int spool_sacrifice(struct spool *s, uint64_t bytes, int64_t now, struct spool_pruned *pruned)
{
	struct spool_inventory *inv = NULL;
	struct spool_pruned none, *p = pruned ? pruned : &none;
	int err = spool_inventory_new(&inv, s, now), first_err = err;

	*p = (struct spool_pruned){ 0 };
	if (!err)
		sort_items(inv);
	for (uint32_t i = 0; !err && i + 1 < inv->nr_items && p->bytes < bytes; i++) {
		int failed = remove_item(inv, &inv->items[i], p);

		if (failed && !first_err)
			first_err = failed;
	}
	spool_inventory_free(inv);
	s->squeezed = p->nr_files > 0;
	return spool_tell_pruning(s, first_err);
}

struct list {
	struct spool_entry *entries;
	uint32_t nr_entries, entries_cap;
};

static void listed(void *ctx, const struct spool_file *f)
{
	struct list *l = ctx;
	struct spool_entry *e = array_push(l->entries, l->nr_entries, l->entries_cap);

	memset(e, 0, sizeof(*e));
	memcpy(e->name, f->name, strlen(f->name)); /* spool_parse_name has checked its length */
	e->parsed = f->parsed;
	e->size = f->size;
	e->disk_size = f->disk_size;
}

static int by_start(const void *a, const void *b)
{
	const struct spool_entry *x = a, *y = b;

	if (x->parsed.start != y->parsed.start)
		return x->parsed.start < y->parsed.start ? -1 : 1;
	if (x->parsed.seq != y->parsed.seq)
		return x->parsed.seq < y->parsed.seq ? -1 : 1;
	return strcmp(x->name, y->name);
}

long spool_list(const char *directory, struct spool_entry **entries)
{
	struct list l = { 0 };
	int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err;

	if (dir < 0)
		return -errno;
	err = spool_scan(dir, listed, &l);
	close(dir);
	if (err) {
		free(l.entries);
		return err;
	}
	if (l.nr_entries)
		qsort(l.entries, l.nr_entries, sizeof(*l.entries), by_start);
	*entries = l.entries;
	return l.nr_entries;
}
