/* opener/mapped: eight bytes of address, then /proc/PID/maps, whose names the target chooses. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "opener/mapped.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct mapped m;
	uint64_t address;
	char *text;

	if (size < sizeof(address))
		return 0;
	memcpy(&address, data, sizeof(address));
	size -= sizeof(address);
	text = malloc(size);
	memcpy(text, data + sizeof(address), size);
	if (mapped_find(text, size, address, &m)) {
		assert(m.start <= address && address < m.end);
		assert(strlen(m.name) <= size);
	}
	free(text);
	return 0;
}
