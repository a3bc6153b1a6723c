#include "daemon/objects.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/hash.h"
#include "base/mem.h"
#include "daemon/clock.h"
#include "opener/protocol.h"

#define OBJECTS_MAX 65536 /* identities kept; they are small, and the numbers in process maps stay valid */

#define BLAMES_MAX 2
#define CHECK_NS 1000000000ull /* for so long a file is taken for what it was */

struct object {
	struct worker_object wire; /* with the build id of the kernel's record */
	int fd;                  /* −1: closed */
	unsigned pins;
	bool used;               /* in the running window */
	uint64_t checked_ns;     /* CLOCK_MONOTONIC: its file was what it is in wire */
	unsigned blames;
	struct object_user user;
	char *path; /* NULL: not known */
};

/* How a mapped file is told from others before it is opened: its path, the kernel's word on its inode or build id, and
 * whose it was. */
struct name_key {
	uint64_t cgroup, inode, inode_generation;
	uint32_t path_hash, dev_major, dev_minor;
	uint8_t build_id[20];
};

struct object_name {
	struct name_key key;
	uint32_t object;
	bool ambiguous; /* different objects answered to it: it tells nothing */
};

struct objects {
	struct object *objects; /* number − OBJECT_FIRST */
	uint32_t nr, cap;
	struct hash by_id;
	struct object_name *names;
	uint32_t nr_names, names_cap;
	struct hash by_name;
	unsigned max_fds, nr_open;
	uint64_t nr_recalled;
};

struct objects *objects_new(unsigned max_fds)
{
	struct objects *o = xcalloc(1, sizeof(*o));

	o->max_fds = max_fds;
	return o;
}

void objects_free(struct objects *o)
{
	if (!o)
		return;
	for (uint32_t i = 0; i < o->nr; i++) {
		if (o->objects[i].fd >= 0)
			close(o->objects[i].fd);
		free(o->objects[i].path);
	}
	free(o->objects);
	free(o->names);
	hash_fini(&o->by_id);
	hash_fini(&o->by_name);
	free(o);
}

static struct object *object_of(const struct objects *o, uint32_t number)
{
	return number >= OBJECT_FIRST && number - OBJECT_FIRST < o->nr ? &o->objects[number - OBJECT_FIRST] : NULL;
}

static bool same_identity(const struct worker_identity *a, const struct worker_identity *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static uint32_t identity_hash(const struct worker_identity *id)
{
	return hash_2u64(id->dev ^ id->size << 20, id->inode ^ (uint64_t)id->mtime_ns);
}

static void object_close(struct objects *o, struct object *b)
{
	if (b->fd < 0)
		return;
	close(b->fd);
	b->fd = -1;
	o->nr_open--;
}

static uint32_t object_by_identity(struct objects *o, const struct worker_identity *id)
{
	uint32_t hash = identity_hash(id), pos, i;
	struct object *b;

	for (i = hash_first(&o->by_id, hash, &pos); i != HASH_NONE; i = hash_next(&o->by_id, hash, &pos))
		if (same_identity(&o->objects[i].wire.id, id))
			return i;
	if (o->nr >= OBJECTS_MAX)
		return HASH_NONE;
	b = array_push(o->objects, o->nr, o->cap);
	*b = (struct object){ .wire.id = *id, .fd = -1 };
	hash_add(&o->by_id, hash, o->nr - 1);
	return o->nr - 1;
}

/* Names. */

static struct name_key name_key(const struct process_file *file, uint64_t cgroup)
{
	struct name_key key;

	memset(&key, 0, sizeof(key)); /* compared and hashed as bytes, padding included */
	key.cgroup = cgroup;
	key.inode = file->inode;
	key.inode_generation = file->inode_generation;
	key.dev_major = file->dev_major;
	key.dev_minor = file->dev_minor;
	key.path_hash = hash_bytes(file->path, strlen(file->path));
	if (file->build_id_size)
		memcpy(key.build_id, file->build_id, sizeof(key.build_id));
	return key;
}

static struct object_name *name_find(struct objects *o, const struct name_key *key, uint32_t hash)
{
	uint32_t pos, i;

	for (i = hash_first(&o->by_name, hash, &pos); i != HASH_NONE; i = hash_next(&o->by_name, hash, &pos))
		if (!memcmp(&o->names[i].key, key, sizeof(*key)))
			return &o->names[i];
	return NULL;
}

static void name_learn(struct objects *o, const struct process_file *file, uint64_t cgroup, uint32_t object)
{
	struct name_key key = name_key(file, cgroup);
	uint32_t hash = hash_bytes(&key, sizeof(key));
	struct object_name *n = name_find(o, &key, hash);

	if (n) {
		n->ambiguous |= n->object != object;
		return;
	}
	if (o->nr_names >= OBJECTS_MAX) { /* begin anew rather than grow: it is a help, not a promise */
		o->nr_names = 0;
		hash_clear(&o->by_name);
	}
	n = array_push(o->names, o->nr_names, o->names_cap);
	*n = (struct object_name){ .key = key, .object = object };
	hash_add(&o->by_name, hash, o->nr_names - 1);
}

static bool identity_of_fd(int fd, struct worker_identity *id)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	*id = (struct worker_identity){ .dev = st.st_dev, .inode = st.st_ino, .size = (uint64_t)st.st_size };
	id->mtime_ns = st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	id->ctime_ns = st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec;
	return true;
}

/* What was opened is what it was: a file written to since, in place, is another object to who maps it now. */
static bool is_unchanged(const struct object *b)
{
	struct worker_identity now;

	return b->fd < 0 || (identity_of_fd(b->fd, &now) && same_identity(&b->wire.id, &now));
}

