/* perfdata: reads what `perf record` wrote (tools/perf/Documentation/perf.data-file-format.txt in
 * the kernel's source): files of either magic and endianness, pipe mode, directories of several
 * threads' files, compressed records (zstd, where configured). Every offset and size in it is
 * checked, and the frame of all records already when it is opened.
 *
 * Records come in perf's own order: those with a time sorted within FINISHED_ROUND rounds, those
 * without one as they are met, before what waits for its round to end. */
#ifndef PERF_PERFDATA_H
#define PERF_PERFDATA_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "perf/record.h"

#define PERFDATA_EVENTS_MAX 8192

struct perfdata;

struct perfdata_event {
	struct perf_event_attr attr; /* zero past what the file has of it */
	struct record_layout layout;
	char name[128]; /* as perf says it ("cpu-clock:u"), else made from type and config; raw */
};

struct perfdata_build_id {
	uint16_t misc; /* PERF_RECORD_MISC_CPUMODE_* */
	uint32_t pid;
	uint8_t size, id[20];
	const char *filename; /* in place */
};

/* Reads FD whole (a regular file from its beginning, a pipe, or a directory of `perf record
 * --threads`), holding at most LIMIT bytes of it and of what it decompresses to. 0 or negative
 * errno, then with a sentence in ERROR: -EBADMSG for what is damaged or no such file. */
int perfdata_open(struct perfdata **out, int fd, size_t limit, char *error, size_t error_size);
void perfdata_free(struct perfdata *d);

unsigned perfdata_nr_events(const struct perfdata *d);
const struct perfdata_event *perfdata_event(const struct perfdata *d, unsigned i);
unsigned perfdata_nr_build_ids(const struct perfdata *d);
const struct perfdata_build_id *perfdata_build_id(const struct perfdata *d, unsigned i);
const char *perfdata_hostname(const struct perfdata *d); /* "" when not recorded; raw */
const char *perfdata_arch(const struct perfdata *d);     /* uname -m, "" */
/* perf never finished the file (it was killed): what is there is given. */
bool perfdata_unfinished(const struct perfdata *d);
/* The wall clock (ns since 1970) at CLOCK_NS of the records' clock. False: not recorded. */
bool perfdata_clock(const struct perfdata *d, uint64_t *wall_ns, uint64_t *clock_ns);

/* A record of the kernel's types (< 64) with its event's number. One that does not decode comes
 * with ERR < 0 (REC then has type, misc and size only). A sample of a group that was read at once
 * (PERF_SAMPLE_READ) comes once for each member that counted, its period the difference, as perf
 * reports it. REC and what it points to last for the call. Anything but 0 ends and is returned. */
typedef int (*perfdata_record_fn)(void *ctx, const struct record *rec, unsigned event, int err);
/* 0, what FN returned, or negative errno with a sentence in ERROR. May be called again. */
int perfdata_each(struct perfdata *d, perfdata_record_fn fn, void *ctx, char *error,
		  size_t error_size);
/* Records that name no event of the file: left out by the last perfdata_each. */
uint64_t perfdata_nr_unknown(const struct perfdata *d);

#endif
