/* A profile out of a file. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/gzip.h"
#include "base/io.h"
#include "profile/decode.h"

int profile_read(int fd, struct profile **out, char *error, size_t error_size)
{
	struct buf file = { 0 }, plain = { 0 };
	const char *why = NULL;
	int err = io_read_all(fd, &file, PROFILE_FILE_MAX);

	if (err == 0 && gzip_is(file.data, file.size)) {
		err = gzip_inflate(file.data, file.size, PROFILE_FILE_MAX, &plain);
		if (err == -EBADMSG)
			why = "gzip data damaged or cut short";
		buf_fini(&file);
		file = plain;
		plain = (struct buf){ 0 };
	}
	if (err == -EFBIG)
		why = "more than 1 GiB";
	if (err && error && error_size)
		snprintf(error, error_size, "%s", why ? why : strerror(-err));
	if (!err)
		err = profile_decode(file.data, file.size, out, error, error_size);
	buf_fini(&file);
	return err;
}
