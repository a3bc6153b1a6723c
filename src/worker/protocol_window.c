#include "worker/protocol_window.h"

bool worker_window_valid(const struct worker_window *w, size_t size, unsigned nr_fds)
{
	if (size != sizeof(*w) || w->type != WORKER_WINDOW || w->symbolize > WORKER_LINES)
		return false;
	if (w->profile_size > WORKER_WINDOW_SIZE_MAX ||
	    w->nr_mappings > WORKER_WINDOW_SIZE_MAX / sizeof(uint32_t) ||
	    w->nr_objects > WORKER_OBJECTS_MAX)
		return false;
	if (w->compress_level < 1 || w->compress_level > 9)
		return false;
	if (w->has_kallsyms > 1 || w->kernel_relative > 1 || w->sync > 1 || w->unused)
		return false;
	return nr_fds == 2u + w->has_kallsyms;
}

bool worker_objects_valid(const struct worker_objects *o, size_t size, unsigned nr_fds,
			  const struct worker_window *w, uint32_t nr_before)
{
	unsigned want_fds = 0;

	if (size < offsetof(struct worker_objects, objects) || o->type != WORKER_OBJECTS ||
	    o->cookie != w->cookie)
		return false;
	if (!o->nr || o->nr > WORKER_OBJECTS_PER_MESSAGE || o->nr > w->nr_objects - nr_before ||
	    size != worker_objects_size(o))
		return false;
	for (uint32_t i = 0; i < o->nr; i++) {
		if (o->objects[i].build_id_size > sizeof(o->objects[i].build_id) ||
		    o->objects[i].quarantined > 1 || o->objects[i].files >> WORKER_NR_FILES ||
		    o->objects[i].flags & ~(WORKER_INDEX_COMING | WORKER_JIT_MAP))
			return false;
		want_fds += worker_object_nr_fds(&o->objects[i]);
	}
	return nr_fds == want_fds;
}

bool worker_symbols_valid(const struct worker_symbols *s, size_t size, const struct worker_window *w, uint32_t nr_before,
			  uint32_t last)
{
	if (size < offsetof(struct worker_symbols, objects) || s->type != WORKER_SYMBOLS || s->cookie != w->cookie)
		return false;
	if (!s->nr || s->nr > WORKER_SYMBOLS_PER_MESSAGE || s->nr > WORKER_SYMBOLS_MAX - nr_before ||
	    size != worker_symbols_size(s))
		return false;
	for (uint32_t i = 0; i < s->nr; i++) {
		const struct worker_object_symbols *o = &s->objects[i];
		bool is_first = !nr_before && !i;

		if ((o->object >= w->nr_objects && o->object != WORKER_PARSING_KALLSYMS) ||
		    (!is_first && o->object <= last) || o->build_id_size > sizeof(o->build_id) ||
		    !worker_status_valid(o->status) || (o->lines != 1 && !worker_status_valid(o->lines)))
			return false;
		last = o->object;
	}
	return true;
}

bool worker_index_valid(const struct worker_index *x, size_t size, unsigned nr_fds)
{
	return size == sizeof(*x) && x->type == WORKER_INDEX && !x->unused && x->size &&
	       x->size <= WORKER_WINDOW_SIZE_MAX && nr_fds == 1;
}

bool worker_parsing_valid(const struct worker_parsing *p, size_t size,
			  const struct worker_window *w)
{
	return size == sizeof(*p) && p->type == WORKER_PARSING && p->cookie == w->cookie &&
	       (p->object < w->nr_objects || p->object == WORKER_PARSING_KALLSYMS ||
		p->object == WORKER_PARSING_NONE);
}

bool worker_want_valid(const struct worker_want *want, size_t size, const struct worker_window *w)
{
	return size == sizeof(*want) && want->type == WORKER_WANT && want->cookie == w->cookie &&
	       want->object < w->nr_objects &&
	       (want->file == WORKER_DEBUG_FILE || want->file == WORKER_ALT_FILE) &&
	       debug_names_valid(&want->names);
}

bool worker_done_valid(const struct worker_done *d, size_t size, const struct worker_window *w)
{
	return size == sizeof(*d) && d->type == WORKER_DONE && d->cookie == w->cookie &&
	       worker_status_valid(d->status) && worker_status_valid(d->kallsyms_status) &&
	       !d->unused && d->nr_named <= d->nr_locations &&
	       d->nr_bounded <= d->nr_locations - d->nr_named &&
	       d->nr_lined <= d->nr_locations;
}
