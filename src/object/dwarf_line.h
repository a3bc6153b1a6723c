/* dwarf_line: line number programs, versions 2 to 5 (section 6.2): which line of which file an
 * address belongs to. */
#ifndef OBJECT_DWARF_LINE_H
#define OBJECT_DWARF_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "object/dwarf.h"

struct dwarf_line_file {
	const char *name; /* in its section */
	uint64_t dir;
	uint32_t id; /* the caller's; 0 at first */
};

/* A zeroed struct dwarf_line is an empty one; it may be opened again. */
struct dwarf_line {
	const char *comp_dir; /* or NULL */
	uint8_t version, addr_size, offset_size;
	uint32_t nr_dirs, dirs_cap, nr_files, files_cap;
	const char **dirs;
	struct dwarf_line_file *files; /* of version 5 the first is number 0, else 1 */
	/* The program. */
	uint8_t min_inst_length, max_ops, line_range, opcode_base;
	int8_t line_base;
	const uint8_t *lengths; /* of standard opcodes 1 … opcode_base - 1 */
	struct reader program;
};

/* Each row in order; FILE is an index into files or UINT32_MAX; END: no row of the sequence any
 * more, the address is its end. False: stop. */
typedef bool (*dwarf_row_fn)(void *ctx, uint64_t address, uint32_t file, uint32_t line, bool end);

/* The header at U's offset in D's .debug_line. 0; -EBADMSG; -EFBIG; -ENOMEM. */
int dwarf_line_open(struct dwarf_line *l, struct dwarf *d, const struct dwarf_unit *u);
void dwarf_line_fini(struct dwarf_line *l);
void dwarf_line_run(struct dwarf_line *l, struct dwarf *d, dwarf_row_fn fn, void *ctx);
/* Number FILE as DIEs and programs say it → index, or UINT32_MAX. */
uint32_t dwarf_line_file(const struct dwarf_line *l, uint64_t file);
/* The path of files[INDEX] into OUT (OUT_SIZE ≥ 1), cut to fit; its length. */
size_t dwarf_line_path(const struct dwarf_line *l, uint32_t index, char *out, size_t out_size);

#endif
