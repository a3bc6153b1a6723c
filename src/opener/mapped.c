#include "opener/mapped.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define DELETED " (deleted)"

bool mapped_strip_deleted(char *name)
{
	if (!text_has_suffix(name, DELETED))
		return false;
	name[strlen(name) - strlen(DELETED)] = 0;
	return true;
}

/* "7f00a000-7f00b000 r-xp 00001000 fe:01 4711    /usr/lib/libfoo.so (deleted)" */
static bool parse_line(const char *line, size_t size, struct mapped *m)
{
	char head[128];
	size_t n = size < sizeof(head) - 1 ? size : sizeof(head) - 1;
	int name = 0;

	memcpy(head, line, n);
	head[n] = 0;
	if (sscanf(head, "%" SCNx64 "-%" SCNx64 " %*4s %" SCNx64 " %x:%x %" SCNu64 " %n", &m->start,
		   &m->end, &m->pgoff, &m->major, &m->minor, &m->inode, &name) < 6 ||
	    !name)
		return false;
	n = size - (size_t)name;
	if (n >= sizeof(m->name))
		return false;
	memcpy(m->name, line + name, n);
	m->name[n] = 0;
	m->deleted = mapped_strip_deleted(m->name);
	return true;
}

bool mapped_find(const char *maps, size_t size, uint64_t address, struct mapped *m)
{
	for (size_t pos = 0; pos < size;) {
		const char *line = maps + pos, *nl = memchr(line, '\n', size - pos);
		size_t n = nl ? (size_t)(nl - line) : size - pos;

		if (parse_line(line, n, m) && address >= m->start && address < m->end)
			return true;
		pos += n + 1;
	}
	return false;
}
