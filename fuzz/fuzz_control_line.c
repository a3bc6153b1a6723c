/* A request line, split into words. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "control/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = malloc(size + 1), *argv[CONTROL_WORDS_MAX + 1];
	int argc;

	memcpy(line, data, size);
	line[size] = '\0';
	argc = control_split(line, argv, CONTROL_WORDS_MAX + 1);
	if (argc > CONTROL_WORDS_MAX || (argc >= 0 && argv[argc]))
		abort();
	for (int i = 0; i < argc; i++)
		if (!argv[i][0] || strchr(argv[i], ' ') || !text_is_clean(argv[i], strlen(argv[i])))
			abort();
	free(line);
	return 0;
}
