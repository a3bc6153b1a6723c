#include "base/status.h"

#include <stdlib.h>
#include <string.h>

/* Behind "\nNAME:"; NULL: there is none. */
static const char *find_line(const char *text, const char *name)
{
	size_t size = strlen(name);

	for (const char *nl = text; (nl = strchr(nl, '\n')) != NULL; nl++)
		if (!strncmp(nl + 1, name, size) && nl[1 + size] == ':')
			return nl + 1 + size + 1;
	return NULL;
}

static const char *skip_blanks(const char *at)
{
	return at + strspn(at, " \t");
}

bool status_number(const char *text, const char *name, int which, int base, uint64_t *v)
{
	const char *at = find_line(text, name);
	uint64_t last = 0;
	int nr = 0;

	for (at = at ? skip_blanks(at) : NULL; at && *at && *at != '\n' && (which < 0 || nr <= which); nr++) {
		char *end;

		last = strtoull(at, &end, base);
		if (end == at)
			return false;
		at = skip_blanks(end);
	}
	if (!nr || nr <= which)
		return false;
	*v = last;
	return true;
}
