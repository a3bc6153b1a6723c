/* Interned names: files by path and ids, units and containers by text. */
#include "proc/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"

#define STRING_MAX 255

struct string {
	uint32_t refs;
	char text[];
};

void names_init(struct names *n)
{
	memset(n, 0, sizeof(*n));
	n->free = HASH_NONE;
}

void names_fini(struct names *n)
{
	for (uint32_t i = 0; i < n->nr_slots; i++)
		free(n->files[i].file);
	free(n->files);
	hash_fini(&n->files_hash);
	for (uint32_t i = 0; i < n->strings.nr; i++)
		free(n->strings.items[i]);
	roster_fini(&n->strings);
}

size_t names_size(const struct names *n)
{
	const struct hash *h = &n->files_hash;

	return n->files_size + n->slots_cap * sizeof(*n->files) + n->strings_size +
	       (h->slots ? ((size_t)h->mask + 1) * sizeof(*h->slots) : 0) +
	       roster_size(&n->strings);
}

/* A newline is all that /proc/PID/maps escapes. */
static size_t undo_escapes(char *dst, const char *src, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < size; i++) {
		dst[n] = src[i];
		if (size - i >= 4 && !memcmp(src + i, "\\012", 4)) {
			dst[n] = '\n';
			i += 3;
		}
		n++;
	}
	return n;
}

/* PATH as it is kept; its length. Records and maps texts come out alike: what a text calls "" or
 * [anon:NAME] is SPACE_ANONYMOUS in a record. */
static size_t path_clean(char dst[static TEXT_MAX], const char *path, size_t size, bool maps)
{
	static const char deleted[] = " (deleted)";
	const size_t deleted_size = sizeof(deleted) - 1;
	char raw[TEXT_MAX];

	if (!size || (size > 5 && !memcmp(path, "[anon", 5))) {
		path = SPACE_ANONYMOUS;
		size = strlen(path);
	}
	if (size > deleted_size && path[0] == '/' &&
	    !memcmp(path + size - deleted_size, deleted, deleted_size))
		size -= deleted_size;
	if (size > sizeof(raw))
		size = sizeof(raw);
	if (maps && memchr(path, '\\', size)) {
		size = undo_escapes(raw, path, size);
		path = raw;
	}
	return text_clean(dst, TEXT_MAX, path, size);
}

static bool path_is_special(const char *path)
{
	return path[0] != '/' || path[1] == '/' || !strcmp(path, "/dev/zero") ||
	       text_has_prefix(path, "/SYSV");
}

static bool path_is_jitdump(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *digits = name + 4;
	size_t nr = text_has_prefix(name, "jit-") ? strspn(digits, "0123456789") : 0;

	return nr && !strcmp(digits + nr, ".dump");
}

static uint32_t file_hash(const struct process_file *f, size_t path_size)
{
	struct {
		uint32_t dev_major, dev_minor;
		uint64_t inode, generation;
		uint8_t build_id[24];
	} id = { f->dev_major, f->dev_minor, f->inode, f->inode_generation, { 0 } };

	memcpy(id.build_id, f->build_id, f->build_id_size);
	return hash_2u64(hash_bytes(&id, sizeof(id)), hash_bytes(f->path, path_size));
}

static bool file_equal(const struct process_file *a, const struct process_file *b)
{
	return a->dev_major == b->dev_major && a->dev_minor == b->dev_minor &&
	       a->inode == b->inode && a->inode_generation == b->inode_generation &&
	       a->build_id_size == b->build_id_size &&
	       !memcmp(a->build_id, b->build_id, a->build_id_size) && !strcmp(a->path, b->path);
}

static uint32_t file_add(struct names *n, const struct process_file *key, size_t path_size,
			 uint32_t hash)
{
	struct process_file *f = xmalloc(sizeof(*f) + path_size + 1);
	uint32_t i = n->free;

	*f = *key;
	f->refs = 1;
	f->path = memcpy(f + 1, key->path, path_size + 1);
	if (i != HASH_NONE) {
		n->free = n->files[i].next_free;
	} else {
		i = n->nr_slots;
		array_push(n->files, n->nr_slots, n->slots_cap);
	}
	n->files[i] = (struct file_slot){ f, HASH_NONE };
	hash_add(&n->files_hash, hash, i);
	n->nr_files++;
	n->files_size += sizeof(*f) + path_size + 1;
	return i;
}

