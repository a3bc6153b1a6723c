/* Index files: checksums are put right, so that what they cover is reached. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "object/line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_right(uint8_t *image, size_t size)
{
	size_t at = sizeof(struct line_header);
	struct line_header h;

	memcpy(&h, image, sizeof(h));
	for (unsigned i = 0; i < LINE_NR && h.sections[i].size <= size - at; i++) {
		h.sections[i].crc = (uint32_t)crc32(crc32(0, NULL, 0), image + at, h.sections[i].size);
		at += h.sections[i].size;
	}
	h.crc = 0;
	h.crc = (uint32_t)crc32(crc32(0, NULL, 0), (void *)&h, sizeof(h));
	memcpy(image, &h, sizeof(h));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct line_frame frames[LINE_DEPTH_MAX];
	uint8_t *image = malloc(size ? size : 1);
	struct line_index *x;
	char text[64];
	unsigned nr;

	memcpy(image, data, size);
	if (size >= sizeof(struct line_header))
		put_right(image, size);
	if (line_open_memory(&x, image, size, NULL))
		return 0;
	for (uint64_t at = 0; at < 0x4000; at += 7)
		if (!line_find(x, at, frames, &nr))
			line_string(x, frames[0].function, text, sizeof(text));
	line_close(x);
	return 0;
}
