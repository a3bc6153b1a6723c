#include "perf/ring.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"

static struct perf_event_mmap_page *meta(const struct ring *r)
{
	return r->base;
}

void ring_attach(struct ring *r, void *base, size_t page_size, size_t data_size)
{
	*r = (struct ring){ .base = base,
			    .data = (const uint8_t *)base + page_size,
			    .data_size = data_size,
			    .malformed_at = UINT64_MAX };
	r->tail = meta(r)->data_tail & ~UINT64_C(7);
	r->head = r->next = r->tail;
}

int ring_open(struct ring *r, int fd, size_t data_size)
{
	size_t page_size = (size_t)sysconf(_SC_PAGESIZE), size = page_size + data_size;
	void *base;

	if (data_size < page_size || (data_size & (data_size - 1)))
		return -EINVAL;
	base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return -errno;
	ring_attach(r, base, page_size, data_size);
	r->mapped_size = size;
	return 0;
}

void ring_close(struct ring *r)
{
	if (r->mapped_size)
		munmap(r->base, r->mapped_size);
	free(r->scratch);
	*r = (struct ring){ 0 };
}

/* What waits cannot be read: go on where the kernel will write next. */
static void skip_malformed(struct ring *r)
{
	if (r->malformed_at != r->next)
		r->nr_malformed++;
	r->malformed_at = r->next;
	r->next = r->head;
}

uint64_t ring_begin(struct ring *r)
{
	r->next = r->tail;
	/* Pairs with the kernel's barrier between a record's bytes and the head. */
	r->head = __atomic_load_n(&meta(r)->data_head, __ATOMIC_ACQUIRE) & ~UINT64_C(7);
	if (r->head - r->tail > r->data_size)
		skip_malformed(r);
	return r->head - r->next;
}

static const void *copy_wrapped(struct ring *r, uint64_t offset, size_t size)
{
	size_t first = r->data_size - offset;

	if (!r->scratch)
		r->scratch = xmalloc(RING_RECORD_MAX);
	memcpy(r->scratch, r->data + offset, first);
	memcpy(r->scratch + first, r->data, size - first);
	return r->scratch;
}

const void *ring_next(struct ring *r, size_t *size, uint64_t *pos)
{
	uint64_t left = r->head - r->next, offset = r->next & (r->data_size - 1);
	const struct perf_event_header *header;
	size_t n;

	if (!left)
		return NULL;
	/* Records begin at multiples of eight, so that a header never wraps. */
	header = (const void *)(r->data + offset);
	n = header->size;
	if (n < sizeof(*header) || n % 8 || n > left) {
		skip_malformed(r);
		return NULL;
	}
	*size = n;
	*pos = r->next;
	r->next += n;
	return offset + n > r->data_size ? copy_wrapped(r, offset, n) : header;
}

void ring_release(struct ring *r, uint64_t pos)
{
	if (pos == r->tail)
		return;
	r->tail = pos;
	/* All that we read of these bytes must be read before the kernel may write them. */
	__atomic_store_n(&meta(r)->data_tail, pos, __ATOMIC_RELEASE);
}
