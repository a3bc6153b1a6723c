/* line: which functions, files and lines an address stands for, inlined functions included: an index
 * of an object's debugging information, built once (line_build.h) and then asked without it, from
 * memory or by pread(2) from a file.
 *
 * Format, all of this host's byte order: struct line_header, then five sections without gaps:
 *   functions  {u32 start, u32 size, u32 blob}, in order of start; two may overlap
 *   blocks     {u32 start, u32 offset in rows}, LINE_BLOCK_ROWS rows each
 *   rows       varints: address − the one before (of the block: its start), zigzag file − the one
 *              before, zigzag line − the one before; file LINE_NO_ROW begins a gap
 *   blobs      of each function: varints size of the rest, name, its line, start; then the inlined
 *              functions in it in preorder: size of what is inlined into it × 2 + (several ranges),
 *              name, its line, file and line of the call, [number of ranges], ranges: zigzag start −
 *              start of what it is inlined into (the first) or end of the one before, size
 *   strings    NUL-terminated; a string's number is its offset, 0 is ""
 * Starts are relative to header.base, u32: the text of an object is below 4 GiB. */
#ifndef OBJECT_LINE_H
#define OBJECT_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "object/object_id.h"

#define LINE_MAGIC "PPLINES\n"
#define LINE_VERSION 1u
#define LINE_BLOCK_ROWS 64
#define LINE_DEPTH_MAX 64 /* frames of one address; deeper inlined functions are left out */
#define LINE_NO_ROW UINT32_MAX
#define LINE_SIZE_MAX (1u << 30) /* bytes of one index */

enum line_section { LINE_FUNCTIONS, LINE_BLOCKS, LINE_ROWS, LINE_BLOBS, LINE_STRINGS, LINE_NR };

struct line_header {
	char magic[8];
	uint32_t version, crc; /* zlib's crc32 of this header with crc 0 */
	struct object_id id;
	uint64_t base;
	struct {
		uint32_t size, crc;
	} sections[LINE_NR];
};

struct line_function {
	uint32_t start, size, blob;
};

struct line_block {
	uint32_t start, offset;
};

struct line_frame {
	uint32_t function, file; /* strings, 0: not known; as in the file: linkage names, paths */
	uint32_t line;           /* 0: none */
	uint32_t start_line;     /* where the function is written; 0: not known */
};

struct line_index;

/* An index in memory, which becomes the index's own even on failure: SIZE bytes from malloc(3).
 * ID NULL: of whatever object. 0; -ESTALE: of another object, or of another version of us;
 * -EBADMSG: damaged; -ENOMEM. */
int line_open_memory(struct line_index **out, void *image, size_t size, const struct object_id *id);
/* The same in file FD, which stays the caller's and must outlive the index; its contents are read
 * once, to check them, and kept are only the tables. Also the errno of reading. */
int line_open(struct line_index **out, int fd, const struct object_id *id);
void line_close(struct line_index *x);
size_t line_size(const struct line_index *x); /* bytes held */
uint64_t line_file_size(const struct line_index *x); /* bytes of its file; 0: it is in memory */
void line_trim(struct line_index *x);         /* forgets what was read by the way */

/* The frames at virtual address VADDR, innermost first; their number is at most LINE_DEPTH_MAX, the
 * last one is the function that the machine is in. Its function is 0 where only a line is known.
 * 0; -ENOENT: nothing is known; -EBADMSG or the errno of reading. */
int line_find(struct line_index *x, uint64_t vaddr, struct line_frame *frames, unsigned *nr);
/* String NUMBER into OUT, cut to fit OUT_SIZE (≥ 1). Its length or negative errno. */
int line_string(struct line_index *x, uint32_t number, char *out, size_t out_size);

#endif
