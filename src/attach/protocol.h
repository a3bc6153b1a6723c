/* protocol: what the sampler asks the attacher, over a channel (base/channel.h). One request is under way at a time; the answer
 * has its cookie. Both sides check every field. */
#ifndef ATTACH_PROTOCOL_H
#define ATTACH_PROTOCOL_H

#include <linux/capability.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* To look at the process and its root, and to become its user. */
#define ATTACH_CAPS (1ull << CAP_SYS_PTRACE | 1ull << CAP_SETUID | 1ull << CAP_SETGID)
#define ATTACH_DEADLINE_MS 10000 /* of a request */
#define ATTACH_PATIENCE_MS 4000  /* for each of the two things that the machine does */

/* How far it came. */
enum attach_stage {
	ATTACH_DONE,
	ATTACH_PROCESS, /* looking at the process */
	ATTACH_HOTSPOT, /* it is none, or not yet, or catches no SIGQUIT */
	ATTACH_ROOT,    /* opening /tmp below its root */
	ATTACH_USER,    /* becoming its user */
	ATTACH_TRIGGER, /* making /tmp/.attach_pidN */
	ATTACH_SIGNAL,  /* sending SIGQUIT */
	ATTACH_SOCKET,  /* waiting for its socket */
	ATTACH_CONNECT, /* connecting to that */
	ATTACH_COMMAND, /* telling it what to do, and hearing that it has */
	ATTACH_SERVICE, /* of the attacher itself: busy, died, late */
	ATTACH_NR_STAGES
};

struct attach_request {
	uint64_t cookie; /* not 0 */
	uint32_t pid;
	uint32_t reserved; /* 0 */
};

struct attach_answer {
	uint64_t cookie;
	int32_t status; /* 0 or negative errno */
	uint32_t stage; /* enum attach_stage; ATTACH_DONE with status 0 and no other */
};

static inline bool attach_request_valid(const struct attach_request *q, size_t size)
{
	return size == sizeof(*q) && q->cookie && q->pid && q->pid <= INT32_MAX && !q->reserved;
}

static inline bool attach_answer_valid(const struct attach_answer *a, size_t size, uint64_t cookie)
{
	return size == sizeof(*a) && a->cookie == cookie && a->status <= 0 && a->status >= -4095 &&
	       a->stage < ATTACH_NR_STAGES && !a->status == (a->stage == ATTACH_DONE);
}

#endif
