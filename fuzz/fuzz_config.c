/* The configuration's text: what is taken is printed and taken again, unchanged. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size ? size : 1), error[256] = "", *printed = NULL;
	size_t printed_size = 0;
	struct config c, again;
	FILE *f;

	memcpy(text, data, size);
	config_defaults(&c);
	if (config_parse(&c, "fuzz", text, size, error, sizeof(error))) {
		if (strncmp(error, "fuzz:", 5) || !text_is_clean(error, strlen(error)))
			abort();
		goto out;
	}
	if (config_check(&c, error, sizeof(error)) && !text_is_clean(error, strlen(error)))
		abort();
	f = open_memstream(&printed, &printed_size);
	config_print(&c, f);
	fclose(f);
	config_defaults(&again);
	if (config_parse(&again, "fuzz", printed, printed_size, error, sizeof(error)) ||
	    memcmp(&c, &again, sizeof(c)))
		abort();
out:
	free(printed);
	free(text);
	return 0;
}
