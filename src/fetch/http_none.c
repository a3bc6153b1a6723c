/* What there is of it without libcurl. */
#include <errno.h>

#include "fetch/http.h"

int http_new(struct http **out)
{
	return -ENOSYS;
}

void http_free(struct http *h)
{
}

int http_get(struct http *h, const char *url, int fd, uint64_t max_size, uint32_t timeout_ms)
{
	return -ENOSYS;
}
