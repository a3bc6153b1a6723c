/* http: a file from a server into a descriptor, by libcurl, which this loads when it is first needed: none of our other
 * processes has it, nor the thirty libraries that it brings. Without it (--disable-debuginfod) all is -ENOSYS. */
#ifndef FETCH_HTTP_H
#define FETCH_HTTP_H

#include <stdint.h>

struct http;

/* 0, -ENOSYS or -ENOMEM. */
int http_new(struct http **out);
void http_free(struct http *h);

/* What URL (http or https) has, at most MAX_SIZE bytes, into FD. Redirections are followed, to http or https, of https to no
 * other. 0, or negative errno: -ENOENT: it has none; -EFBIG; -ETIMEDOUT: not all of it in TIMEOUT_MS, or next to nothing for a
 * minute; -EHOSTUNREACH: anything else of the network; or why it could not be written. FD may have got some of it then. */
int http_get(struct http *h, const char *url, int fd, uint64_t max_size, uint32_t timeout_ms);

#endif
