#include "symbolize/identify.h"

#include <stdlib.h>

#include "base/mem.h"
#include "object/elf.h"

#define UNASKED UINT32_MAX

/* The string in P of O's build id; 0: it has none. */
static uint32_t build_id_of(struct profile *p, const struct symbolize_object *o)
{
	char hex[2 * ELF_BUILD_ID_MAX + 1];
	uint8_t id[ELF_BUILD_ID_MAX];
	struct elf *e;

	if (elf_open(&e, o->fd))
		return 0;
	elf_build_id_hex(id, elf_build_id(e, id), hex);
	elf_close(e);
	return profile_string(p, hex);
}

void symbolize_identify(struct profile *p, const struct symbolize_object *objects, uint32_t nr_objects,
			symbolize_notice_fn notice, void *ctx)
{
	uint32_t *ids = xreallocarray(NULL, (size_t)nr_objects + 1, sizeof(*ids));

	for (uint32_t i = 0; i < nr_objects; i++)
		ids[i] = UNASKED;
	for (uint32_t i = 0; i < p->nr_mappings; i++) {
		uint32_t object = p->mappings[i].object - 1;

		if (p->mappings[i].build_id || object >= nr_objects || objects[object].quarantined ||
		    objects[object].jit_map)
			continue;
		if (ids[object] == UNASKED) {
			if (notice)
				notice(ctx, object);
			ids[object] = build_id_of(p, &objects[object]);
		}
		p->mappings[i].build_id = ids[object];
	}
	free(ids);
}
