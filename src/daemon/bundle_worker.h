/* bundle_worker: a worker for bundles: it is told what the configuration wants and what the kernel's symbols are, and the line
 * indexes that it builds go to the cache. */
#ifndef DAEMON_BUNDLE_WORKER_H
#define DAEMON_BUNDLE_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/bundle.h"
#include "worker/client.h"

struct daemon;
struct bundle_worker;

/* What the configuration calls Symbolize=, to a worker. */
enum worker_symbolize bundle_worker_symbolize(const struct daemon *d);

/* FN as worker/client.h says. The kernel's symbols are given again when they are older than KALLSYMS_NS and
 * bundle_worker_kernel_changed has been called since; reading them costs some 50 ms. 0 or negative errno. */
int bundle_worker_new(struct bundle_worker **out, struct daemon *d, uint64_t kallsyms_ns, worker_outcome_fn fn, void *ctx);
void bundle_worker_set_symbols(struct bundle_worker *w, worker_symbols_fn fn); /* with the CTX of bundle_worker_new */
void bundle_worker_free(struct bundle_worker *w); /* a job under way gets no outcome any more */
void bundle_worker_kernel_changed(struct bundle_worker *w);

struct bundle_job {
	uint64_t cookie;
	struct bundle *bundle; /* and output_fd: open until the outcome */
	int output_fd;
	enum worker_symbolize symbolize;
	unsigned compress_level;
	bool sync;
};

/* False: W is busy, or cannot be started now. */
bool bundle_worker_start(struct bundle_worker *w, const struct bundle_job *job);
bool bundle_worker_busy(const struct bundle_worker *w);
int bundle_worker_pid(const struct bundle_worker *w); /* 0: none now; W may be NULL */

#endif
