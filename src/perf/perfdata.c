#include "perf/perfdata.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "perf/perfdata_impl.h"

int perfdata_fail(struct perfdata *d, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (d->error_size)
		vsnprintf(d->error, d->error_size, fmt, ap);
	va_end(ap);
	return err;
}

static int too_big(struct perfdata *d)
{
	return perfdata_fail(d, -EFBIG, "larger than the %zu bytes that may be held", d->limit);
}

/* A regular file says its size beforehand; should it grow, what it had at first is taken. */
static size_t first_size(int fd, const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_size > 0 ? (size_t)st->st_size : 64 << 10;
}

static int read_whole(struct perfdata *d, int fd, const struct stat *st, uint8_t **out,
		      size_t *out_size)
{
	size_t size = 0, cap = first_size(fd, st), left = d->limit - d->held;
	uint8_t *data, *p;

	if (S_ISREG(st->st_mode) && cap > left)
		return too_big(d);
	data = malloc(cap);
	for (;;) {
		ssize_t n;

		if (!data)
			return perfdata_fail(d, -ENOMEM, "%s", strerror(ENOMEM));
		n = read(fd, data + size, cap - size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			n = -errno;
			free(data);
			return perfdata_fail(d, (int)n, "%s", strerror((int)-n));
		}
		size += (size_t)n;
		if (!n || (S_ISREG(st->st_mode) && st->st_size > 0 && size == cap))
			break;
		if (size < cap)
			continue;
		if (size >= left) {
			free(data);
			return too_big(d);
		}
		cap = cap * 2 < left ? cap * 2 : left + 1;
		p = realloc(data, cap);
		if (!p)
			free(data);
		data = p;
	}
	if (size > left) {
		free(data);
		return too_big(d);
	}
	p = realloc(data, size ? size : 1); /* exact, so that a sanitizer sees reads past the end */
	*out = p ? p : data;
	*out_size = size;
	return 0;
}

static int add_source(struct perfdata *d, int fd)
{
	struct perfdata_source *s, source = { 0 };
	struct stat st;
	int err;

	if (fstat(fd, &st))
		return perfdata_fail(d, -errno, "%s", strerror(errno));
	err = read_whole(d, fd, &st, &source.data, &source.size);
	if (err)
		return err;
	d->held += source.size;
	source.records_size = source.size;
	s = array_push(d->sources, d->nr_sources, d->sources_cap);
	*s = source;
	return 0;
}

/* `perf record --threads` and --kcore make a directory: "data" is a whole file, and the threads'
 * "data.0", "data.1", … are bare records. */
static int add_directory(struct perfdata *d, int dir)
{
	char name[32] = "data";

	for (unsigned i = 0;; i++) {
		int err, fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

		if (fd < 0 && errno == ENOENT && i)
			return 0;
		if (fd < 0)
			return perfdata_fail(d, -errno, "a directory, and its file \"%s\": %s",
					     name, strerror(errno));
		err = add_source(d, fd);
		close(fd);
		if (err)
			return err;
		snprintf(name, sizeof(name), "data.%u", i);
	}
}

static int read_sources(struct perfdata *d, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return perfdata_fail(d, -errno, "%s", strerror(errno));
	return S_ISDIR(st.st_mode) ? add_directory(d, fd) : add_source(d, fd);
}

int perfdata_open(struct perfdata **out, int fd, size_t limit, char *error, size_t error_size)
{
	struct perfdata *d = xcalloc(1, sizeof(*d));
	int err;

	d->limit = limit;
	d->error = error;
	d->error_size = error_size;
	err = read_sources(d, fd);
	if (!err)
		err = perfdata_header(d);
	if (!err)
		err = perfdata_scan(d);
	if (!err && !d->nr_events)
		err = perfdata_fail(d, -EBADMSG, "it describes no event");
	if (err) {
		perfdata_free(d);
		return err;
	}
	perfdata_name_events(d);
	d->error = NULL;
	d->error_size = 0;
	*out = d;
	return 0;
}

void perfdata_free(struct perfdata *d)
{
	if (!d)
		return;
	for (uint32_t i = 0; i < d->nr_sources; i++)
		free(d->sources[i].data);
	free(d->sources);
	free(d->events);
	free(d->ids);
	hash_fini(&d->id_hash);
	free(d->type_names);
	free(d->build_ids);
	free(d);
}

unsigned perfdata_nr_events(const struct perfdata *d)
{
	return d->nr_events;
}

const struct perfdata_event *perfdata_event(const struct perfdata *d, unsigned i)
{
	return &d->events[i];
}

unsigned perfdata_nr_build_ids(const struct perfdata *d)
{
	return d->nr_build_ids;
}

const struct perfdata_build_id *perfdata_build_id(const struct perfdata *d, unsigned i)
{
	return &d->build_ids[i];
}

const char *perfdata_hostname(const struct perfdata *d)
{
	return d->hostname;
}

const char *perfdata_arch(const struct perfdata *d)
{
	return d->arch;
}

bool perfdata_unfinished(const struct perfdata *d)
{
	return d->unfinished;
}

bool perfdata_clock(const struct perfdata *d, uint64_t *wall_ns, uint64_t *clock_ns)
{
	if (!d->has_clock)
		return false;
	*wall_ns = d->clock_wall_ns;
	*clock_ns = d->clock_ns;
	return true;
}

uint64_t perfdata_nr_unknown(const struct perfdata *d)
{
	return d->nr_unknown;
}
