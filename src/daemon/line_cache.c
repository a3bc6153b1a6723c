#include "daemon/line_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/background.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/clock.h"
#include "daemon/line_store.h"

#define ENTRIES_MAX (2 * LINE_STORE_FILES_MAX)
#define OPEN_MAX 512
#define TOUCH_EVERY_NS (3600ll * 1000000000) /* a file in use says so on disk */
#define JOBS_MAX 64 /* under way; more must wait for a later window */

enum state { ABSENT, ON_DISK, OPENING, OPEN, WRITING };

struct entry {
	struct worker_identity id;
	enum state state;
	uint64_t size; /* bytes on disk; 0: not there */
	int64_t used_ns, touched_ns;
	int fd; /* OPEN */
	bool used; /* in the running window */
};

struct line_cache {
	char *directory;
	int dir; /* −1: not open */
	bool scanning; /* what is there is not known yet */
	uint64_t max_size, size;
	struct background *background;
	struct entry *entries;
	uint32_t nr, cap;
	struct hash hash;
	unsigned nr_open;
	uint64_t nr_written, nr_removed;
	int err;
};

enum what { SCAN, OPEN_FILE, TOUCH_FILE, WRITE_FILE, REMOVE_FILE };

struct job {
	struct background_job job;
	struct line_cache *c;
	enum what what;
	struct worker_identity id;
	int fd; /* WRITE_FILE: the memfd; out: of the file, −1: taken, or negative errno */
	uint64_t size;
	struct line_store_file *files;
	uint32_t nr_files;
};

static uint32_t hash_id(const struct worker_identity *id)
{
	return hash_bytes(id, sizeof(*id));
}

static struct entry *find(struct line_cache *c, const struct worker_identity *id)
{
	uint32_t hash = hash_id(id), pos, i;

	for (i = hash_first(&c->hash, hash, &pos); i != HASH_NONE; i = hash_next(&c->hash, hash, &pos))
		if (!memcmp(&c->entries[i].id, id, sizeof(*id)))
			return &c->entries[i];
	return NULL;
}

/* What is not there, and nobody asks for, need not be known. */
static void compact(struct line_cache *c)
{
	uint32_t kept = 0;

	hash_clear(&c->hash);
	for (uint32_t i = 0; i < c->nr; i++) {
		if (c->entries[i].state == ABSENT && !c->entries[i].used)
			continue;
		hash_add(&c->hash, hash_id(&c->entries[i].id), kept);
		c->entries[kept++] = c->entries[i];
	}
	c->nr = kept;
}

static struct entry *add(struct line_cache *c, const struct worker_identity *id)
{
	struct entry *e;

	if (c->nr == ENTRIES_MAX)
		compact(c);
	if (c->nr == ENTRIES_MAX)
		return NULL;
	hash_add(&c->hash, hash_id(id), c->nr);
	e = array_push(c->entries, c->nr, c->cap);
	*e = (struct entry){ .id = *id, .fd = -1 };
	return e;
}

/* --- in the thread --- */

static void run(struct background_job *job)
{
	struct job *j = (struct job *)job;
	int fd = j->fd, dir = j->c->dir; /* set before anything but SCAN is submitted */

	switch (j->what) {
	case SCAN:
		j->fd = line_store_scan(j->c->directory, &j->files, &j->nr_files);
		break;
	case OPEN_FILE:
	case TOUCH_FILE:
		j->fd = line_store_open(dir, &j->id);
		break;
	case WRITE_FILE:
		j->fd = line_store_write(dir, &j->id, fd, j->size, &j->size);
		close(fd);
		break;
	case REMOVE_FILE:
		j->fd = line_store_remove(dir, &j->id);
		break;
	}
}

static void drop(struct background_job *job)
{
	struct job *j = (struct job *)job;

	if (j->what != REMOVE_FILE && j->fd >= 0)
		close(j->fd);
	free(j->files);
	free(j);
}

/* --- in the loop --- */

static void done(struct background_job *job);

static void submit(struct line_cache *c, enum what what, const struct worker_identity *id, int fd, uint64_t size)
{
	struct job *j = xcalloc(1, sizeof(*j));

	*j = (struct job){ .job = { run, done, drop, NULL }, .c = c, .what = what, .fd = fd, .size = size };
	if (id)
		j->id = *id;
	background_submit(c->background, &j->job);
}

static void close_entry(struct line_cache *c, struct entry *e)
{
	if (e->state != OPEN)
		return;
	close(e->fd);
	e->fd = -1;
	e->state = ON_DISK;
	c->nr_open--;
}

static void remove_entry(struct line_cache *c, struct entry *e)
{
	close_entry(c, e);
	e->state = ABSENT;
	c->size -= e->size;
	e->size = 0;
	c->nr_removed++;
	submit(c, REMOVE_FILE, &e->id, -1, 0);
}

static int by_use(const void *a, const void *b)
{
	const struct entry *const *x = a, *const *y = b;

	return ((*x)->used_ns > (*y)->used_ns) - ((*x)->used_ns < (*y)->used_ns);
}

static void fit(struct line_cache *c)
{
	struct entry **stored;
	uint32_t nr = 0;

	if (c->size <= c->max_size)
		return;
	stored = xreallocarray(NULL, c->nr, sizeof(*stored));
	for (uint32_t i = 0; i < c->nr; i++)
		if (c->entries[i].state == ON_DISK || c->entries[i].state == OPEN)
			stored[nr++] = &c->entries[i];
	qsort(stored, nr, sizeof(*stored), by_use);
	for (uint32_t i = 0; i < nr && c->size > c->max_size; i++)
		remove_entry(c, stored[i]);
	free(stored);
}

