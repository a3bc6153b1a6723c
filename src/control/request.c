#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "control/server.h"

int control_split(char *line, char **argv, int max)
{
	size_t length = strlen(line);
	int argc = 0;

	for (size_t i = 0; i < length; i++)
		if (line[i] == '\t')
			line[i] = ' ';
	if (!text_is_clean(line, length))
		return -EINVAL;
	for (char *save, *word = strtok_r(line, " ", &save); word;
	     word = strtok_r(NULL, " ", &save)) {
		if (argc + 1 >= max)
			return -E2BIG;
		argv[argc++] = word;
	}
	argv[argc] = NULL;
	return argc;
}
