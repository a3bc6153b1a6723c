/* unzstd: one zstd stream, decompressed piece by piece (RFC 8878), by libzstd; without it every
 * call says -ENOTSUP. */
#ifndef BASE_UNZSTD_H
#define BASE_UNZSTD_H

#include <stddef.h>
#include <stdint.h>

struct unzstd;

int unzstd_new(struct unzstd **out);
void unzstd_free(struct unzstd *z);
/* Decompresses all of DATA, the stream's next piece, to behind the first KEEP bytes of *OUT
 * (malloc'ed, may be NULL), which grows as needed; *OUT_SIZE gets the size with them. 0; -EBADMSG;
 * -EFBIG beyond LIMIT bytes; -ENOMEM. On failure *OUT is still the caller's to free. */
int unzstd_add(struct unzstd *z, const void *data, size_t size, size_t limit, uint8_t **out,
	       size_t keep, size_t *out_size);
/* Decompresses as much of IN to OUT as there is room for: *IN_SIZE and *OUT_SIZE become what was
 * taken and what was written. 0 or -EBADMSG. */
int unzstd_step(struct unzstd *z, const void *in, size_t *in_size, void *out, size_t *out_size);

#endif
