/* What is kept from one call to the next. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "object/kallsyms.h"
#include "symbolize/lines.h"
#include "symbolize/symbolize_impl.h"
#include "symbolize/vdso.h"

/* The copy is made now, since a sandbox may forbid it later. Its identity is no file's: there is no
 * such device. */
static void vdso_init(struct symbolizer *s)
{
	uint8_t id[ELF_BUILD_ID_MAX];
	struct elf *e;

	s->vdso.id = (struct object_id){ .dev = UINT64_MAX, .inode = UINT64_MAX };
	s->vdso.fd = vdso_open(&s->vdso.id.size);
	if (s->vdso.fd < 0 || elf_open(&e, s->vdso.fd))
		return;
	elf_build_id_hex(id, elf_build_id(e, id), s->vdso_build_id);
	elf_close(e);
}

struct symbolizer *symbolizer_new(size_t cache_size)
{
	struct symbolizer *s = xcalloc(1, sizeof(*s));

	s->cache.budget = cache_size;
	vdso_init(s);
	return s;
}

void symbolizer_free(struct symbolizer *s)
{
	if (!s)
		return;
	object_cache_fini(&s->cache);
	kallsyms_free(s->kallsyms);
	name_table_fini(&s->kernel_names);
	seen_fini(&s->kernel_seen);
	lines_free(s->lines);
	if (s->vdso.fd >= 0)
		close(s->vdso.fd);
	free(s);
}

void symbolizer_set_cache_size(struct symbolizer *s, size_t cache_size)
{
	object_cache_set_budget(&s->cache, cache_size);
}

size_t symbolizer_size(const struct symbolizer *s)
{
	return sizeof(*s) + s->cache.size + name_table_size(&s->kernel_names) +
	       seen_size(&s->kernel_seen) + (s->lines ? lines_size(s->lines) : 0) +
	       (s->kallsyms ? kallsyms_size(s->kallsyms) : 0);
}

void symbolizer_set_lines(struct symbolizer *s, const struct symbolize_lines *lines)
{
	if (!lines->size) {
		lines_free(s->lines);
		s->lines = NULL;
	} else if (s->lines) {
		lines_set_budget(s->lines, lines->size);
	} else {
		s->lines = lines_new(lines);
	}
}

void symbolizer_set_debug(struct symbolizer *s, const struct symbolize_debug *debug)
{
	s->debug = *debug;
}

bool symbolizer_poll(struct symbolizer *s)
{
	return s->lines && lines_poll(s->lines);
}

int symbolizer_set_kernel(struct symbolizer *s, int kallsyms_fd, bool kernel_relative,
			  uint64_t kernel_blind)
{
	struct kallsyms *k;
	int err;

	s->kernel_relative = kernel_relative;
	s->kernel_blind = kernel_blind;
	if (kallsyms_fd < 0)
		return 0;
	err = kallsyms_open(&k, kallsyms_fd);
	if (err)
		return err;
	kallsyms_free(s->kallsyms);
	name_table_fini(&s->kernel_names);
	seen_fini(&s->kernel_seen);
	s->kallsyms = k;
	return 0;
}
