#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"

#define IO_MFD_NOEXEC_SEAL 8u /* MFD_NOEXEC_SEAL, which older headers lack */

int io_write(int fd, const void *p, size_t size)
{
	const char *s = p;

	while (size) {
		ssize_t n = write(fd, s, size);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		s += n;
		size -= (size_t)n;
	}
	return 0;
}

ssize_t io_pread(int fd, void *p, size_t size, uint64_t offset)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pread(fd, (char *)p + done, size - done, (off_t)(offset + done));

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (!n)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int io_read_all(int fd, struct buf *b, size_t limit)
{
	size_t start = b->size;

	for (;;) {
		size_t want = b->size - start < 65536 ? 16384 : 262144;
		ssize_t n = read(fd, buf_reserve(b, want), want);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (!n)
			return 0;
		b->size += (size_t)n;
		if (b->size - start > limit)
			return -EFBIG;
	}
}

int io_memfd_new(const char *name)
{
	/* Since Linux 6.3, and demanded where vm.memfd_noexec is 2. */
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | IO_MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd < 0 ? -errno : fd;
}

int io_memfd(const char *name, const void *p, size_t size)
{
	int fd = io_memfd_new(name), err;

	if (fd < 0)
		return fd;
	err = io_write(fd, p, size);
	if (!err && lseek(fd, 0, SEEK_SET) < 0)
		err = -errno;
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

int io_seal(int fd)
{
	return fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0 ? -errno : 0;
}

int io_open_below(int root, const char *path, uint64_t flags)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC | flags,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

int io_reopen(int fd)
{
	char path[32];
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY | O_CLOEXEC);
	return again < 0 ? -errno : again;
}
