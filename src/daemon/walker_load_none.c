/* Built with --disable-bpf. */
#include "daemon/walker_load.h"

#include <errno.h>
#include <stdio.h>

int walker_load_new(struct walker_load **out, const struct walker_sizes *sizes, char *why, size_t why_size)
{
	snprintf(why, why_size, "pprofd was built without it");
	return -ENOSYS;
}

void walker_load_free(struct walker_load *w)
{
}

void walker_load_memory(struct walker_load *w, struct mirror_memory *memory)
{
}

struct unwind_kcpu *walker_load_cpu(struct walker_load *w, uint32_t cpu)
{
	return NULL;
}

size_t walker_load_size(const struct walker_load *w)
{
	return 0;
}

int walker_load_program(struct walker_load *w, uint32_t source)
{
	return -ENOSYS;
}

int walker_load_output(struct walker_load *w, uint32_t cpu, int fd)
{
	return -ENOSYS;
}
