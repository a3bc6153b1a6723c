/* Lines of /proc/PID/maps (proc(5)): "START-END PERM PGOFF MAJ:MIN INODE      PATH". */
#include "proc/procfs.h"

#include <string.h>

#include "base/reader.h"

/* Digits of BASE and the character STOP after them. */
static uint64_t number(struct reader *r, unsigned base, char stop)
{
	uint64_t v = 0;

	for (unsigned nr = 0;; nr++) {
		char c = (char)reader_u8(r);
		unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0')
			       : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
						      : 16;

		if (r->failed || (c == stop && nr))
			return v;
		if (digit >= base || v > (UINT64_MAX - digit) / base) {
			reader_fail(r);
			return 0;
		}
		v = v * base + digit;
	}
}

static bool is_flag(char c, char set, bool *flag)
{
	*flag = c == set;
	return c == set || c == '-';
}

static void permissions(struct reader *r, struct procfs_map *map)
{
	const char *perm = reader_bytes(r, 5);

	if (!perm)
		return;
	map->shared = perm[3] == 's' || perm[3] == 'S';
	if (!is_flag(perm[0], 'r', &map->read) || !is_flag(perm[1], 'w', &map->write) ||
	    !is_flag(perm[2], 'x', &map->exec) || (!map->shared && perm[3] != 'p') ||
	    perm[4] != ' ')
		reader_fail(r);
}

static void path(struct reader *r, struct procfs_map *map)
{
	static const char deleted[] = " (deleted)";
	const size_t deleted_size = sizeof(deleted) - 1;

	while (reader_left(r) && *r->pos == ' ')
		reader_skip(r, 1);
	map->path_size = reader_left(r);
	map->path = reader_bytes(r, map->path_size);
	map->deleted = map->path_size > deleted_size && map->path[0] == '/' &&
		       !memcmp(map->path + map->path_size - deleted_size, deleted, deleted_size);
	if (map->deleted)
		map->path_size -= deleted_size;
}

static bool parse(const char *line, size_t size, struct procfs_map *map)
{
	struct reader r = reader_of(line, size);
	uint64_t major, minor;

	map->start = number(&r, 16, '-');
	map->end = number(&r, 16, ' ');
	permissions(&r, map);
	map->pgoff = number(&r, 16, ' ');
	major = number(&r, 16, ':');
	minor = number(&r, 16, ' ');
	/* A line without a path ends in a blank, too. */
	map->inode = number(&r, 10, ' ');
	if (r.failed || map->start >= map->end || major > UINT32_MAX || minor > UINT32_MAX)
		return false;
	map->dev_major = (uint32_t)major;
	map->dev_minor = (uint32_t)minor;
	path(&r, map);
	return true;
}

bool procfs_next_map(const char *text, size_t size, size_t *pos, struct procfs_map *map,
		     uint32_t *nr_bad)
{
	while (*pos < size) {
		const char *line = text + *pos, *end = memchr(line, '\n', size - *pos);
		struct procfs_map m = { 0 };

		if (!end) { /* cut off: its path may be, too */
			*pos = size;
			++*nr_bad;
			return false;
		}
		*pos += (size_t)(end - line) + 1;
		if (parse(line, (size_t)(end - line), &m)) {
			*map = m;
			return true;
		}
		++*nr_bad;
	}
	return false;
}

size_t procfs_executable_maps(const char *text, size_t size, char *out)
{
	size_t kept = 0;

	for (size_t pos = 0, next; pos < size; pos = next) {
		const char *end = memchr(text + pos, '\n', size - pos);
		uint32_t nr_bad = 0;
		struct procfs_map m;
		size_t at = pos;

		next = end ? (size_t)(end - text) + 1 : size;
		if (procfs_next_map(text, next, &at, &m, &nr_bad) && !m.exec)
			continue;
		memcpy(out + kept, text + pos, next - pos);
		kept += next - pos;
	}
	return kept;
}
