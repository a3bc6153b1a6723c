#include "daemon/debuginfod.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "daemon/debug_files.h"
#include "fetch/client.h"

#define FILE_MAX   (1ull << 30)
#define TIMEOUT_MS 300000 /* for one file: some are large, and some servers make them first */

static const char *urls_of(const struct config *c)
{
	const char *urls = *c->debuginfod_urls ? c->debuginfod_urls : getenv("DEBUGINFOD_URLS");

	return c->debuginfod && c->cache_max_use && urls ? urls : "";
}

/* The folder, made if need be: a descriptor or negative errno. */
static int open_folder(const char *cache_directory)
{
	int cache = open(cache_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;

	if (cache < 0)
		return -errno;
	fd = mkdirat(cache, "debuginfod", 0700) < 0 && errno != EEXIST ? -errno : 0;
	if (!fd) {
		fd = openat(cache, "debuginfod", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		fd = fd < 0 ? -errno : fd;
	}
	close(cache);
	return fd;
}

static bool same(const struct config *a, const struct config *b)
{
	return a->debuginfod == b->debuginfod && a->cache_max_use == b->cache_max_use &&
	       !strcmp(a->debuginfod_urls, b->debuginfod_urls) && !strcmp(a->cache_directory, b->cache_directory);
}

static int configure(struct daemon *d, const struct config *c)
{
	struct fetch_options o = { .urls = urls_of(c), .max_use = c->cache_max_use, .timeout_ms = TIMEOUT_MS };
	int err;

	o.max_size = o.max_use < FILE_MAX ? o.max_use : FILE_MAX;
	if (!*o.urls)
		return fetch_client_configure(d->fetch, NULL);
	o.dir = open_folder(c->cache_directory);
	err = fetch_client_configure(d->fetch, o.dir < 0 ? NULL : &o);
	if (o.dir < 0)
		return o.dir;
	close(o.dir);
	return err;
}

int debuginfod_start(struct daemon *d)
{
	d->fetch = fetch_client_new(d->loop, debug_files_fetched, d->debug_files);
	if (!d->fetch)
		return -EMFILE;
	d->fetch_error = configure(d, &d->config);
	debug_files_set_fetch(d->debug_files, d->fetch);
	return 0;
}

void debuginfod_reload(struct daemon *d, const struct config *c)
{
	if (same(&d->config, c) && !d->fetch_error)
		return;
	d->fetch_error = configure(d, c);
	debug_files_set_fetch(d->debug_files, d->fetch); /* what was asked for before gets no answer */
}

/* What is in the way, if anything. */
static void say_state(const struct daemon *d, const struct fetch_status *s, struct control_client *c)
{
	if (d->fetch_error == -E2BIG)
		control_value(c, "debuginfod", "off: DEBUGINFOD_URLS is too long");
	else if (d->fetch_error)
		control_value(c, "debuginfod", "off: %s/debuginfod: %s", d->config.cache_directory, strerror(-d->fetch_error));
	else if (!d->config.cache_max_use)
		control_value(c, "debuginfod", "off: CacheMaxUse=0");
	else if (!s->nr_servers)
		control_value(c, "debuginfod", "off: no http or https server in %s",
			      *d->config.debuginfod_urls ? "DebuginfodUrls=" : "DEBUGINFOD_URLS, and no DebuginfodUrls=");
	else
		control_value(c, "debuginfod", "%s", s->paused ? "paused: nothing could be fetched" : "on");
}

static const char *words(int error)
{
	switch (error) {
	case -ENOSYS:
		return "built without libcurl, or it is not installed";
	case -EBADMSG:
		return "what came is no debug file, or another's";
	case -EHOSTUNREACH:
		return "a server could not be asked";
	default:
		return strerror(-error);
	}
}

void debuginfod_status(const struct daemon *d, struct control_client *c)
{
	struct fetch_status s;

	if (!d->config.debuginfod)
		return;
	fetch_client_status(d->fetch, &s);
	say_state(d, &s, c);
	control_value(c, "debuginfod_wanted", "%llu", (unsigned long long)s.nr_wanted);
	control_value(c, "debuginfod_found", "%llu", (unsigned long long)s.nr_found);
	control_value(c, "debuginfod_missing", "%llu", (unsigned long long)s.nr_missing);
	control_value(c, "debuginfod_failed", "%llu", (unsigned long long)s.nr_failed);
	if (s.last_error)
		control_value(c, "debuginfod_last_error", "%s", words(s.last_error));
}
