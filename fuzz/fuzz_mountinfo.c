/* opener/mounts: /proc/PID/mountinfo, whose names the target's administrator chooses. */
#include <stdlib.h>
#include <string.h>

#include "opener/mounts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size);

	memcpy(text, data, size);
	mount_kind_of_id(text, size, 31);
	mount_kind_of_id(text, size, UINT64_MAX);
	mount_kind_of_dev(text, size, 0, 41);
	free(text);
	return 0;
}
