#include "unwind/mirror.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/hash.h"
#include "base/mem.h"
#include "unwind/mirror_impl.h"

/* --- Images --- */

static uint64_t image_hash(uint32_t serial, const struct mirror_map *maps, uint32_t nr)
{
	uint64_t h = hash_mix(serial ^ hash_seed, 0x9e3779b97f4a7c15);

	for (uint32_t i = 0; i < nr; i++) {
		h = hash_mix(h ^ maps[i].start, 0xd6e8feb86659fd93);
		h = hash_mix(h ^ maps[i].end, 0x9e3779b97f4a7c15);
		h = hash_mix(h ^ maps[i].pgoff, 0xd6e8feb86659fd93);
		h = hash_mix(h ^ ((uint64_t)maps[i].kind << 32 | maps[i].object), 0x9e3779b97f4a7c15);
	}
	return h;
}

static uint32_t image_find(const struct unwind_mirror *m, uint64_t hash, uint32_t serial, uint32_t nr)
{
	uint32_t pos, i;

	for (i = hash_first(&m->image_hash, (uint32_t)hash, &pos); i != HASH_NONE;
	     i = hash_next(&m->image_hash, (uint32_t)hash, &pos))
		if (m->images[i].hash == hash && m->images[i].serial == serial && m->images[i].nr == nr)
			return i;
	return HASH_NONE;
}

static void image_write(struct unwind_mirror *m, struct mirror_image *image, const struct mirror_map *maps)
{
	struct unwind_kmap *to = &m->memory.kmaps[image->first];

	*to++ = (struct unwind_kmap){ .start = image->serial };
	for (uint32_t i = 0; i < image->nr; i++) {
		struct unwind_kmap k = { .start = maps[i].start, .end = maps[i].end, .kind = (uint16_t)maps[i].kind };
		uint32_t range = image->ranges[i];

		if (range != HASH_NONE) {
			k.skew = maps[i].pgoff & (UNWIND_PAGE_SIZE - 1);
			k.page = m->ranges[range].index +
				 (uint32_t)((maps[i].pgoff >> UNWIND_PAGE_SHIFT) - m->ranges[range].page);
		} else if (maps[i].kind == UNWIND_KMAP_TABLES) {
			k.kind = UNWIND_KMAP_ASK; /* its pages had no room: copies do */
		}
		*to++ = k;
	}
}

static uint32_t image_new(struct unwind_mirror *m, uint64_t hash, uint32_t serial, const struct mirror_map *maps,
			  uint32_t nr)
{
	struct mirror_image image = { .hash = hash, .serial = serial, .nr = nr };
	uint32_t i = m->free_image;

	image.first = extents_get(&m->kmaps, nr + 1, m->kmaps.nr);
	if (image.first == EXTENTS_NONE)
		return HASH_NONE;
	image.ranges = xreallocarray(NULL, nr + 1, sizeof(*image.ranges));
	for (uint32_t k = 0; k < nr; k++) {
		image.ranges[k] = maps[k].kind == UNWIND_KMAP_TABLES ? mirror_range_get(m, &maps[k]) : HASH_NONE;
		if (maps[k].kind == UNWIND_KMAP_TABLES && image.ranges[k] == HASH_NONE)
			image.hash = hash + 1; /* not what was asked for: to be tried again */
	}
	image_write(m, &image, maps);
	if (i) {
		m->free_image = m->images[--i].next_free;
	} else {
		i = m->nr_images;
		array_push(m->images, m->nr_images, m->images_cap);
	}
	m->images[i] = image;
	hash_add(&m->image_hash, (uint32_t)image.hash, i);
	return i;
}

static void image_put(struct unwind_mirror *m, uint32_t i)
{
	struct mirror_image *image = &m->images[i];

	if (--image->refs)
		return;
	hash_del(&m->image_hash, (uint32_t)image->hash, i);
	extents_put(&m->kmaps, image->first, image->nr + 1, m->now_ns);
	for (uint32_t k = 0; k < image->nr; k++)
		if (image->ranges[k] != HASH_NONE)
			m->ranges[image->ranges[k]].refs--;
	free(image->ranges);
	*image = (struct mirror_image){ .next_free = m->free_image };
	m->free_image = i + 1;
}

/* --- Processes --- */

static uint32_t process_index(const struct unwind_mirror *m, uint32_t pid)
{
	uint32_t pos, i;

	for (i = hash_first(&m->process_hash, hash_u64(pid), &pos); i != HASH_NONE;
	     i = hash_next(&m->process_hash, hash_u64(pid), &pos))
		if (m->processes[i].pid == pid)
			return i;
	return HASH_NONE;
}

static uint64_t *free_slot(struct unwind_mirror *m, uint32_t pid)
{
	for (uint32_t second = 0; second < 2; second++) {
		struct unwind_bucket *b =
			&m->memory.buckets[unwind_bucket_hash(pid, second) & (m->memory.nr_buckets - 1)];

		for (unsigned i = 0; i < UNWIND_BUCKET_SLOTS; i++)
			if (!b->slots[i])
				return &b->slots[i];
	}
	return NULL;
}

