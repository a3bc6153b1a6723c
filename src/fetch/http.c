#include "fetch/http.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"

#define CONNECT_MS      5000
#define SLOW_BYTES      1024 /* a second: less is nothing */
#define SLOW_SECONDS    60   /* servers take time to find a file in an archive */
#define HEADERS_MAX     (256u << 10) /* bytes of headers, of all answers to one request */
#define REDIRECTIONS    5
#define HTTP_NOT_FOUND  404
#define HTTP_TOO_LARGE  413

struct http {
	void *library;
	CURL *handle;
	CURLcode (*global_init)(long flags);
	CURL *(*easy_init)(void);
	CURLcode (*easy_setopt)(CURL *handle, CURLoption option, ...);
	CURLcode (*easy_perform)(CURL *handle);
	CURLcode (*easy_getinfo)(CURL *handle, CURLINFO info, ...);
	void (*easy_cleanup)(CURL *handle);
};

/* One file on its way. */
struct transfer {
	int fd, err;
	uint64_t left;
	size_t headers;
};

static bool find(struct http *h)
{
	const struct { const char *name; void **to; } functions[] = {
		{ "curl_global_init", (void **)&h->global_init },   { "curl_easy_init", (void **)&h->easy_init },
		{ "curl_easy_setopt", (void **)&h->easy_setopt },   { "curl_easy_perform", (void **)&h->easy_perform },
		{ "curl_easy_getinfo", (void **)&h->easy_getinfo }, { "curl_easy_cleanup", (void **)&h->easy_cleanup },
	};

	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		*functions[i].to = dlsym(h->library, functions[i].name);
		if (!*functions[i].to)
			return false;
	}
	return true;
}

int http_new(struct http **out)
{
	struct http *h = calloc(1, sizeof(*h));
	int err = h ? -ENOSYS : -ENOMEM;

	if (h)
		h->library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
	if (h && h->library && find(h) && !h->global_init(CURL_GLOBAL_ALL))
		h->handle = h->easy_init();
	if (!h || !h->handle) {
		http_free(h);
		return err;
	}
	*out = h;
	return 0;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	if (h->handle)
		h->easy_cleanup(h->handle);
	/* The library stays loaded: it may have threads. */
	free(h);
}

static size_t take(char *data, size_t one, size_t nr, void *ctx)
{
	struct transfer *t = ctx;
	size_t size = one * nr;

	if (size > t->left)
		t->err = -EFBIG;
	else
		t->err = io_write(t->fd, data, size);
	t->left -= t->err ? 0 : size;
	return t->err ? 0 : size;
}

/* libcurl keeps them, however many come. */
static size_t take_header(char *data, size_t one, size_t nr, void *ctx)
{
	struct transfer *t = ctx;

	t->headers += one * nr;
	return t->headers <= HEADERS_MAX ? one * nr : 0;
}

static int set_options(struct http *h, const char *url, struct transfer *t, uint32_t timeout_ms)
{
	bool secure = !strncmp(url, "https:", 6);
	CURLcode err = CURLE_OK;

#define SET(option, value) (err = err ? err : h->easy_setopt(h->handle, option, value))
	SET(CURLOPT_URL, url);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
	SET(CURLOPT_FOLLOWLOCATION, 1L);
	SET(CURLOPT_MAXREDIRS, (long)REDIRECTIONS);
	SET(CURLOPT_FAILONERROR, 1L);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	SET(CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	SET(CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES);
	SET(CURLOPT_LOW_SPEED_TIME, (long)SLOW_SECONDS);
	SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)t->left);
	SET(CURLOPT_USERAGENT, "pprofd/" PACKAGE_VERSION);
	SET(CURLOPT_WRITEFUNCTION, take);
	SET(CURLOPT_WRITEDATA, t);
	SET(CURLOPT_HEADERFUNCTION, take_header);
	SET(CURLOPT_HEADERDATA, t);
#undef SET
	return err ? -ENOSYS : 0; /* a library that is too old */
}

int http_get(struct http *h, const char *url, int fd, uint64_t max_size, uint32_t timeout_ms)
{
	struct transfer t = { .fd = fd, .left = max_size };
	int err = set_options(h, url, &t, timeout_ms);
	long code = 0;

	if (err)
		return err;
	switch (h->easy_perform(h->handle)) {
	case CURLE_OK:
		return 0;
	case CURLE_WRITE_ERROR:
		return t.err ? t.err : -EHOSTUNREACH;
	case CURLE_FILESIZE_EXCEEDED:
		return -EFBIG;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_HTTP_RETURNED_ERROR:
		h->easy_getinfo(h->handle, CURLINFO_RESPONSE_CODE, &code);
		return code == HTTP_NOT_FOUND ? -ENOENT : code == HTTP_TOO_LARGE ? -EFBIG : -EHOSTUNREACH;
	default:
		return -EHOSTUNREACH;
	}
}
