/* pprofctl merge */
#include <string.h>

#include "base/log.h"
#include "cli/output.h"
#include "cli/select.h"

#define COMM_MAX 15 /* TASK_COMM_LEN - 1 */

/* The value of the label comm that all samples have; NULL: there are several, or none. */
static const char *only_comm(const struct profile *p)
{
	const char *only = NULL;

	for (uint32_t i = 0; i < p->nr_samples; i++) {
		const char *comm = profile_label(p, p->samples[i].label_set, "comm");

		if (!comm || (only && strcmp(comm, only)))
			return NULL;
		only = comm;
	}
	return only;
}

/* Readers call a file by its first mapping: that of one program's samples is its executable, which
 * is the mapping whose name the kernel made the comm of. */
static void put_executable_first(struct profile *p)
{
	const char *comm = only_comm(p);
	size_t size = comm ? strlen(comm) : 0;

	for (uint32_t i = 0; comm && i < p->nr_mappings; i++) {
		const char *file = profile_str(p, p->mappings[i].filename);
		const char *slash = strrchr(file, '/');

		if (slash && !strncmp(slash + 1, comm, size) &&
		    (!slash[1 + size] || size == COMM_MAX)) {
			profile_first_mapping(p, i);
			return;
		}
	}
}

int cli_merge(struct cli *cli, int argc, char **argv)
{
	static const struct option longs[] = {
		SELECT_OPTIONS,
		{ "output", required_argument, NULL, 'o' },
		{ 0 },
	};
	const char *path = NULL;
	struct profile *p = NULL;
	struct select s;
	int c, err;

	select_init(&s);
	while ((c = cli_getopt(cli, argc, argv, "o:", longs)) != -1) {
		if (c == CLI_OPTION_USAGE || c == CLI_OPTION_HELP)
			return cli_getopt_status(c);
		if (c == 'o')
			path = optarg;
		else if (!select_option(cli, &s, c, optarg))
			return CLI_USAGE;
	}
	if (!path)
		return cli_usage(cli, "where to? -o FILE is missing");
	if (select_read(cli, &s, argv + optind, argc - optind, &p))
		return CLI_FAILED;
	if (s.nr_labels)
		put_executable_first(p);
	err = output_profile(path, p);
	profile_free(p);
	return err ? CLI_FAILED : CLI_DONE;
}
