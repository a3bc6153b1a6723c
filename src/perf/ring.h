/* ring: one CPU's mmapped perf buffer (perf_event_open(2), "MMAP layout"). Records are handed out
 * in place; one that wraps is copied to the ring's own scratch. The consumer publishes its tail
 * a few times a drain. Ring contents are the kernel's, yet decoded as input: a header whose size cannot be
 * right ends the drain, skips all that waits, and is counted. */
#ifndef PERF_RING_H
#define PERF_RING_H

#include <stddef.h>
#include <stdint.h>

#define RING_RECORD_MAX 65536 /* a record's size is a u16 */

struct ring {
	void *base;	    /* the mapping: one metadata page, then data; NULL: closed */
	size_t mapped_size; /* 0: the caller's memory */
	const uint8_t *data;
	uint64_t data_size; /* a power of two */
	uint64_t head;	    /* where the snapshot ends (ring_begin) */
	uint64_t next;	    /* of the record that ring_next gives next */
	uint64_t tail;	    /* published up to here */
	uint64_t nr_malformed;
	uint64_t malformed_at; /* one that is met again, since its elders stay, is counted once */
	uint8_t *scratch;      /* RING_RECORD_MAX bytes, allocated at the first wrap */
};

/* Maps FD's ring of DATA_SIZE bytes (a power of two, whole pages). 0 or negative errno: -EPERM when
 * the allowance of locked memory is used up (kernel.perf_event_mlock_kb per CPU and user, then
 * RLIMIT_MEMLOCK). */
int ring_open(struct ring *r, int fd, size_t data_size);
/* On memory of the same shape, for tests: the caller keeps owning it. */
void ring_attach(struct ring *r, void *base, size_t page_size, size_t data_size);
/* A zeroed struct ring is closed; so is R afterwards. */
void ring_close(struct ring *r);

/* Takes a snapshot of the kernel's head and starts over at what has been released: ring_next gives
 * what is between. Returns the bytes waiting. */
uint64_t ring_begin(struct ring *r);
/* The next record, or NULL at the snapshot's end. SIZE gets the header's size, ≥ 8. Valid until
 * ring_release passes it or the next ring_begin. One that wraps lies in scratch; between two
 * ring_begins there is no second one, since what waits is never longer than the buffer. POS gets where
 * the record begins; it ends at r->next. */
const void *ring_next(struct ring *r, size_t *size, uint64_t *pos);
/* The kernel may overwrite all before POS. */
void ring_release(struct ring *r, uint64_t pos);

#endif
