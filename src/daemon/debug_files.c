#include "daemon/debug_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/hash.h"
#include "base/mem.h"
#include "fetch/client.h"

#define FILES_MAX 256   /* descriptors; they are beside those of objects */
#define ENTRIES_MAX 4096
#define IDLE_MAX 2      /* windows in which nobody has use for one */
#define NR_KINDS 2
#define REST 60         /* windows, after which files that were others' may be looked at again: they may have changed */
/* Requests under way, and in a window: whatever a worker says, the opener has other things to do. */
#define ASKED_MAX 256
#define WANTS_MAX 1024

struct build_id {
	uint8_t size, bytes[DEBUG_BUILD_ID_MAX]; /* size 0: none */
};

struct debug_slot {
	int fd;              /* −1: none */
	uint64_t dev, inode; /* of fd */
	bool asked;          /* the opener is at it */
	struct build_id fetched; /* the fetcher is at it */
	uint32_t skip;       /* files that were found first and were others' */
	unsigned rest;       /* windows to come in which nothing is asked: all were */
};

struct debug_entry {
	uint32_t object;
	struct debug_slot slots[NR_KINDS];
	bool refused; /* a worker has died of one */
	unsigned idle;
};

struct debug_files {
	struct objects *objects;
	struct opener_client *opener;
	struct fetch_client *fetch;
	char folder[OPENER_PATH_MAX];
	struct debug_entry *entries;
	uint32_t nr, cap;
	struct hash hash; /* by object */
	unsigned nr_open, nr_asked, nr_wants;
	struct opener_request request; /* scratch: it is large */
};

struct debug_files *debug_files_new(struct objects *o, const char *folder)
{
	struct debug_files *d = xcalloc(1, sizeof(*d));

	d->objects = o;
	snprintf(d->folder, sizeof(d->folder), "%s", folder);
	return d;
}

static void slot_close(struct debug_files *d, struct debug_slot *s)
{
	if (s->fd < 0)
		return;
	close(s->fd);
	s->fd = -1;
	d->nr_open--;
}

static void entry_close(struct debug_files *d, struct debug_entry *e)
{
	for (int k = 0; k < NR_KINDS; k++)
		slot_close(d, &e->slots[k]);
}

static void forget_all(struct debug_files *d)
{
	for (uint32_t i = 0; i < d->nr; i++)
		entry_close(d, &d->entries[i]);
	d->nr = 0;
	hash_clear(&d->hash);
}

void debug_files_free(struct debug_files *d)
{
	if (!d)
		return;
	forget_all(d);
	free(d->entries);
	hash_fini(&d->hash);
	free(d);
}

void debug_files_set_opener(struct debug_files *d, struct opener_client *opener)
{
	d->opener = opener;
}

void debug_files_set_fetch(struct debug_files *d, struct fetch_client *fetch)
{
	d->fetch = fetch;
	for (uint32_t i = 0; i < d->nr; i++) /* what the old one was asked for gets no answer */
		for (int k = 0; k < NR_KINDS; k++)
			d->entries[i].slots[k].fetched.size = 0;
}

void debug_files_set_folder(struct debug_files *d, const char *folder)
{
	if (!strcmp(d->folder, folder))
		return;
	forget_all(d);
	snprintf(d->folder, sizeof(d->folder), "%s", folder);
}

static struct debug_entry *entry_find(const struct debug_files *d, uint32_t object)
{
	uint32_t hash = hash_u64(object), pos, i;

	for (i = hash_first(&d->hash, hash, &pos); i != HASH_NONE; i = hash_next(&d->hash, hash, &pos))
		if (d->entries[i].object == object)
			return &d->entries[i];
	return NULL;
}

static struct debug_entry *entry_get(struct debug_files *d, uint32_t object)
{
	struct debug_entry *e = entry_find(d, object);

	if (e || d->nr >= ENTRIES_MAX)
		return e;
	hash_add(&d->hash, hash_u64(object), d->nr);
	e = array_push(d->entries, d->nr, d->cap);
	*e = (struct debug_entry){ .object = object, .slots = { { .fd = -1 }, { .fd = -1 } } };
	return e;
}

static int kind_of(enum worker_file file)
{
	return file == WORKER_ALT_FILE;
}

static void copy_path(char to[OPENER_PATH_MAX], const char *path)
{
	if (path && path[0] == '/' && strlen(path) < OPENER_PATH_MAX)
		strcpy(to, path);
}

/* The file that S has is another's: the next one is looked for. A worker may mean one that has gone meanwhile. */
static void refuse(struct debug_files *d, struct debug_slot *s, const struct worker_want *want)
{
	if (s->fd < 0 || !want->refused.inode || want->refused.inode != s->inode || want->refused.dev != s->dev)
		return;
	slot_close(d, s);
	s->skip += s->skip < OPENER_SKIP_MAX;
}

bool debug_files_want(struct debug_files *d, uint32_t object, const struct worker_want *want)
{
	struct opener_request *q = &d->request;
	struct debug_entry *e = entry_get(d, object);
	int kind = kind_of((enum worker_file)want->file);
	struct debug_slot *s = e ? &e->slots[kind] : NULL;
	struct object_place place;

	if (s)
		refuse(d, s, want);
	if (s && (s->asked || s->fd >= 0))
		return true;
	if (!s || s->rest || s->fetched.size || e->refused || d->nr_open >= FILES_MAX || d->nr_asked >= ASKED_MAX ||
	    d->nr_wants >= WANTS_MAX)
		return false;
	d->nr_wants++;
	if (!objects_place(d->objects, object, &place))
		return false;
	memset(q, 0, sizeof(*q));
	q->cookie = (uint64_t)object * NR_KINDS + (unsigned)kind;
	q->what = OPENER_DEBUG;
	q->pid = place.user.pid;
	q->fork_ns = place.user.fork_ns;
	q->start_time = place.user.start_time;
	q->debug.dev = place.dev;
	q->debug.inode = place.inode;
	q->debug.uid = place.uid;
	q->debug.skip = s->skip;
	q->debug.names = want->names;
	copy_path(q->debug.object, place.path);
	copy_path(q->debug.folder, d->folder);
	s->asked = opener_client_ask(d->opener, q);
	d->nr_asked += s->asked;
	return s->asked;
}

