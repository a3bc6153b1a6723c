/* jitdump_impl: what jitdump.c, which reads a file's functions, and jitdump_line.c, which asks it for lines, share. */
#ifndef OBJECT_JITDUMP_IMPL_H
#define OBJECT_JITDUMP_IMPL_H

#include "object/blocks.h"
#include "object/jitcode.h"
#include "object/jitdump.h"

struct jitdump_function {
	uint64_t start;
	uint32_t size;
	uint32_t name;  /* its place in the file */
	uint32_t lines; /* of the record that tells them; 0: none does */
};

struct jitdump {
	struct jitcode code; /* by index in functions, which are by time */
	struct jitdump_function *functions;
	uint32_t nr;
	bool swap;
	bool skew_known;
	uint32_t skew; /* bytes that lines are said to be further than they are */
	uint64_t file_size;
	uint64_t walked; /* bytes, since the last trim */
	struct blocks blocks;
};

#endif
