/* perfdata: reads a perf.data file (tools/perf/Documentation/perf.data-file-format.txt in the kernel's source), file mode and pipe
 * mode, of perf 3.x to today, of either endianness. Every offset and size in it is checked. Records of a file are sorted by
 * time as perf does: within FINISHED_ROUND rounds where there are any, else all. Compressed records (PERF_RECORD_COMPRESSED, zstd)
 * are refused with a reason. */
#ifndef PERF_PERFDATA_H
#define PERF_PERFDATA_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "perf/record.h"

struct perfdata;

struct perfdata_event {
	struct perf_event_attr attr; /* zero past what the file's attr.size has */
	struct record_layout layout;
	char name[128]; /* of the event ("cpu-clock:u"), from EVENT_DESC or EVENT_UPDATE, else made from type and config */
};

struct perfdata_build_id { /* from the BUILD_ID feature */
	uint16_t misc; /* PERF_RECORD_MISC_CPUMODE_* */
	uint32_t pid;
	uint8_t size, id[20];
	const char *filename;
};

/* Reads FD whole (regular file or pipe; at most LIMIT bytes). ERROR gets a sentence on failure. 0 or negative errno. */
int perfdata_open(struct perfdata **out, int fd, size_t limit, char *error, size_t error_size);
void perfdata_free(struct perfdata *d);

unsigned perfdata_nr_events(const struct perfdata *d);
const struct perfdata_event *perfdata_event(const struct perfdata *d, unsigned i);
unsigned perfdata_nr_build_ids(const struct perfdata *d);
const struct perfdata_build_id *perfdata_build_id(const struct perfdata *d, unsigned i);
const char *perfdata_hostname(const struct perfdata *d); /* "" when not recorded; not yet cleaned text */
const char *perfdata_arch(const struct perfdata *d);     /* uname -m, "" */
bool perfdata_truncated(const struct perfdata *d);       /* the data end in mid-record, or were never finished: what is there is given */

/* Gives every record in order of time with the index of its event. A record that does not decode is passed with ERR < 0
 * (REC then has type and size only). FN returns 0 to go on; anything else ends and is returned. */
typedef int (*perfdata_record_fn)(void *ctx, const struct record *rec, unsigned event, int err);
int perfdata_each(struct perfdata *d, perfdata_record_fn fn, void *ctx);

#endif
