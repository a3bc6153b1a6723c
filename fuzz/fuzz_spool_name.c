/* A file's name: what is taken for ours is what we write. */
#include <stdlib.h>
#include <string.h>

#include "spool/spool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *name = malloc(size + 1), again[SPOOL_NAME_MAX];
	struct spool_name n;

	memcpy(name, data, size);
	name[size] = '\0';
	if (spool_parse_name(name, &n) &&
	    (spool_format_name(&n, again, sizeof(again)) || strcmp(name, again)))
		abort();
	free(name);
	return 0;
}
