#include "fetch/fetch.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/child.h"
#include "fetch/confine.h"
#include "fetch/http.h"
#include "fetch/protocol.h"
#include "fetch/store.h"
#include "object/elf.h"

#define MEMORY (512ull << 20) /* for libcurl, what it loads, and its threads */

_Static_assert(FETCH_BUILD_ID_MAX == ELF_BUILD_ID_MAX, "one size of build ids");

struct fetcher {
	struct fetch_setup setup;
	int dir;
	struct http *http; /* NULL: not needed yet */
};

static ssize_t receive(void *msg, size_t size, int *fds, unsigned *nr)
{
	ssize_t n;

	do {
		int err = channel_wait(CHILD_CHANNEL_FD, POLLIN, -1);

		if (err)
			return err;
		n = channel_recv(CHILD_CHANNEL_FD, msg, size, fds, nr);
	} while (n == -EAGAIN);
	return n;
}

/* FD is a whole debug file, as far as that can be told, of the build id that Q wants. 0, -EBADMSG, or why it cannot be read. */
static int check(const struct fetch_request *q, int fd)
{
	uint8_t id[ELF_BUILD_ID_MAX];
	struct elf *e;
	int err = elf_open(&e, fd);

	if (err)
		return err == -ENOEXEC ? -EBADMSG : err;
	/* Sections are listed at the end of the file. */
	if (!elf_nr_sections(e) || elf_build_id(e, id) != q->build_id_size || memcmp(id, q->build_id, q->build_id_size))
		err = -EBADMSG;
	elf_close(e);
	return err;
}

/* Of the server URL, SIZE bytes, into FD. */
static int get_from(struct fetcher *f, const char *url, size_t size, const struct fetch_request *q, int fd)
{
	char whole[FETCH_URLS_MAX + 128], hex[2 * ELF_BUILD_ID_MAX + 1];
	int err;

	if (ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	while (size && url[size - 1] == '/')
		size--;
	elf_build_id_hex(q->build_id, q->build_id_size, hex);
	snprintf(whole, sizeof(whole), "%.*s/buildid/%s/debuginfo", (int)size, url, hex);
	err = http_get(f->http, whole, fd, f->setup.max_size, f->setup.timeout_ms);
	return err ? err : check(q, fd);
}

/* From the first server that has it. That one has none counts for less than that another cannot be asked: it may have. */
static int get(struct fetcher *f, const struct fetch_request *q, int fd)
{
	int err = -ENOENT;
	size_t size;

	for (const char *url = fetch_url(f->setup.urls, &size); url; url = fetch_url(url + size, &size)) {
		int one = get_from(f, url, size, q, fd);

		if (!one)
			return 0;
		if (one != -ENOENT)
			err = one;
	}
	return err;
}

/* FD, whole, becomes NAME; others go for it. */
static int keep(struct fetcher *f, int fd, const char *name)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if ((uint64_t)st.st_size > f->setup.max_use)
		return -EFBIG;
	store_prune(f->dir, f->setup.max_use - (uint64_t)st.st_size);
	return store_keep(f->dir, fd, name);
}

/* The file NAME that is there already, if it is still good: a descriptor or negative errno, -ENOENT: there is none. */
static int find(struct fetcher *f, const struct fetch_request *q, const char *name)
{
	int fd = store_find(f->dir, name), err = fd < 0 ? fd : check(q, fd);

	if (!err || fd < 0)
		return fd;
	close(fd);
	if (err != -EBADMSG)
		return err;
	store_forget(f->dir, name);
	return -ENOENT;
}

/* A descriptor for reading, or negative errno. */
static int fetch(struct fetcher *f, const struct fetch_request *q)
{
	char name[STORE_NAME_MAX];
	int fd, err;

	store_name(name, q->build_id, q->build_id_size);
	fd = find(f, q, name);
	if (fd != -ENOENT)
		return fd;
	if (!f->http && (err = http_new(&f->http)))
		return err;
	fd = store_begin(f->dir);
	if (fd < 0)
		return fd;
	err = get(f, q, fd);
	if (!err)
		err = keep(f, fd, name);
	close(fd);
	return err ? err : store_find(f->dir, name);
}

static bool serve(struct fetcher *f)
{
	struct fetch_answer a = { 0 };
	struct fetch_request q;
	ssize_t size = receive(&q, sizeof(q), NULL, NULL);
	int fd, err;

	if (size <= 0 || !fetch_request_valid(&q, (size_t)size))
		return false;
	a.cookie = q.cookie;
	fd = fetch(f, &q);
	a.status = fd < 0 ? fd : 0;
	err = channel_send(CHILD_CHANNEL_FD, &a, sizeof(a), &fd, fd >= 0);
	if (fd >= 0)
		close(fd);
	return !err;
}

int fetch_main(void)
{
	struct fetcher f = { .dir = -1 };
	unsigned nr = 1;
	ssize_t size;

	child_init(true);
	size = receive(&f.setup, sizeof(f.setup), &f.dir, &nr);
	if (size <= 0 || !fetch_setup_valid(&f.setup, (size_t)size, nr))
		return 1;
	child_limit_memory(MEMORY);
	confine_files(f.dir); /* what cannot be had is done without */
	confine_calls();
	store_prune(f.dir, f.setup.max_use); /* it may have been more */
	while (serve(&f))
		;
	http_free(f.http);
	return 0;
}
