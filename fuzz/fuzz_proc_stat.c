/* /proc/PID/stat and /proc/PID/cgroup with the units in it, /proc/PID/status,
 * /proc/self/mountinfo. The whole input is given to each. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "proc/procfs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size), path[4096], unit[256], container[65];
	struct procfs_stat st;
	uint32_t uid;
	bool v1;

	memcpy(copy, data, size);
	if (!procfs_parse_stat(copy, size, &st))
		assert(memchr(st.comm, 0, sizeof(st.comm)));
	if (!procfs_parse_cgroup(copy, size, path, sizeof(path))) {
		assert(path[0] == '/');
		procfs_parse_unit(path, unit, sizeof(unit), container, sizeof(container));
		assert(text_is_clean(unit, strlen(unit)));
		assert(!container[0] || strlen(container) == 64);
	}
	procfs_parse_uid(copy, size, &uid);
	if (!procfs_parse_cgroup_mount(copy, size, path, sizeof(path), &v1))
		assert(strlen(path) < sizeof(path));
	free(copy);
	return 0;
}
