#include "worker/symbols.h"

#include <string.h>

static const uint8_t level_of[LEVEL_NR] = {
	[0] = WORKER_LEVEL_NONE,
	[LEVEL_GO] = WORKER_LEVEL_GO,
	[LEVEL_SYMBOL] = WORKER_LEVEL_SYMTAB,
	[LEVEL_DYNSYM] = WORKER_LEVEL_DYNSYM,
	[LEVEL_MINI] = WORKER_LEVEL_MINIDEBUG,
	[LEVEL_DEBUG] = WORKER_LEVEL_DEBUG_FILE,
	[LEVEL_PLT] = WORKER_LEVEL_PLT,
	[LEVEL_BOUNDS] = WORKER_LEVEL_BOUNDS,
	[LEVEL_JIT] = WORKER_LEVEL_JIT,
	[LEVEL_KERNEL] = WORKER_LEVEL_KALLSYMS,
};

/* False: it was asked nothing. */
static bool describe(const struct symbolize_object_stats *from, uint32_t object, struct worker_object_symbols *to)
{
	bool asked = false;

	*to = (struct worker_object_symbols){ .object = object, .status = from->status, .lines = from->lines,
					      .build_id_size = from->build_id_size };
	memcpy(to->build_id, from->build_id, sizeof(to->build_id));
	for (unsigned i = 0; i < LEVEL_NR; i++) {
		to->nr[level_of[i]] += from->nr[i];
		asked |= from->nr[i] != 0;
	}
	return asked;
}

bool symbols_next(const struct symbolize_object_stats *stats, uint32_t nr_objects, uint32_t *at, struct worker_symbols *s)
{
	s->nr = 0;
	for (; *at < nr_objects + SYMBOLIZE_NR_OTHERS && s->nr < WORKER_SYMBOLS_PER_MESSAGE; ++*at) {
		if (*at == nr_objects) /* the vDSO, which is ours */
			continue;
		s->nr += describe(&stats[*at], *at < nr_objects ? *at : WORKER_PARSING_KALLSYMS, &s->objects[s->nr]);
	}
	return s->nr;
}
