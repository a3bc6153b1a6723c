/* What a process says of itself, or /proc of it. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "attach/hotspot.h"

/* Of "NAME:\tA B C D" the WHICH-th number from 1 on, −1: the last. */
static bool status_value(const char *text, const char *name, int which, int base, unsigned long long *v)
{
	const char *at = strstr(text, name);
	char *end;
	bool found = false;

	for (at = at ? at + strlen(name) : NULL; at && *at && *at != '\n' && which--; at = end + strspn(end, " \t")) {
		unsigned long long n = strtoull(at, &end, base);

		if (end == at)
			break;
		*v = n;
		found = true;
	}
	return found;
}

bool hotspot_status(const char *text, struct hotspot_status *s)
{
	unsigned long long number, uid, gid, caught;

	if (!status_value(text, "\nNSpid:\t", -1, 10, &number) || !status_value(text, "\nUid:\t", 2, 10, &uid) ||
	    !status_value(text, "\nGid:\t", 2, 10, &gid) || !status_value(text, "\nSigCgt:\t", 1, 16, &caught))
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
