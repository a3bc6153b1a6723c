/* lines_impl: what lines.c, which gets indexes, and lines_fill.c, which asks them, share. */
#ifndef SYMBOLIZE_LINES_IMPL_H
#define SYMBOLIZE_LINES_IMPL_H

#include "base/hash.h"
#include "symbolize/line_builder.h"
#include "symbolize/lines.h"
#include "symbolize/name_table.h"

enum lines_state {
	LINES_EARNING, /* not known to be worth it */
	LINES_WAITING,
	LINES_BUILDING,
	LINES_READY,
	LINES_TABLE,  /* a Go program, which has a table of its own */
	LINES_REFUSED /* there are none, or not within the limits */
};

struct lines_entry {
	struct object_id id;
	enum lines_state state;
	int status; /* REFUSED: why, negative errno */
	uint64_t nr_samples;
	int fd;       /* of the object: WAITING and BUILDING */
	int debug_fd; /* of its separate debug file, with FD; −1: none */
	int alt_fd;   /* of dwz's file, with FD; −1: none */
	bool with_debug; /* a debug file was there when it was last built */
	int index_fd;
	bool stored;  /* the index is in a file on disk */
	bool damaged; /* the one that we were given is */
	struct line_index *index;
	struct name_table names, files; /* by the numbers of lines_ask */
	size_t size;
	uint64_t used; /* window */
};

struct lines {
	struct symbolize_lines options;
	size_t size;
	uint64_t window;
	struct lines_entry *entries;
	uint32_t nr_entries, entries_cap;
	struct hash hash;
	struct line_builder builder;
	uint32_t building; /* entry */
};

struct lines_entry *lines_find(const struct lines *l, const struct object_id *id);
/* E's size is counted anew. */
void lines_settle(struct lines *l, struct lines_entry *e);

/* lines_fill.c: gives the locations of W's profile what is known. */
void lines_fill(struct lines *l, struct lines_window *w, struct symbolize_stats *stats);

#endif