static uint32_t object_of_name(struct objects *o, const struct process_file *file, uint64_t cgroup)
{
	struct name_key key = name_key(file, cgroup);
	struct object_name *n = name_find(o, &key, hash_bytes(&key, sizeof(key)));

	return n && !n->ambiguous ? n->object : OBJECT_MISSING;
}

uint32_t objects_recall(struct objects *o, const struct process_file *file, uint64_t cgroup)
{
	uint32_t number = object_of_name(o, file, cgroup);
	struct object *b = object_of(o, number);

	if (!b || !is_unchanged(b) || !objects_use(o, number))
		return OBJECT_MISSING;
	b->checked_ns = clock_ns(CLOCK_MONOTONIC);
	o->nr_recalled++;
	return number;
}

uint32_t objects_known(struct objects *o, const struct process_file *file, uint64_t cgroup)
{
	uint32_t number;
	struct object *b;

	if (!file->inode || file->build_id_size)
		return OBJECT_NONE;
	number = object_of_name(o, file, cgroup);
	b = object_of(o, number);
	if (!b || b->fd < 0 || clock_ns(CLOCK_MONOTONIC) >= b->checked_ns + CHECK_NS)
		return OBJECT_NONE;
	b->used = true;
	o->nr_recalled++;
	return number;
}

/* Gives B the descriptor FD, or closes it. */
static void take_fd(struct objects *o, struct object *b, int fd)
{
	if (b->fd < 0 && o->nr_open < o->max_fds) {
		b->fd = fd;
		o->nr_open++;
	} else {
		close(fd);
	}
	b->used = true;
}

uint32_t objects_add_jit(struct objects *o, int fd)
{
	struct worker_identity id;
	uint32_t i = HASH_NONE;

	if (identity_of_fd(fd, &id)) {
		id = (struct worker_identity){ .dev = id.dev, .inode = id.inode, .size = UINT64_MAX }; /* no file's */
		i = object_by_identity(o, &id);
	}
	if (i == HASH_NONE) {
		close(fd);
		return OBJECT_MISSING;
	}
	/* The inode may be another file's by now. */
	if (!o->objects[i].pins)
		object_close(o, &o->objects[i]);
	o->objects[i].wire.flags = WORKER_JIT_MAP;
	take_fd(o, &o->objects[i], fd);
	return i + OBJECT_FIRST;
}

uint32_t objects_add(struct objects *o, int fd, const struct process_file *file, uint64_t cgroup)
{
	struct worker_identity id;
	struct object *b;
	uint32_t i;

	if (!identity_of_fd(fd, &id))
		goto refuse;
	i = object_by_identity(o, &id);
	if (i == HASH_NONE)
		goto refuse;
	b = &o->objects[i];
	/* The kernel's build id is of this very mapping: where two mappings of one file disagree, the first stays. */
	if (file && file->build_id_size && !b->wire.build_id_size) {
		b->wire.build_id_size = file->build_id_size;
		memcpy(b->wire.build_id, file->build_id, sizeof(b->wire.build_id));
	}
	take_fd(o, b, fd);
	b->checked_ns = clock_ns(CLOCK_MONOTONIC);
	if (file)
		name_learn(o, file, cgroup, i + OBJECT_FIRST);
	return i + OBJECT_FIRST;
refuse:
	close(fd);
	return OBJECT_MISSING;
}

void objects_used_by(struct objects *o, uint32_t number, const struct object_user *user, const char *path)
{
	struct object *b = object_of(o, number);

	if (!b)
		return;
	b->user = *user;
	if (!b->path && path && strlen(path) < OPENER_PATH_MAX) /* of a longer one nothing can be asked */
		b->path = xstrdup(path);
}

bool objects_place(const struct objects *o, uint32_t number, struct object_place *place)
{
	const struct object *b = object_of(o, number);
	struct stat st;

	if (!b || b->fd < 0 || fstat(b->fd, &st) < 0)
		return false;
	*place = (struct object_place){ .user = b->user, .path = b->path, .dev = st.st_dev, .inode = st.st_ino,
					.uid = st.st_uid };
	return true;
}

bool objects_use(struct objects *o, uint32_t number)
{
	struct object *b = object_of(o, number);

	if (!b || (b->fd < 0 && o->nr_open < o->max_fds))
		return false;
	b->used = true;
	return true;
}

static bool is_quarantined(const struct object *b)
{
	return b->blames >= BLAMES_MAX;
}

bool objects_pin(struct objects *o, uint32_t number, struct worker_object *w, int *fd)
{
	struct object *b = object_of(o, number);

	if (!b || b->fd < 0)
		return false;
	*w = b->wire;
	if ((w->flags & WORKER_JIT_MAP) && !identity_of_fd(b->fd, &w->id))
		return false;
	b->pins++;
	w->quarantined = is_quarantined(b);
	*fd = b->fd;
	return true;
}

void objects_unpin(struct objects *o, uint32_t number)
{
	struct object *b = object_of(o, number);

	if (b && b->pins)
		b->pins--;
}

bool objects_blame(struct objects *o, uint32_t number)
{
	struct object *b = object_of(o, number);

	if (!b)
		return false;
	b->blames++;
	return is_quarantined(b);
}

void objects_next_window(struct objects *o)
{
	for (uint32_t i = 0; i < o->nr; i++) {
		struct object *b = &o->objects[i];

		if (!b->used && !b->pins)
			object_close(o, b);
		b->used = false;
	}
}

void objects_status(const struct objects *o, struct objects_status *s)
{
	memset(s, 0, sizeof(*s));
	s->nr_known = o->nr;
	s->nr_open = o->nr_open;
	s->nr_recalled = o->nr_recalled;
	for (uint32_t i = 0; i < o->nr; i++)
		s->nr_quarantined += is_quarantined(&o->objects[i]);
}
