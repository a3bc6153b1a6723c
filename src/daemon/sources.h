/* sources: whose event a record in a ring is of, by the id that the kernel gave the event (PERF_SAMPLE_IDENTIFIER,
 * perf_event_open(2)), and how its samples are laid out. */
#ifndef DAEMON_SOURCES_H
#define DAEMON_SOURCES_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "perf/event.h"
#include "perf/record.h"

#define SOURCES_LAYOUTS_MAX 8

/* Whose event a record is of. */
struct sampler_source {
	uint32_t owner; /* 0: the host's, and the sideband; else who opened it by sampler_event_open */
	uint32_t tag;   /* the owner's */
	enum event_kind kind;
	unsigned cpu;   /* index of the ring that it came by */
	bool user_only; /* it asked for user callers alone */
	bool walked;    /* a record of the walker in the kernel (raw: struct unwind_compact), not of the event itself */
};

struct source_id {
	uint64_t id;
	uint32_t owner, tag;
	uint16_t kind, layout; /* index of layouts */
	bool user_only, walked;
	uint32_t walk; /* number of its source_walk; 0: none */
};

/* What the walker's records say instead of an event's id: a number that nobody had before. Events of one source share
 * it. */
struct source_walk {
	uint32_t number, nr_events;
	struct sampler_source source;
};

struct sources {
	struct source_id *ids;
	uint32_t nr_ids, ids_cap;
	struct hash hash;
	struct record_layout layouts[SOURCES_LAYOUTS_MAX]; /* of samples, each once */
	uint32_t nr_layouts;
	struct source_walk *walks;
	uint32_t nr_walks, walks_cap, last_walk;
	struct hash walk_hash;
};

/* The event FD, opened with ATTR, is SOURCE's (its cpu is not kept). 0 or negative errno. */
int sources_add(struct sources *s, int fd, const struct perf_event_attr *attr, const struct sampler_source *source);
/* FD is to be closed; an unknown one: nothing. The number of its walk if that is no event's any more, else 0. */
uint32_t sources_del(struct sources *s, int fd);
/* The walker walks for FD, which was added: the number that its records are to say. */
uint32_t sources_walk(struct sources *s, int fd);
/* Whose NUMBER is, but for its cpu. False: nobody's, or not any more. */
bool sources_find_walk(const struct sources *s, uint32_t number, struct sampler_source *source);
/* Of the record's ID: its layout, and SOURCE but for its cpu; NULL when it is of no event, or one that was closed. */
const struct record_layout *sources_find(const struct sources *s, uint64_t id, struct sampler_source *source);
void sources_fini(struct sources *s);

#endif
