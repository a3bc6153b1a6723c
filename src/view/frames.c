#include "view/frames.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/mem.h"

uint32_t frames_name(struct frames *f, const char *name)
{
	uint32_t hash = hash_bytes(name, strlen(name)), pos, i;

	for (i = hash_first(&f->hash, hash, &pos); i != HASH_NONE;
	     i = hash_next(&f->hash, hash, &pos))
		if (!strcmp(f->names[i], name))
			return i;
	i = f->nr_names;
	*array_push(f->names, f->nr_names, f->names_cap) = name;
	hash_add(&f->hash, hash, i);
	return i;
}

static const char *file_of(const struct frames *f, const struct profile_location *l)
{
	return l->mapping == PROFILE_NO_MAPPING ?
		       "" :
		       profile_str(f->p, f->p->mappings[l->mapping].filename);
}

/* Without a function: "[libfoo.so]". */
static const char *bare_name(struct frames *f, const struct profile_location *l)
{
	const char *file = file_of(f, l), *slash = strrchr(file, '/');
	const char *base = slash ? slash + 1 : file;
	size_t size = strlen(base);
	char *name;

	if (!size)
		return "<unknown>";
	if (*base == '[')
		return base;
	name = arena_alloc(&f->arena, size + 3);
	name[0] = '[';
	memcpy(name + 1, base, size);
	strcpy(name + 1 + size, "]");
	return name;
}

static const char *function_name(struct frames *f, const struct profile_location *l,
				 const struct profile_function *fn)
{
	const char *name = profile_str(f->p, fn->name);

	if (!*name)
		name = profile_str(f->p, fn->system_name);
	return *name ? name : bare_name(f, l);
}

static const char *source_name(struct frames *f, const struct profile_location *l,
			       const struct profile_function *fn)
{
	const char *name = fn ? profile_str(f->p, fn->filename) : "";

	if (!*name)
		name = file_of(f, l);
	if (!*name && fn) /* a frame of our own making: "[lost]" */
		name = function_name(f, l, fn);
	return *name ? name : "<unknown>";
}

void frames_init(struct frames *f, const struct profile *p, enum view_by by)
{
	*f = (struct frames){ .p = p };
	f->first = xreallocarray(NULL, (size_t)p->nr_locations + 1, sizeof(*f->first));
	for (uint32_t i = 0; i < p->nr_locations; i++) {
		const struct profile_location *l = &p->locations[i];
		uint32_t nr = l->nr_lines ? l->nr_lines : 1;

		f->first[i] = f->nr_of;
		for (uint32_t k = 0; k < nr; k++) {
			const struct profile_function *fn =
				l->nr_lines ? &p->functions[p->lines[l->first_line + k].function] :
					      NULL;
			const char *name = by == VIEW_FILE ? source_name(f, l, fn) :
					   fn		   ? function_name(f, l, fn) :
							     bare_name(f, l);

			*array_push(f->of, f->nr_of, f->of_cap) = frames_name(f, name);
		}
	}
	f->first[p->nr_locations] = f->nr_of;
}

void frames_fini(struct frames *f)
{
	free(f->first);
	free(f->of);
	free(f->names);
	hash_fini(&f->hash);
	arena_fini(&f->arena);
}
