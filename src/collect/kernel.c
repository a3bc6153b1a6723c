/* Kernel addresses → locations. Of the running kernel one mapping from _text on; of a recorded one,
 * what the recorder said of its kernel and its modules. */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/kernel_hide.h"
#include "base/text.h"
#include "collect/state.h"

#define KERNEL_NAME "[kernel.kallsyms]"

static char *clean_name(const char *path)
{
	char name[TEXT_MAX], *end;

	text_clean(name, sizeof(name), path, strlen(path));
	/* perf appends the symbol that it relocates by: "[kernel.kallsyms]_text". */
	end = name[0] == '[' ? strchr(name, ']') : NULL;
	if (end)
		end[1] = 0;
	return xstrdup(name);
}

static void kernel_map_fini(struct kernel_map *m)
{
	free(m->name);
	free(m->build_id);
}

/* Takes M's strings. */
static void kernel_add(struct collect *c, struct kernel_map m)
{
	uint32_t i = 0;

	while (i < c->nr_kernel && c->kernel[i].start < m.start)
		i++;
	if (i < c->nr_kernel && c->kernel[i].start == m.start) {
		kernel_map_fini(&c->kernel[i]);
		c->kernel[i] = m;
		return;
	}
	if (c->nr_kernel == KERNEL_MAPS_MAX) {
		kernel_map_fini(&m);
		return;
	}
	array_push(c->kernel, c->nr_kernel, c->kernel_cap);
	memmove(&c->kernel[i + 1], &c->kernel[i], (c->nr_kernel - 1 - i) * sizeof(m));
	c->kernel[i] = m;
}

void kernel_init(struct collect *c)
{
	const struct collect_options *o = &c->o;

	c->kernel_rest = (struct kernel_map){
		.end = UINT64_MAX,
		.name = xstrdup(KERNEL_NAME),
		.build_id = xstrdup(o->kernel_build_id),
	};
	if (o->kernel_text)
		kernel_add(c, (struct kernel_map){
			.start = o->kernel_text,
			.end = UINT64_MAX,
			.pgoff = o->kernel_text,
			.name = xstrdup(KERNEL_NAME),
			.build_id = xstrdup(o->kernel_build_id),
		});
}

void kernel_fini(struct collect *c)
{
	for (uint32_t i = 0; i < c->nr_kernel; i++)
		kernel_map_fini(&c->kernel[i]);
	kernel_map_fini(&c->kernel_rest);
	free(c->kernel);
}

void kernel_mmap(struct collect *c, const struct record_mmap *m)
{
	char build_id[BUILD_ID_HEX_SIZE];
	uint64_t end;

	if (c->o.kernel_relative || !m->size)
		return; /* our own kernel is known without records */
	if (__builtin_add_overflow(m->start, m->size, &end))
		end = UINT64_MAX;
	build_id_hex(build_id, m->build_id, m->build_id_size);
	kernel_add(c, (struct kernel_map){
		.start = m->start,
		.end = end,
		.pgoff = m->pgoff,
		.name = clean_name(m->filename),
		.build_id = xstrdup(build_id),
	});
	/* Where an address belongs may have changed. */
	for (uint32_t i = 0; i < c->nr_kinds; i++)
		cache_clear(&c->kinds[i].cache);
	c->kernel_changed = true;
}

static struct kernel_map *kernel_find(struct collect *c, uint64_t address)
{
	uint32_t low = array_partition(c->kernel, c->nr_kernel, e, e->start <= address);

	/* The last that starts before it, else one around that. */
	while (low--)
		if (address < c->kernel[low].end)
			return &c->kernel[low];
	return &c->kernel_rest;
}

static uint32_t kernel_mapping(struct collect *c, struct kind *k, struct kernel_map *map)
{
	uint32_t *slot;

	if (map->window != c->window) {
		map->window = c->window;
		map->mapping = window_map_add(c, map->start, map->end, OBJECT_NONE);
	}
	slot = window_slot(&k->mappings, &k->mappings_cap, map->mapping);
	if (!*slot) {
		bool hidden = c->o.kernel_relative;
		struct profile_mapping m = {
			.start = hidden ? 0 : map->start,
			.limit = hidden ? UINT64_MAX : map->end,
			.offset = hidden ? 0 : map->pgoff,
			.filename = profile_string(k->profile, map->name),
			.build_id = profile_string(k->profile, map->build_id),
			.object = map->mapping,
		};

		*slot = profile_mapping(k->profile, &m) + 1;
	}
	return *slot - 1;
}

uint32_t resolve_kernel(struct collect *c, struct kind *k, uint64_t address)
{
	uint32_t location = cache_find(&k->cache, 0, address);
	struct kernel_map *map;
	uint64_t shown = address;

	if (location != UINT32_MAX)
		return location;
	map = kernel_find(c, address);
	if (c->o.kernel_relative)
		shown = kernel_hide(address, c->o.kernel_text, c->o.kernel_blind);
	location = profile_location(k->profile, kernel_mapping(c, k, map), shown);
	cache_add(&k->cache, 0, address, location, k->profile->nr_locations);
	return location;
}
