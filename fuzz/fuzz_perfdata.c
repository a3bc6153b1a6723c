/* perf/perfdata: the input is a whole file, as a file or (of odd size) as a pipe. */
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "perf/perfdata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_ips(void *ctx, const struct record *rec, unsigned event, int err)
{
	for (uint64_t i = 0; !err && rec->type == PERF_RECORD_SAMPLE && i < rec->sample.nr_ips; i++)
		*(uint64_t *)ctx += record_ip(&rec->sample, i, false);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t sum = 0, wall, clock;
	int fds[2] = { -1, -1 };
	struct perfdata *d;
	char error[128];

	if (size % 2 && size <= 65536 && !pipe(fds))
		io_write(fds[1], data, size); /* what a pipe holds */
	else
		fds[0] = io_memfd("perf.data", data, size);
	close(fds[1]);
	if (!perfdata_open(&d, fds[0], 4 << 20, error, sizeof(error))) {
		perfdata_each(d, read_ips, &sum, error, sizeof(error));
		for (unsigned i = 0; i < perfdata_nr_events(d); i++)
			sum += strlen(perfdata_event(d, i)->name);
		for (unsigned i = 0; i < perfdata_nr_build_ids(d); i++)
			sum += strlen(perfdata_build_id(d, i)->filename) + strlen(perfdata_arch(d));
		sum += strlen(perfdata_hostname(d)) + perfdata_clock(d, &wall, &clock);
		perfdata_free(d);
	}
	close(fds[0]);
	return (int)(sum & 0);
}
