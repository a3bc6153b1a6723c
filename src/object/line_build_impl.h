/* line_build_impl: what line_build.c (files and units), line_walk.c (functions of a unit),
 * line_rows.c (its lines) and line_encode.c (the index) share. */
#ifndef OBJECT_LINE_BUILD_IMPL_H
#define OBJECT_LINE_BUILD_IMPL_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/hash.h"
#include "object/dwarf.h"
#include "object/dwarf_line.h"
#include "object/line_build.h"
#include "object/radix.h"

#define LINE_SEGMENTS_MAX 16

struct line_row {
	uint32_t address, file, line;
};

struct line_seen { /* the line program at OFFSET has been run */
	uint64_t offset;
};

/* What a DIE's links said of a function. */
struct line_name {
	const struct dwarf *file;
	uint64_t offset;
	uint32_t name, line;
};

/* A function, or one inlined, of the function that is being read. */
struct line_node {
	uint32_t parent; /* node; of the function itself */
	uint32_t name, start_line, call_file, call_line;
	uint32_t first_range, nr_ranges;
	uint32_t bytes; /* of what is inlined into it, encoded */
};

/* A DIE whose children are being read. */
struct line_open {
	uint32_t depth; /* of the DIE */
	uint32_t node;  /* LINE_NO_NODE: nothing in it counts */
	bool function;
};

#define LINE_NO_NODE UINT32_MAX

struct line_build {
	struct line_source src;
	struct line_limits limits;
	struct dwarf_work work;
	struct dwarf *d, *alt, *split; /* split: for the unit at hand */
	int alt_fd, split_fd;
	uint64_t next; /* unit */
	struct dwarf_unit unit;

	uint64_t base;
	unsigned nr_text;
	struct dwarf_range text[LINE_SEGMENTS_MAX];

	/* The index. */
	struct buf strings, blobs;
	struct hash string_hash;
	struct radix_entry *functions; /* key: start, a: size, b: blob */
	uint32_t nr_functions, functions_cap;
	struct line_row *rows;
	uint32_t nr_rows, rows_cap;
	struct radix_entry *sequences; /* key: start, a: first row, b: their number */
	uint32_t nr_sequences, sequences_cap;

	/* Line programs that were run. */
	struct line_seen *seen;
	uint32_t nr_seen, seen_cap;
	struct hash seen_hash;

	/* The unit at hand. */
	struct dwarf_line line;
	bool has_line;
	uint32_t first_row; /* of the sequence at hand */
	bool dead, row_open;
	struct line_name *names;
	uint32_t nr_names, names_cap;
	struct hash name_hash;
	struct line_open open[LINE_DEPTH_MAX];
	unsigned nr_open;
	struct line_node *nodes;
	uint32_t nr_nodes, nodes_cap;
	struct dwarf_range *ranges;
	uint32_t nr_ranges, ranges_cap;
	struct dwarf_range scratch[DWARF_RANGES_MAX];
};

bool line_in_text(const struct line_build *b, uint64_t address);
/* The number of a string; what is too much text becomes "". */
uint32_t line_intern(struct line_build *b, const char *s, size_t size);
/* File number FILE of the unit's line program. */
uint32_t line_file(struct line_build *b, uint64_t file);
size_t line_held(const struct line_build *b); /* bytes */

/* line_rows.c: the unit's files, and its rows if they are new. */
void line_read_rows(struct line_build *b, struct dwarf *d, const struct dwarf_unit *u);
/* line_walk.c */
void line_read_functions(struct line_build *b, struct dwarf *d, const struct dwarf_unit *u);
/* line_encode.c: node FIRST and what follows it, a function, into blobs. */
void line_encode_function(struct line_build *b, uint32_t first);

#endif
