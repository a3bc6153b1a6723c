#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/kernel_hide.h"
#include "base/reader.h"
#include "base/text.h"
#include "object/kallsyms.h"
#include "replay/impl.h"

#define NOTE_BUILD_ID 3 /* NT_GNU_BUILD_ID */
#define TEXT_UNMOVED 0xffffffff81000000 /* of x86-64 without KASLR: tells no boot from another */

static uint64_t pad4(uint32_t size)
{
	return (size + UINT64_C(3)) & ~UINT64_C(3);
}

/* It is a note of /sys/kernel/notes. */
uint8_t replay_kernel_build_id(uint8_t id[20])
{
	uint8_t notes[8192];
	int fd = open("/sys/kernel/notes", O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : io_pread(fd, notes, sizeof(notes), 0);
	struct reader r;

	if (fd >= 0)
		close(fd);
	if (size <= 0)
		return 0;
	r = reader_of(notes, (size_t)size);
	while (reader_left(&r)) {
		uint32_t name_size = reader_u32(&r), id_size = reader_u32(&r);
		uint32_t type = reader_u32(&r);
		const char *name = reader_bytes(&r, pad4(name_size));
		const uint8_t *found = reader_bytes(&r, pad4(id_size));

		if (!r.failed && type == NOTE_BUILD_ID && name_size == 4 &&
		    !memcmp(name, "GNU", 4) && id_size <= 20) {
			memcpy(id, found, id_size);
			return (uint8_t)id_size;
		}
	}
	return 0;
}

bool replay_kernel_runs_here(const struct replay_kernel *k)
{
	uint8_t id[20];

	return replay_kernel_build_id(id) == k->build_id_size &&
	       !memcmp(id, k->build_id, k->build_id_size);
}

/* Where no build id was recorded, _text at the very place where chance puts it at each boot. */
static bool same_boot(const struct replay_kernel *k)
{
	return k->text && k->text == kallsyms_text(k->kallsyms);
}

int replay_kernel_open(struct replay_kernel *k, const char *path)
{
	int fd, err;

	if (!path && k->build_id_size && !replay_kernel_runs_here(k))
		return 0;
	fd = open(path ? path : "/proc/kallsyms", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return path ? -errno : 0;
	err = kallsyms_open(&k->kallsyms, fd);
	close(fd);
	if (err) {
		k->kallsyms = NULL;
		return path ? err : 0;
	}
	k->given = path;
	if (!path && !k->build_id_size && (!same_boot(k) || k->text == TEXT_UNMOVED))
		replay_kernel_fini(k);
	return 0;
}

/* "[nf_tables]" or "/lib/modules/…/nf-tables.ko.xz" is the module nf_tables. */
static bool is_module(const char *mapping, const char *module)
{
	const char *slash = strrchr(mapping, '/'), *p = slash ? slash + 1 : mapping;

	if (!slash && *p++ != '[')
		return false;
	for (; *module; module++, p++)
		if (*p != *module && !(*p == '-' && *module == '_'))
			return false;
	return slash ? text_has_prefix(p, ".ko") : !strcmp(p, "]");
}

/* Modules move at each load: they are where kallsyms has them only in the same boot, and then it
 * names the same module there. */
static bool find(struct replay_kernel *k, const char *mapping, uint64_t address,
		 struct kallsyms_symbol *sym)
{
	bool kernel = !strcmp(mapping, KERNEL_NAME);
	uint64_t text = k->text ? k->text : kallsyms_text(k->kallsyms);

	if (k->hidden)
		return kernel && address && address < KERNEL_IMAGE_MAX &&
		       !kallsyms_find(k->kallsyms, (int64_t)address, sym) && !sym->module[0];
	if (!k->text && !k->given)
		return false;
	if (kallsyms_find(k->kallsyms, (int64_t)(address - text), sym))
		return false;
	if (!sym->module[0])
		return kernel;
	return (kernel || is_module(mapping, sym->module)) && (!k->text || same_boot(k));
}

void replay_kernel_name(struct replay_kernel *k, struct profile *p, uint32_t mapping)
{
	if (!k->kallsyms)
		return;
	for (uint32_t i = 0; i < p->nr_locations; i++) {
		const struct profile_location *l = &p->locations[i];
		struct profile_function f = { 0 };
		struct profile_line line = { 0 };
		struct kallsyms_symbol sym;
		const struct profile_mapping *m;
		char name[TEXT_MAX];

		if (l->nr_lines || l->mapping == PROFILE_NO_MAPPING ||
		    (mapping != PROFILE_NO_MAPPING && l->mapping != mapping))
			continue;
		m = &p->mappings[l->mapping];
		if (m->object || !find(k, profile_str(p, m->filename), l->address, &sym))
			continue;
		text_clean(name, sizeof(name), sym.name, strlen(sym.name));
		f.name = f.system_name = profile_string(p, name);
		line.function = profile_function(p, &f);
		profile_set_lines(p, i, &line, 1);
	}
}

void replay_kernel_fini(struct replay_kernel *k)
{
	kallsyms_free(k->kallsyms);
	k->kallsyms = NULL;
}