/* Says it once for each reason. */
static void fail(struct line_cache *c, const char *what, int err)
{
	if (err != c->err)
		log_warnx("line cache: %s %s: %s", what, c->directory,
			  err == -EWOULDBLOCK ? "another pprofd keeps its own there" : strerror(-err));
	c->err = err;
}

static void scanned(struct line_cache *c, struct job *j)
{
	c->scanning = false;
	if (j->fd < 0) {
		fail(c, "opening", j->fd);
		return;
	}
	c->dir = j->fd;
	j->fd = -1;
	for (uint32_t i = 0; i < j->nr_files; i++) {
		struct entry *e = find(c, &j->files[i].id);

		if (!e)
			e = add(c, &j->files[i].id);
		if (!e)
			break;
		e->state = ON_DISK;
		e->size = j->files[i].size;
		e->used_ns = j->files[i].used_ns;
		c->size += e->size;
	}
	fit(c);
}

/* Takes J's file. */
static void became_open(struct line_cache *c, struct entry *e, struct job *j)
{
	e->state = OPEN;
	e->fd = j->fd;
	j->fd = -1;
	e->touched_ns = (int64_t)clock_ns(CLOCK_REALTIME);
	e->used = true;
	c->nr_open++;
}

static void opened(struct line_cache *c, struct entry *e, struct job *j)
{
	if (j->fd >= 0)
		became_open(c, e, j);
	else if (j->fd == -EMFILE || j->fd == -ENFILE || j->fd == -ENOMEM)
		e->state = ON_DISK; /* no fault of the file's */
	else
		remove_entry(c, e); /* what cannot be read takes no room either */
}

static void written(struct line_cache *c, struct entry *e, struct job *j)
{
	c->size -= e->size;
	e->size = 0;
	e->state = ABSENT;
	if (j->fd < 0) {
		fail(c, "writing in", j->fd);
		return;
	}
	c->err = 0;
	c->nr_written++;
	e->size = j->size;
	c->size += e->size;
	became_open(c, e, j);
	fit(c);
}

static void done(struct background_job *job)
{
	struct job *j = (struct job *)job;
	struct line_cache *c = j->c;
	struct entry *e = find(c, &j->id);

	if (j->what == SCAN)
		scanned(c, j);
	else if (j->what == OPEN_FILE && e && e->state == OPENING)
		opened(c, e, j);
	else if (j->what == WRITE_FILE && e && e->state == WRITING)
		written(c, e, j);
}

int line_cache_get(struct line_cache *c, const struct worker_identity *id)
{
	struct entry *e = find(c, id);
	bool busy = background_nr_waiting(c->background) >= JOBS_MAX;

	if (!e)
		e = add(c, id);
	if (!e)
		return -ENOENT;
	e->used = true;
	e->used_ns = (int64_t)clock_ns(CLOCK_REALTIME);
	if (e->state == OPEN && e->used_ns - e->touched_ns > TOUCH_EVERY_NS && !busy) {
		e->touched_ns = e->used_ns;
		submit(c, TOUCH_FILE, id, -1, 0);
	}
	if (e->state == ON_DISK && c->nr_open < OPEN_MAX && !busy) {
		e->state = OPENING;
		submit(c, OPEN_FILE, id, -1, 0);
	}
	if (e->state == OPEN)
		return e->fd;
	return e->state == ABSENT && !c->scanning ? -ENOENT : -EAGAIN;
}

/* A single one does not push out all the others. */
static bool is_welcome(const struct line_cache *c, const struct entry *e, uint64_t size)
{
	return e && c->dir >= 0 && size && size <= c->max_size / 2 && e->state != WRITING && e->state != OPENING &&
	       background_nr_waiting(c->background) < JOBS_MAX;
}

void line_cache_put(struct line_cache *c, const struct worker_identity *id, int fd, uint64_t size)
{
	struct entry *e = find(c, id);

	if (!is_welcome(c, e, size)) {
		close(fd);
		return;
	}
	close_entry(c, e);
	e->state = WRITING;
	submit(c, WRITE_FILE, id, fd, size);
}

void line_cache_next_window(struct line_cache *c)
{
	for (uint32_t i = 0; i < c->nr; i++) {
		if (!c->entries[i].used)
			close_entry(c, &c->entries[i]);
		c->entries[i].used = false;
	}
}

void line_cache_set_limit(struct line_cache *c, uint64_t max_size)
{
	c->max_size = max_size;
	fit(c);
}

/* Neither loop nor thread uses it any more. */
static void ended(void *ctx)
{
	struct line_cache *c = ctx;

	for (uint32_t i = 0; i < c->nr; i++)
		close_entry(c, &c->entries[i]);
	if (c->dir >= 0)
		close(c->dir);
	free(c->entries);
	hash_fini(&c->hash);
	free(c->directory);
	free(c);
}

int line_cache_new(struct line_cache **out, struct loop *l, const char *directory, uint64_t max_size)
{
	struct line_cache *c = xcalloc(1, sizeof(*c));
	int err;

	c->directory = xstrdup(directory);
	c->dir = -1;
	c->max_size = max_size;
	err = background_new(&c->background, l, "pprofd-cache", ended, c);
	if (err) {
		ended(c);
		return err;
	}
	c->scanning = *directory;
	if (c->scanning)
		submit(c, SCAN, NULL, -1, 0);
	*out = c;
	return 0;
}

void line_cache_free(struct line_cache *c, int timeout_ms)
{
	if (c)
		background_free(c->background, timeout_ms);
}

void line_cache_status(const struct line_cache *c, struct line_cache_status *s)
{
	*s = (struct line_cache_status){ .size = c->size, .nr_open = c->nr_open, .nr_written = c->nr_written,
					 .nr_removed = c->nr_removed, .err = c->err };
	for (uint32_t i = 0; i < c->nr; i++)
		s->nr += c->entries[i].size > 0;
}
