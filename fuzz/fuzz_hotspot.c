/* attach/hotspot: what a virtual machine says, and /proc of it. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "attach/hotspot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size), *text = malloc(size + 1);
	struct hotspot_status s;

	memcpy(copy, data, size);
	memcpy(text, data, size);
	text[size] = 0;
	if (hotspot_is_mapped(copy, size))
		assert(size > 10);
	assert(hotspot_answer(copy, size) <= 0);
	if (hotspot_status(text, &s))
		assert(strlen(text) >= strlen("\nNSpid:\t1\nUid:\t1\t1"));
	free(copy);
	free(text);
	return 0;
}
