/* /proc/PID/cgroup (cgroups(7)) and what cgroup paths say of units and containers. */
#include "proc/procfs.h"

#include <errno.h>
#include <string.h>

#define CONTAINER_SIZE 64

/* A piece of text that ends nowhere in particular. */
struct piece {
	const char *text;
	size_t size;
};

static bool piece_is(struct piece p, const char *s)
{
	return p.size == strlen(s) && !memcmp(p.text, s, p.size);
}

static bool piece_drop_prefix(struct piece *p, const char *prefix)
{
	size_t n = strlen(prefix);

	if (p->size < n || memcmp(p->text, prefix, n))
		return false;
	p->text += n;
	p->size -= n;
	return true;
}

static bool piece_drop_suffix(struct piece *p, const char *suffix)
{
	size_t n = strlen(suffix);

	if (p->size < n || memcmp(p->text + p->size - n, suffix, n))
		return false;
	p->size -= n;
	return true;
}

/* What stands before the next SEPARATOR, which is passed over; false: there is none. */
static bool piece_cut(struct piece *from, char separator, struct piece *out)
{
	const char *end = from->size ? memchr(from->text, separator, from->size) : NULL;

	if (!end)
		return false;
	*out = (struct piece){ from->text, (size_t)(end - from->text) };
	from->text = end + 1;
	from->size -= out->size + 1;
	return true;
}

int procfs_parse_cgroup(const char *text, size_t size, char *path, size_t path_size)
{
	/* By rank: v2, systemd, perf_event. */
	struct piece found[3] = { 0 }, rest = { text, size }, line, id, controllers;
	const struct piece *best = NULL;

	while (piece_cut(&rest, '\n', &line)) {
		if (!piece_cut(&line, ':', &id) || !piece_cut(&line, ':', &controllers) ||
		    !line.size || line.text[0] != '/' || memchr(line.text, 0, line.size))
			continue;
		piece_drop_suffix(&line, " (deleted)");
		if (piece_is(id, "0") && !controllers.size)
			found[0] = line;
		else if (piece_is(controllers, "name=systemd"))
			found[1] = line;
		else if (piece_is(controllers, "perf_event"))
			found[2] = line;
	}
	for (int i = 0; i < 3; i++)
		if (found[i].size && (!best || (best->size == 1 && found[i].size > 1)))
			best = &found[i];
	if (!best)
		return -ENOENT;
	if (best->size >= path_size)
		return -ENAMETOOLONG;
	memcpy(path, best->text, best->size);
	path[best->size] = 0;
	return 0;
}

/* The kernel writes blanks, newlines and backslashes as \NNN. */
static int undo_octal(struct piece p, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < p.size; i++, n++) {
		char c = p.text[i];

		if (c == '\\' && p.size - i > 3 && p.text[i + 1] >= '0' && p.text[i + 1] <= '3') {
			c = (char)((p.text[i + 1] - '0') << 6 | (p.text[i + 2] & 7) << 3 |
				   (p.text[i + 3] & 7));
			i += 3;
		}
		if (n + 1 >= size || !c)
			return -ENAMETOOLONG;
		out[n] = c;
	}
	out[n] = 0;
	return 0;
}

/* One of the words of an option list is WORD. */
static bool has_option(struct piece options, const char *word)
{
	struct piece option;

	while (piece_cut(&options, ',', &option))
		if (piece_is(option, word))
			return true;
	return piece_is(options, word);
}

/* A line: "ID PARENT MAJ:MIN ROOT MOUNTPOINT OPTIONS TAGS… - TYPE SOURCE SUPEROPTIONS". */
static bool parse_mount(struct piece line, struct piece *point, struct piece *type,
			struct piece *options)
{
	struct piece word;

	for (int i = 0; i < 4; i++)
		if (!piece_cut(&line, ' ', &word))
			return false;
	if (!piece_cut(&line, ' ', point))
		return false;
	do
		if (!piece_cut(&line, ' ', &word))
			return false;
	while (!piece_is(word, "-"));
	if (!piece_cut(&line, ' ', type) || !piece_cut(&line, ' ', &word))
		return false;
	*options = line;
	return true;
}

int procfs_parse_cgroup_mount(const char *text, size_t size, char *path, size_t path_size, bool *v1)
{
	struct piece rest = { text, size }, line, point, type, options, two = { 0 }, one = { 0 };
	int err;

	while (piece_cut(&rest, '\n', &line)) {
		if (!parse_mount(line, &point, &type, &options))
			continue;
		if (!two.size && piece_is(type, "cgroup2"))
			two = point;
		else if (!one.size && piece_is(type, "cgroup") && has_option(options, "perf_event"))
			one = point;
	}
	if (!one.size && !two.size)
		return -ENOENT;
	err = undo_octal(one.size ? one : two, path, path_size);
	if (!err)
		*v1 = one.size > 0;
	return err;
}

static bool is_unit_name(struct piece p)
{
	for (size_t i = 0; i < p.size; i++) {
		char c = p.text[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      (c && strchr(":-_.\\@", c))))
			return false;
	}
	return p.size > 0 && p.size < 256;
}

/* 2: a unit that runs something; 1: a slice; 0: no unit. */
static int unit_rank(struct piece p)
{
	static const char *const suffixes[] = { ".service", ".scope", ".socket",
						".mount",   ".swap",  ".timer" };

	if (!is_unit_name(p))
		return 0;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (piece_drop_suffix(&p, suffixes[i]))
			return p.size ? 2 : 0;
	return piece_drop_suffix(&p, ".slice") && p.size;
}

static bool is_container_id(struct piece *p)
{
	static const char *const prefixes[] = { "docker-", "crio-", "libpod-", "cri-containerd-" };
	const char *colon = memrchr(p->text, ':', p->size);

	piece_drop_suffix(p, ".scope");
	if (colon && (size_t)(colon - p->text) < p->size)
		*p = (struct piece){ colon + 1, p->size - (size_t)(colon + 1 - p->text) };
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (piece_drop_prefix(p, prefixes[i]))
			break;
	if (p->size != CONTAINER_SIZE)
		return false;
	for (size_t i = 0; i < p->size; i++)
		if (!((p->text[i] >= '0' && p->text[i] <= '9') ||
		      (p->text[i] >= 'a' && p->text[i] <= 'f')))
			return false;
	return true;
}

/* "" when it does not fit: half a name is another's. */
static void piece_copy(struct piece p, char *dst, size_t size)
{
	if (p.size >= size)
		p.size = 0;
	if (p.size)
		memcpy(dst, p.text, p.size);
	dst[p.size] = 0;
}

void procfs_parse_unit(const char *cgroup, char *unit, size_t unit_size, char *container,
		       size_t container_size)
{
	struct piece best_unit = { 0 }, best_container = { 0 };
	struct piece rest = { cgroup, strlen(cgroup) }, component;
	int best_rank = 1, rank;

	while (rest.size) {
		if (!piece_cut(&rest, '/', &component)) {
			component = rest;
			rest.size = 0;
		}
		if (component.size > 1 && component.text[0] == '_')
			piece_drop_prefix(&component, "_");
		rank = unit_rank(component);
		if (rank >= best_rank) {
			best_rank = rank;
			best_unit = component;
		}
		if (component.size && is_container_id(&component))
			best_container = component;
	}
	piece_copy(best_unit, unit, unit_size);
	piece_copy(best_container, container, container_size);
}
