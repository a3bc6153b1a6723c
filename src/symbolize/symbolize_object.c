/* Asks an object, or its separate debug file, for the names of its locations. */
#include <string.h>
#include <unistd.h>

#include "symbolize/symbolize_impl.h"

static const struct symbolize_object *object_of(const struct job *j, uint32_t source)
{
	return source < j->nr_objects ? &j->objects[source] : &j->s->vdso;
}

/* C's debug file: one that came with the object, or one that is to be had at once. */
static void add_debug(struct job *j, uint32_t source, struct cached *c)
{
	const struct symbolize_object *o = object_of(j, source);
	const struct symbolize_debug *debug = &j->s->debug;
	int fd = o->debug_fd;

	if (source >= j->nr_objects || !naming_identified(c, o) ||
	    !debug_file_wanted(c, j->s->lines != NULL))
		return;
	if (fd <= 0 ? debug->earned || !debug->want : debug_file_is_refused(&c->debug, fd))
		return;
	if (j->notice)
		j->notice(j->ctx, source);
	if (fd <= 0)
		fd = debug->want(debug->ctx, source, SYMBOLIZE_DEBUG_FILE, false,
				 &c->debug.link.names);
	if (fd < 0)
		return;
	debug_file_take(c, o->fd, fd);
	if (fd != o->debug_fd)
		close(fd);
}

/* What C, the parsed object (NULL: it is not), is to those who ask for names. */
static void tell_object(struct job *j, uint32_t source, const struct cached *c)
{
	const struct symbolize_object *o = object_of(j, source);
	struct symbolize_object_stats *s = j->stats.objects ? &j->stats.objects[source] : NULL;

	if (!s)
		return;
	s->status = naming_refusal(c, o);
	if (!c)
		return;
	s->build_id_size = c->build_id_size;
	memcpy(s->build_id, c->build_id, sizeof(s->build_id));
}

struct object_state *job_begin_object(struct job *j, uint32_t source)
{
	const struct symbolize_object *o = object_of(j, source);
	struct object_state *state = &j->states[source];

	if (state->begun)
		return state;
	state->begun = true;
	state->c = o->quarantined ? NULL : object_cache_find(&j->s->cache, &o->id);
	if (state->c)
		add_debug(j, source, state->c);
	state->hopeless = o->quarantined || (state->c && !naming_usable(state->c, o));
	if (source < j->nr_objects) {
		j->stats.nr_objects++;
		j->stats.nr_cached += state->c != NULL;
		j->stats.nr_objects_failed += o->quarantined ||
					      (state->c && naming_failed(state->c, o));
	}
	if (o->quarantined || state->c)
		tell_object(j, source, state->c);
	return state;
}

void job_tell_build_id(struct job *j, uint32_t location, const struct cached *c)
{
	struct profile_mapping *m = &j->p->mappings[j->p->locations[location].mapping];
	char hex[2 * ELF_BUILD_ID_MAX + 1];

	if (m->build_id || !c->build_id_size)
		return;
	m->build_id = profile_string(j->p, elf_build_id_hex(c->build_id, c->build_id_size, hex));
}

static struct cached *parse(struct job *j, uint32_t source)
{
	const struct symbolize_object *o = object_of(j, source);
	struct cached *c;

	if (j->notice && source < j->nr_objects)
		j->notice(j->ctx, source);
	c = naming_parse(&j->s->cache, o);
	if (c)
		add_debug(j, source, c);
	if (source < j->nr_objects && (!c || naming_failed(c, o)))
		j->stats.nr_objects_failed++;
	tell_object(j, source, c);
	return c;
}

void job_name_from_object(struct job *j, uint32_t source, const struct radix_entry *todo,
			  uint32_t nr)
{
	const struct symbolize_object *o = object_of(j, source);
	/* It may have left the cache since, when others came. */
	struct cached *c = object_cache_find(&j->s->cache, &o->id);
	bool usable;

	if (!c)
		c = parse(j, source);
	usable = c && naming_usable(c, o);
	for (uint32_t i = 0; i < nr; i++) {
		const char *base = job_base_name(j->p, j->p->locations[todo[i].a].mapping);
		struct name *n = usable ? naming_find(c, o->fd, job_file_offset(j->p, todo[i].a), base)
					: NULL;

		if (c)
			job_tell_build_id(j, todo[i].a, c);
		job_set_name(j, todo[i].a, usable ? &c->names : NULL, n);
		job_count(j, source, n);
	}
	if (!c)
		return;
	levels_trim(&c->levels);
	object_cache_settle(&j->s->cache, c);
}