static uint32_t file_find_or_add(struct names *n, const struct process_file *key,
				 size_t path_size)
{
	uint32_t hash = file_hash(key, path_size), pos, i;

	for (i = hash_first(&n->files_hash, hash, &pos); i != HASH_NONE;
	     i = hash_next(&n->files_hash, hash, &pos)) {
		if (file_equal(n->files[i].file, key)) {
			n->files[i].file->refs++;
			return i;
		}
	}
	/* What is special here is few. */
	if (!key->special && n->files_size + sizeof(*key) + path_size + 1 > FILES_SIZE_MAX)
		return HASH_NONE;
	return file_add(n, key, path_size, hash);
}

uint32_t file_intern(struct names *n, const struct process_mmap *m, size_t path_size, bool maps,
		     uint64_t *refused)
{
	static const struct process_file none = { .path = "[refused]", .special = true };
	char path[TEXT_MAX];
	struct process_file key = { .path = path };
	uint32_t i;

	path_size = path_clean(path, m->path, path_size, maps);
	key.special = path_is_special(path);
	if (!key.special) {
		key.jitdump = path_is_jitdump(path);
		key.hotspot = text_has_suffix(path, "/libjvm.so");
		key.dev_major = m->dev_major;
		key.dev_minor = m->dev_minor;
		key.inode = m->inode;
		key.inode_generation = m->inode_generation;
		if (m->build_id && m->build_id_size <= sizeof(key.build_id)) {
			key.build_id_size = m->build_id_size;
			memcpy(key.build_id, m->build_id, m->build_id_size);
		}
	}
	i = file_find_or_add(n, &key, path_size);
	if (i == HASH_NONE) {
		++*refused;
		i = file_find_or_add(n, &none, strlen(none.path));
	}
	return i;
}

void file_ref(struct names *n, uint32_t file)
{
	n->files[file].file->refs++;
}

void file_put(struct names *n, uint32_t file)
{
	struct process_file *f = n->files[file].file;
	size_t path_size;

	if (--f->refs)
		return;
	path_size = strlen(f->path);
	hash_del(&n->files_hash, file_hash(f, path_size), file);
	n->files[file] = (struct file_slot){ NULL, n->free };
	n->free = file;
	n->nr_files--;
	n->files_size -= sizeof(*f) + path_size + 1;
	free(f);
}

bool file_agrees(const struct names *n, uint32_t a, uint32_t b, bool sure)
{
	const struct process_file *f = n->files[a].file, *g = n->files[b].file;

	if (a == b)
		return true;
	if (strcmp(f->path, g->path))
		return false;
	if (f->build_id_size && g->build_id_size)
		return f->build_id_size == g->build_id_size &&
		       !memcmp(f->build_id, g->build_id, f->build_id_size);
	if (f->inode && g->inode)
		return f->inode == g->inode && f->dev_major == g->dev_major &&
		       f->dev_minor == g->dev_minor &&
		       (f->inode_generation == g->inode_generation || !f->inode_generation ||
			!g->inode_generation);
	return !sure;
}

const struct process_file *process_file(const struct process_table *t, uint32_t file)
{
	return t->names.files[file].file;
}

static uint32_t string_hash(const void *item)
{
	const struct string *s = item;

	return hash_bytes(s->text, strlen(s->text));
}

static struct string *string_of(const char *text)
{
	return (struct string *)(void *)(uintptr_t)(text - offsetof(struct string, text));
}

const char *string_intern(struct names *n, const char *text)
{
	char clean[STRING_MAX + 1];
	size_t size = text_clean(clean, sizeof(clean), text, strlen(text));
	uint32_t hash = hash_bytes(clean, size);
	struct string *s;

	if (!size)
		return "";
	roster_for_each(&n->strings, hash, pos, i) {
		s = n->strings.items[i];
		if (!strcmp(s->text, clean)) {
			s->refs++;
			return s->text;
		}
	}
	s = xmalloc(sizeof(*s) + size + 1);
	s->refs = 1;
	memcpy(s->text, clean, size + 1);
	roster_add(&n->strings, hash, s);
	n->strings_size += sizeof(*s) + size + 1;
	return s->text;
}

const char *string_ref(const char *string)
{
	if (*string)
		string_of(string)->refs++;
	return string;
}

void string_put(struct names *n, const char *string)
{
	struct string *s;

	if (!*string)
		return;
	s = string_of(string);
	if (--s->refs)
		return;
	n->strings_size -= sizeof(*s) + strlen(s->text) + 1;
	roster_del(&n->strings, string_hash(s), s, string_hash);
	free(s);
}
