/* What a process says of itself, or /proc of it. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "attach/hotspot.h"
#include "base/status.h"

bool hotspot_status(const char *text, struct hotspot_status *s)
{
	uint64_t number, uid, gid, caught;

	if (!status_number(text, "NSpid", -1, 10, &number) || !status_number(text, "Uid", 1, 10, &uid) ||
	    !status_number(text, "Gid", 1, 10, &gid) || !status_number(text, "SigCgt", 0, 16, &caught))
		return false;
	*s = (struct hotspot_status){ (unsigned long)number, (uid_t)uid, (gid_t)gid, caught >> (SIGQUIT - 1) & 1 };
	return true;
}

bool hotspot_is_mapped(const char *maps, size_t size)
{
	static const char name[] = "/libjvm.so";
	const size_t name_size = sizeof(name) - 1;

	for (const char *line = maps, *end = maps + size, *nl; line < end; line = nl + 1) {
		const char *blank = memchr(line, ' ', (size_t)(end - line));

		nl = memchr(line, '\n', (size_t)(end - line));
		if (!nl)
			break;
		/* "start-end r-xp …": the flags follow the first blank. */
		if (blank && nl - blank > 5 && blank[3] == 'x' && (size_t)(nl - line) > name_size &&
		    !memcmp(nl - name_size, name, name_size))
			return true;
	}
	return false;
}

int hotspot_answer(const char *text, size_t size)
{
	const char *nl = size ? memchr(text, '\n', size) : NULL;

	if (!nl || nl == text)
		return -EBADMSG;
	for (const char *c = text; c < nl; c++)
		if ((*c < '0' || *c > '9') && (c != text || *c != '-'))
			return -EBADMSG;
	return nl - text == 1 && *text == '0' ? 0 : -ENOTSUP;
}
