#include "profile/bracket.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define NONE UINT32_MAX

uint32_t profile_bracket(struct profile *p, uint32_t mapping)
{
	const char *path = mapping < p->nr_mappings ? profile_str(p, p->mappings[mapping].filename) : "";
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	char name[TEXT_MAX];
	uint32_t string;
	size_t n;

	if (!*base)
		base = "unknown";
	if (*base == '[') {
		string = profile_string(p, base);
	} else {
		name[0] = '[';
		n = 1 + text_clean(name + 1, sizeof(name) - 2, base, strlen(base));
		name[n++] = ']';
		string = profile_string_n(p, name, n);
	}
	return profile_function(p, &(struct profile_function){ string, string, 0, 0 });
}

void profile_bracket_all(struct profile *p)
{
	uint32_t *functions = xreallocarray(NULL, (size_t)p->nr_mappings + 1, sizeof(*functions));

	memset(functions, 0xff, ((size_t)p->nr_mappings + 1) * sizeof(*functions));
	for (uint32_t i = 0; i < p->nr_locations; i++) {
		uint32_t m = p->locations[i].mapping < p->nr_mappings ? p->locations[i].mapping : p->nr_mappings;

		if (p->locations[i].nr_lines)
			continue;
		if (functions[m] == NONE)
			functions[m] = profile_bracket(p, p->locations[i].mapping);
		profile_set_lines(p, i, &(struct profile_line){ .function = functions[m] }, 1);
	}
	free(functions);
}
