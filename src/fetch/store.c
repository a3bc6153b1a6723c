#include "fetch/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"

#define SUFFIX ".debug"

void store_name(char out[STORE_NAME_MAX], const uint8_t *build_id, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < size && n + 2 + sizeof(SUFFIX) <= STORE_NAME_MAX; i++)
		n += (size_t)snprintf(out + n, STORE_NAME_MAX - n, "%02x", build_id[i]);
	snprintf(out + n, STORE_NAME_MAX - n, SUFFIX);
}

int store_find(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return -ENOENT;
	}
	futimens(fd, NULL); /* its time says when it was used; when that cannot be said it goes sooner */
	return fd;
}

int store_begin(int dir)
{
	int fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : fd;
}

int store_keep(int dir, int fd, const char *name)
{
	char link[32];

	if (fdatasync(fd) < 0)
		return -errno;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (!linkat(AT_FDCWD, link, dir, name, AT_SYMLINK_FOLLOW) || errno == EEXIST)
		return 0;
	return -errno;
}

void store_forget(int dir, const char *name)
{
	unlinkat(dir, name, 0);
}

struct kept {
	char name[STORE_NAME_MAX];
	uint64_t size;
	struct timespec used;
};

static bool is_ours(const char *name)
{
	size_t digits = strspn(name, "0123456789abcdef");

	return digits >= 4 && digits % 2 == 0 && !strcmp(name + digits, SUFFIX) && strlen(name) < STORE_NAME_MAX;
}

static int by_use(const void *a, const void *b)
{
	const struct timespec *x = &((const struct kept *)a)->used, *y = &((const struct kept *)b)->used;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? -1 : 1;
	return (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

/* All of ours; the bytes that they take. */
static uint64_t list(int dir, struct kept **files, uint32_t *nr)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	uint32_t cap = 0;
	uint64_t sum = 0;
	struct stat st;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	for (struct dirent *e; (e = readdir(d));) {
		struct kept *k;

		if (!is_ours(e->d_name) || fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
			continue;
		k = array_push(*files, *nr, cap);
		*k = (struct kept){ .size = (uint64_t)st.st_blocks * 512, .used = st.st_mtim };
		strcpy(k->name, e->d_name);
		sum += k->size;
	}
	closedir(d);
	return sum;
}

void store_prune(int dir, uint64_t max_use)
{
	struct kept *files = NULL;
	uint32_t nr = 0;
	uint64_t sum = list(dir, &files, &nr);

	if (nr)
		qsort(files, nr, sizeof(*files), by_use);
	for (uint32_t i = 0; i < nr && sum > max_use; i++)
		if (!unlinkat(dir, files[i].name, 0))
			sum -= files[i].size;
	free(files);
}
