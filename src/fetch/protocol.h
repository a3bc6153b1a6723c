/* protocol: what the sampler asks the fetcher, over a channel (base/channel.h): first a setup with a descriptor of the folder,
 * then requests, one under way at a time; the answer has its cookie, and when it is 0 a descriptor of the debug file, for
 * reading. Both sides check every field. */
#ifndef FETCH_PROTOCOL_H
#define FETCH_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FETCH_URLS_MAX     2048 /* bytes, with the NUL */
#define FETCH_BUILD_ID_MAX 20

struct fetch_setup {
	uint64_t max_use;  /* bytes that all files in the folder may have */
	uint64_t max_size; /* of one */
	uint32_t timeout_ms; /* for one file from one server */
	char urls[FETCH_URLS_MAX]; /* of servers, as in DEBUGINFOD_URLS (debuginfod(8)), for fetch_url */
};

struct fetch_request {
	uint64_t cookie; /* not 0 */
	uint8_t build_id_size; /* 2 to FETCH_BUILD_ID_MAX */
	uint8_t build_id[FETCH_BUILD_ID_MAX];
	uint8_t reserved[3]; /* 0 */
};

struct fetch_answer {
	uint64_t cookie;
	/* 0, or negative errno: -ENOENT: no server has it; -EFBIG: it is larger than max_size; -ETIMEDOUT; -EHOSTUNREACH: a
	 * server could not be asked; -EBADMSG: what came was something else; -ENOSYS: built without libcurl, or it is not
	 * there; or why it could not be kept. */
	int32_t status;
	uint32_t reserved; /* 0 */
};

/* The first server at or behind AT in what a setup's urls are, *SIZE bytes; NULL: no more. Words that are no address of one are
 * left out: debuginfod's own clients take some between them as orders ("ima:enforcing"). */
static inline const char *fetch_url(const char *at, size_t *size)
{
	static const char blanks[] = " \t\r\n";

	for (at += strspn(at, blanks); *at; at += *size + strspn(at + *size, blanks)) {
		*size = strcspn(at, blanks);
		if (!strncmp(at, "http://", 7) || !strncmp(at, "https://", 8))
			return at;
	}
	return NULL;
}

static inline bool fetch_setup_valid(const struct fetch_setup *s, size_t size, unsigned nr_fds)
{
	return size == sizeof(*s) && nr_fds == 1 && s->max_size && s->timeout_ms && memchr(s->urls, 0, sizeof(s->urls));
}

static inline bool fetch_request_valid(const struct fetch_request *q, size_t size)
{
	return size == sizeof(*q) && q->cookie && q->build_id_size >= 2 && q->build_id_size <= FETCH_BUILD_ID_MAX &&
	       !q->reserved[0] && !q->reserved[1] && !q->reserved[2];
}

static inline bool fetch_answer_valid(const struct fetch_answer *a, size_t size, unsigned nr_fds, uint64_t cookie)
{
	return size == sizeof(*a) && a->cookie == cookie && a->status <= 0 && a->status >= -4095 && !a->reserved &&
	       nr_fds == (a->status == 0);
}

#endif
