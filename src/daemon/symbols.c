#include "daemon/symbols.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct known {
	uint32_t object;
	int64_t window;
	char path[SYMBOLS_PATH_MAX];
	struct worker_object_symbols last;
	uint64_t nr[WORKER_NR_LEVELS], sum;
};

struct symbols {
	struct known known[SYMBOLS_OBJECTS_MAX];
	uint32_t nr;
	int64_t window; /* the newest */
};

static const char *const level_words[WORKER_NR_LEVELS] = {
	[WORKER_LEVEL_NONE] = "none",
	[WORKER_LEVEL_GO] = "gopclntab",
	[WORKER_LEVEL_SYMTAB] = "symtab",
	[WORKER_LEVEL_DYNSYM] = "dynsym",
	[WORKER_LEVEL_MINIDEBUG] = "minidebug",
	[WORKER_LEVEL_DEBUG_FILE] = "debug_file",
	[WORKER_LEVEL_PLT] = "plt",
	[WORKER_LEVEL_BOUNDS] = "bounds",
	[WORKER_LEVEL_JIT] = "jit_map",
	[WORKER_LEVEL_KALLSYMS] = "kallsyms",
};

struct symbols *symbols_new(void)
{
	return xcalloc(1, sizeof(struct symbols));
}

void symbols_free(struct symbols *s)
{
	free(s);
}

static struct known *find(struct symbols *s, uint32_t object)
{
	for (uint32_t i = 0; i < s->nr; i++)
		if (s->known[i].object == object)
			return &s->known[i];
	return NULL;
}

/* A new place, or that of the object that was asked longest ago. */
static struct known *add(struct symbols *s)
{
	struct known *oldest = s->known;

	if (s->nr < SYMBOLS_OBJECTS_MAX)
		return &s->known[s->nr++];
	for (uint32_t i = 1; i < s->nr; i++)
		if (s->known[i].window < oldest->window)
			oldest = &s->known[i];
	return oldest;
}

void symbols_note(struct symbols *s, int64_t window, uint32_t object, const char *path, const struct worker_object_symbols *o)
{
	struct known *k = find(s, object);
	size_t size = strlen(path);

	if (!k) {
		k = add(s);
		*k = (struct known){ .object = object, .window = window };
		snprintf(k->path, sizeof(k->path), "%s", size < sizeof(k->path) ? path : path + size + 1 - sizeof(k->path));
	}
	if (k->window != window) {
		k->window = window;
		memset(k->nr, 0, sizeof(k->nr));
		k->sum = 0;
	}
	k->last = *o;
	for (unsigned i = 0; i < WORKER_NR_LEVELS; i++) {
		k->nr[i] += o->nr[i];
		k->sum += o->nr[i];
	}
	if (window > s->window)
		s->window = window;
}

static int by_weight(const void *a, const void *b)
{
	const struct known *x = *(const struct known *const *)a, *y = *(const struct known *const *)b;

	if (x->window != y->window)
		return x->window < y->window ? 1 : -1;
	if (x->sum != y->sum)
		return x->sum < y->sum ? 1 : -1;
	return strcmp(x->path, y->path);
}

static const char *failure(int status)
{
	switch (status) {
	case -ECANCELED:
		return "quarantined: the worker died of it, or hung at it, twice";
	case -ESTALE:
		return "the file has another build id than what was mapped";
	case -ENODATA:
		return "it knows no functions";
	case -ENOEXEC:
		return "no ELF file";
	case -EBADMSG:
		return "damaged";
	case -EFBIG:
		return "over the limits of what is read of one file";
	case -EIO:
		return "it could not be read";
	default:
		return strerror(-status);
	}
}

static const char *lines_words(int lines)
{
	switch (lines) {
	case 1:
		return "known";
	case -ENODATA:
		return "no debugging information";
	case -ENOTSUP:
		return "compressed in a way that this build cannot read";
	default:
		return failure(lines);
	}
}

static void show(struct control_client *c, const struct known *k, unsigned number)
{
	char key[64], hex[41] = "";

#define OBJECT_VALUE(what, fmt, ...)                                                               \
	do {                                                                                       \
		snprintf(key, sizeof(key), "object.%u%s", number, what);                           \
		control_value(c, key, fmt, __VA_ARGS__);                                           \
	} while (0)
	OBJECT_VALUE("", "%s", k->path);
	for (uint32_t i = 0; i < k->last.build_id_size; i++)
		snprintf(hex + 2 * i, 3, "%02x", k->last.build_id[i]);
	if (*hex)
		OBJECT_VALUE(".build_id", "%s", hex);
	OBJECT_VALUE(".window", "%lld", (long long)k->window);
	OBJECT_VALUE(".addresses", "%llu", (unsigned long long)k->sum);
	for (unsigned i = 0; i < WORKER_NR_LEVELS; i++) {
		char what[32];

		snprintf(what, sizeof(what), ".%s", level_words[i]);
		if (k->nr[i])
			OBJECT_VALUE(what, "%llu", (unsigned long long)k->nr[i]);
	}
	if (k->last.status)
		OBJECT_VALUE(".failed", "%s", failure(k->last.status));
	if (k->last.lines)
		OBJECT_VALUE(".lines", "%s", lines_words(k->last.lines));
#undef OBJECT_VALUE
}

/* Of the newest window. */
static void show_sums(const struct symbols *s, struct control_client *c)
{
	uint64_t nr[WORKER_NR_LEVELS] = { 0 }, sum = 0;

	for (uint32_t i = 0; i < s->nr; i++) {
		if (s->known[i].window != s->window)
			continue;
		sum += s->known[i].sum;
		for (unsigned k = 0; k < WORKER_NR_LEVELS; k++)
			nr[k] += s->known[i].nr[k];
	}
	control_value(c, "window", "%lld", (long long)s->window);
	control_value(c, "addresses", "%llu", (unsigned long long)sum);
	for (unsigned i = 0; i < WORKER_NR_LEVELS; i++)
		control_value(c, level_words[i], "%llu", (unsigned long long)nr[i]);
}

void symbols_status(const struct symbols *s, struct control_client *c)
{
	const struct known **order = xreallocarray(NULL, s->nr + 1u, sizeof(*order));

	for (uint32_t i = 0; i < s->nr; i++)
		order[i] = &s->known[i];
	qsort(order, s->nr, sizeof(*order), by_weight);
	show_sums(s, c);
	for (uint32_t i = 0; i < s->nr; i++)
		show(c, order[i], i + 1);
	free(order);
}
