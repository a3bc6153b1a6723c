/* perfdata's inside, shared by its sources and nobody else. */
#ifndef PERF_PERFDATA_IMPL_H
#define PERF_PERFDATA_IMPL_H

#include "base/hash.h"
#include "base/reader.h"
#include "perf/perfdata.h"

/* Record types of perf's own (tools/lib/perf/include/perf/event.h), beyond the kernel's. */
enum {
	PERFDATA_KERNEL_TYPES = 64,
	PERFDATA_HEADER_ATTR = 64,
	PERFDATA_EVENT_TYPE = 65,
	PERFDATA_TRACING_DATA = 66,
	PERFDATA_BUILD_ID = 67,
	PERFDATA_FINISHED_ROUND = 68,
	PERFDATA_AUXTRACE = 71,
	PERFDATA_EVENT_UPDATE = 78,
	PERFDATA_FEATURE = 80,
	PERFDATA_COMPRESSED = 81,
	PERFDATA_COMPRESSED2 = 83,
};

#define PERFDATA_SAMPLE_MEMBERS 64 /* of a group read at once */

/* Bytes of one file; the records are at [records, records + records_size). */
struct perfdata_source {
	uint8_t *data;
	size_t size, records, records_size;
};

struct perfdata_id {
	uint64_t id;
	uint32_t event;
};

struct perfdata_type_name { /* of tracepoints, in files of before EVENT_DESC */
	uint64_t config;
	char name[64];
};

struct perfdata {
	struct perfdata_source *sources;
	uint32_t nr_sources, sources_cap;
	size_t held, limit; /* bytes, of the files and of what was decompressed */
	bool swap, pipe, unfinished;

	struct perfdata_event *events;
	uint32_t nr_events, events_cap;
	struct perfdata_id *ids;
	uint32_t nr_ids, ids_cap;
	struct hash id_hash;
	size_t ids_size; /* of the sections they came from */
	struct perfdata_type_name *type_names;
	uint32_t nr_type_names, type_names_cap;

	struct perfdata_build_id *build_ids;
	uint32_t nr_build_ids, build_ids_cap;
	char hostname[256], arch[64];
	bool has_clock;
	uint64_t clock_wall_ns, clock_ns;

	uint64_t nr_unknown;
	char *error; /* the caller's, during a call */
	size_t error_size;
};

/* Sets the sentence; returns ERR. */
int perfdata_fail(struct perfdata *d, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* perfdata_attr.c: attributes, ids, names. */
int perfdata_add_event(struct perfdata *d, struct reader attr, struct reader ids);
uint32_t perfdata_find_id(const struct perfdata *d, uint64_t id); /* event, or HASH_NONE */
void perfdata_set_name(struct perfdata *d, uint32_t event, const char *name, size_t size);
void perfdata_name_events(struct perfdata *d); /* those that nobody named */

/* perfdata_header.c: what stands around the records. */
int perfdata_header(struct perfdata *d);
int perfdata_feature(struct perfdata *d, unsigned feature, struct reader r);
void perfdata_add_build_id(struct perfdata *d, struct reader r, uint16_t misc, bool has_pid);
void perfdata_add_type_names(struct perfdata *d, struct reader r);

/* perfdata_frame.c: the frame of records. */
struct perfdata_record {
	const uint8_t *data;
	uint32_t type;
	uint16_t misc, size;
	uint64_t payload; /* bytes that follow the record (AUXTRACE, TRACING_DATA) */
};
/* The record at R's position: 1, and R after it and its payload; 0 at the end; -ENODATA: cut off
 * by the end; -EBADMSG. */
int perfdata_next(struct reader *r, struct perfdata_record *rec);
/* Checks the frame of all records and takes in those that describe the others. */
int perfdata_scan(struct perfdata *d);

/* perfdata_sample.c: samples of groups read at once. */
struct perfdata_groups;
struct perfdata_groups *perfdata_groups_new(void);
void perfdata_groups_free(struct perfdata_groups *g);
/* Gives FN the sample REC of EVENT once for each member of its group. */
int perfdata_sample_members(struct perfdata *d, struct perfdata_groups *g,
			    const uint8_t *data, struct record *rec, uint32_t event,
			    perfdata_record_fn fn, void *ctx);

#endif