/* All that a slot leads to is written before the slot is. */
static void publish(uint64_t *at, uint64_t value)
{
	__atomic_store_n(at, value, __ATOMIC_RELEASE);
}

bool mirror_put(struct unwind_mirror *m, uint32_t pid, uint32_t serial, const struct mirror_map *maps, uint32_t nr)
{
	uint64_t hash = image_hash(serial, maps, nr);
	uint32_t at = process_index(m, pid), i = HASH_NONE;
	struct mirror_process *p = at == HASH_NONE ? NULL : &m->processes[at];
	uint64_t *slot = p ? p->slot : free_slot(m, pid);

	if (p && m->images[p->image].hash == hash)
		return true;
	if (slot && pid >> UNWIND_PID_BITS == 0 && nr <= UNWIND_IMAGE_MAPS_MAX) {
		i = image_find(m, hash, serial, nr);
		if (i == HASH_NONE)
			i = image_new(m, hash, serial, maps, nr);
	}
	if (i == HASH_NONE) {
		m->nr_no_room++;
		mirror_del(m, pid);
		return false;
	}
	m->images[i].refs++;
	publish(slot, unwind_slot(pid, nr, m->images[i].first));
	if (p) {
		image_put(m, p->image);
		p->image = i;
		return true;
	}
	hash_add(&m->process_hash, hash_u64(pid), m->nr_processes);
	*array_push(m->processes, m->nr_processes, m->processes_cap) = (struct mirror_process){ pid, i, slot };
	return true;
}

void mirror_del(struct unwind_mirror *m, uint32_t pid)
{
	uint32_t i = process_index(m, pid), last;

	if (i == HASH_NONE)
		return;
	publish(m->processes[i].slot, 0);
	image_put(m, m->processes[i].image);
	hash_del(&m->process_hash, hash_u64(pid), i);
	last = --m->nr_processes;
	if (i == last)
		return;
	hash_move(&m->process_hash, hash_u64(m->processes[last].pid), last, i);
	m->processes[i] = m->processes[last];
}

void mirror_each(struct unwind_mirror *m, void (*fn)(void *ctx, uint32_t pid), void *ctx)
{
	for (uint32_t i = m->nr_processes; i-- > 0;) /* the last takes the place of one that goes */
		fn(ctx, m->processes[i].pid);
}

/* --- The whole --- */

/* What was put back since the last time may be read still, however long ago the last tick was that gave it its time: what
 * was put back before that may not. */
static void settle(struct unwind_mirror *m)
{
	extents_settle(&m->kmaps, m->settled_ns);
	extents_settle(&m->kpages, m->settled_ns);
	extents_settle(&m->units, m->settled_ns);
	unwind_tables_settle(m->tables);
	m->settled_ns = m->now_ns;
}

void mirror_tick(struct unwind_mirror *m, uint64_t now_ns)
{
	m->now_ns = now_ns;
	if (now_ns < m->settled_ns + MIRROR_GRACE_NS)
		return;
	settle(m);
	if (m->failed_ns && now_ns >= m->failed_ns)
		mirror_pages_retry(m);
	if (m->room_ns && now_ns >= m->room_ns)
		mirror_pages_fill(m);
}

struct unwind_mirror *mirror_new(const struct mirror_memory *memory, struct unwind_tables *t)
{
	struct unwind_mirror *m = xcalloc(1, sizeof(*m));

	m->memory = *memory;
	m->tables = t;
	m->slabs = xcalloc(memory->nr_slabs + 1, sizeof(*m->slabs));
	extents_init(&m->kmaps, memory->nr_kmaps);
	extents_init(&m->kpages, memory->nr_kpages);
	extents_init(&m->units, memory->nr_slabs * MIRROR_SLAB_UNITS);
	mirror_pages_watch(m);
	return m;
}

void mirror_free(struct unwind_mirror *m)
{
	if (!m)
		return;
	unwind_tables_watch(m->tables, NULL);
	for (uint32_t i = 0; i < m->nr_images; i++)
		free(m->images[i].ranges);
	free(m->images);
	free(m->ranges);
	free(m->processes);
	free(m->slabs);
	hash_fini(&m->image_hash);
	hash_fini(&m->process_hash);
	extents_fini(&m->kmaps);
	extents_fini(&m->kpages);
	extents_fini(&m->units);
	free(m);
}

void mirror_stats(const struct unwind_mirror *m, struct mirror_stats *s)
{
	*s = (struct mirror_stats){ .nr_processes = m->nr_processes, .nr_images = m->image_hash.nr,
				    .nr_pages = m->nr_pages, .nr_no_room = m->nr_no_room };
	for (uint32_t i = 0; i < m->nr_ranges; i++)
		s->nr_ranges += m->ranges[i].nr != 0;
	for (uint32_t i = 0; i < m->memory.nr_slabs; i++)
		s->nr_slabs += m->slabs[i] != NULL;
}
