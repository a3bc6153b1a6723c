#include "worker/protocol_pages.h"

bool worker_pages_valid(const struct worker_pages *q, size_t size, unsigned nr_fds)
{
	if (size < offsetof(struct worker_pages, offsets) || q->type != WORKER_PAGES || !q->nr ||
	    q->nr > WORKER_PAGES_MAX || size != worker_pages_size(q))
		return false;
	if (q->object.build_id_size > sizeof(q->object.build_id) || q->object.quarantined ||
	    q->object.files & ~(1u << WORKER_DEBUG_FILE) || q->object.flags & ~WORKER_NO_FILES)
		return false;
	for (uint32_t i = 0; i < q->nr; i++)
		if (q->offsets[i] & 0xffff)
			return false;
	return q->object.files ? nr_fds == 2 : nr_fds <= 1;
}

bool worker_pages_parsing_valid(const struct worker_parsing *p, size_t size,
				const struct worker_pages *q)
{
	return size == sizeof(*p) && p->type == WORKER_PARSING && p->cookie == q->cookie &&
	       (!p->object || p->object == WORKER_PARSING_NONE);
}

bool worker_pages_want_valid(const struct worker_want *want, size_t size,
			     const struct worker_pages *q)
{
	return size == sizeof(*want) && want->type == WORKER_WANT && want->cookie == q->cookie &&
	       !want->object && want->file == WORKER_DEBUG_FILE && debug_names_valid(&want->names) &&
	       !(q->object.flags & WORKER_NO_FILES) && !want->refused.inode == !q->object.files;
}

bool worker_page_valid(const struct worker_page *p, size_t size, const struct worker_pages *q,
		       uint32_t nr_before)
{
	if (size < offsetof(struct worker_page, data) || p->type != WORKER_PAGE ||
	    p->cookie != q->cookie || !worker_status_valid(p->status) || nr_before >= q->nr ||
	    p->offset != q->offsets[nr_before])
		return false;
	if (p->nr_rules > WORKER_PAGE_SIZE_MAX / 8 || p->nr_rows > WORKER_PAGE_SIZE_MAX / 4 ||
	    (p->status && (p->nr_rules || p->nr_rows)))
		return false;
	return size == worker_page_size(p) && size <= sizeof(*p);
}
