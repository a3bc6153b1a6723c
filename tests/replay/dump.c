/* dump [--absolute] [FILE]: prints what replay makes of a file, a line for each sample: event, thread's
 * name, pid/tid, frames (leaf first, as mapping:address or a pseudo frame's name), count, value.
 * Addresses of files are offsets into them unless --absolute. For replay.test, which compares it with
 * what perf says. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "replay/replay.h"

static const char *label(const struct profile *p, uint32_t set, const char *key)
{
	const char *value = profile_label(p, set, key);

	return value ? value : "-";
}

static void print_frame(const struct profile *p, const struct profile_location *l, bool absolute)
{
	const struct profile_mapping *m = &p->mappings[l->mapping];
	const char *name;

	if (l->mapping == PROFILE_NO_MAPPING) {
		printf(" %s", profile_str(p, p->functions[p->lines[l->first_line].function].name));
		return;
	}
	name = profile_str(p, m->filename);
	absolute |= !strncmp(name, "[kernel", 7);
	printf(" %s:%" PRIx64, name, absolute ? l->address : l->address - m->start + m->offset);
}

static void print_event(const struct replay_event *e, bool absolute)
{
	const struct profile *p = e->profile;

	for (uint32_t i = 0; p && i < p->nr_samples; i++) {
		const struct profile_stack *s = &p->stacks[p->samples[i].stack];
		uint32_t set = p->samples[i].label_set;

		printf("%s|%s|%s/%s|", e->name, label(p, set, "thread_comm"), label(p, set, "pid"),
		       label(p, set, "tid"));
		for (uint32_t j = 0; j < s->nr; j++)
			print_frame(p, &p->locations[p->stack_locations[s->first + j]], absolute);
		printf("|%" PRId64 "|%" PRId64 "\n", p->values[2 * i], p->values[2 * i + 1]);
	}
}

int main(int argc, char **argv)
{
	const struct replay_options o = { .limit = 64 << 20 };
	struct replay *r = NULL;
	char error[256] = "";
	bool absolute = argc > 1 && !strcmp(argv[1], "--absolute");
	const char *file = argc > 1 + absolute ? argv[1 + absolute] : "/dev/stdin";
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		perror(file);
		return 2;
	}
	if (replay_file(&r, fd, &o, error, sizeof(error))) {
		fprintf(stderr, "dump: %s\n", error);
		return 1;
	}
	if (r->warning[0])
		fprintf(stderr, "dump: %s\n", r->warning);
	for (unsigned i = 0; i < r->nr_events; i++)
		print_event(&r->events[i], absolute);
	replay_free(r);
	return 0;
}