bool debug_files_asked(const struct debug_files *d, uint32_t object, enum worker_file file)
{
	const struct debug_entry *e = entry_find(d, object);

	return e && e->slots[kind_of(file)].asked;
}

/* Not "not now". */
static bool is_no(int status)
{
	return status && status != -EAGAIN && status != -ETIMEDOUT && status != -EIO;
}

static bool is_id(const struct build_id *b, const uint8_t *build_id, unsigned size)
{
	return b->size == size && !memcmp(b->bytes, build_id, size);
}

/* What is nowhere on this machine. Several objects may be waiting for one file. */
static void fetch(struct debug_files *d, struct debug_slot *s, const struct debug_names *names)
{
	bool waiting = false;

	if (!d->fetch || !names->build_id_size)
		return;
	for (uint32_t i = 0; i < d->nr && !waiting; i++)
		for (int k = 0; k < NR_KINDS; k++)
			waiting |= is_id(&d->entries[i].slots[k].fetched, names->build_id, names->build_id_size);
	/* First: it may be answered at once. */
	memcpy(s->fetched.bytes, names->build_id, sizeof(s->fetched.bytes));
	s->fetched.size = names->build_id_size;
	if (!waiting && !fetch_client_want(d->fetch, names->build_id, names->build_id_size))
		s->fetched.size = 0;
}

/* S has FD from now on. False: FD stays the caller's. */
static bool give(struct debug_files *d, struct debug_slot *s, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return false;
	s->fd = fd;
	s->dev = st.st_dev;
	s->inode = st.st_ino;
	d->nr_open++;
	return true;
}

void debug_files_answer(struct debug_files *d, const struct opener_request *request, const struct opener_answer *answer,
			int *fds, unsigned nr)
{
	struct debug_entry *e = entry_find(d, (uint32_t)(request->cookie / NR_KINDS));
	struct debug_slot *s = e ? &e->slots[request->cookie % NR_KINDS] : NULL;

	d->nr_asked -= d->nr_asked > 0;
	if (s)
		s->asked = false;
	if (s && is_no(answer->status) && request->debug.skip && request->debug.skip == s->skip) {
		s->skip = 0;
		s->rest = REST;
	}
	if (s && !answer->status && nr == 1 && s->fd < 0 && !e->refused && !strcmp(request->debug.folder, d->folder) &&
	    give(d, s, fds[0]))
		nr = 0;
	while (nr)
		close(fds[--nr]);
	if (s && is_no(answer->status) && !e->refused && s->fd < 0)
		fetch(d, s, &request->debug.names);
}

void debug_files_fetched(void *ctx, const uint8_t *build_id, unsigned size, int fd)
{
	struct debug_files *d = ctx;

	for (uint32_t i = 0; i < NR_KINDS * d->nr; i++) {
		struct debug_entry *e = &d->entries[i / NR_KINDS];
		struct debug_slot *s = &e->slots[i % NR_KINDS];
		int copy;

		if (!is_id(&s->fetched, build_id, size))
			continue;
		s->fetched.size = 0;
		if (fd < 0 || s->fd >= 0 || e->refused || d->nr_open >= FILES_MAX)
			continue;
		copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		if (copy >= 0 && !give(d, s, copy))
			close(copy);
	}
	if (fd >= 0)
		close(fd);
}

int debug_files_get(struct debug_files *d, uint32_t object, enum worker_file file)
{
	struct debug_entry *e = entry_find(d, object);

	if (!e)
		return -1;
	e->idle = 0;
	return e->slots[kind_of(file)].fd;
}

void debug_files_blame(struct debug_files *d, uint32_t object)
{
	struct debug_entry *e = entry_find(d, object);

	if (!e || (e->slots[0].fd < 0 && e->slots[1].fd < 0))
		return;
	entry_close(d, e);
	e->refused = true;
}

/* That one has killed a worker is remembered for as long as there is room. */
static bool is_done(const struct debug_entry *e, bool full)
{
	for (int k = 0; k < NR_KINDS; k++)
		if (e->slots[k].asked || e->slots[k].fetched.size)
			return false;
	return e->idle > IDLE_MAX && (!e->refused || full);
}

void debug_files_next_window(struct debug_files *d)
{
	bool full = d->nr == ENTRIES_MAX;
	uint32_t kept = 0;

	d->nr_wants = 0;
	hash_clear(&d->hash);
	for (uint32_t i = 0; i < d->nr; i++) {
		struct debug_entry *e = &d->entries[i];

		e->idle++;
		for (int k = 0; k < NR_KINDS; k++)
			e->slots[k].rest -= e->slots[k].rest > 0;
		if (is_done(e, full)) {
			entry_close(d, e);
			continue;
		}
		d->entries[kept] = *e;
		hash_add(&d->hash, hash_u64(e->object), kept++);
	}
	d->nr = kept;
}

unsigned debug_files_nr(const struct debug_files *d)
{
	return d->nr_open;
}
