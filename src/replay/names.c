/* Names for all profiles of a file: the kernel's from kallsyms, the others by symbolize. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proc/process.h"
#include "replay/impl.h"

void replay_number_objects(struct profile *p)
{
	for (uint32_t i = 0; i < p->nr_mappings; i++)
		if (p->mappings[i].object >= OBJECT_FIRST)
			p->mappings[i].object -= OBJECT_FIRST - 1;
}

/* What is named after our own vDSO must be that: by its build id, or because the kernel is ours. */
static bool is_foreign_vdso(const struct replay_names *n, const struct profile *p, uint32_t mapping)
{
	const struct profile_mapping *m = &p->mappings[mapping];
	bool ours = n->kernel.kallsyms && !n->kernel.given;

	return !strcmp(profile_str(p, m->filename), VDSO_NAME) &&
	       (!n->o->symbolize || (!ours && !*profile_str(p, m->build_id)));
}

static void name_profile(struct replay_names *n, struct symbolizer *symbolizer, struct profile *p)
{
	struct profile_function vdso = { 0 };
	struct profile_line line = { 0 };

	for (uint32_t i = 0; i < p->nr_locations; i++) {
		uint32_t mapping = p->locations[i].mapping;

		if (mapping == PROFILE_NO_MAPPING || !is_foreign_vdso(n, p, mapping))
			continue;
		vdso.name = vdso.system_name = profile_string(p, VDSO_NAME);
		line.function = profile_function(p, &vdso);
		profile_set_lines(p, i, &line, 1);
	}
	replay_number_objects(p);
	/* Files that were opened to walk stacks only give no names. */
	for (uint32_t i = 0; i < p->nr_mappings && !n->o->symbolize; i++)
		p->mappings[i].object = 0;
	replay_kernel_name(&n->kernel, p, PROFILE_NO_MAPPING);
	symbolize(symbolizer, p, n->files.objects, n->files.nr_objects, NULL, NULL, NULL);
	for (uint32_t i = 0; i < p->nr_mappings; i++)
		if (is_foreign_vdso(n, p, i))
			p->mappings[i].has_functions = false;
}

int replay_names_give(struct replay_names *n, struct replay *r, char *error, size_t error_size)
{
	struct symbolizer *symbolizer;
	int err = n->o->symbolize ? replay_kernel_open(&n->kernel, n->o->kallsyms) : 0;

	if (err) {
		snprintf(error, error_size, "%s: %s", n->o->kallsyms,
			 err == -EACCES ? "hides its addresses, or may not be read"
					: strerror(-err));
		return err;
	}
	symbolizer = symbolizer_new(SYMBOLS_SIZE);
	if (n->o->symbolize && n->o->lines)
		symbolizer_set_lines(symbolizer,
				     &(struct symbolize_lines){ .size = LINES_SIZE, .now = true,
								.open_file = replay_debug_open,
								.ctx = n });
	if (n->o->symbolize)
		symbolizer_set_debug(symbolizer, &(struct symbolize_debug){ .want = replay_debug_want,
									     .ctx = n });
	for (unsigned i = 0; i < r->nr_events; i++)
		if (r->events[i].profile)
			name_profile(n, symbolizer, r->events[i].profile);
	symbolizer_free(symbolizer);
	return 0;
}

void replay_names_fini(struct replay_names *n)
{
	replay_files_fini(&n->files);
	replay_kernel_fini(&n->kernel);
}
