/* unzstd where libzstd was not there, or not wanted, at configure time. */
#include "base/unzstd.h"

#include <errno.h>

int unzstd_new(struct unzstd **out)
{
	return -ENOTSUP;
}

void unzstd_free(struct unzstd *z)
{
}

int unzstd_add(struct unzstd *z, const void *data, size_t size, size_t limit, uint8_t **out,
	       size_t keep, size_t *out_size)
{
	return -ENOTSUP;
}

int unzstd_step(struct unzstd *z, const void *in, size_t *in_size, void *out, size_t *out_size)
{
	return -ENOTSUP;
}
