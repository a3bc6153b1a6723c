/* client: the sampler's side of the fetcher. Starts it when something is wanted and ends it when nothing has been for a while;
 * kills it when it is late; remembers for an hour what nobody has, and asks nobody for ten minutes when no server could be
 * asked several times over. Never blocks. */
#ifndef FETCH_CLIENT_H
#define FETCH_CLIENT_H

#include "base/loop.h"
#include "fetch/protocol.h"

#define FETCH_QUEUE_MAX 64

struct fetch_client;

/* Once for each build id that was taken, from the loop: FD ≥ 0, which is the callee's, or negative errno. */
typedef void (*fetch_answer_fn)(void *ctx, const uint8_t *build_id, unsigned size, int fd);

struct fetch_options {
	const char *urls; /* copied, for fetch_url; without a server among them nothing is ever fetched */
	int dir;          /* the folder; duplicated */
	uint64_t max_use, max_size;
	uint32_t timeout_ms;
};

struct fetch_status { /* since it was configured */
	uint64_t nr_wanted, nr_found, nr_missing, nr_failed;
	unsigned nr_servers, nr_queued;
	int last_error; /* of the last that failed; 0: none did */
	bool paused;
};

/* Asks nobody until it is configured. NULL: no descriptor for its timer. */
struct fetch_client *fetch_client_new(struct loop *l, fetch_answer_fn fn, void *ctx);
/* What was wanted gets no answer any more, neither here nor there, and what was known of servers and files is forgotten. */
void fetch_client_free(struct fetch_client *c);
/* O NULL: nobody is asked. 0 or negative errno, -E2BIG: too long urls: nobody is asked then. */
int fetch_client_configure(struct fetch_client *c, const struct fetch_options *o);
/* False: it is wanted already, is known to be nowhere, or cannot be asked for now. */
bool fetch_client_want(struct fetch_client *c, const uint8_t *build_id, unsigned size);
void fetch_client_status(const struct fetch_client *c, struct fetch_status *s);

#endif
