/* ring: one CPU's mmapped perf buffer (perf_event_open(2), "MMAP layout"). Records are handed out in place; one that wraps is
 * copied to the ring's own scratch. The consumer publishes its tail once a drain. Ring contents are the kernel's, yet
 * decoded as input: a header whose size cannot be right ends the drain and is counted. */
#ifndef PERF_RING_H
#define PERF_RING_H

#include <stddef.h>
#include <stdint.h>

struct ring {
	void *base;         /* the mapping: one metadata page, then data */
	size_t page_size;
	const uint8_t *data;
	uint64_t data_size; /* a power of two */
	uint64_t head;      /* where the snapshot ends (ring_begin) */
	uint64_t next;      /* of the record that ring_next gives next */
	uint64_t tail;      /* published up to here */
	uint64_t nr_malformed;
	uint8_t *scratch;   /* 64 KiB, allocated at the first wrap */
};

/* Maps FD's ring of DATA_SIZE bytes (a power of two, whole pages). 0 or negative errno. */
int ring_open(struct ring *r, int fd, size_t data_size);
/* On memory of the same shape, for tests: the caller keeps owning it. */
void ring_attach(struct ring *r, void *base, size_t page_size, size_t data_size);
void ring_close(struct ring *r); /* NULL-safe members: a zeroed struct ring is closed */

/* Takes a snapshot of the kernel's head: what ring_next gives ends there. Returns the bytes waiting. */
uint64_t ring_begin(struct ring *r);
/* The next record, or NULL at the snapshot's end. SIZE gets the header's size. Valid until ring_release passes it, except
 * that one that wraps lies in scratch and is valid until the next that wraps. POS gets its position, for ring_release. */
const void *ring_next(struct ring *r, size_t *size, uint64_t *pos);
/* The kernel may overwrite all before POS. */
void ring_release(struct ring *r, uint64_t pos);

#endif
